"""Drives the simulator's core in process, on virtual time, as a client would, with real cryptography.

Uses nothing of the simulator but its door (`Simulator.handle`), its seeds and its keys' public halves.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.core import Simulator
from simulator.credentials import mint_token
from simulator.crypto.keys import KeyRing
from simulator.installation import Controls, Installation
from simulator.policy import NO_DELAYS, Delays, Policy
from simulator.protocol.identifiers import Identifier
from simulator.rates import OFF, RateTable
from simulator.store.memory import MemoryStore
from simulator.store.port import Store
from simulator.wire import NoAnswer, Request

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
"""Twelve o'clock in Warsaw."""
SELLER = "5265877635"
BUYER = "1111111111"
AES_KEY = bytes(range(32))
IV = bytes(range(16))
FORM = {"systemCode": "FA (3)", "schemaVersion": "1-0E", "value": "FA"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> tuple[int, str | None]:
        """Exception code and first detail of a legacy 400 body."""
        only = self.json["exception"]["exceptionDetailList"][0]
        return only["exceptionCode"], (only.get("details") or [None])[0]


class Ksef:
    """One installation, one clock, one client address."""

    def __init__(
        self,
        keys: KeyRing,
        *,
        store: Store | None = None,
        policy: Policy | None = None,
        delays: Delays = NO_DELAYS,
        rates: RateTable = OFF,
        now: datetime = NOON,
    ) -> None:
        self.store = MemoryStore() if store is None else store
        self.now = now
        self.rng = seeded(7)
        self.controls = Controls(delays=delays, rates=rates)
        self.site = Installation(policy=policy or Policy(), keys=keys, controls=self.controls)
        self.simulator = Simulator(self.site)
        self.client = "10.0.0.1"

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def try_call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        bearer: str | None = None,
        query: tuple[tuple[str, str], ...] = (),
        headers: dict[str, str] | None = None,
    ) -> Reply | None:
        """The reply, or None when the connection was cut."""
        all_headers = dict(headers or {})
        if bearer is not None:
            all_headers["authorization"] = f"Bearer {bearer}"
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request(
            method,
            path if path.startswith("/storage") or path == "/" else f"/v2{path}",
            query=query,
            headers=all_headers,
            body=content,
            client=self.client,
            origin="http://ksef.example",
        )
        answer = self.simulator.handle(request, now=self.now, rng=self.rng, store=self.store)
        if isinstance(answer, NoAnswer):
            return None
        return Reply(answer.status, dict(answer.headers), answer.body)

    def call(self, method: str, path: str, body: object = None, **how: Any) -> Reply:
        reply = self.try_call(method, path, body, **how)
        assert reply is not None, "the connection was cut"
        return reply

    # --- logging in

    def mint(
        self,
        nip: str = SELLER,
        *permissions: str,
        subject: Identifier | None = None,
    ) -> str:
        context = Identifier("Nip", nip)
        token, text = mint_token(
            context,
            subject=subject or context,
            permissions=permissions or ("InvoiceWrite",),
            now=self.now,
            rng=self.rng,
        )
        self.store.put_token(token)
        return text

    def login_request(self, token: str, nip: str = SELLER, **changed: object) -> dict[str, object]:
        challenge = self.call("POST", "/auth/challenge").json
        plain = f"{token}|{challenge['timestampMs']}".encode()
        return {
            "challenge": challenge["challenge"],
            "contextIdentifier": {"type": "Nip", "value": nip},
            "encryptedToken": b64(self.public_key("KsefTokenEncryption").encrypt(plain, oaep())),
            **changed,
        }

    def start_login(self, token: str, nip: str = SELLER, **changed: object) -> tuple[str, str]:
        """Reference and authentication token of a login that has begun."""
        reply = self.call("POST", "/auth/ksef-token", self.login_request(token, nip, **changed))
        assert reply.status == 202, reply.raw
        return reply.json["referenceNumber"], reply.json["authenticationToken"]["token"]

    def login_status(self, token: str, nip: str = SELLER, **changed: object) -> dict[str, Any]:
        reference, operation = self.start_login(token, nip, **changed)
        status: dict[str, Any] = self.call("GET", f"/auth/{reference}", bearer=operation).json["status"]
        return status

    def tokens(self, token: str, nip: str = SELLER, **changed: object) -> tuple[str, str]:
        """Access and refresh token."""
        _, operation = self.start_login(token, nip, **changed)
        reply = self.call("POST", "/auth/token/redeem", bearer=operation)
        assert reply.status == 200, reply.raw
        return reply.json["accessToken"]["token"], reply.json["refreshToken"]["token"]

    def access(self, nip: str = SELLER, *permissions: str, subject: Identifier | None = None) -> str:
        """An access token of a freshly minted KSeF token."""
        return self.tokens(self.mint(nip, *permissions, subject=subject), nip)[0]

    # --- sending

    def public_key(self, usage: str) -> rsa.RSAPublicKey:
        for entry in self.call("GET", "/security/public-key-certificates").json:
            if usage in entry["usage"]:
                key = x509.load_der_x509_certificate(base64.b64decode(entry["certificate"])).public_key()
                assert isinstance(key, rsa.RSAPublicKey)
                return key
        raise AssertionError(f"no key for {usage}")

    def session_request(self, **encryption: object) -> dict[str, object]:
        key = self.public_key("SymmetricKeyEncryption").encrypt(AES_KEY, oaep())
        content = {"encryptedSymmetricKey": b64(key), "initializationVector": b64(IV), **encryption}
        return {"formCode": FORM, "encryption": content}

    def open(self, bearer: str, *, headers: dict[str, str] | None = None, **encryption: object) -> str:
        request = self.session_request(**encryption)
        reply = self.call("POST", "/sessions/online", request, bearer=bearer, headers=headers)
        assert reply.status == 201, reply.raw
        return str(reply.json["referenceNumber"])

    def try_send(self, session: str, xml: bytes, *, bearer: str, **changed: object) -> Reply:
        body = send_request(xml, **changed)
        return self.call("POST", f"/sessions/online/{session}/invoices", body, bearer=bearer)

    def send(self, session: str, xml: bytes, *, bearer: str, **changed: object) -> str:
        reply = self.try_send(session, xml, bearer=bearer, **changed)
        assert reply.status == 202, reply.raw
        return str(reply.json["referenceNumber"])

    def invoice(self, session: str, reference: str, *, bearer: str) -> dict[str, Any]:
        reply = self.call("GET", f"/sessions/{session}/invoices/{reference}", bearer=bearer)
        assert reply.status == 200, reply.raw
        content: dict[str, Any] = reply.json
        return content

    def verdict(self, xml: bytes, **changed: object) -> dict[str, Any]:
        """The final status of one invoice sent by its seller in a session of its own."""
        bearer = self.access()
        session = self.open(bearer)
        reference = self.send(session, xml, bearer=bearer, **changed)
        status: dict[str, Any] = self.invoice(session, reference, bearer=bearer)["status"]
        return status

    def session(self, reference: str, *, bearer: str) -> dict[str, Any]:
        reply = self.call("GET", f"/sessions/{reference}", bearer=bearer)
        assert reply.status == 200, reply.raw
        content: dict[str, Any] = reply.json
        return content

    def close(self, session: str, *, bearer: str) -> Reply:
        return self.call("POST", f"/sessions/online/{session}/close", bearer=bearer)


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311  a test must draw the same again


