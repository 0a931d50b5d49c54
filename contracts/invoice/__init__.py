"""The canonical invoice ``invoice/1``: one model for every format an ERP may speak.

``read_invoice`` turns JSON into an ``Invoice`` or into findings (family ``C``); ``content_hash`` tells
whether two invoices are the same document.
"""

from contracts.invoice.document import Invoice
from contracts.invoice.hashing import content_hash
from contracts.invoice.problems import Findings
from contracts.invoice.reading import read_invoice

__all__ = ["Findings", "Invoice", "content_hash", "read_invoice"]
