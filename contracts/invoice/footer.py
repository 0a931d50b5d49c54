"""What stands below the invoice: free text and the registers a party is entered in.

Invariant: the footer is the one place whose line breaks survive. (FA(3) Stopka.)
"""

from typing import Annotated

from contracts.invoice.part import Many, Opt, Part, UpTo
from contracts.invoice.texts import Prose, Text, Text256


class Register(Part):
    """An entry: the full ``name``, and the numbers in the court, statistical and waste registers."""

    name: Opt[Text256] = None
    krs: Opt[Annotated[str, Text(10, pattern="^[0-9]{10}$", form="a KRS number of ten digits")]] = None
    regon: Opt[
        Annotated[
            str, Text(14, pattern="^(?:[0-9]{9}|[0-9]{14})$", form="a REGON of nine or fourteen digits")
        ]
    ] = None
    bdo: Opt[Annotated[str, Text(9)]] = None


class Footer(Part):
    """Up to three texts, and registers."""

    texts: Annotated[Many[Annotated[str, Prose(3500)]], UpTo(3)] = ()
    registers: Annotated[Many[Register], UpTo(100)] = ()
