"""Composite and batch: several calls in one request, each with its own headers, references and answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from allocator.sandbox.faults import Moment, WholeReply
from allocator.sandbox.log import open_sub
from allocator.sandbox.salesforce.rest import Call, Rest
from allocator.sandbox.wire import ApiError, Headers, Request, Response, flag, missing_resource, wrong_method

MOST, MOST_QUERIES = 25, 5
REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\[\d+\]|\.[A-Za-z0-9_]+)*)\}")
REFERENCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
STEP = re.compile(r"\[(\d+)\]|\.([A-Za-z0-9_]+)")
FORBIDDEN_HEADERS = {"accept", "authorization", "content-type"}
HALTED = "The transaction was rolled back since another operation in the same transaction failed."
Collections = Callable[[Call], Response]


class Composite:
    """Serves /composite; the collections below it come from their own module."""

    def __init__(self, rest: Rest, collections: Collections) -> None:
        self._rest, self._collections = rest, collections

    def serve(self, call: Call) -> Response:
        kind = call.parts[1].lower() if len(call.parts) > 1 else ""
        if kind == "sobjects":
            return self._collections(call)
        if kind not in ("", "batch"):
            raise missing_resource()
        if call.method == "GET" and not kind:
            names = ("sobjects", "batch")
            return Response(200, {name: f"/services/data/v{call.version}/composite/{name}" for name in names})
        if call.method != "POST":
            raise wrong_method(call.method, "POST")
        if call.request.outer is not None:
            raise ApiError(400, "INVALID_INPUT", "A composite request cannot hold another composite request")
        return self._batch(call) if kind else self._composite(call)

    def _composite(self, call: Call) -> Response:
        body = call.request.json()
        subs = _sub_requests(body, "compositeRequest")
        _check(subs)
        all_or_none = flag(body.get("allOrNone"))
        with self._rest.org.records.undoable() as journal:
            answers = self._run(call, subs, all_or_none)
            if all_or_none and any(answer.status >= 400 for answer in answers.values()):
                self._rest.org.records.roll_back(journal)
                answers = {name: _halted_unless_failed(answer) for name, answer in answers.items()}
                _restate(call.request.entry, answers)
        return Response(200, {"compositeResponse": [_shown(sub["referenceId"], answers) for sub in subs]})

    def _run(self, call: Call, subs: list[dict[str, Any]], all_or_none: bool) -> dict[str, Response]:
        answers: dict[str, Response] = {}
        for sub in subs:
            failed = any(answer.status >= 400 for answer in answers.values())
            if all_or_none and failed:
                answers[sub["referenceId"]] = _halted()
            else:
                answers[sub["referenceId"]] = self._sub(call, sub, answers)
        return answers

    def _sub(self, call: Call, sub: dict[str, Any], answers: dict[str, Response]) -> Response:
        headers = {str(name): str(text) for name, text in (sub.get("httpHeaders") or {}).items()}
        method, url, value = sub["method"].upper(), sub["url"], sub.get("body")
        try:
            url, value = _filled_url(url, answers), _filled(value, answers)
            if refused := [name for name in headers if name.lower() in FORBIDDEN_HEADERS]:
                text = f"The header {refused[0]} is not supported in a subrequest"
                raise ApiError(400, "INVALID_INPUT", text)
        except ApiError as error:
            open_sub(call.request.entry, method, url, headers, value)["status"] = error.status
            return error.response()
        return self._call(call.request, method, url, headers, value)

    def _call(self, outer: Request, method: str, url: str, headers: dict[str, str], value: Any) -> Response:
        """Run one sub-request. The outer request's headers are its own: a sub-request names what it needs."""
        entry = open_sub(outer.entry, method, url, headers, value)
        request = Request(
            method,
            _target(url),
            Headers(headers),
            value=value,
            alive=outer.alive,
            entry=entry,
            outer=outer,
            user_id=outer.user_id,
        )
        work = self._answer_of(request)
        # A single record's own moment is inside its resource; other resources have theirs here.
        many = "/composite/sobjects" in request.raw_path and method != "GET"
        response = (
            work() if is_record_call(request) else self._rest.faults.around(Moment(request, many=many), work)
        )
        entry["status"] = response.status
        if response.truncate or isinstance(response.body, bytes):
            raise WholeReply(response)
        return response

    def _answer_of(self, request: Request) -> Callable[[], Response]:
        def work() -> Response:
            response = self._rest.serve(request)
            if not is_record_call(request):
                request.entry["done"] = response.status
            return response

        return work

    def _batch(self, call: Call) -> Response:
        """ "Composite Batch" (REST API Developer Guide): independent calls, urls without /services/data/."""
        body = call.request.json()
        subs = _sub_requests(body, "batchRequests")
        results: list[dict[str, Any]] = []
        for place, sub in enumerate(subs):
            if place:
                self._rest.usage.count()  # each sub-request of a batch counts; the first one has been counted
            if flag(body.get("haltOnError")) and any(result["statusCode"] >= 400 for result in results):
                halted = ApiError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
                results.append({"statusCode": 412, "result": halted.body()})
                continue
            url = re.sub(r"^/?(services/data/)?", "/services/data/", str(sub.get("url", "")))
            method = str(sub.get("method", "GET")).upper()
            answer = self._call(call.request, method, url, {}, sub.get("richInput"))
            results.append({"statusCode": answer.status, "result": answer.body})
        failed = any(result["statusCode"] >= 400 for result in results)
        return Response(200, {"hasErrors": failed, "results": results})


