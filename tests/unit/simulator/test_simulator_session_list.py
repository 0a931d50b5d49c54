"""The list of sessions: what a row shows, who sees which, filters, pages."""

from dataclasses import replace

import pytest

from simulator.policy import NO_DELAYS, Span
from simulator.protocol.identifiers import Identifier
from tests.support.simulator_driver import BUYER, SELLER, Ksef, Reply, b64, fa3, oaep

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


def test_bounds_of_the_list_are_inclusive_to_the_microsecond(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.advance(seconds=30)
    ksef.send(session, fa3(), bearer=bearer)
    ksef.advance(seconds=30)
    ksef.close(session, bearer=bearer)
    opened, closed = "2026-11-20T11:00:00Z", "2026-11-20T12:01:00.000000+01:00"

    assert listed(ksef, bearer, ("dateCreatedFrom", opened), ("dateCreatedTo", opened)) == [session]
    assert listed(ksef, bearer, ("dateCreatedFrom", "2026-11-20T11:00:00.000001Z")) == []
    assert listed(ksef, bearer, ("dateCreatedTo", "2026-11-20T10:59:59.999999Z")) == []
    assert listed(ksef, bearer, ("dateClosedFrom", closed), ("dateClosedTo", closed)) == [session]
    assert listed(ksef, bearer, ("dateClosedFrom", "2026-11-20T11:01:00.000001Z")) == []
    assert listed(ksef, bearer, ("dateClosedTo", "2026-11-20T11:00:59.999999Z")) == []
    assert listed(ksef, bearer, ("dateModifiedFrom", closed), ("dateModifiedTo", closed)) == [session]
    assert listed(ksef, bearer, ("dateModifiedTo", "2026-11-20T11:00:59.999999Z")) == []


def test_an_open_session_has_no_moment_of_closing_and_was_modified_by_its_last_invoice(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.advance(seconds=30)
    ksef.send(session, fa3(), bearer=bearer)
    sent = "2026-11-20T11:00:30Z"

    assert listed(ksef, bearer, ("dateModifiedFrom", sent), ("dateModifiedTo", sent)) == [session]
    assert listed(ksef, bearer, ("dateClosedFrom", "2026-11-01T00:00:00Z")) == []
    assert listed(ksef, bearer, ("dateClosedTo", "2026-12-01T00:00:00Z")) == []


def test_a_bound_without_an_offset_is_polish_time(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)

    assert listed(ksef, bearer, ("dateCreatedFrom", "2026-11-20T12:00:00")) == [session]
    assert listed(ksef, bearer, ("dateCreatedFrom", "2026-11-20T12:00:01")) == []


def test_each_status_code_is_found_under_its_group(ksef):
    ksef.controls.delays = replace(NO_DELAYS, closing=Span(1, 1))
    bearer = ksef.access()
    wrong = b64(ksef.public_key("KsefTokenEncryption").encrypt(bytes(32), oaep()))
    accepted, refused, empty, unreadable = (
        ksef.open(bearer),
        ksef.open(bearer),
        ksef.open(bearer),
        ksef.open(bearer, encryptedSymmetricKey=wrong),
    )
    ksef.send(accepted, fa3(), bearer=bearer)
    ksef.send(refused, b"<x/>", bearer=bearer)
    for session in (accepted, refused, empty):
        ksef.close(session, bearer=bearer)
    ksef.advance(seconds=1)
    closing, still_open = ksef.open(bearer), ksef.open(bearer)
    ksef.close(closing, bearer=bearer)

    assert listed(ksef, bearer, ("statuses", "InProgress")) == [still_open, closing]
    assert listed(ksef, bearer, ("statuses", "Succeeded")) == [accepted]
    assert listed(ksef, bearer, ("statuses", "Failed")) == [unreadable, refused]
    assert listed(ksef, bearer, ("statuses", "Cancelled")) == [empty]


def test_enforcement_lists_every_session_of_its_context_but_reads_none_of_them(ksef):
    session = ksef.open(ksef.access(SELLER, subject=ANNA))
    bailiff = ksef.access(SELLER, "EnforcementOperations")

    assert listed(ksef, bailiff) == [session]
    assert ksef.call("GET", f"/sessions/{session}", bearer=bailiff).status == 403


def test_a_session_of_another_context_is_not_found_by_its_number(ksef):
    session = ksef.open(ksef.access(SELLER))

    assert listed(ksef, ksef.access(BUYER, "Introspection"), ("referenceNumber", session)) == []


def test_reading_invoices_is_no_right_to_list_sessions(ksef):
    reader = ksef.access(SELLER, "InvoiceRead")

    reply = ksef.call("GET", "/sessions", query=(("sessionType", "Online"),), bearer=reader)

    assert reply.status == 403
    assert reply.json["security"]["requiredAnyOfPermissions"] == [
        "InvoiceWrite",
        "Introspection",
        "EnforcementOperations",
    ]


def next_page(ksef: Ksef, bearer: str, token: str, *query: tuple[str, str]) -> Reply:
    headers = {"x-continuation-token": token}
    return ksef.call(
        "GET", "/sessions", query=(("sessionType", "Online"), *query), headers=headers, bearer=bearer
    )


def test_a_continuation_token_is_good_for_its_context_and_its_filters_only(ksef):
    bearer = ksef.access()
    opened = [ksef.open(bearer) for _ in range(11)]
    token = next_page(ksef, bearer, "", ("statuses", "InProgress")).json["continuationToken"]

    continued = next_page(ksef, bearer, token, ("statuses", "InProgress"), ("pageSize", "1000"))
    unfiltered = next_page(ksef, bearer, token)
    elsewhere = next_page(ksef, ksef.access(BUYER), token, ("statuses", "InProgress"))

    assert [session["referenceNumber"] for session in continued.json["sessions"]] == opened[:1]
    assert unfiltered.error == elsewhere.error == (21418, None)


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
