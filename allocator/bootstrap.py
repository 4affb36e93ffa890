"""The wiring: the only file that names adapters. Each part can be replaced by a keyword.

What takes long to import is imported where it is made: most commands need neither the CRM nor a template.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

from allocator.adapters.clock import SystemClock, clock_from
from allocator.adapters.crm.cached import CachedCRM
from allocator.adapters.crm.predicting import PredictingCRM
from allocator.adapters.installed import also_provided
from allocator.adapters.mail.spool import Spool
from allocator.adapters.ping import WebPing
from allocator.adapters.store.health import file_of, probe
from allocator.adapters.store.sql import open_store, schema_version, upgrade_store
from allocator.adapters.tables import WorkbookTables, tables_in
from allocator.bootstrap_marketing import marketing_of, predicted, systems_of
from allocator.config import FILE_NAME, Settings
from allocator.config.secret_files import mode_of, secret_files
from allocator.domain.alerts import Policy
from allocator.domain.tables import Owners, problems_with
from allocator.errors import ConfigError, SourceError, StoreError
from allocator.ports import CRM, Clock, Mailer, Ping, Progress, Store, Tables
from allocator.service import watch
from allocator.service.alerts import Desk, is_stuck
from allocator.service.answering import Answering
from allocator.service.doctor import Subject
from allocator.service.doctor.subject import Facts, Mailing, MailServer, StoreHealth
from allocator.service.post import Round, send_due
from allocator.service.run import Job, Outcome
from allocator.service.shelf import Shelf
from allocator.service.watch import Watched
from allocator.service.workbook import Workbook
from rules.errors import Problem
from rules.model import RoutingTables
from rules.workbook import load
from rules.workbook.check import check

if TYPE_CHECKING:
    from allocator.adapters.crm.salesforce import SalesforceCRM

DISTRIBUTION = "lead-allocator"


def job(
    settings: Settings,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    crm: CRM | None = None,
    progress: Progress = lambda stage, done, total: None,
    stop: Callable[[], bool] = lambda: False,
    leave: Callable[[Outcome], None] | None = None,
    tables: Tables | None = None,
    serving: bool = False,
) -> Job:
    """Everything a run needs, from the settings. Raises ConfigError when something cannot be used."""
    refuse_clash()
    return Job(
        crm=crm or crm_of(settings),
        store=store or store_of(settings),
        tables=tables or tables_of(settings),
        clock=clock or clock_from(),
        fact_fields=settings.fact_fields(),
        live=settings.live,
        lease_seconds=settings.lease_seconds,
        progress=progress,
        stop=stop,
        leave=leave,
        own_fields=settings.facts,
        minute=settings.serve.minute,
        desk=desk_of(settings, serving=serving),
        ping=ping_of(settings),
        marketing=marketing_of(settings, clock=clock),
    )


def tables_of(settings: Settings) -> WorkbookTables:
    """The configured workbook. Keep it: an unchanged file is not read twice."""
    return WorkbookTables(settings.workbook)


def desk_of(settings: Settings, *, serving: bool = False) -> Desk:
    """Where alerts are written. `serving`: this process starts the runs, so it knows the next one."""
    own = settings.alerts
    return Desk(
        policy=Policy(
            environment=settings.environment, oncall=own.oncall, editors=own.editors,
            repeat=timedelta(hours=own.repeat_hours), runbook_url=own.runbook_url, sender=own.sender,
            mails=bool(own.smtp),
        ),
        host=platform.node(), program=version(DISTRIBUTION), lead_url=f"{settings.salesforce.url}/",
        minute=settings.serve.minute, serving=serving,
    )  # fmt: skip


def mailer_of(settings: Settings) -> Mailer | None:
    """The configured mail server, None where there is none."""
    own = settings.alerts
    if not own.smtp:
        return None
    from allocator.adapters.mail.smtp import SmtpMailer, SmtpSettings

    return SmtpMailer(
        SmtpSettings(
            host=own.host, port=own.port, tls=own.security, username=own.username, password=own.secret(),
            sender=own.sender, ca_file=own.ca_file,
        )
    )  # fmt: skip


def ping_of(settings: Settings) -> Ping:
    """The outside watch, or nobody."""
    return WebPing(settings.alerts.ping_url) if settings.alerts.ping_url else lambda event: None


def send_mails(settings: Settings, store: Store, clock: Clock) -> Round:
    """Send the mails that are due, where a mail server is configured."""
    mailer = mailer_of(settings)
    done = send_due(store, mailer, clock.now) if mailer else Round()
    Spool(settings.base / FILE_NAME).forget()  # the store answered
    return done


def crm_of(settings: Settings, *, sleep: Callable[[float], object] = time.sleep) -> CRM:
    """The configured CRM behind the cache of one run."""
    return CachedCRM(salesforce_of(settings, sleep=sleep))


def salesforce_of(
    settings: Settings, *, sleep: Callable[[float], object], usage_limit: float | None = None
) -> SalesforceCRM:
    """The configured org itself; `usage_limit` instead of the configured one."""
    from allocator.adapters.crm.salesforce import SalesforceCRM, SalesforceSettings

    own = settings.salesforce
    known = SalesforceSettings(
        url=own.url, login=own.login, client_id=own.client_id,
        client_secret=own.secret() if own.login == "client_credentials" else "",
        username=own.username,
        private_key_file=own.private_key_file,
        ca_file=own.ca_file,
        api_version=own.api_version,
        intake=own.intake,
        account_domain_field=own.account_domain_field,
        external_id=own.external_id,
        usage_limit=usage_limit or own.usage_limit,
    )  # fmt: skip
    paths = sorted({path for paths in settings.fact_fields().values() for path in paths})
    return SalesforceCRM(known, fact_paths=paths, sleep=sleep)


def intake_of(settings: Settings) -> frozenset[str] | None:
    """Ids of the intake owners, None where the CRM cannot be asked now: then nobody is kept waiting."""
    try:
        return crm_of(settings, sleep=lambda seconds: None).intake_ids()
    except (ConfigError, SourceError):
        return None


def owners_of(settings: Settings) -> Owners | None:
    """Who can own a lead in the CRM, None where it cannot be asked now: then nobody is kept waiting."""
    try:
        crm = crm_of(settings, sleep=lambda seconds: None)
        return Owners(users=crm.users(), queues=crm.queue_ids(), intake=crm.intake_ids())
    except (ConfigError, SourceError):
        return None


def store_of(settings: Settings) -> Store:
    """The configured store. Raises SchemaError when its schema is not this program's."""
    return open_store(settings.store, base=settings.base)