def is_record_call(request: Request) -> bool:
    """Does the path name a record or create one? Such calls meet their faults where the record is known."""
    parts = [part for part in request.raw_path.split("/") if part][3:]
    if parts[:1] != ["sobjects"]:
        return False
    if len(parts) == 2:
        return request.method == "POST"
    return len(parts) in (3, 4) and parts[2] not in ("describe", "updated", "deleted")


def _sub_requests(body: Any, name: str) -> list[dict[str, Any]]:
    subs = body.get(name) if isinstance(body, dict) else None
    if not isinstance(subs, list) or not all(isinstance(sub, dict) for sub in subs) or not subs:
        raise ApiError(400, "JSON_PARSER_ERROR", f"Missing required field or wrong type: {name}")
    if len(subs) > MOST:
        text = f"The request exceeds the limit of {MOST} subrequests"
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    return subs


def _check(subs: list[dict[str, Any]]) -> None:
    """What makes the vendor refuse the whole composite before anything runs."""
    seen: set[str] = set()
    for sub in subs:
        for name in ("method", "url", "referenceId"):
            if not isinstance(sub.get(name), str):
                raise ApiError(400, "JSON_PARSER_ERROR", f"Missing required field: {name}")
        if not isinstance(sub.get("httpHeaders") or {}, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "httpHeaders must be an object")
        _check_reference_id(sub["referenceId"], seen)
        if not sub["url"].startswith("/services/data/v"):
            raise ApiError(
                400, "INVALID_INPUT", f"The url of a subrequest must start with /services/data/: {sub['url']}"
            )
    if sum(map(_is_query_like, subs)) > MOST_QUERIES:
        text = f"The request exceeds the limit of {MOST_QUERIES} query and sObject collection subrequests"
        raise ApiError(400, "LIMIT_EXCEEDED", text)


def _check_reference_id(name: str, seen: set[str]) -> None:
    if not REFERENCE_ID.fullmatch(name):
        text = (
            f"Provided referenceId ('{name}') must start with a letter or a number, and it can contain "
            "only letters, numbers and underscores ('_')."
        )
        raise ApiError(400, "INVALID_INPUT", text)
    if name in seen:
        raise ApiError(400, "INVALID_INPUT", f"Provided referenceId ('{name}') is duplicated.")
    seen.add(name)


def _is_query_like(sub: dict[str, Any]) -> bool:
    return bool(re.match(r"/services/data/v[\d.]+/(query|queryAll|composite/sobjects)\b", sub["url"], re.I))


def _halted() -> Response:
    return ApiError(400, "PROCESSING_HALTED", HALTED).response()


def _halted_unless_failed(answer: Response) -> Response:
    return answer if answer.status >= 400 else _halted()


def _restate(entry: dict[str, Any], answers: dict[str, Response]) -> None:
    """The log tells what became of each sub-request in the end."""
    for sub, answer in zip(entry.get("sub", []), answers.values(), strict=False):
        sub["status"] = answer.status


def _shown(name: str, answers: dict[str, Response]) -> dict[str, Any]:
    answer = answers[name]
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": name,
    }


def _filled_url(url: str, answers: dict[str, Response]) -> str:
    """A value in a path or query is one piece of it: what would split it is encoded."""
    return REFERENCE.sub(lambda found: quote(_text(_value(found, answers)), safe=" "), url)


def _target(url: str) -> str:
    """What a JSON text may hold plainly (spaces, quotes) as a legal request target."""
    return quote(url, safe="/?&=%+,:;!*'()~@$-._[]<>\"")


def _filled(value: Any, answers: dict[str, Response]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, answers) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, answers) for inner in value]
    if not isinstance(value, str):
        return value
    if whole := REFERENCE.fullmatch(value):
        return _value(whole, answers)
    return REFERENCE.sub(lambda found: _text(_value(found, answers)), value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(found: re.Match[str], answers: dict[str, Response]) -> Any:
    name, path = found[1], found[2]
    answer = answers.get(name)
    if answer is None or answer.status >= 400:
        raise _no_value(name, path)
    value = answer.body
    for index, key in STEP.findall(path):
        try:
            value = value[int(index)] if index else value[key]
        except (LookupError, TypeError):
            raise _no_value(name, path) from None
    return value


def _no_value(name: str, path: str) -> ApiError:
    text = f"Invalid reference specified. No value for {path.lstrip('.')} found in {name}"
    return ApiError(400, "PROCESSING_HALTED", text)
