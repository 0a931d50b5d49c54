"""What stands below the invoice: free text and the registers a party is entered in.

Invariant: the footer is the one place whose line breaks survive. (FA(3) Stopka.)
"""

from typing import Annotated, TypeAlias

from contracts.invoice.part import Many, Opt, Part, UpTo
from contracts.invoice.texts import Prose, Text, Text256
from contracts.wording import Wording

Krs: TypeAlias = Annotated[
    str,
    Text(
        10,
        pattern="^[0-9]{10}$",
        form=Wording("a KRS number of ten digits", "numer KRS: dziesięć cyfr"),
    ),
]
Regon: TypeAlias = Annotated[
    str,
    Text(
        14,
        pattern="^(?:[0-9]{9}|[0-9]{14})$",
        form=Wording("a REGON of nine or fourteen digits", "REGON: dziewięć lub czternaście cyfr"),
    ),
]


class Register(Part):
    """An entry in public registers."""

    name: Opt[Text256] = None
    """Full name."""
    krs: Opt[Krs] = None
    """Number in the court register."""
    regon: Opt[Regon] = None
    """Number in the statistical register."""
    bdo: Opt[Annotated[str, Text(9)]] = None
    """Number in the waste register."""


class Footer(Part):
    """Texts and registers."""

    texts: Annotated[Many[Annotated[str, Prose(3500)]], UpTo(3)] = ()
    """Free texts; their line breaks stay."""
    registers: Annotated[Many[Register], UpTo(100)] = ()
    """Registers a party is entered in."""
