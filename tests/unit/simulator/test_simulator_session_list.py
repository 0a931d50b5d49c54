"""The list of sessions: what a row shows, who sees which, filters, pages."""

import pytest

from simulator.protocol.identifiers import Identifier
from tests.support.simulator_driver import BUYER, SELLER, Ksef, b64, fa3

ANNA = Identifier("Pesel", "90010112345")
OPEN = {"code": 100, "description": "Sesja interaktywna otwarta"}


def listed(ksef: Ksef, bearer: str, *query: tuple[str, str]) -> list[str]:
    reply = ksef.call("GET", "/sessions", query=(("sessionType", "Online"), *query), bearer=bearer)
    assert reply.status == 200, reply.raw
    return [session["referenceNumber"] for session in reply.json["sessions"]]


def test_sessions_are_listed_newest_first_with_all_counters(ksef):
    bearer = ksef.access()
    first = ksef.open(bearer)
    ksef.send(first, fa3(), bearer=bearer)
    ksef.advance(seconds=1)
    second = ksef.open(bearer)

    reply = ksef.call("GET", "/sessions", query=(("sessionType", "Online"),), bearer=bearer)

    assert [session["referenceNumber"] for session in reply.json["sessions"]] == [second, first]
    assert reply.json["sessions"][1] == {
        "referenceNumber": first,
        "status": OPEN,
        "dateCreated": "2026-11-20T11:00:00.0000000+00:00",
        "dateUpdated": "2026-11-20T11:00:00.0000000+00:00",
        "validUntil": "2026-11-20T23:00:00.0000000+00:00",
        "totalInvoiceCount": 1,
        "successfulInvoiceCount": 1,
        "failedInvoiceCount": 0,
    }
    assert "continuationToken" not in reply.json


def test_the_list_is_paged_without_losing_or_repeating_one(ksef):
    bearer = ksef.access()
    opened = [ksef.open(bearer) for _ in range(25)]
    seen: list[str] = []
    token = ""
    for _ in range(3):
        reply = ksef.call(
            "GET",
            "/sessions",
            query=(("sessionType", "Online"), ("pageSize", "10")),
            headers={"x-continuation-token": token},
            bearer=bearer,
        )
        seen += [session["referenceNumber"] for session in reply.json["sessions"]]
        token = reply.json.get("continuationToken", "")

    assert seen == opened[::-1]
    assert token == ""


def test_a_full_last_page_says_that_it_is_the_last(ksef):
    bearer = ksef.access()
    for _ in range(10):
        ksef.open(bearer)

    reply = ksef.call("GET", "/sessions", query=(("sessionType", "Online"),), bearer=bearer)

    assert len(reply.json["sessions"]) == 10
    assert "continuationToken" not in reply.json


def test_invoice_write_alone_lists_own_sessions_only(ksef):
    own, annas = ksef.access(SELLER), ksef.access(SELLER, subject=ANNA)
    mine, hers = ksef.open(own), ksef.open(annas)

    assert listed(ksef, own) == [mine]
    assert listed(ksef, annas) == [hers]
    assert listed(ksef, ksef.access(SELLER, "Introspection")) == [hers, mine]
    assert listed(ksef, ksef.access(BUYER)) == []


def test_the_list_is_filtered(ksef):
    bearer = ksef.access()
    early = ksef.open(bearer)
    ksef.close(early, bearer=bearer)
    ksef.advance(minutes=10)
    late = ksef.open(bearer)
    five_past = "2026-11-20T11:05:00Z"

    assert listed(ksef, bearer, ("referenceNumber", early)) == [early]
    assert listed(ksef, bearer, ("dateCreatedFrom", five_past)) == [late]
    assert listed(ksef, bearer, ("dateCreatedTo", five_past)) == [early]
    assert listed(ksef, bearer, ("dateClosedFrom", "2026-11-20T11:00:00Z")) == [early]
    assert listed(ksef, bearer, ("dateModifiedFrom", five_past)) == [late]
    assert listed(ksef, bearer, ("statuses", "Cancelled")) == [early]
    assert listed(ksef, bearer, ("statuses", "inprogress"), ("statuses", "Cancelled")) == [late, early]
    assert listed(ksef, bearer, ("statuses", "Failed")) == []


def test_there_are_no_batch_sessions_yet(ksef):
    bearer = ksef.access()
    ksef.open(bearer)

    reply = ksef.call("GET", "/sessions", query=(("sessionType", "Batch"),), bearer=bearer)

    assert reply.json == {"sessions": []}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ((), "'sessionType' is required."),
        ((("sessionType", "Other"),), "'sessionType' must be one of Online, Batch."),
        ((("sessionType", "Online"), ("pageSize", "9")), "'pageSize' must be between 10 and 1000."),
        ((("sessionType", "Online"), ("pageSize", "ten")), "'pageSize' must be an integer."),
        (
            (("sessionType", "Online"), ("referenceNumber", "x")),
            "'referenceNumber' must be 36 characters long.",
        ),
        (
            (("sessionType", "Online"), ("dateCreatedFrom", "yesterday")),
            "'dateCreatedFrom': expected an ISO 8601 date-time, e.g. 2026-11-20T09:15:00Z.",
        ),
        (
            (("sessionType", "Online"), ("statuses", "Open")),
            "'statuses' must be one of InProgress, Succeeded, Failed, Cancelled.",
        ),
    ],
)
def test_a_wrong_filter_is_21405(ksef, query, detail):
    reply = ksef.call("GET", "/sessions", query=query, bearer=ksef.access())

    assert reply.error == (21405, detail)


@pytest.mark.parametrize("token", ["%%%", "\x80", "aGVsbG8=", b64(b"invoices X#5"), b64(b"sessions#x")])
def test_a_continuation_token_from_elsewhere_is_21418(ksef, token):
    reply = ksef.call(
        "GET",
        "/sessions",
        query=(("sessionType", "Online"),),
        headers={"x-continuation-token": token},
        bearer=ksef.access(),
    )

    assert reply.error == (21418, None)
