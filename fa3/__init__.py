"""The FA(3) document: written from the canonical invoice, parsed, checked, read for its facts.

Pure: bytes and values in, bytes and values out. No clock, no environment, no network; the only files read
are the official schemas, which come with the package ``ksef-client``.
"""
