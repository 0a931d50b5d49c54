"""Companies known from the start, as YAML or JSON data.

    companies:
      - nip: "5265877635"
        name: Huta Testowa S.A.
        tokens:
          - text: 20261120-EC-…|nip-5265877635|…
            permissions: [InvoiceRead, InvoiceWrite]
            subject: {type: Nip, value: "1111111111"}   # optional: who authenticates, for tests of rights
        self_billing_buyers: ["1111111111"]             # may issue invoices in this seller's name

Applying a seed again changes nothing, so a restart may name the same file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from simulator.credentials import token_with_text
from simulator.protocol.identifiers import Identifier
from simulator.store.port import Store
from simulator.store.rows import Company, KsefToken

NIP = re.compile(r"[1-9](?:[0-9][1-9]|[1-9][0-9])[0-9]{7}")
_SUBJECT_TYPES = ("Nip", "Pesel", "Fingerprint")


class SeedError(ValueError):
    """The seed cannot be used; the text names the place and what is expected there."""


@dataclass(frozen=True, slots=True)
class SeededCompany:
    company: Company
    tokens: tuple[KsefToken, ...] = ()
    self_billing_buyers: tuple[str, ...] = ()


def load_seed(path: Path) -> tuple[SeededCompany, ...]:
    """Read a seed file; ``SeedError`` names the file too."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return read_companies(content)
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise SeedError(f"seed {path}: {error}") from error


def read_companies(content: object) -> tuple[SeededCompany, ...]:
    entries = _mapping(content, where="the file").get("companies")
    return tuple(
        read_company(entry, where=f"companies[{index}]")
        for index, entry in enumerate(_sequence(entries, where="companies"))
    )


def read_company(content: object, *, where: str) -> SeededCompany:
    entry = _mapping(content, where=where)
    nip = _nip(entry.get("nip"), where=f"{where}.nip")
    tokens = tuple(
        _token(item, nip=nip, where=f"{where}.tokens[{index}]")
        for index, item in enumerate(_sequence(entry.get("tokens", []), where=f"{where}.tokens"))
    )
    buyers = _sequence(entry.get("self_billing_buyers", []), where=f"{where}.self_billing_buyers")
    return SeededCompany(
        company=Company(nip=nip, name=str(entry.get("name", nip))),
        tokens=tokens,
        self_billing_buyers=tuple(_nip(buyer, where=f"{where}.self_billing_buyers") for buyer in buyers),
    )


def apply_seed(companies: Sequence[SeededCompany], store: Store) -> None:
    """Write companies, grants and tokens; a token revoked since stays revoked."""
    with store.transaction():
        for seeded in companies:
            store.put_company(seeded.company)
            for buyer in seeded.self_billing_buyers:
                store.put_self_billing(seller_nip=seeded.company.nip, buyer_nip=buyer)
            for token in seeded.tokens:
                if store.token(token.reference) is None:
                    store.put_token(token)


def _token(content: object, *, nip: str, where: str) -> KsefToken:
    entry = _mapping(content, where=where)
    listed = _sequence(entry.get("permissions", []), where=f"{where}.permissions")
    permissions = [str(item) for item in listed]
    subject = None if "subject" not in entry else read_subject(entry["subject"], where=f"{where}.subject")
    try:
        token = token_with_text(str(entry.get("text")), subject=subject, permissions=permissions)
    except ValueError as error:
        raise SeedError(f"{where}: {error}") from error
    if token.context.value[:10] != nip:
        raise SeedError(f"{where}.text: belongs to another company than {nip}")
    return token


def read_subject(content: object, *, where: str) -> Identifier:
    entry = _mapping(content, where=where)
    kind, value = str(entry.get("type")), str(entry.get("value"))
    if kind not in _SUBJECT_TYPES or not value.isalnum():
        raise SeedError(f"{where}: expected a type of {', '.join(_SUBJECT_TYPES)} and its value")
    return Identifier(kind, value)


def _nip(value: object, *, where: str) -> str:
    if not isinstance(value, str) or NIP.fullmatch(value) is None:
        raise SeedError(f"{where}: expected ten digits of a NIP, in quotes")
    return value


def _mapping(content: object, *, where: str) -> Mapping[str, object]:
    if not isinstance(content, dict):
        raise SeedError(f"{where}: expected a mapping")
    return content


def _sequence(content: object, *, where: str) -> Sequence[object]:
    if not isinstance(content, list):
        raise SeedError(f"{where}: expected a list")
    return content
