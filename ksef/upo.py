"""The UPO, KSeF's official receipt (schema v4-3): reading it and proving that it is about our invoice.

Invariant: what ``verify_upo`` returns was read from the part of the document that its signature covers.
Store the bytes as they came; nothing here writes XML.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Final

from lxml import etree

from ksef.errors import BrokenContract
from ksef.identifiers import sha256_base64
from ksef.timestamps import parse_timestamp
from ksef.upo_signature import UpoSignature, check_signature

NAMESPACE: Final = "http://upo.schematy.mf.gov.pl/KSeF/v4-3"
MAX_BYTES: Final = 16 * 1024 * 1024
"""A receipt of 10 000 documents is about 6 MB."""

_UPO: Final = f"{{{NAMESPACE}}}"
_ROOT: Final = f"{_UPO}Potwierdzenie"


class UpoFault(Enum):
    """What is wrong with a receipt."""

    MALFORMED = "not a UPO of schema v4-3"
    CHANGED_ON_THE_WAY = "its bytes do not have the hash that KSeF announced: fetch it again"
    FOREIGN = "it does not confirm the invoice asked about"
    SIGNATURE_BROKEN = "its signature does not fit its content"


class UpoRefused(BrokenContract):
    """A receipt that proves nothing. ``fault`` says why; the invoice itself is not in question."""

    def __init__(self, fault: UpoFault, what: str) -> None:
        super().__init__(f"UPO refused, {fault.value}: {what}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class UpoFile:
    """A downloaded receipt: its exact bytes and the hash that KSeF announced for them (Base64, or None)."""

    xml: bytes = field(repr=False)
    announced_hash: str | None


@dataclass(frozen=True, slots=True)
class UpoDocument:
    """One confirmed invoice. ``mode`` is ``Online`` or ``Offline``."""

    ksef_number: str
    seller_nip: str
    invoice_number: str
    issued_on: date
    sent_at: datetime
    accepted_at: datetime
    invoice_hash: str
    mode: str


@dataclass(frozen=True, slots=True)
class Upo:
    """A receipt. ``receiver`` is the ministry, with the environment's name appended outside production."""

    receiver: str
    session_reference: str
    form_code: str
    documents: tuple[UpoDocument, ...]


@dataclass(frozen=True, slots=True)
class VerifiedUpo:
    """A receipt that confirms our invoice, our entry in it, and what its signature is worth."""

    upo: Upo
    document: UpoDocument
    signature: UpoSignature


def parse_upo(xml: bytes) -> Upo:
    """Read a receipt without judging it. Raises UpoRefused (MALFORMED).

    Documents with a DTD or entities, or above ``MAX_BYTES``, are refused before they are looked into.
    """
    return _upo_from(_tree(xml))


def verify_upo(xml: bytes, *, invoice_hash: str, ksef_number: str, announced_hash: str | None) -> VerifiedUpo:
    """Prove that this receipt confirms the invoice with this hash (Base64) under this KSeF number.

    Checks the announced hash (skipped if None), the signature if there is one, and our entry. The signature
    is checked with the certificate inside it: that shows integrity, not who signed. Costs about 2 ms for one
    document, 30 ms for a thousand. Raises UpoRefused.
    """
    if announced_hash is not None and sha256_base64(xml) != announced_hash:
        raise UpoRefused(UpoFault.CHANGED_ON_THE_WAY, f"{len(xml)} bytes")
    root = _tree(xml)
    checked = check_signature(root)
    if checked.verdict is UpoSignature.BROKEN:
        raise UpoRefused(UpoFault.SIGNATURE_BROKEN, checked.reason)
    upo = _upo_from(root if checked.signed is None else checked.signed)
    document = next((entry for entry in upo.documents if entry.ksef_number == ksef_number), None)
    if document is None:
        raise UpoRefused(UpoFault.FOREIGN, f"{ksef_number} is not among its {len(upo.documents)} documents")
    if document.invoice_hash != invoice_hash:
        raise UpoRefused(UpoFault.FOREIGN, f"under {ksef_number} it confirms a document with another hash")
    return VerifiedUpo(upo, document, checked.verdict)


def _tree(xml: bytes) -> etree._Element:
    if len(xml) > MAX_BYTES:
        raise UpoRefused(UpoFault.MALFORMED, f"{len(xml)} bytes are too many")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as err:
        raise UpoRefused(UpoFault.MALFORMED, "not well-formed XML") from err
    if root.getroottree().docinfo.internalDTD is not None:
        raise UpoRefused(UpoFault.MALFORMED, "it has a document type declaration")
    return root


def _upo_from(root: etree._Element) -> Upo:
    if root.tag != _ROOT:
        raise UpoRefused(UpoFault.MALFORMED, "the root is not Potwierdzenie of v4-3")
    documents = tuple(_document_from(entry) for entry in root.iterchildren(f"{_UPO}Dokument"))
    if not documents:
        raise UpoRefused(UpoFault.MALFORMED, "it confirms no document")
    return Upo(
        receiver=_text(root, "NazwaPodmiotuPrzyjmujacego"),
        session_reference=_text(root, "NumerReferencyjnySesji"),
        form_code=_text(root, "KodFormularza"),
        documents=documents,
    )


def _document_from(entry: etree._Element) -> UpoDocument:
    try:
        return UpoDocument(
            ksef_number=_text(entry, "NumerKSeFDokumentu"),
            seller_nip=_text(entry, "NipSprzedawcy"),
            invoice_number=_text(entry, "NumerFaktury"),
            issued_on=date.fromisoformat(_text(entry, "DataWystawieniaFaktury")[:10]),
            sent_at=parse_timestamp(_text(entry, "DataPrzeslaniaDokumentu")),
            accepted_at=parse_timestamp(_text(entry, "DataNadaniaNumeruKSeF")),
            invoice_hash=_text(entry, "SkrotDokumentu"),
            mode=_text(entry, "TrybWysylki"),
        )
    except ValueError as err:
        raise UpoRefused(UpoFault.MALFORMED, f"a date or time in Dokument cannot be read ({err})") from err


def _text(parent: etree._Element, name: str) -> str:
    """The text of the one child of that name; comments inside do not cut it short."""
    found = parent.findall(f"{_UPO}{name}")
    text = str(found[0].xpath("string()")).strip() if len(found) == 1 else ""
    if not text or found[0].find("*") is not None:
        raise UpoRefused(UpoFault.MALFORMED, f"{name} is missing, empty, repeated or no text")
    return text
