"""What the ERPs of an experiment publish, and what must become of each document. Pure: the seed decides all.

Invariant: the fate written here follows from how a document was made, never from what the pipeline did.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias
from uuid import UUID

from contracts import ids

SOURCES = ("erp-north", "erp-south", "erp-west")
COMPANIES_PER_SOURCE = 5
OUTSIDER = "7110000772"
"""A seller who has granted nobody the right to issue for it."""
BUYER = {
    "nip": "8100000558",
    "name": "Odbiornik Polny sp. z o.o.",
    "address": {"country": "PL", "line1": "ul. Łąkowa 5, 10-001 Olsztyn"},
}
# Repeats, changes and rivals follow their first document by up to so long.
LATER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Issued:
    """KSeF gives it a number, once."""


@dataclass(frozen=True, slots=True)
class Refused:
    """We do not send it; ``code`` is the first finding."""

    code: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """KSeF refuses it."""

    code: str


@dataclass(frozen=True, slots=True)
class Contested:
    """Several documents want one number: one of them is issued, the others are refused with ``code``."""

    code: str


Fate: TypeAlias = Issued | Refused | Rejected | Contested


@dataclass(frozen=True, slots=True)
class Document:
    """One document of an ERP, and the fate it must have. ``number`` is the seller's: KSeF's own key."""

    document_id: UUID
    source: str
    seller_nip: str
    number: str
    fate: Fate


@dataclass(frozen=True, slots=True)
class Publication:
    """An ERP publishes these bytes so many seconds after the experiment began."""

    at_seconds: float
    document_id: UUID
    source: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Company:
    nip: str
    source: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """All documents and their publications, the latter in the order of their times."""

    documents: tuple[Document, ...]
    publications: tuple[Publication, ...]


def companies() -> tuple[Company, ...]:
    """The companies that issue: each belongs to one source."""
    nips = _nips()
    return tuple(Company(next(nips), source) for source in SOURCES for _ in range(COMPANIES_PER_SOURCE))


def make_traffic(*, seed: int, documents: int, seconds: float) -> Traffic:
    """At least ``documents`` documents, published evenly over ``seconds``; those that follow come later."""
    maker = _Maker(Random(f"{seed}/documents"))  # noqa: S311  repeatable on purpose
    while len(maker.documents) < documents:
        at = seconds * len(maker.documents) / documents
        maker.make(at)
    publications = sorted(maker.publications, key=lambda item: item.at_seconds)
    return Traffic(tuple(maker.documents), tuple(publications))


class _Maker:
    """Makes one document after the other, sometimes with a companion."""

    def __init__(self, rng: Random) -> None:
        self.documents: list[Document] = []
        self.publications: list[Publication] = []
        self._rng = rng
        self._companies = companies()
        kinds: Sequence[tuple[Callable[[float, Company], None], int]] = (
            (self._plain, 860),
            (self._repeated, 50),
            (self._changed, 15),
            (self._misspelt, 20),
            (self._foreign, 10),
            (self._ungranted, 10),
            (self._rivals, 25),
            (self._twins, 10),
        )
        self._kinds = [kind for kind, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def make(self, at: float) -> None:
        (kind,) = self._rng.choices(self._kinds, self._weights)
        kind(at, self._rng.choice(self._companies))

    def _plain(self, at: float, company: Company) -> None:
        self._publish(at, self._add(company, Issued()), self._invoice(company))

    def _repeated(self, at: float, company: Company) -> None:
        """The ERP does not trust its own publish and repeats it, byte for byte."""
        document, body = self._add(company, Issued()), self._invoice(company)
        for again in (0.0, self._later(), self._later()):
            self._publish(at + again, document, body)

    def _changed(self, at: float, company: Company) -> None:
        """The same document id with other content: told so, and nothing else happens."""
        document = self._add(company, Issued())
        self._publish(at, document, self._invoice(company))
        self._publish(at + self._later(), document, self._invoice(company, price="77.77"))

    def _misspelt(self, at: float, company: Company) -> None:
        self._publish(at, self._add(company, Refused("C10")), self._invoice(company, discuont="5"))

    def _foreign(self, at: float, company: Company) -> None:
        """Of a company that another source speaks for."""
        others = [other for other in self._companies if other.source != company.source]
        foreigner = Company(self._rng.choice(others).nip, company.source)
        self._publish(at, self._add(foreigner, Refused("I07")), self._invoice(foreigner))

    def _ungranted(self, at: float, company: Company) -> None:
        """Self-billed in the name of a seller who never allowed it: only KSeF can know."""
        document = self._add(Company(OUTSIDER, company.source), Rejected("S410"))
        body = _body(
            number=document.number,
            seller={
                "nip": OUTSIDER,
                "name": "Pasieka Lipowa",
                "address": {"country": "PL", "line1": "Lipowo 2, 14-106 Szeląg"},
            },
            buyer={**BUYER, "nip": company.nip},
            annotations={"self_billing": True},
        )
        self._publish(at, document, body)

    def _rivals(self, at: float, company: Company) -> None:
        """Two documents, one number, other content."""
        self._contest(at, company, code="D02", price="99.00")

    def _twins(self, at: float, company: Company) -> None:
        """Two documents with one and the same invoice."""
        self._contest(at, company, code="D01", price="10.00")

    def _contest(self, at: float, company: Company, *, code: str, price: str) -> None:
        first = self._add(company, Contested(code))
        number = first.number
        self._publish(at, first, _invoice(company, number=number, document_id=number))
        second = self._add(company, Contested(code), number=number)
        other = _invoice(company, number=number, document_id=f"{number}-B", price=price)
        self._publish(at + self._rng.choice((0.0, self._later())), second, other)

    def _add(self, company: Company, fate: Fate, *, number: str | None = None) -> Document:
        name = number or self._number()
        erp_id = name if number is None else f"{number}-B"
        document = Document(ids.document_id(company.source, erp_id), company.source, company.nip, name, fate)
        self.documents.append(document)
        return document

    def _number(self) -> str:
        return f"CH/{len(self.documents) + 1}"

    def _invoice(self, company: Company, *, price: str = "10.00", **more: object) -> bytes:
        """The invoice of the document added last."""
        number = self.documents[-1].number
        return _invoice(company, number=number, document_id=number, price=price, **more)

    def _publish(self, at: float, document: Document, body: bytes) -> None:
        self.publications.append(Publication(at, document.document_id, document.source, body))

    def _later(self) -> float:
        return self._rng.uniform(0.0, LATER_SECONDS)


def _invoice(
    company: Company, *, number: str, document_id: str, price: str = "10.00", **more: object
) -> bytes:
    return _body(
        number=number,
        document_id=document_id,
        price=price,
        seller={"nip": company.nip},
        buyer=BUYER,
        **more,
    )


def _body(*, number: str, document_id: str | None = None, price: str = "10.00", **more: object) -> bytes:
    line = {"name": "Usługa", "unit": "szt.", "qty": "1", "net_price": price, "rate": "23"}
    content = {
        "model": "invoice/1",
        "kind": "VAT",
        "number": number,
        "issue_date": "2026-11-02",
        "source": {"document_id": document_id or number},
        "lines": [line],
        **more,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _nips() -> Iterator[str]:
    """Numbers that look like a NIP, their check digits right."""
    weights = (6, 5, 7, 2, 3, 4, 5, 6, 7)
    for serial in range(1_000):
        nine = f"{721_000_000 + serial * 7:09d}"
        check = sum(weight * int(digit) for weight, digit in zip(weights, nine, strict=True)) % 11
        if check < 10:
            yield nine + str(check)
