"""Ports that a server can come back to."""

import socket

from stack.ports import free_ports, is_free, is_listening


def test_free_ports_are_different_and_outside_the_range_of_outgoing_connections() -> None:
    ports = free_ports(5)

    assert len(set(ports)) == 5
    assert all(20_000 <= port <= 32_000 for port in ports)


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert not is_free(port)
        assert is_listening(port)


def test_a_port_that_nobody_listens_on_is_free() -> None:
    (port,) = free_ports(1)

    assert is_free(port)
    assert not is_listening(port)
