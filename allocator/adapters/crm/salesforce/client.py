"""The guarded call: one session, bounded re-login and retries, the daily limit, pages, composites.

simple-salesforce is built with a session id and an instance URL ("direct"), because with credentials its own
re-login repeats a call without the caller's headers, and without a bound for single records.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests
import stamina
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from allocator.adapters.crm.http import Timeouts, Transport, netloc, origin_of
from allocator.adapters.crm.salesforce.errors import (
    Expired,
    NoAnswer,
    Refused,
    no_answer,
    quota_error,
    refusal,
)
from allocator.adapters.crm.salesforce.login import Session, log_in
from allocator.adapters.crm.salesforce.settings import SalesforceSettings
from allocator.domain.records import CrmUsage
from allocator.errors import LoginError, QuotaError, SourceError
from allocator.ports import Clock

A = TypeVar("A")
B = TypeVar("B")
Row = dict[str, Any]
Action = Callable[[Salesforce], Any]

TRIES = 4
LONGEST_PAUSE = 60.0
RELOGINS = 3
AT_ONCE = 4
RESTARTS = 2
EMPTY_PAGES = 3
PAGE = {"Sforce-Query-Options": "batchSize=2000"}


class Client:
    """One run's calls to one org. Threads may share it."""

    def __init__(
        self,
        settings: SalesforceSettings,
        *,
        clock: Clock | None,
        sleep: Callable[[float], object],
        timeouts: Timeouts,
    ) -> None:
        self.settings = settings
        self.usage = CrmUsage()
        self.http = Transport(ca_file=settings.ca_file, timeouts=timeouts, count=self._count)
        self.http.allow(settings.url)
        self._clock, self._sleep = clock, sleep
        self._counting, self._login, self._quota = threading.Lock(), threading.Lock(), threading.Lock()
        self._under_way = 0
        self._sf: Salesforce | None = None
        self._generation = 0
        self._exhausted = False

    @property
    def base(self) -> str:
        """The path that sub-requests of a composite begin with."""
        return f"/services/data/v{self.settings.api_version}"

    def close(self) -> None:
        self.http.close()

    def now(self) -> datetime:
        """The CRM's clock in its last answer; our own where it never told."""
        if self.http.date is None:
            self.open()
        return self.http.date or (self._clock.now() if self._clock else datetime.now(UTC))

    def open(self) -> None:
        """Log in if nobody did, with the usual tries. Raises LoginError or SourceError."""
        self.call(lambda sf: None, reserve=True)

    def call(self, action: Action, *, tries: int = TRIES, reserve: bool = False) -> Any:
        """Do it, with at most `tries` tries and one re-login; `reserve` goes beyond our share of the limit.

        `action` is repeated whole, so its headers are the same each time. Raises SourceError and its kin.
        """
        guard = _Guard(self, action)
        last: NoAnswer | None = None
        try:
            # stamina counts; the waits are ours, since they must also respect Retry-After.
            for attempt in stamina.retry_context(
                on=NoAnswer, attempts=tries, timeout=None, wait_initial=0, wait_max=0, wait_jitter=0
            ):
                with attempt:
                    self._pause(attempt.num)
                    with self._within_quota(reserve=reserve):
                        return guard.attempt()
        except NoAnswer as error:
            last = error
        raise last or SourceError("Salesforce was not asked.")

    @contextmanager
    def _within_quota(self, *, reserve: bool) -> Iterator[None]:
        """QuotaError once our share of the daily requests is used up, or Salesforce said that all are.

        What other threads have under way counts: no answer has told of it yet.
        """
        with self._quota:
            if not reserve and (self._exhausted or self._share_used()):
                raise quota_error()
            self._under_way += 1
        try:
            yield
        finally:
            with self._quota:
                self._under_way -= 1

    def _share_used(self) -> bool:
        if self.http.used is None:
            return False
        used, allowed = self.http.used
        return used + self._under_way >= allowed * self.settings.usage_limit

    def _pause(self, attempt: int) -> None:
        """Full jitter between tries, and whatever Retry-After asks for."""
        jitter = random.uniform(0, min(LONGEST_PAUSE, 0.5 * 2**attempt)) if attempt > 1 else 0.0
        seconds = max(jitter, self.http.wait())
        if seconds > 0:
            self._sleep(seconds)

    def attempt(self, action: Action, sf: Salesforce) -> Any:
        """One try; what went wrong comes out as an error of ours that holds no text of the request."""
        failure: SourceError
        try:
            return action(sf)
        except SalesforceError as error:
            failure = refusal(error.status, error.content)
        except QuotaError:
            failure = quota_error()
        except (requests.RequestException, ValueError, RecursionError) as error:
            failure = no_answer(error)
        if isinstance(failure, QuotaError):
            self._exhausted = True
        raise failure

    def session(self) -> tuple[Salesforce, int]:
        """The logged-in library and the number of its log-in."""
        with self._login:
            if self._sf is None:
                self._sf = self._build(log_in(self.http, self.settings))
            return self._sf, self._generation

    def renew(self, generation: int) -> Salesforce:
        """Log in again, unless another thread did since `generation`; at most 3 times a run."""
        with self._login:
            if self._sf is not None and generation != self._generation:
                return self._sf
            if self._generation >= RELOGINS:
                raise LoginError(
                    "Salesforce ended our session again and again (3 new log-ins in this run). Check the "
                    "connected app's session settings and who else uses its user."
                )
            self._generation += 1
            self._sf = None
            self._sf = self._build(log_in(self.http, self.settings))
            return self._sf

    def _build(self, session: Session) -> Salesforce:
        version = self.settings.api_version
        self.http.allow(session.instance_url)
        sf = Salesforce(
            session_id=session.token, instance_url=session.instance_url, session=self.http, version=version
        )
        # The library forgets the brackets of an IPv6 address.
        sf.sf_instance = netloc(origin_of(session.instance_url))
        sf.base_url = f"https://{sf.sf_instance}/services/data/v{version}/"
        return sf

    def _count(self, kind: str) -> None:
        with self._counting:
            self.usage.requests += 1
            self.usage.by_kind[kind] = self.usage.by_kind.get(kind, 0) + 1

    def get(self, kind: str, path: str, *, reserve: bool = False) -> Any:
        return self.call(lambda sf: _restful(sf, path, kind=kind), reserve=reserve)

    def pages(
        self, kind: str, soql: str, *, deleted: bool = False, reserve: bool = False
    ) -> Iterator[list[Row]]:
        """Every page of a query ("Query", REST API Developer Guide, resources_query.htm).

        A lost locator or a count that does not add up starts the query again, at most twice; rows may then
        come twice.
        """
        for left in range(RESTARTS, -1, -1):
            try:
                first = self.call(
                    lambda sf: sf.query(soql, include_deleted=deleted, kind=kind, headers=PAGE),
                    reserve=reserve,
                )
                yield from self.following(kind, first, reserve=reserve)
                return
            except (Refused, _Short) as error:
                lost = isinstance(error, _Short) or error.code == "INVALID_QUERY_LOCATOR"
                if not lost or not left:
                    raise

    def following(self, kind: str, first: Any, *, reserve: bool = False) -> Iterator[list[Row]]:
        """This page and those after it, until the CRM says done and all its rows came."""
        page, seen, count, empty = first, set[str](), 0, 0
        while True:
            rows, locator, total = read_page(page)
            count, empty = count + len(rows), 0 if rows else empty + 1
            yield rows
            if locator is None:
                break
            if locator in seen or count > total or empty > EMPTY_PAGES:
                raise SourceError("Salesforce's pages do not end. The next run asks again.")
            seen.add(locator)
            page = self.call(self._next(kind, locator), reserve=reserve)
        if count != total:
            raise _Short("Salesforce sent fewer or more rows than it announced. The next run asks again.")

    def _next(self, kind: str, locator: str) -> Action:
        return lambda sf: sf.query_more(locator, identifier_is_url=True, kind=kind, headers=PAGE)

    def composite(
        self,
        kind: str,
        parts: Sequence[Mapping[str, Any]],
        read: Callable[[Any], B],
        *,
        tries: int = TRIES,
        headers: Mapping[str, str] | None = None,
    ) -> B:
        """POST these sub-requests, each on its own (requests_composite.htm), and `read` the answer.

        A NoAnswer of `read` is tried again as any other.
        """
        body = {"allOrNone": False, "compositeRequest": list(parts)}
        fixed, long = dict(headers or {}), self.http.timeouts.long

        def action(sf: Salesforce) -> B:
            return read(
                _restful(sf, "composite", method="POST", json=body, headers=fixed, kind=kind, timeout=long)
            )

        answer: B = self.call(action, tries=tries)
        return answer

    def each(self, work: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """Results in order, at most four at a time; the first error is raised."""
        waiting = list(items)
        if len(waiting) < 2:
            return [work(item) for item in waiting]
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return list(pool.map(work, waiting))


class _Guard:
    """One guarded call: however often it is tried, it logs in again at most once."""

    def __init__(self, client: Client, action: Action) -> None:
        self._client, self._action, self._renewed = client, action, False

    def attempt(self) -> Any:
        sf, generation = self._client.session()
        try:
            return self._client.attempt(self._action, sf)
        except Expired:
            if self._renewed:
                raise _never_fresh() from None
        self._renewed = True
        return self._again(self._renew(generation))

    def _renew(self, generation: int) -> Salesforce:
        try:
            return self._client.renew(generation)
        except NoAnswer:
            # What met the expired session was not executed, and was not sent again.
            raise NoAnswer("the session expired and a new log-in got no answer", sent=False) from None

    def _again(self, sf: Salesforce) -> Any:
        try:
            return self._client.attempt(self._action, sf)
        except Expired:
            raise _never_fresh() from None


def _restful(sf: Salesforce, path: str, **options: Any) -> Any:
    """The library measures the length of whatever JSON comes, which null and numbers do not have."""
    try:
        return sf.restful(path, **options)
    except TypeError:
        raise NoAnswer("the answer is neither an object nor a list") from None


def _never_fresh() -> LoginError:
    return LoginError(
        "Salesforce calls a fresh session expired. Check that the integration user may use the API."
    )


class _Short(SourceError):
    """Fewer or more rows than announced."""


def read_page(page: Any) -> tuple[list[Row], str | None, int]:
    """Rows, the next page's URL (None: done) and the total. Malformed is NoAnswer, never "no rows"."""
    if not isinstance(page, dict):
        raise NoAnswer("a page of a query is not one")
    rows, done, total = page.get("records"), page.get("done"), page.get("totalSize")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NoAnswer("a page of a query has no rows")
    if not isinstance(done, bool) or not isinstance(total, int) or isinstance(total, bool):
        raise NoAnswer("a page of a query does not say whether it is the last")
    if done:
        return rows, None, total
    locator = page.get("nextRecordsUrl")
    if not isinstance(locator, str) or not locator.startswith("/services/data/"):
        raise NoAnswer("a page of a query does not say where the next one is")
    return rows, locator, total
