"""A proxy between senders and KSeF that loses, cuts and delays HTTP messages on order, and notes every post.

It reads whole messages, so that "before", "after" and "in the middle" mean exactly that. What it noted says
which bytes left a sender, how often and when: something that neither our tables nor KSeF could tell.
"""

import asyncio
import re
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

_HEAD_BYTES = 64 * 1024
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_HASH = re.compile(rb'"invoiceHash" *: *"([^"]+)"')
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_WITHOUT_BODY = frozenset({204, 304})


class Call(StrEnum):
    """What a request is about; the values are what an order names."""

    SEND = "send"
    OPEN = "open"
    CLOSE = "close"
    OTHER = "other"


class Cut(StrEnum):
    """How a call goes wrong on the way."""

    BEFORE = "before"
    """The request is lost; KSeF sees nothing."""
    HALF_REQUEST = "half-request"
    """KSeF sees half of the request."""
    AFTER = "after"
    """KSeF has answered; the answer is lost."""
    HALF_ANSWER = "half-answer"
    """Half of the answer arrives."""
    LATE_ANSWER = "late-answer"
    """KSeF has answered; the answer comes late."""
    LATE_REQUEST = "late-request"
    """The request reaches KSeF late, perhaps when its sender has given up and gone on."""


@dataclass(frozen=True, slots=True)
class Order:
    """Spoil the next ``times`` calls of a kind. ``seconds`` is how late the late ones are."""

    call: Call
    cut: Cut
    times: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Post:
    """An invoice that left a sender. ``status`` is KSeF's answer; None when there was none."""

    at: float
    """Seconds since the epoch, when the whole request had left the sender."""
    invoice_hash: str
    status: int | None


class Lost(Exception):
    """This connection ends here."""


class Proxy:
    """``address`` is where senders connect to; made by :func:`open_proxy`."""

    def __init__(self, host: str, port: int) -> None:
        self.address = ""
        self.posts: list[Post] = []
        self.spoiled: Counter[str] = Counter()
        """Calls spoiled, by kind and cut: ``send before``."""
        self._upstream = (host, port)
        self._orders: list[Order] = []
        self._away = False
        self._connections: set[asyncio.Task[None]] = set()

    def order(self, order: Order) -> None:
        self._orders += [order] * order.times

    def go_away(self) -> None:
        """Cut all connections and refuse new ones, until :meth:`come_back`."""
        self._away = True
        self.cut_all()

    def come_back(self) -> None:
        self._away = False

    def calm(self) -> None:
        """Forget all orders."""
        self._orders.clear()
        self.come_back()

    def cut_all(self) -> None:
        for connection in self._connections:
            connection.cancel()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            if not self._away:
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # cut_all, or the end of the proxy
        finally:
            writer.transport.abort()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(Lost, OSError, asyncio.IncompleteReadError):
            their_reader, their_writer = await asyncio.open_connection(*self._upstream, limit=_HEAD_BYTES)
            try:
                while True:
                    await self._exchange(reader, writer, their_reader, their_writer)
            finally:
                their_writer.transport.abort()

    async def _exchange(
        self, reader: StreamReader, writer: StreamWriter, upstream: StreamReader, to_upstream: StreamWriter
    ) -> None:
        """One request and its answer."""
        request = await _message(reader)
        call, at = _call_of(request), time.time()
        order = self._order_for(call)
        status: int | None = None
        try:
            await self._forward(request, order, to_upstream)
            answer = await _message(upstream)
            status = _status_of(answer)
            await _return(answer, order, writer)
        finally:
            if call is Call.SEND and (found := _HASH.search(request)):
                self.posts.append(Post(at, found[1].decode(), status))

    async def _forward(self, request: bytes, order: Order | None, upstream: StreamWriter) -> None:
        if order is not None and order.cut is Cut.BEFORE:
            raise Lost
        if order is not None and order.cut is Cut.HALF_REQUEST:
            await _write(upstream, request[: len(request) // 2])
            raise Lost
        if order is not None and order.cut is Cut.LATE_REQUEST:
            await asyncio.sleep(order.seconds)
        await _write(upstream, request)

    def _order_for(self, call: Call) -> Order | None:
        for order in self._orders:
            if order.call is call:
                self._orders.remove(order)
                self.spoiled[f"{call} {order.cut}"] += 1
                return order
        return None


async def _return(answer: bytes, order: Order | None, writer: StreamWriter) -> None:
    if order is not None and order.cut is Cut.AFTER:
        raise Lost
    if order is not None and order.cut is Cut.HALF_ANSWER:
        await _write(writer, answer[: len(answer) // 2])
        raise Lost
    if order is not None and order.cut is Cut.LATE_ANSWER:
        await asyncio.sleep(order.seconds)
    await _write(writer, answer)


async def _write(writer: StreamWriter, message: bytes) -> None:
    writer.write(message)
    await writer.drain()


async def _message(reader: StreamReader) -> bytes:
    """A whole HTTP/1.1 message: its head, and the body that the head announces."""
    head = await reader.readuntil(b"\r\n\r\n")
    if _status_of(head) in _WITHOUT_BODY:
        return head
    if length := _CONTENT_LENGTH.search(head):
        return head + await reader.readexactly(int(length[1]))
    return head + await _chunks(reader) if _CHUNKED.search(head) else head


async def _chunks(reader: StreamReader) -> bytes:
    parts: list[bytes] = []
    while True:
        size = await reader.readuntil(b"\r\n")
        parts += [size, await reader.readexactly(int(size.partition(b";")[0], 16) + 2)]
        if int(size.partition(b";")[0], 16) == 0:
            return b"".join(parts)


def _status_of(message: bytes) -> int | None:
    found = _STATUS.match(message)
    return None if found is None else int(found[1])


def _call_of(request: bytes) -> Call:
    method, _, rest = request.partition(b" ")
    path = rest.partition(b" ")[0]
    if method == b"POST":
        if path.endswith(b"/invoices"):
            return Call.SEND
        if path.endswith(b"/close"):
            return Call.CLOSE
        if path.endswith(b"/sessions/online"):
            return Call.OPEN
    return Call.OTHER


@asynccontextmanager
async def open_proxy(upstream_host: str, upstream_port: int) -> AsyncIterator[Proxy]:
    """A proxy on a free port of 127.0.0.1, until the block ends."""
    proxy = Proxy(upstream_host, upstream_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
    host, port = server.sockets[0].getsockname()
    proxy.address = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut_all()
        await server.wait_closed()
