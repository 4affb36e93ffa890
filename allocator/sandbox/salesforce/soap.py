"""The SOAP API of the org: login, convertLead, merge, delete and undelete, with a result for each record.

"SOAP API Developer Guide": an envelope answers 200 with `success` and `errors` for each record; what is
wrong with the call as a whole is a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from allocator.sandbox.faults import Faults, Moment, WholeReply
from allocator.sandbox.oauth import OAuth
from allocator.sandbox.salesforce import recycle_bin
from allocator.sandbox.salesforce.collections import ROLLED_BACK
from allocator.sandbox.salesforce.conversion import Conversion, Wish
from allocator.sandbox.salesforce.duplicates import Choice
from allocator.sandbox.salesforce.org import ORG_ID, Org
from allocator.sandbox.salesforce.schema import to18, valid_id
from allocator.sandbox.salesforce.soap_xml import (
    SoapCall,
    answer,
    client_fault,
    fault,
    local,
    no_operation,
    read_call,
    record_of,
    shown,
    text_of,
)
from allocator.sandbox.salesforce.usage import Usage
from allocator.sandbox.salesforce.writer import Writer
from allocator.sandbox.wire import ApiError, Request, Response, flag

OLDEST, NEWEST, LAST_LOGIN = 31, 68, 64
MOST_CONVERTED, MOST = 100, 200
RECORDS = ("accountRecord", "contactRecord", "opportunityRecord")
Result = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One record of a call: its id, the work, and what its result shows when that is refused."""

    record: str
    work: Callable[[], Result]
    blank: Result


class Soap:
    """Serves /services/Soap/u/ (partner) and /services/Soap/c/ (enterprise)."""

    def __init__(self, org: Org, oauth: OAuth, usage: Usage, faults: Faults) -> None:
        self._org, self._oauth, self._usage, self._faults = org, oauth, usage, faults

    def opened(self, request: Request) -> Any:
        """Take the session out of the envelope; what of the call may be logged is returned."""
        try:
            call = read_call(request)
        except ApiError:
            return None
        request.session = call.header("SessionHeader", "sessionId")
        arguments = None if call.name == "login" else shown(call.body)
        return {"call": call.name, "arguments": arguments}

    def serve(self, request: Request) -> Response:
        try:
            return self._served(request, read_call(request))
        except ApiError as error:
            return fault(request, error.code, error.message)

    def dressed(self, request: Request, response: Response) -> Response:
        """An armed fault's REST error, as this interface words it."""
        if not isinstance(response.body, list):
            return response
        error = response.body[0]
        made = fault(request, error["errorCode"], error["message"])
        made.headers = response.headers
        return made

    def _served(self, request: Request, call: SoapCall) -> Response:
        if not OLDEST <= call.version <= NEWEST:
            text = f"Invalid Api version specified on URL: {call.version}.0"
            raise ApiError(500, "UNSUPPORTED_API_VERSION", text)
        work = {"convertLead": self._convert, "merge": self._merge}.get(call.name)
        work = work or {"delete": self._delete, "undelete": self._undelete}.get(call.name)
        if call.name == "login" and call.version <= LAST_LOGIN:
            return self._answered(call, [self._login(request, call)])
        if work is None:
            raise no_operation(call.space, call.name)
        try:
            user = self._oauth.user_of(request)
        except ApiError:
            text = "Invalid Session ID found in SessionHeader: Illegal Session"
            raise ApiError(500, "INVALID_SESSION_ID", text) from None
        self._usage.count()
        items = work(call, self._writer(request, call, user))
        return self._answered(call, self._all(request, call, items))

    def _answered(self, call: SoapCall, results: list[Result]) -> Response:
        return answer(call, results, self._usage.used(), self._org.settings.api_limit)

    def _writer(self, request: Request, call: SoapCall, user: str) -> Writer:
        """Assignment rules run on create() and update() only, of which there is none here."""
        allow = flag(call.header("DuplicateRuleHeader", "allowSave"))
        details = flag(call.header("DuplicateRuleHeader", "includeRecordDetails"))
        choice = Choice(allow, details, max(float(call.version), 52.0))
        return Writer(self._org, user, rules=False, request=request.entry.get("n"), choice=choice)

    def _login(self, request: Request, call: SoapCall) -> Result:
        """login() ends with version 64.0; a security token may follow the password."""
        name, password = (text_of(call.body, key) or "" for key in ("username", "password"))
        session = self._oauth.by_password(name, password)
        if session is None:
            text = "Invalid username, password, security token; or user locked out."
            raise ApiError(500, "INVALID_LOGIN", text)
        token, user = session
        path = f"/services/Soap/{call.api}/{call.version}.0/{ORG_ID[:15]}"
        return {
            "metadataServerUrl": f"{self._oauth.instance_url}{path.replace(f'/{call.api}/', '/m/', 1)}",
            "passwordExpired": False,
            "sandbox": True,
            "serverUrl": self._oauth.instance_url + path,
            "sessionId": token,
            "userId": user,
            "userInfo": {"organizationId": ORG_ID, "userId": user, "userName": name},
        }

    def _convert(self, call: SoapCall, writer: Writer) -> list[Item]:
        asked = call.arguments("leadConverts")
        _not_more(len(asked), MOST_CONVERTED)
        conversion = Conversion(writer)

        def item(element: Element) -> Item:
            wish = _wish(element)
            blank: Result = dict.fromkeys(("accountId", "contactId", "opportunityId"))
            blank |= {"errors": [], "leadId": _shown_id(wish.lead)}
            return Item(wish.lead, lambda: _converted(conversion, element, wish), blank)

        return [item(element) for element in asked]

    def _merge(self, call: SoapCall, writer: Writer) -> list[Item]:
        asked = call.arguments("request")
        _not_more(len(asked), MOST)

        def item(element: Element) -> Item:
            master = next((part for part in element if local(part.tag) == "masterRecord"), None)
            if master is None:
                raise client_fault("merge needs a masterRecord")
            kind, master_id, fields = record_of(master)
            others = [(part.text or "").strip() for part in element if local(part.tag) == "recordToMergeIds"]
            blank: Result = {"errors": [], "id": _shown_id(master_id), "mergedRecordIds": []}

            def work() -> Result:
                found = self._org.schema.object(kind or "")
                if found is None:
                    raise ApiError(400, "INVALID_TYPE", f"sObject type '{kind}' is not supported.", [])
                return recycle_bin.merge(writer, found, master_id or "", fields, others)

            return Item(master_id or "", work, blank)

        return [item(element) for element in asked]

    def _delete(self, call: SoapCall, writer: Writer) -> list[Item]:
        return _by_id(call, lambda record: recycle_bin.delete_by_id(writer, record))

    def _undelete(self, call: SoapCall, writer: Writer) -> list[Item]:
        return _by_id(call, lambda record: recycle_bin.undelete(writer, record))

    def _all(self, request: Request, call: SoapCall, items: list[Item]) -> list[Result]:
        """Partial success, unless AllOrNoneHeader of delete() and undelete() wants all or none."""
        whole = call.name in ("delete", "undelete") and flag(call.header("AllOrNoneHeader", "allOrNone"))
        records = self._org.records
        with records.undoable() as journal:
            results = [self._one(request, item) for item in items]
            if whole and not all(result["success"] for result in results):
                records.roll_back(journal)
                results = [_rolled_back(result) for result in results]
        request.entry["result"] = results
        return results

    def _one(self, request: Request, item: Item) -> Result:
        def work() -> Response:
            try:
                return Response(200, _ordered({**item.blank, **item.work(), "errors": [], "success": True}))
            except ApiError as error:
                return Response(200, _failed(item.blank, error.row_error()))

        if not valid_id(item.record):
            return work().body  # type: ignore[no-any-return]
        done = self._faults.around(Moment(request, to18(item.record), item=True), work)
        if done.truncate or isinstance(done.body, bytes):
            raise WholeReply(done)
        if isinstance(done.body, dict):
            return done.body
        code, message = done.body[0]["errorCode"], done.body[0]["message"]
        return _failed(item.blank, {"statusCode": code, "message": message, "fields": []})


