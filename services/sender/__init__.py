"""sender: from an admitted invoice to KSeF's number and receipt, exactly once.

Reads    ``sales.document.admitted.v1``
Calls    KSeF (online sessions)
Writes   ``sales.document.status.v1`` through its outbox; tables ``sender.*``, ``payload.object``
Promises The same bytes are never posted again before the earlier post is proven absent; one process at a time
         sends for a context, and a former one can write nothing; what KSeF accepted is found again after any
         crash. See docs/architecture/walk.md, steps 6 and 7.
"""
