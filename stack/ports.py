"""TCP ports on 127.0.0.1 that a server can come back to.

They lie below the range from which Linux and macOS take the source ports of outgoing connections. In that
range a port may be gone after a restart, and a client that keeps knocking at a stopped server's port may in
the end be connected to itself (TCP simultaneous open).
"""

import random
import socket

from stack.errors import StackError

HOST = "127.0.0.1"
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIES = 1_000


def free_ports(count: int) -> list[int]:
    """``count`` different ports that nobody listens on now. Somebody may take one before the caller does."""
    found: set[int] = set()
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311  spreads parallel callers, protects nothing
        if is_free(port):
            found.add(port)
        if len(found) == count:
            return list(found)
    raise StackError(f"no {count} free ports between {_LOWEST} and {_HIGHEST} on {HOST}")


def is_free(port: int) -> bool:
    """Whether a server could bind the port now; connections of an earlier one in TIME_WAIT do not matter."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
