"""Composite, batch and collections: own headers, references, limits, rollback, results per record."""

import pytest
from sandbox_client import ANA, BEN, KEEP, QUEUE, Client, error

NEW = {"LastName": "Lovelace", "Company": "Engines"}
BY_REFERENCE = "SELECT Id FROM Account WHERE Id = '@{read.AccountId}'"
STALE = {"If-Unmodified-Since": "Mon, 02 Nov 2015 09:00:00 GMT"}


def lead_row(**fields: object) -> dict:
    return {"attributes": {"type": "Lead"}, **fields}


def collection(client: Client, records: list, method: str = "PATCH", **body: object):
    sent = {"records": records, **body}
    return client.call(method, "composite/sobjects", json=sent, headers=KEEP)


def test_each_sub_request_carries_its_own_headers(client: Client) -> None:
    kept, stolen = client.lead(), client.lead()
    subs = (
        client.sub(kept, {"OwnerId": ANA}, "kept", **KEEP),
        client.sub(stolen, {"OwnerId": ANA}, "stolen"),
    )
    answers = client.composite(*subs)
    assert [answer["httpStatusCode"] for answer in answers] == [204, 204]
    assert answers[0] == {"body": None, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "kept"}
    assert (client.owner(kept), client.owner(stolen)) == (ANA, "0055g00000RuLe1AAF")


def test_the_outer_header_does_not_reach_a_sub_request(client: Client) -> None:
    lead = client.lead()
    body = {"compositeRequest": [client.sub(lead, {"OwnerId": ANA})]}
    client.call("POST", "composite", json=body, headers=KEEP)
    assert client.owner(lead) == "0055g00000RuLe1AAF"


def test_a_stale_condition_stops_one_sub_request_only(client: Client) -> None:
    stale, fresh = client.lead(), client.lead()
    answers = client.composite(
        client.sub(stale, {"OwnerId": ANA}, "stale", **KEEP, **STALE),
        client.sub(fresh, {"OwnerId": ANA}, "fresh", **KEEP),
    )
    assert [answer["httpStatusCode"] for answer in answers] == [412, 204]
    assert (client.owner(stale), client.owner(fresh)) == (QUEUE, ANA)


def test_all_or_none_rolls_back_and_says_which_one_failed(client: Client) -> None:
    first, bad, last = client.lead(), client.lead(), client.lead()
    answers = client.composite(
        client.sub(first, {"OwnerId": ANA}, "first", **KEEP),
        client.sub(bad, {"OwnerId": "nonsense"}, "bad", **KEEP),
        client.sub(last, {"OwnerId": ANA}, "last", **KEEP),
        allOrNone=True,
    )
    assert [answer["body"][0]["errorCode"] for answer in answers] == [
        "PROCESSING_HALTED",
        "MALFORMED_ID",
        "PROCESSING_HALTED",
    ]
    assert {client.owner(lead) for lead in (first, bad, last)} == {QUEUE}


def test_references_reach_into_earlier_answers(client: Client) -> None:
    url = f"{client.base}/sobjects"
    answers = client.composite(
        {"method": "POST", "url": f"{url}/Account", "referenceId": "acc", "body": {"Name": "Engines"}},
        {
            "method": "POST",
            "url": f"{url}/Contact",
            "referenceId": "con",
            "body": {"LastName": "Ada", "AccountId": "@{acc.id}"},
        },
        {"method": "GET", "url": f"{url}/Contact/@{{con.id}}?fields=AccountId", "referenceId": "read"},
        {
            "method": "GET",
            "url": f"{client.base}/query?q={BY_REFERENCE}",
            "referenceId": "q",
        },
        {"method": "GET", "url": f"{url}/Account/@{{q.records[0].Id}}", "referenceId": "last"},
        {"method": "GET", "url": f"{url}/Account/@{{nobody.id}}", "referenceId": "none"},
    )
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201, 200, 200, 200, 400]
    assert answers[4]["body"]["Name"] == "Engines"
    assert answers[5]["body"][0]["errorCode"] == "PROCESSING_HALTED"


def get(name: str, url: str = "/services/data/v60.0/limits") -> dict:
    return {"method": "GET", "url": url, "referenceId": name}


