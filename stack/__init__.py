"""A real Apache Kafka and PostgreSQL for the demo and the tests: no container engine, no system packages.

:mod:`stack.local` is the door: ``up``, ``status``, ``down``. Everything a server writes is inside one private
directory, and only processes that this package started are ever signalled.
"""
