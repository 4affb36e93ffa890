"""SOAP on the wire: an envelope read safely, and answers and faults as the SOAP API writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from allocator.sandbox.wire import ApiError, Request, Response

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
APIS = {"u": "partner", "c": "enterprise"}
PATH = re.compile(r"/services/Soap/([uc])/(\d{1,3})\.0(?:/[^/]*)?/?")
CONTENT = "text/xml; charset=utf-8"
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class SoapCall:
    """One call: its name, its arguments in the order they came, and the headers of its envelope."""

    api: str
    version: int
    name: str
    body: Element
    headers: dict[str, Element] = field(default_factory=dict)

    @property
    def space(self) -> str:
        """The namespace of this API's calls."""
        return f"urn:{APIS[self.api]}.soap.sforce.com"

    def header(self, name: str, entry: str) -> str | None:
        """A header's entry, such as SessionHeader and sessionId."""
        found = self.headers.get(name)
        return None if found is None else text_of(found, entry)

    def arguments(self, name: str) -> list[Element]:
        return [part for part in self.body if local(part.tag) == name]

    def texts(self, name: str) -> list[str]:
        return [(part.text or "").strip() for part in self.arguments(name)]


def is_soap(request: Request) -> bool:
    return request.raw_path.startswith("/services/Soap/")


def read_call(request: Request) -> SoapCall:
    """The call in a request, or the ApiError that becomes its fault.

    Documents with a DTD, and with that every entity of their own, are refused unread.
    """
    found = PATH.fullmatch(request.raw_path)
    if found is None or request.method != "POST":
        raise client_fault(f"there is no SOAP endpoint for {request.method} {request.raw_path}")
    if "SOAPAction" not in request.headers:
        raise client_fault("SOAPAction HTTP header missing")
    header, body = _parts(_parsed(request.body))
    space, name = _split(body.tag)
    call = SoapCall(found[1], int(found[2]), name, body, {local(part.tag): part for part in header})
    if space != call.space:
        raise no_operation(space, name)
    return call


def _parsed(body: bytes) -> Element:
    try:
        return fromstring(body, forbid_dtd=True)  # type: ignore[no-any-return]
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise client_fault(f"cannot read the envelope: {type(error).__name__}") from None


def _parts(root: Element) -> tuple[list[Element], Element]:
    body = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None or len(body) != 1:
        raise client_fault("an Envelope with a Body that holds one call is needed")
    header = root.find(f"{{{ENVELOPE}}}Header")
    return ([] if header is None else list(header)), body[0]


def client_fault(text: str) -> ApiError:
    return ApiError(500, "soapenv:Client", text)


def no_operation(space: str, name: str) -> ApiError:
    return client_fault(
        f"No operation available for request {{{space}}}{name}, please check the WSDL for the service."
    )


def local(tag: str) -> str:
    return _split(tag)[1]


def _split(tag: str) -> tuple[str, str]:
    space, brace, name = tag.rpartition("}")
    return (space.removeprefix("{"), name) if brace else ("", tag)


def text_of(element: Element, name: str) -> str | None:
    """A child's text; None for one that is missing, empty or nil."""
    for part in element:
        if local(part.tag) == name and part.get(NIL) not in ("true", "1"):
            return (part.text or "").strip() or None
    return None


def record_of(element: Element) -> tuple[str | None, str | None, dict[str, Any]]:
    """An sObject's type, id and fields: the type is an element (partner) or an attribute (enterprise)."""
    kind = (element.get(TYPE) or "").rpartition(":")[2]
    found_id, fields = None, dict[str, Any]()
    for part in element:
        name, text = local(part.tag), (part.text or "").strip()
        if name == "type":
            kind = text
        elif name == "Id":
            found_id = found_id or text or None
        elif name == "fieldsToNull":
            fields[text] = None
        else:
            fields[name] = None if part.get(NIL) in ("true", "1") else part.text or None
    return (kind if kind != "sObject" else None) or None, found_id, fields


def shown(element: Element) -> Any:
    """An element as the request log keeps it."""
    if len(element) == 0:
        return element.text
    return [{local(part.tag): shown(part)} for part in element]


def answer(call: SoapCall, results: list[dict[str, Any]], used: int, most: int) -> Response:
    limit = {"current": used, "limit": most, "type": "API REQUESTS"}
    head = write("LimitInfoHeader", {"limitInfo": limit})
    body = "".join(write("result", result) for result in results)
    name = f"{call.name}Response"
    return _enveloped(
        200,
        f"<soapenv:Header>{head}</soapenv:Header><soapenv:Body><{name}>{body}</{name}></soapenv:Body>",
        f' xmlns="{call.space}" xmlns:sf="{call.space.replace("urn:", "urn:sobject.")}"',
    )


def fault(request: Request, code: str, message: str) -> Response:
    """ "Error Handling" (SOAP API Developer Guide): a code and a message, and HTTP 500."""
    found = PATH.fullmatch(request.raw_path)
    space = f' xmlns:sf="urn:fault.{APIS[found[1]] if found else "partner"}.soap.sforce.com"'
    if ":" in code:
        parts = f"<faultcode>{code}</faultcode><faultstring>{_clean(message)}</faultstring>"
        return _enveloped(500, f"<soapenv:Body><soapenv:Fault>{parts}</soapenv:Fault></soapenv:Body>", space)
    kind = "LoginFault" if code == "INVALID_LOGIN" else "UnexpectedErrorFault"
    detail = write("sf:exceptionCode", code) + write("sf:exceptionMessage", message)
    parts = (
        f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {_clean(message)}</faultstring>"
        f'<detail><sf:{kind} xsi:type="sf:{kind}">{detail}</sf:{kind}></detail>'
    )
    return _enveloped(500, f"<soapenv:Body><soapenv:Fault>{parts}</soapenv:Fault></soapenv:Body>", space)


def _enveloped(status: int, text: str, spaces: str) -> Response:
    whole = (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{ENVELOPE}"'
        f'{spaces} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{text}</soapenv:Envelope>'
    )
    return Response(status, whole.encode("utf-8", "replace"), content_type=CONTENT)


def write(name: str, value: Any) -> str:
    """An element: a list is repeated ones, None is nil, a dict's `@type` is its xsi:type."""
    return "".join(_written(name, value))


def _written(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from _written(name, entry)
    elif value is None:
        yield f'<{name} xsi:nil="true"/>'
    elif isinstance(value, dict):
        kind = f' xsi:type="{value["@type"]}"' if "@type" in value else ""
        yield f"<{name}{kind}>"
        for key, part in value.items():
            if key != "@type":
                yield from _written(key, part)
        yield f"</{name}>"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield f"<{name}>{_clean(text)}</{name}>"


def _clean(text: str) -> str:
    """Characters that XML has no place for are left out."""
    return escape(_ILLEGAL.sub("", text))
