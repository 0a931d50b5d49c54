"""The floor: the CPU that no correct pipeline can avoid for one invoice, in as few steps as there can be.

F1 reads the ERP's JSON into typed values, checks lines and totals, writes the XML, checks it against the
official schema, hashes, encrypts and encodes it. F2 adds what sending needs: one POST and one GET by a plain
HTTP client. The XML is byte for byte what the mapper writes for the same document (a test compares), so that
both sides of a ratio do the same work.
"""

import base64
import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal
from xml.sax.saxutils import escape

import httpx
import msgspec
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree
from pydantic import BaseModel, ConfigDict, StringConstraints

from fa3.schema import compiled
from fa3.versions import VERSIONS

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Nip = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{9}$")]
CENT = Decimal("0.01")
(_VERSION,) = VERSIONS.values()
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Address(_Strict):
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    line1: Text


class Buyer(_Strict):
    nip: Nip
    name: Text
    address: Address


class Seller(_Strict):
    nip: Nip


class Source(_Strict):
    document_id: Text


class Line(_Strict):
    name: Text
    unit: Text
    qty: Decimal
    net_price: Decimal
    rate: Literal["23", "8", "5"]


class Invoice(_Strict):
    model: Literal["invoice/1"]
    kind: Literal["VAT"]
    number: Text
    issue_date: date
    source: Source
    seller: Seller
    buyer: Buyer
    lines: tuple[Line, ...]


def build(invoice: Invoice, *, seller: Mapping[str, str], created_at: str) -> bytes:
    """The FA(3) XML of an invoice at 23 %, after its lines and totals were added up."""
    lines = []
    net = Decimal(0)
    for number, line in enumerate(invoice.lines, 1):
        amount = (line.qty * line.net_price).quantize(CENT, ROUND_HALF_UP)
        net += amount
        lines.append(
            f"<FaWiersz><NrWierszaFa>{number}</NrWierszaFa><P_7>{escape(line.name)}</P_7>"
            f"<P_8A>{escape(line.unit)}</P_8A><P_8B>{line.qty}</P_8B><P_9A>{line.net_price}</P_9A>"
            f"<P_11>{amount}</P_11><P_12>{line.rate}</P_12></FaWiersz>"
        )
    vat = (net * 23 / 100).quantize(CENT, ROUND_HALF_UP)
    buyer = invoice.buyer
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Faktura xmlns="http://crd.gov.pl/wzor/2025/06/25/13775/"><Naglowek>'
        '<KodFormularza kodSystemowy="FA (3)" wersjaSchemy="1-0E">FA</KodFormularza>'
        "<WariantFormularza>3</WariantFormularza>"
        f"<DataWytworzeniaFa>{created_at}</DataWytworzeniaFa><SystemInfo>ksef-courier</SystemInfo></Naglowek>"
        f"<Podmiot1><DaneIdentyfikacyjne><NIP>{invoice.seller.nip}</NIP>"
        f"<Nazwa>{escape(seller['name'])}</Nazwa></DaneIdentyfikacyjne>"
        f"<Adres><KodKraju>PL</KodKraju><AdresL1>{escape(seller['line1'])}</AdresL1>"
        f"<AdresL2>{escape(seller['line2'])}</AdresL2></Adres></Podmiot1>"
        f"<Podmiot2><DaneIdentyfikacyjne><NIP>{buyer.nip}</NIP><Nazwa>{escape(buyer.name)}</Nazwa>"
        f"</DaneIdentyfikacyjne><Adres><KodKraju>{buyer.address.country}</KodKraju>"
        f"<AdresL1>{escape(buyer.address.line1)}</AdresL1></Adres><JST>2</JST><GV>2</GV></Podmiot2>"
        f"<Fa><KodWaluty>PLN</KodWaluty><P_1>{invoice.issue_date}</P_1><P_2>{escape(invoice.number)}</P_2>"
        f"<P_13_1>{net}</P_13_1><P_14_1>{vat}</P_14_1><P_15>{net + vat}</P_15>"
        "<Adnotacje><P_16>2</P_16><P_17>2</P_17><P_18>2</P_18><P_18A>2</P_18A>"
        "<Zwolnienie><P_19N>1</P_19N></Zwolnienie>"
        "<NoweSrodkiTransportu><P_22N>1</P_22N></NoweSrodkiTransportu>"
        "<P_23>2</P_23><PMarzy><P_PMarzyN>1</P_PMarzyN></PMarzy></Adnotacje>"
        f"<RodzajFaktury>VAT</RodzajFaktury>{''.join(lines)}</Fa></Faktura>"
    ).encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is posted: the XML and its ciphertext with their hashes, in Base64."""

    xml: bytes
    body: dict[str, object]


def f1(raw: bytes, *, seller: Mapping[str, str], created_at: str, key: bytes, iv: bytes) -> Sealed:
    """One invoice from the ERP's bytes to what could be posted. Raises for anything that is wrong with it."""
    invoice = Invoice.model_validate_json(raw)
    xml = build(invoice, seller=seller, created_at=created_at)
    schema = compiled(_VERSION)
    if not schema.validate(etree.fromstring(xml, _PARSER)):
        raise ValueError(str(schema.error_log))
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    cipher = encryptor.update(padder.update(xml) + padder.finalize()) + encryptor.finalize()
    body = {
        "invoiceHash": _hash(xml),
        "invoiceSize": len(xml),
        "encryptedInvoiceHash": _hash(cipher),
        "encryptedInvoiceSize": len(cipher),
        "encryptedInvoiceContent": base64.b64encode(cipher).decode(),
        "offlineMode": False,
    }
    return Sealed(xml, body)


def _hash(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def f1_seconds(raws: Sequence[bytes], *, seller: Mapping[str, str], created_at: str) -> float:
    """CPU of F1 for one invoice: the mean over these, in this process."""
    key, iv = os.urandom(32), os.urandom(16)
    started = time.process_time()
    for raw in raws:
        f1(raw, seller=seller, created_at=created_at, key=key, iv=iv)
    return (time.process_time() - started) / len(raws)


async def http_seconds(client: httpx.AsyncClient, *, count: int, body: bytes) -> float:
    """CPU of one POST of ``body`` and one GET by a plain client, in this process; answers are only read."""
    started = time.process_time()
    for _ in range(count):
        posted = await client.post("/auth/challenge", content=body)
        msgspec.json.decode(posted.content)
        got = await client.get("/security/public-key-certificates")
        msgspec.json.decode(got.content)
    return (time.process_time() - started) / count
