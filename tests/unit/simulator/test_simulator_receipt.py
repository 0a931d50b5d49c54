"""The receipt (UPO v4-3): order and content of its elements, its signature, its bytes.

The structure is held against the facts of the official schema (element order, patterns); the schema itself is
not part of this repository.
"""

import re

import pytest
from lxml import etree
from signxml.exceptions import InvalidDigest
from signxml.xades.xades import XAdESVerifier

from simulator.policy import Policy, Profile
from simulator.protocol.identifiers import Identifier
from tests.support.simulator_driver import Ksef, digest, fa3

UPO = "{http://upo.schematy.mf.gov.pl/KSeF/v4-3}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
REFERENCE = re.compile(
    r"20[2-9][0-9](0[1-9]|1[0-2])([0-2][0-9]|3[01])-[0-9A-Z]{2}(-[0-9A-F]{10}){2}-[0-9A-F]{2}"
)


def receipt(ksef: Ksef, xml: bytes | None = None) -> bytes:
    bearer = ksef.access()
    session = ksef.open(bearer)
    reference = ksef.send(session, fa3() if xml is None else xml, bearer=bearer)
    return ksef.call("GET", f"/sessions/{session}/invoices/{reference}/upo", bearer=bearer).raw


def names(element: etree._Element) -> list[str]:
    return [child.tag.removeprefix(UPO) for child in element]


def test_elements_stand_in_the_order_of_the_schema(ksef):
    root = etree.fromstring(receipt(ksef))

    assert root.tag == f"{UPO}Potwierdzenie"
    assert names(root) == [
        "NazwaPodmiotuPrzyjmujacego",
        "NumerReferencyjnySesji",
        "Uwierzytelnienie",
        "NazwaStrukturyLogicznej",
        "KodFormularza",
        "Dokument",
        SIGNATURE,
    ]
    assert names(root.find(f"{UPO}Uwierzytelnienie")) == ["IdKontekstu", "NumerReferencyjnyTokenaKSeF"]
    assert names(root.find(f"{UPO}Dokument")) == [
        "NipSprzedawcy",
        "NumerKSeFDokumentu",
        "NumerFaktury",
        "DataWystawieniaFaktury",
        "DataPrzeslaniaDokumentu",
        "DataNadaniaNumeruKSeF",
        "SkrotDokumentu",
        "TrybWysylki",
    ]


def test_the_content_is_that_of_the_invoice_and_its_session(ksef):
    xml = fa3("FV/7 &amp; &lt;sp&gt;", issued="2026-11-19")
    root = etree.fromstring(receipt(ksef, xml))
    text = {element.tag.removeprefix(UPO): element.text for element in root.iter(f"{UPO}*")}

    assert text["NazwaPodmiotuPrzyjmujacego"] == "Ministerstwo Finansów - środowisko testowe (TE)"
    assert REFERENCE.fullmatch(text["NumerReferencyjnySesji"])
    assert REFERENCE.fullmatch(text["NumerReferencyjnyTokenaKSeF"])
    assert text["Nip"] == "5265877635"
    assert text["NazwaStrukturyLogicznej"] == "Schemat_FA(3)_v1-0E.xsd"
    assert text["KodFormularza"] == "FA (3)"
    assert text["NipSprzedawcy"] == "5265877635"
    assert re.fullmatch(r"5265877635-20261120-[0-9A-F]{12}-[0-9A-F]{2}", text["NumerKSeFDokumentu"])
    assert text["NumerFaktury"] == "FV/7 & <sp>"
    assert text["DataWystawieniaFaktury"] == "2026-11-19"
    assert text["DataPrzeslaniaDokumentu"] == "2026-11-20T12:00:00.000+01:00"
    assert text["DataNadaniaNumeruKSeF"] == "2026-11-20T12:00:00.000+01:00"
    assert text["SkrotDokumentu"] == digest(xml)
    assert text["TrybWysylki"] == "Offline"


def test_production_receipts_carry_the_name_the_schema_fixes(keys):
    root = etree.fromstring(receipt(Ksef(keys, policy=Policy(profile=Profile.PRODUCTION))))

    assert root.findtext(f"{UPO}NazwaPodmiotuPrzyjmujacego") == "Ministerstwo Finansów"


def test_the_token_named_is_the_one_that_logged_in(ksef):
    text = ksef.mint("5265877635", "InvoiceWrite", subject=Identifier("Pesel", "90010112345"))
    bearer = ksef.tokens(text)[0]
    session = ksef.open(bearer)
    reference = ksef.send(session, fa3(), bearer=bearer)

    upo = ksef.call("GET", f"/sessions/{session}/invoices/{reference}/upo", bearer=bearer).raw

    assert etree.fromstring(upo).findtext(f".//{UPO}NumerReferencyjnyTokenaKSeF") == text[:36]


def test_bytes_are_utf8_without_a_mark(ksef):
    upo = receipt(ksef)

    assert upo.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert "środowisko".encode() in upo


def test_the_signature_verifies_with_the_installations_certificate(ksef):
    verified = XAdESVerifier().verify(
        receipt(ksef), x509_cert=ksef.site.keys.signing.certificate, expect_references=3
    )

    assert verified[0].signed_xml.tag == f"{UPO}Potwierdzenie"


def test_a_changed_receipt_does_not_verify(ksef):
    tampered = receipt(ksef).replace(b">Online<", b">Offline<")

    with pytest.raises(InvalidDigest):
        XAdESVerifier().verify(tampered, x509_cert=ksef.site.keys.signing.certificate, expect_references=3)


def test_the_signing_time_is_the_simulators_own(ksef):
    assert b"<xades:SigningTime>2026-11-20T11:00:00+00:00</xades:SigningTime>" in receipt(ksef)
