"""A client over real HTTP, no more than the tests need: mint, log in, open, send, look."""

import base64
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.simulator_driver import AES_KEY, FORM, IV, SELLER, b64, oaep, send_request


@dataclass
class HttpKsef:
    """``http`` speaks to the API, ``admin`` to the admin port with its token."""

    http: httpx.AsyncClient
    admin: httpx.AsyncClient

    @classmethod
    def at(cls, ready: dict[str, Any]) -> "HttpKsef":
        return cls(
            http=httpx.AsyncClient(base_url=ready["api"]),
            admin=httpx.AsyncClient(
                base_url=ready["admin_url"],
                headers={"authorization": f"Bearer {ready['admin_token']}"},
            ),
        )

    async def aclose(self) -> None:
        await self.http.aclose()
        await self.admin.aclose()

    async def public_key(self, usage: str) -> rsa.RSAPublicKey:
        entries = (await self.http.get("/security/public-key-certificates")).raise_for_status().json()
        (entry,) = [entry for entry in entries if usage in entry["usage"]]
        key = x509.load_der_x509_certificate(base64.b64decode(entry["certificate"])).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        return key

    async def log_in(self) -> None:
        """Mint a token, log in, and keep the access token for what follows; waits for no delay."""
        minted = await self.admin.post("/tokens", json={"nip": SELLER, "permissions": ["InvoiceWrite"]})
        token = minted.raise_for_status().json()["token"]
        await self.admin.put("/delays", json={"login": [0, 0], "verdict": [0, 0], "closing": [0, 0]})
        challenge = (await self.http.post("/auth/challenge")).raise_for_status().json()
        plain = f"{token}|{challenge['timestampMs']}".encode()
        key = await self.public_key("KsefTokenEncryption")
        begun = await self.http.post(
            "/auth/ksef-token",
            json={
                "challenge": challenge["challenge"],
                "contextIdentifier": {"type": "Nip", "value": SELLER},
                "encryptedToken": b64(key.encrypt(plain, oaep())),
            },
        )
        operation = begun.raise_for_status().json()["authenticationToken"]["token"]
        redeemed = await self.http.post(
            "/auth/token/redeem", headers={"authorization": f"Bearer {operation}"}
        )
        access = redeemed.raise_for_status().json()["accessToken"]["token"]
        self.http.headers["authorization"] = f"Bearer {access}"

    async def open(self) -> str:
        key = await self.public_key("SymmetricKeyEncryption")
        encryption = {
            "encryptedSymmetricKey": b64(key.encrypt(AES_KEY, oaep())),
            "initializationVector": b64(IV),
        }
        opened = await self.http.post("/sessions/online", json={"formCode": FORM, "encryption": encryption})
        return str(opened.raise_for_status().json()["referenceNumber"])

    async def send(self, session: str, xml: bytes) -> str:
        sent = await self.http.post(f"/sessions/online/{session}/invoices", json=send_request(xml))
        return str(sent.raise_for_status().json()["referenceNumber"])

    async def invoices(self, session: str) -> list[dict[str, Any]]:
        reply = await self.http.get(f"/sessions/{session}/invoices", params={"pageSize": 1000})
        found: list[dict[str, Any]] = reply.raise_for_status().json()["invoices"]
        return found

    async def order(self, **fault: object) -> None:
        (await self.admin.post("/faults", json=fault)).raise_for_status()