def _wish(element: Element) -> Wish:
    return Wish(
        lead=text_of(element, "leadId") or "",
        status=text_of(element, "convertedStatus") or "",
        account=text_of(element, "accountId"),
        contact=text_of(element, "contactId"),
        opportunity=text_of(element, "opportunityId"),
        opportunity_name=text_of(element, "opportunityName"),
        no_opportunity=flag(text_of(element, "doNotCreateOpportunity")),
        overwrite_source=flag(text_of(element, "overwriteLeadSource")),
        owner=text_of(element, "ownerId"),
    )


def _converted(conversion: Conversion, element: Element, wish: Wish) -> Result:
    for part in element:
        name = local(part.tag)
        if name in RECORDS and len(part):
            raise ApiError(400, "INVALID_OPERATION", f"the sandbox does not take {name}", [])
    return conversion.convert(wish)


def _by_id(call: SoapCall, work: Callable[[str], Result]) -> list[Item]:
    ids = call.texts("ids")
    _not_more(len(ids), MOST)

    def item(record: str) -> Item:
        return Item(record, lambda: work(record), {"errors": [], "id": _shown_id(record)})

    return [item(record) for record in ids]


def _not_more(count: int, most: int) -> None:
    if count > most:
        text = f"record limit reached. cannot submit more than {most} records in this call"
        raise ApiError(500, "EXCEEDED_ID_LIMIT", text)


def _shown_id(record: str | None) -> str | None:
    return to18(record) if record and valid_id(record) else None


def _failed(blank: Result, error: Result) -> Result:
    """Error, or DuplicateError, which has one part more."""
    extra = {key: value for key, value in error.items() if key not in ("fields", "message", "statusCode")}
    kind = {"@type": "DuplicateError"} if "duplicateResult" in extra else {}
    shown_error = {**kind, "fields": error["fields"], "message": error["message"]}
    shown_error |= {"statusCode": error["statusCode"], **_as_xml(extra)}
    return _ordered({**blank, "errors": [shown_error], "success": False})


def _as_xml(extra: Result) -> Result:
    """A match's record is an sObject here, its type before its fields."""
    for match in (extra.get("duplicateResult") or {}).get("matchResults", []):
        for found in match["matchRecords"]:
            fields = {f"sf:{name}": value for name, value in found["record"].items() if name != "attributes"}
            found["record"] = {"@type": "sf:sObject", "sf:type": match["entityType"], **fields}
    return extra


def _rolled_back(result: Result) -> Result:
    if not result["success"]:
        return result
    error = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": ROLLED_BACK, "fields": []}
    return _failed({"errors": [], "id": result["id"]}, error)


def _ordered(result: Result) -> Result:
    """The order of the WSDL's sequences, which is that of the alphabet."""
    return {name: result[name] for name in sorted(result)}
