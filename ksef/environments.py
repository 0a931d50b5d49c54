"""Which KSeF is meant, and whose data. Both are always said by the caller, never assumed."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Environment:
    """An installation of KSeF.

    ``api_url`` ends in ``/v2`` and has no trailing slash. Plain http is accepted for this machine only,
    because tokens travel over it; ``plain_http_hosts`` names further hosts of a private test network.
    """

    name: str
    api_url: str
    plain_http_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        parts = urlsplit(self.api_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"environment {self.name!r}: api_url needs http(s)://host…, e.g. {TEST_URL}")
        if parts.query or parts.fragment or parts.username is not None or self.api_url.endswith("/"):
            raise ValueError(
                f"environment {self.name!r}: api_url is scheme, host and path only, no '/' at the end"
            )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK | self.plain_http_hosts:
            raise ValueError(
                f"environment {self.name!r}: tokens would travel to {parts.hostname} unencrypted; use https"
            )


TEST_URL = "https://api-test.ksef.mf.gov.pl/v2"
TEST = Environment("test", TEST_URL)
DEMO = Environment("demo", "https://api-demo.ksef.mf.gov.pl/v2")
PRODUCTION = Environment("production", "https://api.ksef.mf.gov.pl/v2")


class ContextType(StrEnum):
    """What a context is identified by, spelt as KSeF does."""

    NIP = "Nip"
    INTERNAL_ID = "InternalId"
    NIP_VAT_UE = "NipVatUe"
    PEPPOL_ID = "PeppolId"


_SHAPES = {
    ContextType.NIP: re.compile(r"[1-9](?:\d[1-9]|[1-9]\d)\d{7}", re.ASCII),
    ContextType.INTERNAL_ID: re.compile(r"[1-9](?:\d[1-9]|[1-9]\d)\d{7}-\d{5}", re.ASCII),
    ContextType.NIP_VAT_UE: re.compile(r"[1-9](?:\d[1-9]|[1-9]\d)\d{7}-[A-Z]{2}[A-Z0-9+*]{2,13}", re.ASCII),
    ContextType.PEPPOL_ID: re.compile(r"P[A-Z]{2}[0-9]{6}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class ContextId:
    """Whose KSeF data: sessions, limits and tokens belong to exactly one context.

    The shape is checked here, checksums are not: the test environment accepts invented numbers.
    """

    type: ContextType
    value: str

    def __post_init__(self) -> None:
        if not _SHAPES[self.type].fullmatch(self.value):
            raise ValueError(f"context: {self.value[:40]!r} is no {self.type.value}")

    def __str__(self) -> str:
        return f"{self.type.value}:{self.value}"
