"""Statuses, lists with continuation, receipts over the API and over presigned links."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from simulator.policy import NO_DELAYS, Span
from simulator.rates import Rates
from tests.support.simulator_driver import Ksef, Reply, b64, digest, fa3


def test_a_pending_invoice_shows_what_is_known(ksef):
    ksef.controls.delays = replace(NO_DELAYS, verdict=Span(1, 1))
    bearer = ksef.access()
    session = ksef.open(bearer)
    xml = fa3()

    reference = ksef.send(session, xml, bearer=bearer)

    assert ksef.invoice(session, reference, bearer=bearer) == {
        "ordinalNumber": 1,
        "referenceNumber": reference,
        "invoiceHash": digest(xml),
        "invoicingDate": "2026-11-20T11:00:00.0000000+00:00",
        "status": {"code": 150, "description": "Trwa przetwarzanie"},
    }


def test_an_accepted_invoice_shows_its_number_its_dates_and_its_receipt(ksef):
    ksef.controls.delays = replace(NO_DELAYS, verdict=Span(1, 1), storage=Span(2, 2))
    bearer = ksef.access()
    session = ksef.open(bearer)
    reference = ksef.send(session, fa3("FV/7"), bearer=bearer)

    ksef.advance(seconds=1)
    shown = ksef.invoice(session, reference, bearer=bearer)
    ksef.advance(seconds=2)
    stored = ksef.invoice(session, reference, bearer=bearer)

    assert shown["status"] == {"code": 200, "description": "Sukces"}
    assert shown["invoiceNumber"] == "FV/7"
    assert shown["ksefNumber"].startswith("5265877635-20261120-")
    assert shown["invoicingDate"] == "2026-11-20T11:00:00.0000000+00:00"
    assert shown["acquisitionDate"] == "2026-11-20T11:00:01.0000000+00:00"
    assert shown["invoicingMode"] == "Online"
    assert shown["upoDownloadUrlExpirationDate"] == "2026-11-23T11:00:01.0000000+00:00"
    assert "permanentStorageDate" not in shown
    assert stored["permanentStorageDate"] == "2026-11-20T11:00:03.0000000+00:00"


def test_a_refused_invoice_shows_no_number(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    reference = ksef.send(session, fa3(issued="2026-11-21"), bearer=bearer)

    assert ksef.invoice(session, reference, bearer=bearer).keys() == {
        "ordinalNumber",
        "referenceNumber",
        "invoiceHash",
        "invoicingDate",
        "status",
    }


def test_an_unknown_invoice_is_21405(ksef):
    bearer = ksef.access()
    session, other = ksef.open(bearer), ksef.open(bearer)
    reference = ksef.send(other, fa3(), bearer=bearer)

    reply = ksef.call("GET", f"/sessions/{session}/invoices/{reference}", bearer=bearer)

    assert reply.error == (21405, f"Faktura o numerze referencyjnym {reference} nie została znaleziona.")


# --- lists


def page(
    ksef: Ksef, session: str, bearer: str, *, of: str = "invoices", token: str = "", size: str = "10"
) -> Reply:
    return ksef.call(
        "GET",
        f"/sessions/{session}/{of}",
        query=(("pageSize", size),),
        headers={"x-continuation-token": token},
        bearer=bearer,
    )


def ordinals(reply: Reply) -> list[int]:
    return [invoice["ordinalNumber"] for invoice in reply.json["invoices"]]


def test_the_list_is_paged_by_ordinal(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    for number in range(1, 13):
        ksef.send(session, fa3(f"FV/{number}"), bearer=bearer)

    first = page(ksef, session, bearer)
    second = page(ksef, session, bearer, token=first.json["continuationToken"])

    assert ordinals(first) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert ordinals(second) == [11, 12]
    assert "continuationToken" not in second.json


def test_a_full_last_page_has_no_token(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    for number in range(1, 11):
        ksef.send(session, fa3(f"FV/{number}"), bearer=bearer)

    assert "continuationToken" not in page(ksef, session, bearer).json


def test_invoices_sent_between_two_pages_come_on_the_next(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    for number in range(1, 12):
        ksef.send(session, fa3(f"FV/{number}"), bearer=bearer)
    first = page(ksef, session, bearer)
    ksef.send(session, fa3("FV/12"), bearer=bearer)

    assert ordinals(page(ksef, session, bearer, token=first.json["continuationToken"])) == [11, 12]


def test_the_failed_list_holds_decided_failures_only(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.send(session, fa3("FV/1"), bearer=bearer)
    ksef.send(session, fa3("FV/1"), bearer=bearer)
    ksef.controls.delays = replace(NO_DELAYS, verdict=Span(60, 60))
    ksef.send(session, b"<x/>", bearer=bearer)

    assert ordinals(page(ksef, session, bearer, of="invoices/failed")) == [2]
    ksef.advance(seconds=60)
    assert ordinals(page(ksef, session, bearer, of="invoices/failed")) == [2, 3]


def test_a_token_of_one_list_does_not_fit_another(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    for number in range(1, 12):
        ksef.send(session, fa3(f"FV/{number}"), bearer=bearer)
    token = page(ksef, session, bearer).json["continuationToken"]

    assert page(ksef, ksef.open(bearer), bearer, token=token).error == (21418, None)
    assert page(ksef, session, bearer, of="invoices/failed", token=token).error == (21418, None)


@pytest.mark.parametrize("size", ["9", "1001", "-1", "1e3"])
def test_a_wrong_page_size_is_21405(ksef, size):
    bearer = ksef.access()

    assert page(ksef, ksef.open(bearer), bearer, size=size).error[0] == 21405


def test_a_list_lag_hides_fresh_invoices_while_the_session_is_open(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.controls.list_lags[None] = timedelta(seconds=30)
    reference = ksef.send(session, fa3(), bearer=bearer)

    hidden = page(ksef, session, bearer)
    directly = ksef.invoice(session, reference, bearer=bearer)
    ksef.advance(seconds=30)
    visible = page(ksef, session, bearer)

    assert ordinals(hidden) == []
    assert directly["status"]["code"] == 200
    assert ordinals(visible) == [1]


def test_a_list_lag_ends_with_the_session(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.controls.list_lags[None] = timedelta(seconds=30)
    ksef.send(session, fa3(), bearer=bearer)

    ksef.close(session, bearer=bearer)

    assert ordinals(page(ksef, session, bearer)) == [1]


def test_a_list_lag_may_concern_one_context_only(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.controls.list_lags["1111111111"] = timedelta(seconds=30)
    ksef.send(session, fa3(), bearer=bearer)

    assert ordinals(page(ksef, session, bearer)) == [1]


# --- receipts


def sent(ksef: Ksef, xml: bytes | None = None) -> tuple[str, str, str]:
    """Bearer, session, invoice reference."""
    bearer = ksef.access()
    session = ksef.open(bearer)
    return bearer, session, ksef.send(session, fa3() if xml is None else xml, bearer=bearer)


def test_the_receipt_is_the_same_bytes_by_every_way(ksef):
    bearer, session, reference = sent(ksef)
    shown = ksef.invoice(session, reference, bearer=bearer)
    link = urlsplit(shown["upoDownloadUrl"])

    by_reference = ksef.call("GET", f"/sessions/{session}/invoices/{reference}/upo", bearer=bearer)
    ksef.advance(minutes=5)
    by_number = ksef.call(
        "GET", f"/sessions/{session}/invoices/ksef/{shown['ksefNumber']}/upo", bearer=bearer
    )
    by_link = ksef.call("GET", link.path, query=tuple(parse_qsl(link.query)))

    assert f"{link.scheme}://{link.netloc}" == "http://ksef.example"
    assert by_reference.status == by_number.status == by_link.status == 200
    assert by_reference.raw == by_number.raw == by_link.raw
    assert by_reference.headers == by_number.headers == by_link.headers
    assert by_reference.headers["content-type"] == "application/xml"
    assert by_reference.headers["x-ms-meta-hash"] == digest(by_reference.raw)


def test_there_is_no_receipt_before_the_verdict(ksef):
    ksef.controls.delays = replace(NO_DELAYS, verdict=Span(5, 5))
    bearer, session, reference = sent(ksef)

    reply = ksef.call("GET", f"/sessions/{session}/invoices/{reference}/upo", bearer=bearer)

    assert reply.error == (21178, f"UPO faktury o numerze referencyjnym {reference} nie zostało znalezione.")


def test_there_is_no_receipt_for_a_refused_invoice(ksef):
    bearer, session, reference = sent(ksef, b"<x/>")

    reply = ksef.call("GET", f"/sessions/{session}/invoices/{reference}/upo", bearer=bearer)

    assert reply.error[0] == 21178


def test_a_ksef_number_of_another_session_is_21178(ksef):
    bearer, session, reference = sent(ksef)
    number = ksef.invoice(session, reference, bearer=bearer)["ksefNumber"]
    other = ksef.open(bearer)

    reply = ksef.call("GET", f"/sessions/{other}/invoices/ksef/{number}/upo", bearer=bearer)

    assert reply.error == (
        21178,
        f"UPO o numerze KSeF {number} i numerze referencyjnym sesji {other} nie zostało znalezione.",
    )


def test_what_is_no_ksef_number_is_21405(ksef):
    bearer, session, _ = sent(ksef)

    assert ksef.call("GET", f"/sessions/{session}/invoices/ksef/1-2-3/upo", bearer=bearer).error[0] == 21405


def link_of(ksef: Ksef) -> tuple[str, dict[str, str]]:
    bearer, session, reference = sent(ksef)
    link = urlsplit(ksef.invoice(session, reference, bearer=bearer)["upoDownloadUrl"])
    return link.path, dict(parse_qsl(link.query))


def test_a_link_refuses_a_bearer_token(ksef):
    path, query = link_of(ksef)

    reply = ksef.call("GET", path, query=tuple(query.items()), bearer=ksef.access())

    assert reply.status == 400
    assert b"InvalidAuthenticationInfo" in reply.raw


def test_a_link_expires_after_three_days(ksef):
    path, query = link_of(ksef)

    ksef.advance(days=3, seconds=-1)
    assert ksef.call("GET", path, query=tuple(query.items())).status == 200
    ksef.advance(seconds=1)
    assert ksef.call("GET", path, query=tuple(query.items())).status == 403


@pytest.mark.parametrize(
    "changed", [{"sig": b64(bytes(32))}, {"se": "2030-01-01T00:00:00Z"}, {"sig": ""}, {"sp": "rw"}]
)
def test_a_tampered_link_is_403(ksef, changed):
    path, query = link_of(ksef)

    assert ksef.call("GET", path, query=tuple({**query, **changed}.items())).status == 403


def test_a_links_signature_is_good_for_its_own_path_only(ksef):
    _, query = link_of(ksef)
    other_path, _ = link_of(Ksef(ksef.site.keys))

    assert ksef.call("GET", other_path + "x", query=tuple(query.items())).status == 403


def test_a_link_is_outside_all_limits(ksef):
    path, query = link_of(ksef)
    ksef.controls.rates = dict.fromkeys(ksef.controls.rates, Rates(1, 1, 1))

    statuses = {ksef.call("GET", path, query=tuple(query.items())).status for _ in range(5)}

    assert statuses == {200}
