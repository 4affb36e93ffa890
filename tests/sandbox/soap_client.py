"""A SOAP client written by hand, as an outside tester would who has the vendor's guide and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import requests
from sandbox_client import Client

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SPACES = {"u": "urn:partner.soap.sforce.com", "c": "urn:enterprise.soap.sforce.com"}
CONVERTED = "Closed - Converted"


@dataclass
class Soap:
    """Calls of one API (u: partner, c: enterprise) with the session that the REST client opened."""

    client: Client
    api: str = "u"
    version: str = "64.0"

    def call(self, name: str, arguments: str, headers: str = "", session: str | None = None) -> Any:
        """The results of a call; a fault is an AssertionError with its text."""
        answer = self.post(name, arguments, headers, session)
        root = ElementTree.fromstring(answer.content)
        assert answer.status_code == 200, answer.text
        body = root.find(f"{SOAP}Body")
        assert body is not None and body[0].tag == f"{{{SPACES[self.api]}}}{name}Response"
        return [plain(part) for part in body[0]]

    def fault(self, name: str, arguments: str = "", **options: Any) -> tuple[int, str, str]:
        answer = self.post(name, arguments, **options)
        found = ElementTree.fromstring(answer.content).find(f"{SOAP}Body/{SOAP}Fault")
        assert found is not None, answer.text
        return answer.status_code, found.findtext("faultcode") or "", found.findtext("faultstring") or ""

    def post(
        self, name: str, arguments: str, headers: str = "", session: str | None = None
    ) -> requests.Response:
        token = self.token if session is None else session
        text = (
            '<?xml version="1.0" encoding="utf-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
            f' xmlns:urn="{SPACES[self.api]}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<e:Header><urn:SessionHeader><urn:sessionId>{escape(token)}</urn:sessionId></urn:SessionHeader>"
            f"{headers}</e:Header><e:Body><urn:{name}>{arguments}</urn:{name}></e:Body></e:Envelope>"
        )
        return self.send(text.encode())

    def send(self, body: bytes, **headers: str) -> requests.Response:
        url = f"{self.client.url}/services/Soap/{self.api}/{self.version}"
        given = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""', **headers}
        return requests.post(url, data=body, headers=given, timeout=10)

    @property
    def token(self) -> str:
        return str(self.client.http.headers["Authorization"]).removeprefix("Bearer ")

    def convert(self, lead: str, **arguments: object) -> dict[str, Any]:
        """One lead; the arguments that the WSDL requires have their usual values."""
        return self.call("convertLead", lead_convert(lead, **arguments))[0]

    def merge(
        self, master: str, *others: str, kind: str = "Lead", headers: str = "", **fields: str
    ) -> dict[str, Any]:
        return self.call("merge", merge_request(self.api, kind, master, *others, **fields), headers)[0]


def lead_convert(lead: str, **arguments: object) -> str:
    given = {
        "convertedStatus": CONVERTED,
        "doNotCreateOpportunity": True,
        "leadId": lead,
        "overwriteLeadSource": False,
        "sendNotificationEmail": False,
        **arguments,
    }
    return f"<urn:leadConverts>{elements(given)}</urn:leadConverts>"


def merge_request(api: str, kind: str, master: str, *others: str, **fields: str) -> str:
    opening = f'<urn:masterRecord xsi:type="urn:{kind}">' if api == "c" else "<urn:masterRecord>"
    typed = "" if api == "c" else f"<urn:type>{kind}</urn:type>"
    losers = "".join(f"<urn:recordToMergeIds>{other}</urn:recordToMergeIds>" for other in others)
    record = f"{opening}{typed}<urn:Id>{master}</urn:Id>{elements(fields)}</urn:masterRecord>"
    return f"<urn:request>{record}{losers}</urn:request>"


def ids(*records: str) -> str:
    return "".join(f"<urn:ids>{record}</urn:ids>" for record in records)


def elements(values: dict[str, Any]) -> str:
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()
    }
    return "".join(f"<urn:{name}>{escape(text)}</urn:{name}>" for name, text in texts.items())


def plain(element: ElementTree.Element) -> Any:
    """An element as a dict, whose repeated children are lists; nil is None."""
    if element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true":
        return None
    if len(element) == 0:
        return {"true": True, "false": False}.get(element.text or "", element.text)
    found: dict[str, Any] = {}
    for part in element:
        name, value = part.tag.rpartition("}")[2], plain(part)
        found[name] = [*as_list(found[name]), value] if name in found else value
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def code(result: dict[str, Any]) -> str:
    """The code of a result that failed."""
    assert result["success"] is False, result
    return str(as_list(result["errors"])[0]["statusCode"])
