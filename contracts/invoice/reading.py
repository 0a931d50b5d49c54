"""From the bytes an ERP publishes to a canonical invoice, or to everything that is wrong with them.

Invariant: all problems are reported at once, each with its place; nothing is dropped, guessed or rounded.
"""

from typing import Final

from pydantic import ValidationError

from contracts.invoice.document import Invoice
from contracts.invoice.problems import Findings, findings_of, repeated_field
from contracts.invoice.strict_json import UnreadableJson, parse

MOST_BYTES: Final = 8 * 1024 * 1024
"""KSeF takes 3,000,000 bytes of XML; the same invoice in JSON is never twice as large."""


def read_invoice(raw: bytes, *, most_bytes: int = MOST_BYTES) -> Invoice | Findings:
    """The invoice in one JSON text, or findings of family ``C`` (at least one).

    UTF-8 with or without a byte order mark. Numbers are read as decimals, digit by digit. Null, a blank
    text and a missing field are the same. Raises nothing on account of the document.
    """
    try:
        text = parse(raw, most_bytes=most_bytes)
    except UnreadableJson as error:
        return (error.finding,)
    repeated = tuple(repeated_field(path) for path in text.repeated)
    try:
        invoice = Invoice.model_validate(text.value)
    except ValidationError as error:
        return repeated + findings_of(error, model=Invoice)
    return repeated or invoice
