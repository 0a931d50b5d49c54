"""Stopka: free texts and registers.

Invariant: line breaks of a text stay as they are; FA(3) keeps them here and nowhere else.
"""

from contracts.invoice.footer import Footer, Register
from fa3.writer.markup import element, group, optional


def written(footer: Footer | None) -> str:
    """The block, or nothing."""
    if footer is None:
        return ""
    texts = "".join(group("Informacje", element("StopkaFaktury", text)) for text in footer.texts)
    return group("Stopka", texts + "".join(map(_register, footer.registers)))


def _register(register: Register) -> str:
    return group(
        "Rejestry",
        optional("PelnaNazwa", register.name)
        + optional("KRS", register.krs)
        + optional("REGON", register.regon)
        + optional("BDO", register.bdo),
    )
