"""Lengths of texts as .NET counts them (E35).

Invariant: a text that fits here fits everywhere. The schema's limits are in characters; libxml2 counts code
points, the validator of KSeF runs on .NET and is taken to count UTF-16 units, of which a character beyond
U+FFFF (an emoji) has two.
"""

import re
from collections.abc import Iterator
from typing import Final

from contracts.findings import Finding
from fa3.document import Document, parse_tree
from fa3.schema import violations_of
from fa3.violations import finding_of

# The first bytes of characters beyond U+FFFF.
_LEADING_BYTES: Final = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
_two_units = re.compile("[\U00010000-\U0010ffff]").sub


def length_findings(document: Document) -> Iterator[Finding]:
    """E35: texts that fit in code points but not in UTF-16 units. The document must be valid.

    Costs next to nothing without such characters, a second parse and schema check with them.
    """
    if not any(byte in document.raw for byte in _LEADING_BYTES):
        return
    # A document in which each such character is two plain ones has the lengths that .NET sees.
    widened = _two_units("xx", document.raw.decode()).encode()
    root = parse_tree(widened)
    if isinstance(root, Finding):
        return
    for violation in violations_of(Document(widened, root, document.version)):
        if violation.rule == "too_long":
            found = finding_of(violation, document)
            yield found.model_copy(
                update={
                    "code": "E35",
                    "text": f"{found.fa3_path} is longer than {violation.detail} UTF-16 units.",
                    "text_pl": f"{found.fa3_path} ma więcej jednostek UTF-16 niż {violation.detail}.",
                    "next_step": "Shorten the text; an emoji counts twice.",
                    "next_step_pl": "Skróć tekst; emoji liczy się podwójnie.",
                    "value": None,
                }
            )
