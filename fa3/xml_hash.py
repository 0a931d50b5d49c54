"""Whether two ready-made documents say the same.

Invariant: the hash covers everything but Naglowek, which holds when and by what the document was made.
"""

import hashlib
from copy import deepcopy

from lxml import etree

from contracts.base import Sha256Hex
from fa3.document import Document


def content_hash_of_xml(document: Document) -> Sha256Hex:
    """SHA-256, in hex, of the canonical form of the document without Naglowek.

    Canonical XML 1.0, inclusive, without comments; Naglowek is removed together with the white space behind
    it. Prefixes and white space between elements count, as the canonical form keeps them.
    """
    root = deepcopy(document.root)
    for header in root.findall(f"{{{document.version.namespace}}}Naglowek"):
        root.remove(header)
    canonical = etree.tostring(root, method="c14n", exclusive=False, with_comments=False)
    return hashlib.sha256(canonical).hexdigest()