@pytest.mark.parametrize(
    "subs",
    [
        [get(f"r{number}") for number in range(26)],
        [get(f"r{number}", "/services/data/v60.0/query?q=SELECT+Id+FROM+Lead") for number in range(6)],
        [get("a-b")],
        [get("same"), get("same")],
        [{"method": "GET", "referenceId": "a"}],
        [get("away", "https://example.com/")],
        [],
    ],
)
def test_a_composite_that_breaks_a_rule_is_refused_as_a_whole(client: Client, subs: list) -> None:
    assert client.call("POST", "composite", json={"compositeRequest": subs}).status_code == 400


def test_twenty_five_sub_requests_count_as_one_call(client: Client) -> None:
    answers = client.composite(*(get(f"r{number}") for number in range(25)))
    assert {answer["httpStatusCode"] for answer in answers} == {200}
    assert client.sandbox.usage.used() == 1


def test_a_forbidden_header_refuses_its_sub_request(client: Client) -> None:
    answers = client.composite({**get("a"), "httpHeaders": {"Authorization": "x"}}, get("b"))
    assert [answer["httpStatusCode"] for answer in answers] == [400, 200]


def test_unknown_objects_answer_404_inside_200(client: Client) -> None:
    answer = client.composite(get("a", f"{client.base}/sobjects/Foo"))[0]
    assert answer["httpStatusCode"] == 404
    assert answer["body"] == [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]


def test_a_batch_runs_independent_calls_and_can_halt(client: Client) -> None:
    lead = client.lead()
    requests = [
        {"method": "GET", "url": f"v60.0/sobjects/Lead/{lead}?fields=Id"},
        {"method": "GET", "url": "v60.0/sobjects/Foo"},
        {"method": "PATCH", "url": f"v60.0/sobjects/Lead/{lead}", "richInput": {"City": "London"}},
    ]
    body = {"batchRequests": requests}
    ran = client.call("POST", "composite/batch", json=body).json()
    assert (ran["hasErrors"], [row["statusCode"] for row in ran["results"]]) == (True, [200, 404, 204])
    halted = client.call("POST", "composite/batch", json={**body, "haltOnError": True}).json()
    assert [row["statusCode"] for row in halted["results"]] == [200, 404, 412]


def test_a_collection_answers_per_record_inside_200(client: Client) -> None:
    good, bad = client.lead(), client.lead()
    answer = collection(client, [lead_row(id=bad, Email="nonsense"), lead_row(id=good, OwnerId=ANA)])
    assert answer.status_code == 200
    failed, done = answer.json()
    assert done == {"id": good, "success": True, "errors": []}
    assert failed["success"] is False
    assert (failed["errors"][0]["statusCode"], failed["errors"][0]["fields"]) == (
        "INVALID_EMAIL_ADDRESS",
        ["Email"],
    )
    assert client.owner(good) == ANA


def test_in_a_collection_the_request_header_decides_on_the_rule(client: Client) -> None:
    lead = client.lead()
    client.call("PATCH", "composite/sobjects", json={"records": [lead_row(id=lead, OwnerId=ANA)]})
    assert client.owner(lead) == "0055g00000RuLe1AAF"


def test_a_collection_with_all_or_none_rolls_back(client: Client) -> None:
    lead = client.lead()
    rows = [lead_row(id=lead, OwnerId=ANA), lead_row(id=client.lead(), OwnerId="nonsense")]
    first, second = collection(client, rows, allOrNone=True).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "MALFORMED_ID"
    assert client.owner(lead) == QUEUE


def test_collections_create_and_delete(client: Client) -> None:
    made = collection(client, [lead_row(**NEW), lead_row(LastName="x")], "POST").json()
    assert [row["success"] for row in made] == [True, False]
    assert "id" not in made[1]
    ids = f"{made[0]['id']},00Q5g00000ZzZzZ"
    gone = client.call("DELETE", f"composite/sobjects?ids={ids}&allOrNone=false").json()
    assert [row["success"] for row in gone] == [True, False]


