"""From the canonical invoice to FA(3): one module per section of the document.

Kinds VAT and KOR. What is not written is refused by name (``support``).
"""

from fa3.writer.document import Written, write
from fa3.writer.seller import SellerDetails

__all__ = ["SellerDetails", "Written", "write"]
