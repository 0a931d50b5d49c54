"""Online sessions: opening, states over time, closing, whose they are."""

from dataclasses import replace

import pytest

from simulator.policy import NO_DELAYS, Span
from simulator.protocol.identifiers import Identifier
from tests.support.simulator_driver import BUYER, SELLER, b64, fa3, oaep

ANNA = Identifier("Pesel", "90010112345")
OPEN = {"code": 100, "description": "Sesja interaktywna otwarta"}


def test_a_session_opens_for_twelve_hours(ksef):
    bearer = ksef.access()

    reply = ksef.call("POST", "/sessions/online", ksef.session_request(), bearer=bearer)

    assert reply.status == 201
    assert reply.json["referenceNumber"].startswith("20261120-SO-")
    assert reply.json["validUntil"] == "2026-11-20T23:00:00.0000000+00:00"


def test_an_open_session_shows_no_counter_that_is_zero_and_no_upo(ksef):
    bearer = ksef.access()

    assert ksef.session(ksef.open(bearer), bearer=bearer) == {
        "status": OPEN,
        "dateCreated": "2026-11-20T11:00:00.0000000+00:00",
        "dateUpdated": "2026-11-20T11:00:00.0000000+00:00",
        "validUntil": "2026-11-20T23:00:00.0000000+00:00",
    }


