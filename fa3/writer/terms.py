"""WarunkiTransakcji: contracts, orders, batches, delivery terms, the agreed exchange rate.

Invariant: a reference without number and date says nothing and is left out; transports are refused elsewhere.
"""

from contracts.invoice.terms import ContractRate, Reference, Terms
from fa3.writer.markup import element, flag, group, optional, plain


def written(terms: Terms | None) -> str:
    """The block, or nothing."""
    if terms is None:
        return ""
    return group(
        "WarunkiTransakcji",
        "".join(_reference("Umowy", one) for one in terms.contracts)
        + "".join(_reference("Zamowienia", one) for one in terms.orders)
        + "".join(element("NrPartiiTowaru", batch) for batch in terms.batches)
        + optional("WarunkiDostawy", terms.incoterms)
        + _contract_rate(terms.contract_rate)
        + flag("PodmiotPosredniczacy", terms.intermediary),
    )


def _reference(tag: str, reference: Reference) -> str:
    return group(tag, optional(f"Data{tag}", reference.date) + optional(f"Nr{tag}", reference.number))


def _contract_rate(agreed: ContractRate | None) -> str:
    if agreed is None:
        return ""
    return element("KursUmowny", plain(agreed.rate)) + element("WalutaUmowna", agreed.currency)
