"""The worker kit: everything a stage needs that is not about invoices.

A worker is an :class:`runtime.app.Worker` with stages (``runtime.stage``: consume, decide, publish, settle)
and loops (``runtime.outbox``, ``runtime.due``). PostgreSQL is the system of record, Kafka the transport:
a cursor moves only after its effects are durable.
"""