def test_collections_read_in_order_with_null_for_a_missing_row(client: Client) -> None:
    one, two = client.lead(), client.lead(OwnerId=BEN)
    ids = [two, "00Q5g00000ZzZzZ", one]
    answer = client.call("GET", "composite/sobjects/Lead", params={"ids": ",".join(ids), "fields": "OwnerId"})
    assert [row and row["OwnerId"] for row in answer.json()] == [BEN, None, QUEUE]
    posted = client.call("POST", "composite/sobjects/Lead", json={"ids": ids, "fields": ["Id", "OwnerId"]})
    assert [row and row["Id"] for row in posted.json()] == [two, None, one]
    bad = client.call("POST", "composite/sobjects/Lead", json={"ids": ids, "fields": ["Nonsense"]})
    assert error(bad) == (400, "INVALID_FIELD")


def test_collections_upsert_by_external_id(client: Client) -> None:
    client.sandbox.org.schema.add_custom_field("Lead", "Key__c", external_id=True)
    lead = client.lead(Key__c="a")
    body = {"records": [lead_row(Key__c="a", City="Rome"), lead_row(Key__c="b", **NEW)]}
    answer = client.call("PATCH", "composite/sobjects/Lead/Key__c", json=body, headers=KEEP).json()
    assert [row["created"] for row in answer] == [False, True]
    assert answer[0]["id"] == lead


def test_too_many_records_or_chunks_are_refused(client: Client) -> None:
    assert collection(client, [lead_row(**NEW)] * 201, "POST").status_code == 400
    mixed = [lead_row(**NEW), {"attributes": {"type": "Account"}, "Name": "x"}] * 6
    assert collection(client, mixed, "POST").status_code == 400


def test_an_id_twice_or_of_another_type_fails_its_record(client: Client) -> None:
    lead = client.lead()
    rows = [
        lead_row(id=lead, City="a"),
        lead_row(id=lead, City="b"),
        lead_row(id=ANA, City="c"),
        lead_row(City="d"),
    ]
    codes = [
        row["errors"][0]["statusCode"] if row["errors"] else "" for row in collection(client, rows).json()
    ]
    assert codes == ["", "DUPLICATE_VALUE", "MALFORMED_ID", "MISSING_ARGUMENT"]


def test_pages_follow_next_records_url_and_keep_their_snapshot(client: Client) -> None:
    first = client.query(
        "SELECT Id FROM Lead ORDER BY Id", headers={"Sforce-Query-Options": "batchSize=200"}
    ).json()
    assert (first["done"], len(first["records"]), first["totalSize"]) == (False, 200, 247)
    assert first["nextRecordsUrl"].startswith(f"{client.base}/query/0r8")
    assert first["nextRecordsUrl"].endswith("-200")
    client.lead()
    last = client.call("GET", first["nextRecordsUrl"]).json()
    assert (last["done"], len(last["records"]), last["totalSize"]) == (True, 47, 247)
    assert "nextRecordsUrl" not in last


def test_a_locator_expires_by_the_sandbox_clock(client: Client) -> None:
    url = client.query("SELECT Id FROM Lead", headers={"Sforce-Query-Options": "batchSize=10"}).json()[
        "nextRecordsUrl"
    ]
    assert client.call("GET", url).status_code == 200
    client.call("POST", "/_sandbox/clock", json={"now": "2031-01-01T00:00:00Z"})
    assert error(client.call("GET", url)) == (400, "INVALID_QUERY_LOCATOR")
    assert error(client.call("GET", "query/0r8nonsense-2000")) == (400, "INVALID_QUERY_LOCATOR")


def test_a_broken_query_is_an_error_never_an_empty_answer(client: Client) -> None:
    assert error(client.query("SELECT Id FROM")) == (400, "MALFORMED_QUERY")
    assert error(client.query("SELECT Nonsense FROM Lead")) == (400, "INVALID_FIELD")
    assert error(client.call("GET", "query/")) == (400, "MALFORMED_QUERY")


def test_count_answers_a_size_and_no_records(client: Client) -> None:
    answer = client.query("SELECT COUNT() FROM Lead WHERE IsConverted = true").json()
    assert answer == {"totalSize": 2, "done": True, "records": []}
