"""mapper: from what the source published to FA(3).

Reads    ``sales.document.accepted.v1``
Writes   ``sales.invoice.mapped.v1``, ``sales.document.status.v1``; large documents into ``payload.object``
Promises The same revision gives the same bytes. Ready-made XML is passed on byte for byte. A document is
         refused with everything that is wrong with it, never with the first thing only. It has no memory.
"""
