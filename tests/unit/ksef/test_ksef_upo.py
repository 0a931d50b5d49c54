"""Receipts: reading them, proving them, refusing what proves nothing."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from signxml import CanonicalizationMethod, XMLSigner
from signxml.xades import XAdESSigner

from ksef import UpoFault, UpoRefused, UpoSignature, parse_upo, verify_upo
from ksef.identifiers import sha256_base64
from ksef.upo import MAX_BYTES
from tests.support.ksef_script import NOW

NUMBER = "5265877635-20250826-0100001AF629-AF"
HASH = "aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M="
OTHER_HASH = sha256_base64(b"another document")
DOCUMENT = f"""
  <Dokument>
    <NipSprzedawcy>5265877635</NipSprzedawcy>
    <NumerKSeFDokumentu>{NUMBER}</NumerKSeFDokumentu>
    <NumerFaktury>FV/2026/11/1</NumerFaktury>
    <DataWystawieniaFaktury>2026-11-20</DataWystawieniaFaktury>
    <DataPrzeslaniaDokumentu>2026-11-20T10:00:40.8411234+01:00</DataPrzeslaniaDokumentu>
    <DataNadaniaNumeruKSeF>2026-11-20T10:00:41.045+01:00</DataNadaniaNumeruKSeF>
    <SkrotDokumentu>{HASH}</SkrotDokumentu>
    <TrybWysylki>Online</TrybWysylki>
  </Dokument>"""
UNSIGNED = f"""<?xml version="1.0" encoding="utf-8"?>
<Potwierdzenie xmlns="http://upo.schematy.mf.gov.pl/KSeF/v4-3">
  <NazwaPodmiotuPrzyjmujacego>Ministerstwo Finansów - środowisko testowe (TE)</NazwaPodmiotuPrzyjmujacego>
  <NumerReferencyjnySesji>20261120-SO-2F14610000-242991F8C9-B4</NumerReferencyjnySesji>
  <Uwierzytelnienie>
    <IdKontekstu><Nip>5265877635</Nip></IdKontekstu>
    <NumerReferencyjnyTokenaKSeF>20261101-EC-1111111111-2222222222-33</NumerReferencyjnyTokenaKSeF>
  </Uwierzytelnienie>
  <NazwaStrukturyLogicznej>Schemat_FA(3)_v1-0E.xsd</NazwaStrukturyLogicznej>
  <KodFormularza>FA (3)</KodFormularza>{DOCUMENT}
