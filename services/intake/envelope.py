"""What a record holds: how many documents, and of each its bytes, its ids and whose it is. Pure.

Only the envelope is read here; whether the invoice is right is the mapper's and the validator's business.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from contracts import ids
from contracts.findings import Finding
from contracts.sales import DocumentFormat
from fa3.facts import Envelope, envelope
from services.intake import findings

MODEL = "invoice/1"
ID_LENGTH_LIMIT = 256
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One document as found in a record. ``finding`` says why it cannot be taken, if so."""

    document_id: UUID
    erp_document_id: str
    revision: str
    raw: bytes
    raw_sha256: bytes
    format: DocumentFormat
    place: str | None = None
    company_nip: str | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class _Ids:
    """What was found before anything is known to be right."""

    erp_document_id: str | None = None
    revision: str | None = None
    company_nip: str | None = None
    finding: Finding | None = None


def split(raw: bytes, *, source: str, ce_id: str | None) -> list[Candidate]:
    """The documents of one record. Never raises: what cannot be read is a candidate with a finding.

    ``ce_id`` is the ERP's id of the document, if the record holds one document only.
    """
    head = raw.removeprefix(_BOM).lstrip()[:1]
    if head == b"<":
        return [_candidate(raw, _ids_of_xml(raw), source=source, ce_id=ce_id, format_=DocumentFormat.FA3_XML)]
    if head == b"[":
        return list(_array(raw, source=source))
    ids_found = _ids_of_json(raw) if head == b"{" else _Ids(finding=findings.not_a_document(len(raw)))
    return [_candidate(raw, ids_found, source=source, ce_id=ce_id, format_=DocumentFormat.INVOICE_JSON)]


def _array(raw: bytes, *, source: str) -> Iterator[Candidate]:
    try:
        items = msgspec.json.decode(raw.removeprefix(_BOM), type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        broken = _Ids(finding=findings.malformed_json(str(error)))
        yield _candidate(raw, broken, source=source, ce_id=None, format_=DocumentFormat.INVOICE_JSON)
        return
    if not items:
        empty = _Ids(finding=findings.not_a_document(len(raw)))
        yield _candidate(raw, empty, source=source, ce_id=None, format_=DocumentFormat.INVOICE_JSON)
    for number, item in enumerate(items, start=1):
        document = bytes(item)
        yield _candidate(
            document,
            _ids_of_json(document),
            source=source,
            ce_id=None,
            format_=DocumentFormat.INVOICE_JSON,
            place=f"document {number}",
        )


def _candidate(
    raw: bytes,
    found: _Ids,
    *,
    source: str,
    ce_id: str | None,
    format_: DocumentFormat,
    place: str | None = None,
) -> Candidate:
    sha256 = hashlib.sha256(raw)
    finding = found.finding
    erp_document_id = ce_id or found.erp_document_id or f"sha256:{sha256.hexdigest()}"
    revision = found.revision or ids.DEFAULT_REVISION
    if not (_usable(erp_document_id) and _usable(revision)):
        finding = findings.unusable_id(ID_LENGTH_LIMIT)
        erp_document_id, revision = f"sha256:{sha256.hexdigest()}", ids.DEFAULT_REVISION
    return Candidate(
        document_id=ids.document_id(source, erp_document_id, revision),
        erp_document_id=erp_document_id,
        revision=revision,
        raw=raw,
        raw_sha256=sha256.digest(),
        format=format_,
        place=place,
        company_nip=found.company_nip,
        finding=finding,
    )


def _usable(text: str) -> bool:
    """Whether it can be a name: in a table, in a log line, on a screen.

    U+FFFD stands where bytes were not UTF-8: two such ids could look the same.
    """
    return len(text) <= ID_LENGTH_LIMIT and text.isprintable() and "\ufffd" not in text


class _Source(msgspec.Struct):
    document_id: Any = None
    revision: Any = None


class _Party(msgspec.Struct):
    nip: Any = None


class _Annotations(msgspec.Struct):
    self_billing: Any = None


class _Document(msgspec.Struct):
    model: Any = None
    source: _Source | None = None
    seller: _Party | None = None
    buyer: _Party | None = None
    annotations: _Annotations | None = None


_decoder = msgspec.json.Decoder(_Document)


def _ids_of_json(raw: bytes) -> _Ids:
    try:
        document = _decoder.decode(raw.removeprefix(_BOM))
    except msgspec.ValidationError as error:
        return _Ids(finding=findings.wrong_shape(str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _Ids(finding=findings.malformed_json(str(error)))
    source = document.source or _Source()
    self_billing = document.annotations is not None and document.annotations.self_billing is True
    issuer = document.buyer if self_billing else document.seller
    return _Ids(
        erp_document_id=_text(source.document_id),
        revision=_text(source.revision),
        company_nip=None if issuer is None else _text(issuer.nip),
        finding=None if document.model == MODEL else findings.unknown_model(document.model),
    )


def _ids_of_xml(raw: bytes) -> _Ids:
    found = envelope(raw)
    if not isinstance(found, Envelope):
        return _Ids(finding=found[0])
    return _Ids(company_nip=found.buyer_nip if found.self_billing else found.seller_nip)


def _text(value: Any) -> str | None:
    """As the canonical invoice reads it: white space collapsed, whole numbers as text. Else: absent."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return (" ".join(value.split()) or None) if isinstance(value, str) else None