def oaep() -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def digest(content: bytes) -> str:
    return b64(hashlib.sha256(content).digest())


def encrypted(plain: bytes, *, key: bytes = AES_KEY, iv: bytes = IV) -> bytes:
    padder = block_padding.PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def send_request(xml: bytes, *, ciphertext: bytes | None = None, **changed: object) -> dict[str, object]:
    content = encrypted(xml) if ciphertext is None else ciphertext
    return {
        "invoiceHash": digest(xml),
        "invoiceSize": len(xml),
        "encryptedInvoiceHash": digest(content),
        "encryptedInvoiceSize": len(content),
        "encryptedInvoiceContent": b64(content),
        **changed,
    }


def fa3(
    number: str = "FV/1",
    *,
    issued: str = "2026-11-20",
    seller: str = SELLER,
    buyer: str = BUYER,
    kind: str = "VAT",
    self_billed: bool = False,
    goods: str = "Pręt stalowy 12 mm",
    root_end: str = "",
    prolog: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> bytes:
    """A small valid FA(3) invoice of one line; ``root_end`` is put before the end of the root element."""
    return f"""{prolog}
<Faktura xmlns="http://crd.gov.pl/wzor/2025/06/25/13775/">
<Naglowek><KodFormularza kodSystemowy="FA (3)" wersjaSchemy="1-0E">FA</KodFormularza>
<WariantFormularza>3</WariantFormularza><DataWytworzeniaFa>2026-11-20T09:15:00Z</DataWytworzeniaFa></Naglowek>
<Podmiot1><DaneIdentyfikacyjne><NIP>{seller}</NIP><Nazwa>Huta Testowa S.A.</Nazwa></DaneIdentyfikacyjne>
<Adres><KodKraju>PL</KodKraju><AdresL1>ul. Piecowa 7</AdresL1></Adres></Podmiot1>
<Podmiot2><DaneIdentyfikacyjne><NIP>{buyer}</NIP><Nazwa>Odbiorca Próbny</Nazwa></DaneIdentyfikacyjne>
<Adres><KodKraju>PL</KodKraju><AdresL1>Rynek 3</AdresL1></Adres><JST>2</JST><GV>2</GV></Podmiot2>
<Fa><KodWaluty>PLN</KodWaluty><P_1>{issued}</P_1><P_2>{number}</P_2>
<P_13_1>250.00</P_13_1><P_14_1>57.50</P_14_1><P_15>307.50</P_15>
<Adnotacje><P_16>2</P_16><P_17>{1 if self_billed else 2}</P_17><P_18>2</P_18><P_18A>2</P_18A>
<Zwolnienie><P_19N>1</P_19N></Zwolnienie><NoweSrodkiTransportu><P_22N>1</P_22N></NoweSrodkiTransportu>
<P_23>2</P_23><PMarzy><P_PMarzyN>1</P_PMarzyN></PMarzy></Adnotacje>
<RodzajFaktury>{kind}</RodzajFaktury>
<FaWiersz><NrWierszaFa>1</NrWierszaFa><P_7>{goods}</P_7><P_8A>kg</P_8A><P_8B>50</P_8B><P_9A>5</P_9A>
<P_11>250.00</P_11><P_12>23</P_12></FaWiersz></Fa>{root_end}
</Faktura>""".encode()


ATTACHMENT = (
    "<Zalacznik><BlokDanych><MetaDane><ZKlucz>Licznik</ZKlucz><ZWartosc>1</ZWartosc></MetaDane>"
    "</BlokDanych></Zalacznik>"
)