</Potwierdzenie>""".encode()


@pytest.fixture(scope="module")
def signing():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Pieczęć testowa")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=900))
        .not_valid_after(NOW - timedelta(days=500))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


@pytest.fixture(scope="module")
def signed(signing):
    """Signed as KSeF does: XAdES, enveloped. Its certificate ran out long ago, which must not matter."""
    key, certificate = signing
    return etree.tostring(
        XAdESSigner(signature_algorithm="ecdsa-sha256").sign(
            etree.fromstring(UNSIGNED), key=key, cert=[certificate]
        )
    )


def verify(xml, **changes):
    expected = {"invoice_hash": HASH, "ksef_number": NUMBER, "announced_hash": None} | changes
    return verify_upo(xml, **expected)


def fault_of(xml, **changes):
    with pytest.raises(UpoRefused) as caught:
        verify(xml, **changes)
    return caught.value.fault


def test_a_receipt_of_the_test_environment_is_read():
    upo = parse_upo(UNSIGNED)

    assert upo.receiver == "Ministerstwo Finansów - środowisko testowe (TE)"
    assert upo.session_reference == "20261120-SO-2F14610000-242991F8C9-B4"
    assert upo.form_code == "FA (3)"
    (document,) = upo.documents
    assert (document.ksef_number, document.invoice_hash) == (NUMBER, HASH)
    assert (document.seller_nip, document.invoice_number) == ("5265877635", "FV/2026/11/1")
    assert document.issued_on == date(2026, 11, 20)
    assert document.sent_at == datetime(2026, 11, 20, 9, 0, 40, 841123, tzinfo=UTC)
    assert document.accepted_at == datetime(2026, 11, 20, 9, 0, 41, 45000, tzinfo=UTC)
    assert document.mode == "Online"


def test_an_unsigned_receipt_confirms_but_says_that_it_is_unsigned():
    verified = verify(UNSIGNED, announced_hash=sha256_base64(UNSIGNED))

    assert verified.signature is UpoSignature.ABSENT
    assert verified.document.ksef_number == NUMBER


def test_a_signed_receipt_confirms_even_after_its_certificate_ran_out(signed):
    verified = verify(signed)

    assert verified.signature is UpoSignature.INTACT
    assert verified.document.invoice_number == "FV/2026/11/1"


@pytest.mark.parametrize(
    "method",
    [CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0, CanonicalizationMethod.CANONICAL_XML_1_0],
)
def test_other_canonical_forms_are_understood(signing, method):
    key, certificate = signing
    signer = XMLSigner(signature_algorithm="ecdsa-sha256", c14n_algorithm=method)
    xml = etree.tostring(signer.sign(etree.fromstring(UNSIGNED), key=key, cert=[certificate]))

    assert verify(xml).signature is UpoSignature.INTACT


@pytest.mark.parametrize(
    ("part", "forged"),
    [
        (b"FV/2026/11/1<", b"FV/2026/11/2<"),
        (HASH.encode(), OTHER_HASH.encode()),
        (b"2026-11-20T10:00:41.045", b"2026-11-19T10:00:41.045"),
        (b"<Nip>5265877635</Nip>", b"<Nip>1111111111</Nip>"),
    ],
)
def test_a_changed_receipt_is_refused(signed, part, forged):
    assert part in signed
    expected = OTHER_HASH if part == HASH.encode() else HASH

    assert fault_of(signed.replace(part, forged), invoice_hash=expected) is UpoFault.SIGNATURE_BROKEN


def test_a_changed_signature_is_refused(signed):
    start = signed.index(b"SignatureValue>") + len(b"SignatureValue>")
    flipped = b"B" if signed[start : start + 1] != b"B" else b"C"

    assert fault_of(signed[:start] + flipped + signed[start + 1 :]) is UpoFault.SIGNATURE_BROKEN


def test_a_second_document_slipped_in_beside_a_signature_is_refused(signed):
    assert (
        fault_of(signed.replace(b"<Dokument>", DOCUMENT.encode() + b"<Dokument>", 1))
        is UpoFault.SIGNATURE_BROKEN
    )


def test_a_signature_over_something_else_than_the_receipt_is_refused(signing):
    key, certificate = signing
    root = etree.fromstring(UNSIGNED)
    root.find("{*}KodFormularza").set("Id", "part")
    signer = XMLSigner(
        signature_algorithm="ecdsa-sha256", c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"
    )
    xml = etree.tostring(signer.sign(root, key=key, cert=[certificate], reference_uri="#part"))

    assert fault_of(xml) is UpoFault.SIGNATURE_BROKEN


def test_a_genuine_receipt_wrapped_in_a_forged_one_does_not_lend_it_its_signature(signing):
    key, certificate = signing
    genuine = etree.fromstring(UNSIGNED)
    genuine.set("Id", "genuine")
    signer = XMLSigner(
        signature_algorithm="ecdsa-sha256", c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"
    )
    genuine = signer.sign(genuine, key=key, cert=[certificate], reference_uri="#genuine")
    signature = genuine.find("{*}Signature")
    genuine.remove(signature)
    forged = etree.fromstring(UNSIGNED.replace(HASH.encode(), OTHER_HASH.encode()))
    etree.SubElement(forged, "envelope").append(genuine)
    forged.append(signature)

    assert fault_of(etree.tostring(forged), invoice_hash=OTHER_HASH) is UpoFault.FOREIGN


@pytest.mark.parametrize(
    ("original", "replacement"),
    [
        pytest.param(
            b"2000/09/xmldsig#enveloped-signature", b"TR/1999/REC-xpath-19991116", id="XPath transform"
        ),
        pytest.param(b"<ds:X509Certificate>", b"<ds:X509Certificate>!", id="unreadable certificate"),
        pytest.param(b"2001/04/xmldsig-more#ecdsa-sha256", b"2099/quantum", id="unknown algorithm"),
    ],
)
def test_a_signature_that_cannot_be_checked_is_told_apart_from_a_broken_one(signed, original, replacement):
    assert original in signed

    assert verify(signed.replace(original, replacement)).signature is UpoSignature.UNVERIFIABLE


def test_two_signatures_are_not_judged(signed):
    start, end = signed.index(b"<ds:Signature "), signed.index(b"</ds:Signature>") + len(b"</ds:Signature>")

    assert verify(signed[:end] + signed[start:end] + signed[end:]).signature is UpoSignature.UNVERIFIABLE


def test_bytes_that_are_not_the_announced_ones_are_refused(signed):
    assert fault_of(signed, announced_hash=sha256_base64(signed + b" ")) is UpoFault.CHANGED_ON_THE_WAY


def test_a_receipt_for_another_number_is_refused(signed):
    assert fault_of(signed, ksef_number="5265877635-20250626-010080DD2B5E-26") is UpoFault.FOREIGN


def test_a_receipt_for_other_bytes_is_refused(signed):
    assert fault_of(signed, invoice_hash=OTHER_HASH) is UpoFault.FOREIGN


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="no XML"),
        pytest.param(b"<a/>", id="another root"),
        pytest.param(UNSIGNED.replace(b"v4-3", b"v4-2"), id="another version"),
        pytest.param(UNSIGNED.replace(DOCUMENT.encode(), b""), id="no document"),
        pytest.param(UNSIGNED.replace(b"2026-11-20T10:00:41.045+01:00", b"soon"), id="no time"),
        pytest.param(UNSIGNED.replace(b"<TrybWysylki>Online</TrybWysylki>", b""), id="a member missing"),
        pytest.param(UNSIGNED.replace(b">Online<", b"><b>Online</b><"), id="no text"),
        pytest.param(UNSIGNED.replace(b">Online<", b"> <"), id="empty text"),
        pytest.param(UNSIGNED.replace(b"<Nip", b"<!DOCTYPE x><Nip"), id="doctype inside"),
        pytest.param(UNSIGNED.replace(b"<Potw", b"<!DOCTYPE Potwierdzenie><Potw", 1), id="doctype"),
        pytest.param(
            UNSIGNED.replace(b"<Potw", b'<!DOCTYPE Potwierdzenie SYSTEM "http://127.0.0.1:1/x"><Potw', 1),
            id="external doctype",
        ),
        pytest.param(
            UNSIGNED.replace(b"<Potw", b'<!DOCTYPE P [<!ENTITY e "FV/1">]><Potw', 1).replace(
                b"FV/2026", b"&e;"
            ),
            id="entity",
        ),
        pytest.param(UNSIGNED + b" " * MAX_BYTES, id="too large"),
    ],
)
def test_what_is_no_receipt_is_refused(xml):
    assert fault_of(xml) is UpoFault.MALFORMED


def test_a_comment_does_not_cut_a_number_short():
    xml = UNSIGNED.replace(b"FV/2026/11/1<", b"FV/2026<!-- x -->/11/1<")

    assert parse_upo(xml).documents[0].invoice_number == "FV/2026/11/1"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_the_same_way(content):
    assert fault_of(content) is UpoFault.MALFORMED


@given(st.integers(min_value=0, max_value=len(UNSIGNED) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_receipt_is_read_or_refused_never_anything_else(position, damage):
    damaged = UNSIGNED[:position] + damage + UNSIGNED[position + len(damage) :]

    with contextlib.suppress(UpoRefused):
        parse_upo(damaged)