def test_counters_are_filled_while_the_session_is_open(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.send(session, fa3("FV/1"), bearer=bearer)
    ksef.send(session, fa3("FV/2"), bearer=bearer)
    ksef.advance(seconds=3)
    ksef.send(session, fa3("FV/1"), bearer=bearer)

    shown = ksef.session(session, bearer=bearer)

    assert shown["status"] == OPEN
    assert (shown["invoiceCount"], shown["successfulInvoiceCount"], shown["failedInvoiceCount"]) == (3, 2, 1)
    assert shown["dateUpdated"] == "2026-11-20T11:00:03.0000000+00:00"


@pytest.mark.parametrize(
    ("invoices", "status"),
    [
        ((), {"code": 440, "description": "Sesja anulowana", "details": ["Nie przesłano faktur"]}),
        ((fa3("FV/1"),), {"code": 200, "description": "Sesja interaktywna przetworzona pomyślnie"}),
        ((b"<x/>",), {"code": 445, "description": "Błąd weryfikacji, brak poprawnych faktur"}),
        ((b"<x/>", fa3("FV/1")), {"code": 200, "description": "Sesja interaktywna przetworzona pomyślnie"}),
    ],
    ids=["nothing sent", "accepted", "refused only", "both"],
)
def test_a_closed_session_ends_by_what_was_sent(ksef, invoices, status):
    bearer = ksef.access()
    session = ksef.open(bearer)
    for xml in invoices:
        ksef.send(session, xml, bearer=bearer)

    assert ksef.close(session, bearer=bearer).status == 204
    assert ksef.session(session, bearer=bearer)["status"] == status


def test_a_closed_session_is_at_170_until_the_last_invoice_is_judged(ksef):
    ksef.controls.delays = replace(NO_DELAYS, verdict=Span(30, 30), closing=Span(1, 1))
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.send(session, fa3(), bearer=bearer)
    ksef.close(session, bearer=bearer)

    ksef.advance(seconds=29)
    waiting = ksef.session(session, bearer=bearer)
    ksef.advance(seconds=1)
    done = ksef.session(session, bearer=bearer)

    assert waiting["status"] == {"code": 170, "description": "Sesja interaktywna zamknięta"}
    assert waiting["invoiceCount"] == 1
    assert "successfulInvoiceCount" not in waiting
    assert done["status"]["code"] == 200
    assert done["dateUpdated"] == "2026-11-20T11:00:30.0000000+00:00"


def test_closing_takes_its_time(ksef):
    ksef.controls.delays = replace(NO_DELAYS, closing=Span(2, 2))
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.close(session, bearer=bearer)

    ksef.advance(seconds=1.9)
    assert ksef.session(session, bearer=bearer)["status"]["code"] == 170
    ksef.advance(seconds=0.1)
    assert ksef.session(session, bearer=bearer)["status"]["code"] == 440


def test_a_closed_session_is_not_closed_again(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.close(session, bearer=bearer)

    assert ksef.close(session, bearer=bearer).error == (
        21180,
        "Status sesji 440 uniemożliwia jej zamknięcie.",
    )


def test_a_session_ends_by_itself_after_twelve_hours(ksef):
    token = ksef.mint()
    bearer = ksef.tokens(token)[0]
    session = ksef.open(bearer)
    ksef.send(session, fa3(), bearer=bearer)

    ksef.advance(hours=11, minutes=59, seconds=59)
    bearer = ksef.tokens(token)[0]
    assert ksef.session(session, bearer=bearer)["status"] == OPEN
    ksef.advance(seconds=1)

    assert ksef.session(session, bearer=bearer)["status"]["code"] == 200
    late = ksef.try_send(session, fa3("FV/2"), bearer=bearer)
    assert late.error == (21180, "Status sesji 200 uniemożliwia wysyłkę faktur.")


def test_a_key_that_cannot_be_decrypted_shows_late_and_takes_its_invoices_with_it(ksef):
    ksef.controls.delays = replace(NO_DELAYS, key_check=Span(5, 5))
    bearer = ksef.access()
    wrong = b64(ksef.public_key("KsefTokenEncryption").encrypt(bytes(32), oaep()))
    session = ksef.open(bearer, encryptedSymmetricKey=wrong)
    reference = ksef.send(session, fa3(), bearer=bearer)
    before = ksef.session(session, bearer=bearer)["status"]["code"]
    pending = ksef.invoice(session, reference, bearer=bearer)["status"]["code"]

    ksef.advance(seconds=5)

    assert (before, pending) == (100, 150)
    assert ksef.session(session, bearer=bearer)["status"] == {
        "code": 415,
        "description": "Błąd odszyfrowania dostarczonego klucza",
    }
    assert ksef.invoice(session, reference, bearer=bearer)["status"] == {
        "code": 405,
        "description": "Przetwarzanie anulowane z powodu błędu sesji",
    }
    refused = ksef.try_send(session, fa3("FV/2"), bearer=bearer)
    assert refused.error == (21180, "Status sesji 415 uniemożliwia wysyłkę faktur.")


def test_a_key_of_another_length_is_no_key(ksef):
    bearer = ksef.access()
    short = b64(ksef.public_key("SymmetricKeyEncryption").encrypt(bytes(16), oaep()))

    assert (
        ksef.session(ksef.open(bearer, encryptedSymmetricKey=short), bearer=bearer)["status"]["code"] == 415
    )


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"initializationVector": b64(bytes(12))}, "'encryption.initializationVector' must hold 16 bytes."),
        ({"encryptedSymmetricKey": None}, "'encryption.encryptedSymmetricKey' is required."),
    ],
)
def test_a_session_request_of_the_wrong_form_is_21405(ksef, changed, detail):
    reply = ksef.call("POST", "/sessions/online", ksef.session_request(**changed), bearer=ksef.access())

    assert reply.error == (21405, detail)


def test_another_form_code_is_not_supported(ksef):
    request = {**ksef.session_request(), "formCode": {"systemCode": "X", "schemaVersion": "1", "value": "X"}}

    reply = ksef.call("POST", "/sessions/online", request, bearer=ksef.access())

    assert reply.error == (21405, "Wskazany kod formularza nie jest wspierany.")


def test_a_withdrawn_key_is_21470_at_once(ksef):
    reply = ksef.call(
        "POST", "/sessions/online", ksef.session_request(publicKeyId=b64(bytes(32))), bearer=ksef.access()
    )

    assert reply.error[0] == 21470


def test_an_unknown_session_is_21173_in_the_words_of_each_operation(ksef):
    bearer = ksef.access()
    unknown = "20261120-SO-0000000000-0000000000-00"

    assert ksef.call("GET", f"/sessions/{unknown}", bearer=bearer).error == (
        21173,
        f"Sesja o numerze referencyjnym {unknown} nie została znaleziona.",
    )
    assert ksef.close(unknown, bearer=bearer).error == (
        21173,
        f"Sesja o numerze referencyjnym {unknown} nie została odnaleziona.",
    )


