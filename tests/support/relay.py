"""A TCP relay in front of a server that goes away and comes back at the same address."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Relay:
    """``port`` is on 127.0.0.1; made by :func:`open_relay`."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.away = False
        self._target = (host, port)
        self._connections: set[asyncio.Task[None]] = set()

    def go_away(self) -> None:
        """Cut all connections; new ones are cut at once, until :meth:`come_back`."""
        self.away = True
        for connection in self._connections:
            connection.cancel()

    def come_back(self) -> None:
        self.away = False

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if not self.away:
                await self._join(reader, writer)
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _join(self, reader: StreamReader, writer: StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_copy(reader, their_writer), _copy(their_reader, writer))
        finally:
            their_writer.transport.abort()


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    """Until either side ends, which ends the other."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionError("ended")


@asynccontextmanager
async def open_relay(host: str, port: int) -> AsyncIterator[Relay]:
    """A relay to ``host:port`` until the block ends."""
    relay = Relay(host, port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.go_away()
        await server.wait_closed()
