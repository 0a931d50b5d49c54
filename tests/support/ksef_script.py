"""A KSeF made of scripted answers: real HTTP on loopback, no logic.

Each route has a queue of answers; the last one stays. Everything received is kept for assertions.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from ksef import HttpOptions, Timeouts

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TOKEN = "20261101-EC-1111111111-2222222222-33|nip-5265877635|" + "5ec2e7" * 10
AUTH = "20261120-AU-2F14610000-242991F8C9-B4"
SESSION = "20261120-SO-2F14610000-242991F8C9-B4"
INVOICE = "20261120-EE-2F14610000-242991F8C9-B4"
KSEF_NUMBER = "5265877635-20250826-0100001AF629-AF"


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """Reads the whole request, then closes the connection, after sending ``first`` (part of an answer)."""

    first: bytes = b""


class Hang:
    """Reads the whole request and never answers."""


def http_options(**changes: Any) -> HttpOptions:
    timeouts = Timeouts(connect_seconds=5, write_seconds=5, read_seconds=5, total_seconds=10)
    return HttpOptions(**{"timeouts": timeouts, "user_agent": "ksef-tests/1"} | changes)


Answer: TypeAlias = Reply | Cut | Hang


def ok(body: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"content-type": "application/json", **headers})


def problem(status: int, **members: object) -> Reply:
    return Reply(status, json.dumps(members).encode(), {"content-type": "application/problem+json"})


def refusal(*codes: int) -> Reply:
    errors = [{"code": code, "description": f"opis {code}"} for code in codes]
    return problem(400, title="Bad Request", detail="Żądanie odrzucone", errors=errors)


def gateway_page(status: int) -> Reply:
    return Reply(status, b"<html><h1>Bad gateway</h1></html>", {"content-type": "text/html"})


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "7+00:00"


def jwt(name: str, *, at: datetime = NOW, minutes: int = 15) -> dict[str, str]:
    return {"token": f"eyJ.secret-{name}.sig", "validUntil": stamp(at + timedelta(minutes=minutes))}


@dataclass(frozen=True)
class PublishedKey:
    """A key pair of the scripted ministry and the entry that publishes it."""

    private: rsa.RSAPrivateKey
    id: str
    certificate: str

    @classmethod
    def generate(cls) -> Self:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ministerstwo Finansów")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=100))
            .not_valid_after(NOW + timedelta(days=100))
            .sign(private, hashes.SHA256())
        )
        key_info = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(
            private,
            base64.b64encode(hashlib.sha256(key_info).digest()).decode(),
            base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
        )

    def entry(self, *usages: str, valid_from: datetime, valid_to: datetime | None = None) -> dict[str, Any]:
        return {
            "certificate": self.certificate,
            "certificateId": "x" * 44,
            "publicKeyId": self.id,
            "validFrom": stamp(valid_from),
            "validTo": stamp(valid_to or NOW + timedelta(days=100)),
            "usage": list(usages or ("KsefTokenEncryption", "SymmetricKeyEncryption")),
        }

    def decrypt(self, wrapped: str) -> bytes:
        """RSAES-OAEP, SHA-256 and MGF1-SHA-256, by the book: no library shares our mistake."""
        numbers = self.private.private_numbers()
        size = self.private.key_size // 8
        cipher = int.from_bytes(base64.b64decode(wrapped, validate=True), "big")
        encoded = pow(cipher, numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
        masked_seed, masked_block = encoded[1:33], encoded[33:]
        seed = _xor(masked_seed, _mgf1(masked_block, 32))
        block = _xor(masked_block, _mgf1(seed, len(masked_block)))
        assert encoded[0] == 0
        assert block[:32] == hashlib.sha256(b"").digest()
        padding, _, message = block[32:].partition(b"\x01")
        assert not padding.strip(b"\x00")
        return message


def _mgf1(seed: bytes, size: int) -> bytes:
    blocks = (
        hashlib.sha256(seed + counter.to_bytes(4, "big")).digest() for counter in range((size + 31) // 32)
    )
    return b"".join(blocks)[:size]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


class ScriptedKsef:
    """The server. ``answers["POST /auth/challenge"] = [Reply(...), ...]``; paths are relative to ``/v2``."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.received: list[Received] = []
        self.connections = 0
        self._something_received = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()

    def will(self, operation: str, *answers: Answer) -> None:
        self.answers[operation] = list(answers)

    def calls(self, operation: str) -> list[Received]:
        return [call for call in self.received if f"{call.method} {call.path}" == operation]

    async def first_request(self) -> None:
        await asyncio.wait_for(self._something_received.wait(), timeout=5)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v2"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for handler in tuple(self._handlers):
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self._writers.add(writer)
        self.connections += 1
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._handlers.discard(task)

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path, _, query = target.removeprefix("/v2").partition("?")
        self.received.append(Received(method, path, query, headers, body))
        self._something_received.set()
        queue = self.answers.get(f"{method} {path}", [Reply(404)])
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        match answer:
            case Hang():
                await asyncio.Event().wait()
            case Cut(first):
                writer.write(first)
                await writer.drain()
                return False
            case Reply(status, content, extra):
                lines = [f"HTTP/1.1 {status} x", *(f"{name}: {value}" for name, value in extra.items())]
                lines += [f"content-length: {len(content)}"] if status != 204 else []
                writer.write("\r\n".join([*lines, "", ""]).encode() + content)
                await writer.drain()
        return True


