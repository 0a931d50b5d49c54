"""Sending: what is refused at once, with the codes of API 2.9.0."""

import pytest

from simulator.policy import Policy
from tests.support.simulator_driver import AES_KEY, SELLER, Ksef, b64, digest, encrypted, fa3, send_request


def test_a_send_is_answered_with_a_reference(ksef):
    bearer = ksef.access()

    reply = ksef.try_send(ksef.open(bearer), fa3(), bearer=bearer)

    assert reply.status == 202
    assert reply.json.keys() == {"referenceNumber"}
    assert reply.json["referenceNumber"].startswith("20261120-EE-")


def test_a_send_may_spell_its_names_as_dotnet_does(ksef):
    bearer = ksef.access()
    body = {name[0].upper() + name[1:]: value for name, value in send_request(fa3()).items()}

    reply = ksef.call("POST", f"/sessions/online/{ksef.open(bearer)}/invoices", body, bearer=bearer)

    assert reply.status == 202


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"encryptedInvoiceSize": 1}, (21402, "Długość treści nie zgadza się z rozmiarem pliku.")),
        (
            {"encryptedInvoiceHash": digest(b"other")},
            (21403, "Skrót treści nie zgadza się ze skrótem pliku."),
        ),
        ({"invoiceHash": "abc"}, (21405, "'invoiceHash' must be 44 characters long.")),
        ({"invoiceHash": "#" * 44}, (21405, "'invoiceHash' must be standard Base64 with padding.")),
        ({"invoiceHash": b64(bytes(33))}, (21405, "'invoiceHash' must hold 32 bytes.")),
        ({"invoiceSize": 0}, (21405, "'invoiceSize' must be between 1 and 9223372036854775807.")),
        ({"invoiceSize": "7"}, (21405, "'invoiceSize' must be an integer.")),
        ({"invoiceSize": 2.0}, (21405, "'invoiceSize' must be an integer.")),
        ({"invoiceSize": 2**63}, (21405, "'invoiceSize' must be between 1 and 9223372036854775807.")),
        ({"encryptedInvoiceContent": None}, (21405, "'encryptedInvoiceContent' is required.")),
        ({"offlineMode": "true"}, (21405, "'offlineMode' must be true or false.")),
        (
            {"hashOfCorrectedInvoice": digest(b"other")},
            (21405, "'hashOfCorrectedInvoice' requires 'offlineMode' to be true."),
        ),
    ],
)
def test_a_wrong_declaration_is_refused_at_once(ksef, changed, error):
    bearer = ksef.access()
    session = ksef.open(bearer)

    assert ksef.try_send(session, fa3(), bearer=bearer, **changed).error == error
    assert "invoiceCount" not in ksef.session(session, bearer=bearer)


def test_an_unknown_session_takes_no_invoice(ksef):
    unknown = "20261120-SO-0000000000-0000000000-00"

    reply = ksef.try_send(unknown, fa3(), bearer=ksef.access())

    assert reply.error == (21173, f"Sesja o numerze referencyjnym {unknown} nie została odnaleziona.")


def test_a_closed_session_takes_no_invoice(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.close(session, bearer=bearer)

    reply = ksef.try_send(session, fa3(), bearer=bearer)

    assert reply.error == (21180, "Status sesji 440 uniemożliwia wysyłkę faktur.")


def test_a_full_session_takes_no_more(keys):
    ksef = Ksef(keys, policy=Policy(max_invoices=2))
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.send(session, fa3("FV/1"), bearer=bearer)
    ksef.send(session, fa3("FV/2"), bearer=bearer)

    reply = ksef.try_send(session, fa3("FV/3"), bearer=bearer)

    detail = f"Sesja o numerze referencyjnym {session} osiągnęła dozwolony limit liczby faktur 2."
    assert reply.error == (21155, detail)


def test_sessions_are_full_at_ten_thousand(ksef):
    limits = ksef.call("GET", "/limits/context", bearer=ksef.access()).json

    assert limits["onlineSession"]["maxInvoices"] == 10_000
    assert ksef.site.policy.max_invoices == 10_000


# --- technical corrections


def test_a_correction_of_a_refused_offline_invoice_is_accepted(ksef):
    broken = b"<broken/>"
    assert ksef.verdict(broken, offlineMode=True)["code"] == 450

    fixed = ksef.verdict(fa3(), offlineMode=True, hashOfCorrectedInvoice=digest(broken))

    assert fixed["code"] == 200


def test_a_second_correction_is_21166(ksef):
    ksef.verdict(fa3("FV/1"), offlineMode=True, hashOfCorrectedInvoice=digest(b"broken"))
    bearer = ksef.access()

    reply = ksef.try_send(
        ksef.open(bearer),
        fa3("FV/2"),
        bearer=bearer,
        offlineMode=True,
        hashOfCorrectedInvoice=digest(b"broken"),
    )

    assert reply.error == (21166, "Faktura posiada już przetworzoną prawidłowo korektę techniczną.")


def test_a_correction_of_an_accepted_invoice_is_21167(ksef):
    original = fa3("FV/1")
    ksef.verdict(original)
    bearer = ksef.access()

    reply = ksef.try_send(
        ksef.open(bearer),
        fa3("FV/2"),
        bearer=bearer,
        offlineMode=True,
        hashOfCorrectedInvoice=digest(original),
    )

    detail = "Nie można wysłać korekty technicznej do prawidłowo przetworzonej faktury."
    assert reply.error == (21167, detail)


def test_a_refused_correction_may_be_tried_again(ksef):
    broken = digest(b"broken")
    assert ksef.verdict(b"<x/>", offlineMode=True, hashOfCorrectedInvoice=broken)["code"] == 450

    assert ksef.verdict(fa3(), offlineMode=True, hashOfCorrectedInvoice=broken)["code"] == 200


def test_the_iv_does_not_travel_in_front_of_the_ciphertext(ksef):
    prefixed = bytes(range(16)) + encrypted(fa3(), key=AES_KEY)

    status = ksef.verdict(fa3(), ciphertext=prefixed)

    assert status["code"] == 430
    assert status["details"] == ["Rozmiar faktury nie zgadza się z zadeklarowanym rozmiarem."]


def test_every_session_numbers_its_invoices_from_one(ksef):
    bearer = ksef.access(SELLER)
    first, second = ksef.open(bearer), ksef.open(bearer)
    a = ksef.send(first, fa3("FV/1"), bearer=bearer)
    b = ksef.send(first, fa3("FV/2"), bearer=bearer)
    c = ksef.send(second, fa3("FV/3"), bearer=bearer)

    assert ksef.invoice(first, a, bearer=bearer)["ordinalNumber"] == 1
    assert ksef.invoice(first, b, bearer=bearer)["ordinalNumber"] == 2
    assert ksef.invoice(second, c, bearer=bearer)["ordinalNumber"] == 1
