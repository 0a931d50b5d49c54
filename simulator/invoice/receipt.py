"""The official receipt (UPO v4-3) of one invoice: built from its row, signed XAdES with an EC key.

Signing is randomised, so a receipt is made once and kept: its bytes never change again.
"""

from datetime import UTC, datetime
from xml.sax.saxutils import escape

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSigner

from simulator.crypto.keys import SigningKey
from simulator.protocol.times import local_timestamp
from simulator.store.rows import Invoice, Session

UPO_NAMESPACE = "http://upo.schematy.mf.gov.pl/KSeF/v4-3"
XADES_NAMESPACE = "http://uri.etsi.org/01903/v1.3.2#"
FORM_CODE = "FA (3)"
STRUCTURE = "Schemat_FA(3)_v1-0E.xsd"

_CONTEXT_ELEMENTS = {
    "Nip": "Nip",
    "InternalId": "IdWewnetrzny",
    "NipVatUe": "IdZlozonyVatUE",
    "PeppolId": "IdDostawcyUslugPeppol",
}


def signed_receipt(
    invoice: Invoice, *, session: Session, receiver: str, key: SigningKey, now: datetime
) -> bytes:
    """UTF-8 without BOM; ``ds:Signature`` is the last child of the root. ``invoice`` must be accepted."""
    receipt = etree.fromstring(_receipt(invoice, session=session, receiver=receiver).encode())
    signer = _Signer(
        signing_time=now,
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
    )
    signed = signer.sign(receipt, key=key.private_key, cert=[key.certificate])
    return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


class _Signer(XAdESSigner):
    """Signs at the moment it is told; the library would read the clock."""

    def __init__(
        self,
        *,
        signing_time: datetime,
        signature_algorithm: SignatureMethod,
        digest_algorithm: DigestAlgorithm,
    ) -> None:
        # The default C14N stays: with exclusive C14N the library writes signatures that nobody verifies.
        super().__init__(signature_algorithm=signature_algorithm, digest_algorithm=digest_algorithm)
        self._signing_time = signing_time

    def add_signing_time(
        self, signed_signature_properties: etree._Element, sig_root: object, signing_settings: object
    ) -> None:
        del sig_root, signing_settings
        element = etree.SubElement(signed_signature_properties, f"{{{XADES_NAMESPACE}}}SigningTime")
        element.text = self._signing_time.astimezone(UTC).isoformat(timespec="seconds")


def _receipt(invoice: Invoice, *, session: Session, receiver: str) -> str:
    if invoice.key is None or invoice.issued_on is None or invoice.ksef_number is None:
        raise ValueError(f"invoice {invoice.reference} has no KSeF number, so it has no receipt")
    context = _CONTEXT_ELEMENTS[session.context.type]
    return f"""<Potwierdzenie xmlns="{UPO_NAMESPACE}">
  <NazwaPodmiotuPrzyjmujacego>{escape(receiver)}</NazwaPodmiotuPrzyjmujacego>
  <NumerReferencyjnySesji>{session.reference}</NumerReferencyjnySesji>
  <Uwierzytelnienie>
    <IdKontekstu><{context}>{escape(session.context.value)}</{context}></IdKontekstu>
    <NumerReferencyjnyTokenaKSeF>{session.token_reference}</NumerReferencyjnyTokenaKSeF>
  </Uwierzytelnienie>
  <NazwaStrukturyLogicznej>{STRUCTURE}</NazwaStrukturyLogicznej>
  <KodFormularza>{FORM_CODE}</KodFormularza>
  <Dokument>
    <NipSprzedawcy>{invoice.key.seller_nip}</NipSprzedawcy>
    <NumerKSeFDokumentu>{invoice.ksef_number}</NumerKSeFDokumentu>
    <NumerFaktury>{escape(invoice.key.number)}</NumerFaktury>
    <DataWystawieniaFaktury>{invoice.issued_on}</DataWystawieniaFaktury>
    <DataPrzeslaniaDokumentu>{local_timestamp(invoice.received_at)}</DataPrzeslaniaDokumentu>
    <DataNadaniaNumeruKSeF>{local_timestamp(invoice.decided_at)}</DataNadaniaNumeruKSeF>
    <SkrotDokumentu>{invoice.hash}</SkrotDokumentu>
    <TrybWysylki>{invoice.mode}</TrybWysylki>
  </Dokument>
</Potwierdzenie>"""