def look_at_the_clock(settings: Settings, store: Store, now: datetime, *, serving: bool = False) -> Watched:
    """What only time shows, written to the alerts."""
    seen = watch.look_at_the_clock(store, desk_of(settings, serving=serving), ping_of(settings), now)
    Spool(settings.base / FILE_NAME).forget()
    return seen


def look_at_the_mails(settings: Settings, store: Store, now: datetime) -> None:
    """Whether alerts wait for too long, written to the alerts."""
    watch.look_at_the_mails(store, desk_of(settings), ping_of(settings), now)


def tell_of(settings: Settings, store: Store, error: Exception, now: datetime) -> None:
    """A run could not begin: tell on-call."""
    ping_of(settings)("fail")
    watch.tell_of(store, desk_of(settings), error, now)


def tell_without_store(settings: Settings, error: Exception, now: datetime) -> int:
    """The store cannot be used: tell on-call without it. Does nothing for any other error."""
    mailer = mailer_of(settings)
    if not isinstance(error, StoreError):
        return 0
    ping_of(settings)("fail")
    if mailer is None:
        return 0
    desk, spool = desk_of(settings), Spool(settings.base / FILE_NAME)
    may_tell = partial(spool.may_tell, now, desk.policy.repeat)
    return watch.tell_without_store(mailer, desk, error, now, may_tell)


@contextmanager
def telling_without_store(settings: Settings, clock: Clock) -> Iterator[None]:
    """Whatever needs the store: when that is what is down, on-call is told all the same."""
    try:
        yield
    except StoreError as error:
        tell_without_store(settings, error, clock.now())
        raise


def oldest_stuck_mail(settings: Settings) -> datetime | None:
    """Since when the oldest alert waits, if it waits for longer than it may."""
    store = store_if_there(settings) if settings.alerts.smtp else None
    if store is None:
        return None
    try:
        post = store.post()
    finally:
        store.close()
    return post.oldest if is_stuck(post, clock_from().now()) else None


def workbook_loop(settings: Settings, store: Store, clock: Clock) -> Workbook:
    """What looks at the saved file and its draft, and answers."""
    return Workbook(
        tables=tables_of(settings),
        store=store,
        desk=desk_of(settings, serving=True),
        clock=clock,
        fact_fields=settings.fact_fields(),
        intake=lambda: intake_of(settings),
        live=settings.live,
    )


def shelf_of(settings: Settings, store: Store, *, asking: bool = False) -> Shelf:
    """The versions of the tables. `asking`: the CRM is asked what only it can show of one."""
    tables = tables_of(settings)

    def extra(found: RoutingTables) -> Sequence[Problem]:
        intake = intake_of(settings) if asking else None
        return problems_with(found, fact_names=settings.fact_fields(), intake=intake or ())

    return Shelf(store, tables, Answering(store, tables, desk_of(settings), settings.live), extra)


def program() -> str:
    """The installed version."""
    return version(DISTRIBUTION)


def host() -> str:
    return platform.node()


def upgrade(settings: Settings) -> str:
    """Bring the store's schema up to date. Returns its version."""
    return upgrade_store(settings.store, base=settings.base)


