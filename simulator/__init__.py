"""A local KSeF 2.x: real HTTP, real cryptography, no ministry.

Reads the protocol as a client speaks it (API 2.9.0, tolerant of 2.6.0) and answers as KSeF would, or as
badly as a test asks it to. `core.Simulator.handle` is the whole of it as a function of a request, a moment,
a source of randomness and a store; `server` puts it behind real sockets.

Imports none of our other packages: a client and a simulator that shared a model would share its mistakes.
"""
