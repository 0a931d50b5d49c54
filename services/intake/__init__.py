"""intake: takes documents over from the sources.

Reads    ``erp.<source>.sales.v1`` (all of them, by pattern)
Writes   ``sales.document.accepted.v1``, ``sales.document.status.v1``; tables ``intake.*``, ``payload.object``
Promises A document is published on only after its bytes are stored. The same document id with the same bytes
         always gets the same answer. What is refused is kept. It does not look into the invoice beyond what
         it needs to know whose it is.
"""
