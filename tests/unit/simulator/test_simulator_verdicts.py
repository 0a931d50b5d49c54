"""Verdicts on invoices: each rule with what it refuses, beside what it lets through."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from simulator.policy import NO_DELAYS, Policy, Profile, Span
from tests.support.simulator_driver import ATTACHMENT, BUYER, IV, SELLER, Ksef, digest, encrypted, fa3

ACCEPTED = {"code": 200, "description": "Sukces"}


def bad_document(*details: str) -> dict[str, object]:
    return {
        "code": 450,
        "description": "Błąd weryfikacji semantyki dokumentu faktury",
        "details": list(details),
    }


def bad_file(*details: str) -> dict[str, object]:
    return {"code": 430, "description": "Błąd weryfikacji pliku faktury", "details": list(details)}


def test_a_valid_invoice_is_accepted(ksef):
    assert ksef.verdict(fa3()) == ACCEPTED


# --- decryption and declaration


def test_another_key_is_435(ksef):
    ciphertext = encrypted(fa3(), key=bytes(32))

    assert ksef.verdict(fa3(), ciphertext=ciphertext) == {
        "code": 435,
        "description": "Błąd odszyfrowania pliku",
    }


def test_a_ciphertext_of_broken_blocks_is_435(ksef):
    assert ksef.verdict(fa3(), ciphertext=encrypted(fa3())[:-1])["code"] == 435


def test_another_plain_hash_than_declared_is_430(ksef):
    status = ksef.verdict(fa3(), invoiceHash=digest(b"other"))

    assert status == bad_file("Skrót faktury nie zgadza się z zadeklarowanym skrótem.")


def test_another_plain_size_than_declared_is_430(ksef):
    status = ksef.verdict(fa3(), invoiceSize=1)

    assert status == bad_file("Rozmiar faktury nie zgadza się z zadeklarowanym rozmiarem.")


# --- the file


def test_a_byte_order_mark_is_430(ksef):
    assert ksef.verdict(b"\xef\xbb\xbf" + fa3()) == bad_file("Plik zawiera znacznik BOM.")


def test_bytes_that_are_no_utf8_are_450(ksef):
    assert ksef.verdict(fa3().replace("ę".encode(), b"\xea")) == bad_document(
        "Plik nie jest zakodowany w UTF-8."
    )


def test_another_declared_encoding_is_450(ksef):
    xml = fa3(prolog='<?xml version="1.0" encoding="windows-1250"?>', goods="Pret")

    assert ksef.verdict(xml) == bad_document("Prolog deklaruje kodowanie inne niż UTF-8.")


@pytest.mark.parametrize(
    "prolog",
    ["", '<?xml version="1.0"?>', "<?xml version='1.0' encoding='utf-8'?>"],
    ids=["none", "no encoding", "lower case"],
)
def test_a_harmless_prolog_is_accepted(ksef, prolog):
    assert ksef.verdict(fa3(prolog=prolog).strip()) == ACCEPTED


@pytest.mark.parametrize(
    "xml",
    [
        fa3(prolog='<?xml version="1.0"?><?xml-stylesheet href="a.xsl"?>'),
        fa3(prolog='<?xml-stylesheet href="a.xsl"?>'),
        fa3(goods="Pręt<?stop?>"),
    ],
    ids=["after the declaration", "without a declaration", "in the text"],
)
def test_a_processing_instruction_is_450(ksef, xml):
    assert ksef.verdict(xml) == bad_document("Dokument zawiera instrukcję przetwarzania.")


def test_what_only_looks_like_an_instruction_is_accepted(ksef):
    assert ksef.verdict(fa3(goods="<![CDATA[<?php?>]]>")) == ACCEPTED


@pytest.mark.parametrize(
    "doctype",
    ["<!DOCTYPE Faktura>", '<!DOCTYPE Faktura [<!ENTITY x "y">]>'],
    ids=["bare", "with an entity"],
)
def test_a_doctype_is_450(ksef, doctype):
    xml = fa3(prolog=f'<?xml version="1.0"?>{doctype}', goods="&x;" if "ENTITY" in doctype else "Pręt")

    assert ksef.verdict(xml) == bad_document("Dokument zawiera deklarację DOCTYPE.")


@pytest.mark.parametrize(
    "goods",
    ["\x7f", "\x84", "\x86", "\x9f", "\ufdd0", "\ufdef", "\U0001fffe", "\U0010ffff", "&#x80;"],
    ids=["7F", "84", "86", "9F", "FDD0", "FDEF", "1FFFE", "10FFFF", "reference"],
)
def test_a_discouraged_character_is_450(ksef, goods):
    assert ksef.verdict(fa3(goods=f"Pręt{goods}")) == bad_document("Dokument zawiera niedozwolone znaki.")


@pytest.mark.parametrize("goods", ["\x85", "\xa0", "\ufdcf", "😀", "\U0001fffd"])
def test_the_characters_beside_them_are_accepted(ksef, goods):
    assert ksef.verdict(fa3(goods=f"Pręt{goods}")) == ACCEPTED


def test_production_lets_discouraged_characters_through(keys):
    ksef = Ksef(keys, policy=Policy(profile=Profile.PRODUCTION))

    assert ksef.verdict(fa3(goods="Pręt\x80")) == ACCEPTED


@pytest.mark.parametrize("xml", [b"not xml", b"<Faktura>", b"<a></b>", b" ", b"\x00"])
def test_what_is_no_xml_is_450(ksef, xml):
    assert ksef.verdict(xml) == bad_document("Nieprawidłowy XML")


def test_a_comment_does_not_cut_a_value_in_two(ksef):
    first = ksef.verdict(fa3("FV/<!-- note -->1"))
    second = ksef.verdict(fa3("FV/1"))

    assert first == ACCEPTED
    assert second["code"] == 440


def test_size_is_limited_to_a_million_bytes(ksef):
    xml = fa3()
    room = 1_000_000 - len(xml)

    assert ksef.verdict(fa3("FV/1", root_end=" " * room)) == ACCEPTED
    assert ksef.verdict(fa3("FV/2", root_end=" " * (room + 1))) == bad_file(
        "Rozmiar faktury przekracza dozwolone 1000000 bajtów."
    )


# --- the document


def test_a_broken_schema_is_450_and_says_where(ksef):
    status = ksef.verdict(fa3().replace(b"<P_8B>50</P_8B>", b"<P_8B>fifty</P_8B>"))

    assert status["code"] == 450
    assert status["details"][0].startswith("Element 'P_8B': 'fifty' is not")


def test_at_most_ten_violations_are_listed(ksef):
    lines = "".join(f"<FaWiersz><NrWierszaFa>0{i}x</NrWierszaFa></FaWiersz>" for i in range(20))
    xml = fa3().replace(b"<FaWiersz>", lines.encode() + b"<FaWiersz>", 1)

    assert len(ksef.verdict(xml)["details"]) == 10


def test_an_invoice_of_tomorrow_is_450(ksef):
    assert ksef.verdict(fa3(issued="2026-11-21")) == bad_document(
        "Data wystawienia faktury (P_1) 2026-11-21 jest późniejsza niż data przyjęcia."
    )


def test_tomorrow_begins_at_polish_midnight(ksef):
    ksef.now = datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC)
    assert ksef.verdict(fa3("FV/1", issued="2026-11-21"))["code"] == 450

    ksef.now = datetime(2026, 11, 20, 23, 0, 0, tzinfo=UTC)
    assert ksef.verdict(fa3("FV/1", issued="2026-11-21")) == ACCEPTED


def test_a_wrong_nip_checksum_passes_on_test_and_fails_in_production(keys):
    xml = fa3(buyer="1234567890")

    assert Ksef(keys).verdict(xml) == ACCEPTED
    assert Ksef(keys, policy=Policy(profile=Profile.DEMO)).verdict(xml) == ACCEPTED
    assert Ksef(keys, policy=Policy(profile=Profile.PRODUCTION)).verdict(xml) == bad_document(
        "Nieprawidłowa suma kontrolna numeru NIP 1234567890 (Podmiot2)."
    )


def test_a_session_may_ask_for_the_checksum_on_test(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer, headers={"x-ksef-feature": "subject-identifier-validation"})
    reference = ksef.send(session, fa3(buyer="1234567890"), bearer=bearer)

    assert ksef.invoice(session, reference, bearer=bearer)["status"]["code"] == 450


def test_two_feature_values_mean_none(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer, headers={"x-ksef-feature": "subject-identifier-validation, upo-v4-3"})
    reference = ksef.send(session, fa3(buyer="1234567890"), bearer=bearer)

    assert ksef.invoice(session, reference, bearer=bearer)["status"] == ACCEPTED


def test_an_attachment_does_not_go_online(ksef):
    assert ksef.verdict(fa3(root_end=ATTACHMENT)) == {
        "code": 415,
        "description": "Brak możliwości wysyłania faktury z załącznikiem",
    }


def test_an_attachment_may_go_online_as_a_technical_correction(ksef):
    status = ksef.verdict(
        fa3(root_end=ATTACHMENT), offlineMode=True, hashOfCorrectedInvoice=digest(b"refused")
    )

    assert status == ACCEPTED


# --- rights


def no_right(seller: str) -> dict[str, object]:
    return {
        "code": 410,
        "description": "Nieprawidłowy zakres uprawnień",
        "details": [
            "Brak uprawnienia fakturowego",
            f"Kontekst Nip {SELLER} nie jest uprawniony do wystawienia faktury sprzedawcy o NIP {seller}.",
        ],
    }


def test_an_invoice_of_another_seller_is_410(ksef):
    assert ksef.verdict(fa3(seller=BUYER, buyer=SELLER)) == no_right(BUYER)


def test_self_billing_needs_a_grant_of_the_seller(ksef):
    xml = fa3(seller=BUYER, buyer=SELLER, self_billed=True)
    assert ksef.verdict(xml) == no_right(BUYER)

    ksef.store.put_self_billing(seller_nip=BUYER, buyer_nip=SELLER)

    assert ksef.verdict(xml) == ACCEPTED


def test_a_self_billing_grant_covers_self_billed_invoices_to_oneself_only(ksef):
    ksef.store.put_self_billing(seller_nip=BUYER, buyer_nip=SELLER)

    assert ksef.verdict(fa3("FV/1", seller=BUYER, buyer=SELLER))["code"] == 410
    assert ksef.verdict(fa3("FV/2", seller=BUYER, buyer="5555555555", self_billed=True))["code"] == 410


# --- duplicates


def test_a_second_invoice_with_the_same_number_is_440_naming_the_first(ksef):
    bearer = ksef.access()
    first, second = ksef.open(bearer), ksef.open(bearer)
    one = ksef.invoice(first, ksef.send(first, fa3(), bearer=bearer), bearer=bearer)

    two = ksef.invoice(second, ksef.send(second, fa3(goods="Other"), bearer=bearer), bearer=bearer)

    assert two["status"] == {
        "code": 440,
        "description": "Duplikat faktury",
        "details": [
            (
                f"Duplikat faktury. Faktura o numerze KSeF: {one['ksefNumber']} została już prawidłowo "
                f"przesłana do systemu w sesji: {first}"
            )
        ],
        "extensions": {
            "originalSessionReferenceNumber": first,
            "originalKsefNumber": one["ksefNumber"],
        },
    }
    assert two["invoiceNumber"] == "FV/1"
    assert "ksefNumber" not in two


def test_seller_kind_and_number_make_the_duplicate(ksef):
    ksef.store.put_self_billing(seller_nip=BUYER, buyer_nip=SELLER)

    assert ksef.verdict(fa3("FV/1")) == ACCEPTED
    assert ksef.verdict(fa3("FV/1", kind="UPR")) == ACCEPTED
    assert ksef.verdict(fa3("FV/2")) == ACCEPTED
    assert ksef.verdict(fa3("FV/1", seller=BUYER, buyer=SELLER, self_billed=True)) == ACCEPTED
    assert ksef.verdict(fa3("FV/1", buyer="5555555555"))["code"] == 440


def test_a_refused_invoice_leaves_its_number_free(ksef):
    assert ksef.verdict(fa3("FV/1", issued="2026-11-21"))["code"] == 450

    assert ksef.verdict(fa3("FV/1")) == ACCEPTED


def test_a_copy_sent_while_the_first_is_undecided_shows_440_not_before_the_first_shows_200(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.controls.delays = replace(NO_DELAYS, verdict=Span(10, 10))
    first = ksef.send(session, fa3(), bearer=bearer)
    ksef.controls.delays = NO_DELAYS
    second = ksef.send(session, fa3(), bearer=bearer)

    ksef.advance(seconds=9)
    early = [ksef.invoice(session, r, bearer=bearer)["status"]["code"] for r in (first, second)]
    ksef.advance(seconds=1)
    late = [ksef.invoice(session, r, bearer=bearer)["status"]["code"] for r in (first, second)]

    assert early == [150, 150]
    assert late == [200, 440]


def test_a_number_is_free_again_after_ten_full_years(ksef):
    assert ksef.verdict(fa3("FV/1", issued="2026-01-01")) == ACCEPTED

    ksef.now = datetime(2036, 12, 31, 22, 59, tzinfo=UTC)
    assert ksef.verdict(fa3("FV/1"))["code"] == 440
    ksef.now = datetime(2036, 12, 31, 23, 0, tzinfo=UTC)
    assert ksef.verdict(fa3("FV/1")) == ACCEPTED


# --- mode


def mode_of(ksef: Ksef, xml: bytes, **changed: object) -> str:
    bearer = ksef.access()
    session = ksef.open(bearer)
    reference = ksef.send(session, xml, bearer=bearer, **changed)
    return str(ksef.invoice(session, reference, bearer=bearer)["invoicingMode"])


def test_an_invoice_of_today_is_online_unless_declared_offline(ksef):
    assert mode_of(ksef, fa3("FV/1")) == "Online"
    assert mode_of(ksef, fa3("FV/2"), offlineMode=True) == "Offline"


def test_an_invoice_of_yesterday_is_offline_by_itself(ksef):
    assert mode_of(ksef, fa3(issued="2026-11-19")) == "Offline"


def test_yesterday_ends_at_polish_midnight(ksef):
    ksef.now = datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC)
    assert mode_of(ksef, fa3("FV/1")) == "Online"

    ksef.now = datetime(2026, 11, 20, 23, 0, 1, tzinfo=UTC)
    assert mode_of(ksef, fa3("FV/2")) == "Offline"


def test_the_session_iv_is_used_for_every_invoice(ksef):
    other_iv = bytes(reversed(IV))

    assert ksef.verdict(fa3(), ciphertext=encrypted(fa3(), iv=other_iv))["code"] == 430
