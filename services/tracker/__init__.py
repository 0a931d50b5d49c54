"""tracker: one document's life.

Reads    ``sales.document.status.v1``
Writes   ``erp.<source>.results.v1`` through its outbox (its only writer); tables ``tracker.*``
Promises Every step is numbered once, in the order it arrived; a repeated one is dropped, a late one never
         turns the state back. What the ERP reads is what the tables say.
"""
