"""The seller of the invoice, completed from the company's master data.

Invariant: what the invoice says wins; master data only fill what it leaves out.
"""

from dataclasses import dataclass

from contracts.findings import Finding
from contracts.invoice.party import Address, Contact, Seller
from contracts.wording import Wording
from fa3.writer.refusal import refused


@dataclass(frozen=True, slots=True)
class SellerDetails:
    """What a company says about itself on every invoice it issues."""

    nip: str
    name: str
    address: Address
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class CompleteSeller:
    """A seller fit for Podmiot1: the stated seller, with a name and an address in any case."""

    stated: Seller
    name: str
    address: Address
    contacts: tuple[Contact, ...]


def completed(seller: Seller, details: SellerDetails | None) -> CompleteSeller | tuple[Finding, ...]:
    """The seller with a name and an address, or findings naming what neither has.

    Raises ``ValueError`` if the master data are another company's: the caller looked them up wrongly.
    """
    if details is not None and details.nip != seller.nip:
        raise ValueError(f"master data of {details.nip} were given for an invoice of {seller.nip}")
    name = seller.name or (details.name if details else None)
    address = seller.address or (details.address if details else None)
    if name is None or address is None:
        missing = [field for field, value in (("name", name), ("address", address)) if value is None]
        return tuple(_missing(field) for field in missing)
    return CompleteSeller(seller, name, address, seller.contacts or (details.contacts if details else ()))


def _missing(field: str) -> Finding:
    return refused(
        "C36",
        f"seller.{field}",
        Wording(
            "is missing, and there are no master data of the seller",
            "nie zostało podane, a danych podstawowych sprzedawcy brak",
        ),
        next_step=Wording(
            "Give it on the invoice, or enter the company's master data.",
            "Podaj to na fakturze albo wpisz dane podstawowe firmy.",
        ),
    )