def test_a_reference_of_the_wrong_length_is_21405(ksef):
    reply = ksef.call("GET", "/sessions/123", bearer=ksef.access())

    assert reply.error == (21405, "'referenceNumber' must be 36 characters long.")


# --- whose session it is


def refused(reply) -> bool:
    return reply.status == 403 and reply.json["reasonCode"] == "insufficient-resource-access"


def test_a_session_of_another_subject_is_nobody_elses_business(ksef):
    annas = ksef.access(SELLER, subject=ANNA)
    session = ksef.open(annas)
    other = ksef.access(SELLER)

    assert refused(ksef.call("GET", f"/sessions/{session}", bearer=other))
    assert refused(ksef.call("GET", f"/sessions/{session}/invoices", bearer=other))
    assert refused(ksef.try_send(session, fa3(), bearer=other))
    assert refused(ksef.close(session, bearer=other))


def test_introspection_sees_every_session_of_its_context_but_sends_to_none(ksef):
    session = ksef.open(ksef.access(SELLER, subject=ANNA))
    observer = ksef.access(SELLER, "Introspection", "InvoiceWrite")

    assert ksef.call("GET", f"/sessions/{session}", bearer=observer).status == 200
    assert refused(ksef.try_send(session, fa3(), bearer=observer))


@pytest.mark.parametrize("same_token", [True, False], ids=["the same token", "another token"])
def test_a_session_outlives_the_login_that_opened_it_for_the_same_subject(ksef, same_token):
    token = ksef.mint(SELLER)
    first = ksef.tokens(token)[0]
    session = ksef.open(first)
    reference = ksef.send(session, fa3(), bearer=first)
    ksef.call("DELETE", "/auth/sessions/current", bearer=first)
    second = ksef.tokens(token if same_token else ksef.mint(SELLER))[0]

    invoices = ksef.call("GET", f"/sessions/{session}/invoices", bearer=second).json["invoices"]
    closed = ksef.close(session, bearer=second)

    assert [(invoice["referenceNumber"], invoice["status"]["code"]) for invoice in invoices] == [
        (reference, 200)
    ]
    assert closed.status == 204
    assert ksef.session(session, bearer=second)["status"]["code"] == 200


def test_the_invoices_of_a_session_somebody_else_closed_are_still_listed(ksef):
    bearer, other = ksef.access(), ksef.access()
    session = ksef.open(bearer)
    reference = ksef.send(session, fa3(), bearer=bearer)
    ksef.close(session, bearer=other)

    late = ksef.try_send(session, fa3("FV/2"), bearer=bearer)
    invoices = ksef.call("GET", f"/sessions/{session}/invoices", bearer=bearer).json["invoices"]

    assert late.error == (21180, "Status sesji 200 uniemożliwia wysyłkę faktur.")
    assert [invoice["referenceNumber"] for invoice in invoices] == [reference]


def test_introspection_reads_a_strangers_session_but_does_not_close_it(ksef):
    annas = ksef.access(SELLER, subject=ANNA)
    session = ksef.open(annas)
    reference = ksef.send(session, fa3(), bearer=annas)
    observer = ksef.access(SELLER, "Introspection", "InvoiceWrite")

    invoices = ksef.call("GET", f"/sessions/{session}/invoices", bearer=observer).json["invoices"]

    assert [invoice["referenceNumber"] for invoice in invoices] == [reference]
    assert refused(ksef.close(session, bearer=observer))
    assert ksef.session(session, bearer=annas)["status"] == OPEN


def test_introspection_ends_at_its_context(ksef):
    session = ksef.open(ksef.access(SELLER))

    assert refused(ksef.call("GET", f"/sessions/{session}", bearer=ksef.access(BUYER, "Introspection")))


def test_one_integrator_in_two_contexts_does_not_mix_them(ksef):
    integrator = Identifier("Nip", "7777777777")
    session = ksef.open(ksef.access(SELLER, subject=integrator))
    elsewhere = ksef.access(BUYER, subject=integrator)

    assert refused(ksef.call("GET", f"/sessions/{session}", bearer=elsewhere))
    assert refused(ksef.try_send(session, fa3(), bearer=elsewhere))
