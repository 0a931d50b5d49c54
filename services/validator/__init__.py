"""validator: schema, then admission.

Reads    ``sales.invoice.mapped.v1``; ``sales.document.status.v1`` (fates of those who hold a number)
Writes   ``sales.document.admitted.v1``, ``sales.document.status.v1`` through its outbox; tables
         ``validator.*``, ``payload.object``
Promises At most one document at a time holds a (seller, kind, number). A number is free again only when its
         holder's fate is known. A verdict is given once; what is published is true in the same transaction.
"""