@contextmanager
def preview(real: Job) -> Iterator[Job]:
    """The same job on a copy of the store, with a CRM that only seems to be written to: a dry run."""
    with tempfile.TemporaryDirectory(prefix="allocator-dry-run-") as folder:
        copy = Path(folder) / "store.db"
        real.store.backup(str(copy))
        store = open_store(f"sqlite:///{copy}")

        def leave(outcome: Outcome) -> None:
            shutil.rmtree(folder, ignore_errors=True)
            if real.leave is not None:
                real.leave(outcome)

        try:
            yield replace(
                real, store=store, crm=PredictingCRM(real.crm), marketing=predicted(real.marketing),
                leave=leave, desk=None, ping=lambda event: None,
            )  # fmt: skip
        finally:
            store.close()


def refuse_clash() -> None:
    """Both import names exist for unrelated projects: say so rather than fail strangely later."""
    if clash := also_provided(("allocator", "rules"), by=DISTRIBUTION):
        other, name = clash
        raise ConfigError(
            f"Another package, {other}, also provides the import name {name!r}. "
            f"Install {DISTRIBUTION} into its own virtual environment."
        )


def store_if_there(settings: Settings) -> Store | None:
    """The configured store, or None where none was made yet: a question should not create one."""
    if settings.store.startswith("sqlite:///") and not settings.path(Path(settings.store[10:])).exists():
        return None
    return store_of(settings) if schema_version(settings.store, base=settings.base) else None


def current_tables(settings: Settings, store: Store) -> RoutingTables:
    """The tables that answer questions: the newest accepted version, else the workbook itself.

    Raises WorkbookError when neither can be used.
    """
    last = store.tables()
    if last is not None:
        return tables_in(last.content, name=settings.workbook.name)
    return load(settings.workbook)


def next_tables(settings: Settings, store: Store, clock: Clock) -> RoutingTables:
    """The tables of the next run: the workbook as it was saved, if it is good and does not wait, else those
    that run. As when it was saved, the verdict is kept in the store."""
    return workbook_loop(settings, store, clock).judged(clock.now()).look.tables


def org_template(settings: Settings, path: Path) -> int:
    """Write a workbook with the org's active users, deciding nothing yet. Returns how many users."""
    from rules.workbook.template import write_org_template

    users = [u for u in crm_of(settings).users().values() if u.active]
    write_org_template(path, users=[(u.id, u.name, u.email) for u in users])
    return len(users)


def demo_template(path: Path) -> None:
    """Write the demo company's workbook: the one at the top of the repository."""
    from rules.workbook.template import shipped_bytes

    path.write_bytes(shipped_bytes())


# --- doctor -----------------------------------------------------------------------------------------------


def subject_of(settings: Settings, config: Path) -> Subject:
    """Everything `doctor` looks at. Opens and asks nothing; raises ConfigError for what can never be used."""
    clock = clock_from()
    return Subject(
        config=config,
        environment=settings.environment,
        live=settings.live,
        workbook=settings.workbook,
        secret_files=secret_files(settings, config),
        folders=_folders(settings),
        mode_of=mode_of,
        free_bytes=lambda folder: shutil.disk_usage(folder).free,
        refuse_clash=refuse_clash,
        check_workbook=lambda: check(settings.workbook, on=clock.now().date()),
        probe_store=lambda: StoreHealth(*probe(settings.store, base=settings.base)),
        open_store=lambda: store_of(settings),
        # All of the limit: what is looked at costs a handful of requests, and must also be seen in need.
        crm=lambda: salesforce_of(settings, sleep=lambda seconds: None, usage_limit=1.0),
        crm_url=settings.salesforce.url,
        usage_limit=settings.salesforce.usage_limit,
        facts=Facts(settings.fact_fields(), settings.facts),
        sources=tuple(name for name in ("hubspot", "drop") if getattr(settings, name)),
        mailing=_mailing(settings),
        systems=systems_of(settings),
        machine=SystemClock(),
        clock=clock,
        fixed=not isinstance(clock, SystemClock),
        host=platform.node(),
        program=version(DISTRIBUTION),
    )


def _mailing(settings: Settings) -> Mailing:
    own = settings.alerts
    if not own.smtp:
        return Mailing(oncall=own.oncall, editors=own.editors)
    return Mailing(
        server=lambda: cast(MailServer, mailer_of(settings)), address=f"{own.host}:{own.port}",
        sender=own.sender, oncall=own.oncall, editors=own.editors,
    )  # fmt: skip


def _folders(settings: Settings) -> tuple[Path, ...]:
    """Of the workbook and of a store that is a file, or what there is above them."""
    files = (settings.workbook, file_of(settings.store, base=settings.base))
    found = (next((p for p in file.absolute().parents if p.is_dir()), Path("/")) for file in files if file)
    return tuple(dict.fromkeys(found))