def script_login(server: ScriptedKsef, key: PublishedKey) -> None:
    """Answers that let a login succeed at the first poll."""
    entry = key.entry(valid_from=NOW - timedelta(days=10))
    server.will("GET /security/public-key-certificates", ok([entry]))
    server.will(
        "POST /auth/challenge",
        ok(
            {
                "challenge": "20261120-CR-2F14610000-242991F8C9-B4",
                "timestamp": "2026-11-20T09:00:00.1234567+00:00",
                "timestampMs": 1795165200123,
                "clientIp": "127.0.0.1",
            }
        ),
    )
    server.will("POST /auth/ksef-token", ok({"referenceNumber": AUTH, "authenticationToken": jwt("op")}, 202))
    server.will(f"GET /auth/{AUTH}", login_status(200))
    server.will(
        "POST /auth/token/redeem",
        ok({"accessToken": jwt("access-1"), "refreshToken": jwt("refresh-1", minutes=7 * 24 * 60)}),
    )
    server.will("POST /auth/token/refresh", ok({"accessToken": jwt("access-2", minutes=30)}))


def login_status(code: int, *details: str) -> Reply:
    return ok(
        {
            "startDate": stamp(NOW),
            "authenticationMethod": "Token",
            "authenticationMethodInfo": {"category": "Token", "code": "token.ksef", "displayName": "Token"},
            "status": {"code": code, "description": "opis", "details": list(details)},
        }
    )


def session_opened() -> Reply:
    return ok({"referenceNumber": SESSION, "validUntil": stamp(NOW + timedelta(hours=12))}, 201)


def session_entry(reference: str = SESSION, *, code: int = 100, **members: object) -> dict[str, object]:
    return {
        "referenceNumber": reference,
        "status": {"code": code, "description": "opis"},
        "dateCreated": stamp(NOW),
        "dateUpdated": stamp(NOW),
        "totalInvoiceCount": 0,
        "successfulInvoiceCount": 0,
        "failedInvoiceCount": 0,
        **members,
    }


def invoice_entry(ordinal: int = 1, *, code: int = 200, **members: object) -> dict[str, object]:
    return {
        "ordinalNumber": ordinal,
        "referenceNumber": INVOICE,
        "invoiceHash": "aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M=",
        "invoicingDate": stamp(NOW),
        "status": {"code": code, "description": "opis"},
        **members,
    }
