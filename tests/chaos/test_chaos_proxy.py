"""The proxy loses exactly what it is told to lose, and notes every post."""

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.chaos.proxy import Call, Cut, Order, Proxy, open_proxy
from tests.support.waiting import until

SEND = "/v2/sessions/online/S-1/invoices"
BODY = b'{"invoiceHash": "hash-1", "encryptedInvoiceContent": "AAAA"}'


@dataclass
class Upstream:
    """A KSeF that says 202 to every whole request."""

    whole: list[bytes] = field(default_factory=list)
    begun: int = 0

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.begun += 1
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.whole.append(await reader.readexactly(length))
                writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\ntaken")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class Wire:
    upstream: Upstream
    proxy: Proxy
    client: httpx.AsyncClient

    async def send(self) -> httpx.Response:
        return await self.client.post(self.proxy.address + SEND, content=BODY)


@asynccontextmanager
async def _open_wire() -> AsyncIterator[Wire]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with open_proxy(host, port) as proxy, httpx.AsyncClient(timeout=5) as client:
        yield Wire(upstream, proxy, client)
    server.close()
    await server.wait_closed()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with _open_wire() as opened:
        yield opened


async def test_without_orders_a_call_passes_and_its_post_is_noted(wire: Wire) -> None:
    answer = await wire.send()

    assert (answer.status_code, answer.text) == (202, "taken")
    assert wire.upstream.whole == [BODY]
    assert [(post.invoice_hash, post.status) for post in wire.proxy.posts] == [("hash-1", 202)]


async def test_one_connection_carries_many_calls(wire: Wire) -> None:
    answers = [await wire.send() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 202]


@pytest.mark.parametrize(
    ("cut", "begun", "whole", "status"),
    [
        (Cut.BEFORE, 0, 0, None),
        (Cut.HALF_REQUEST, 0, 0, None),
        (Cut.AFTER, 1, 1, 202),
        (Cut.HALF_ANSWER, 1, 1, 202),
    ],
)
async def test_a_cut_call_fails_for_the_sender_and_arrives_as_far_as_its_name_says(
    wire: Wire, cut: Cut, begun: int, whole: int, status: int | None
) -> None:
    wire.proxy.order(Order(Call.SEND, cut))

    with pytest.raises(httpx.TransportError):
        await wire.send()

    assert (wire.upstream.begun, len(wire.upstream.whole)) == (begun, whole)
    assert [post.status for post in wire.proxy.posts] == [status]
    assert (await wire.send()).status_code == 202


async def test_a_late_answer_comes_late(wire: Wire) -> None:
    wire.proxy.order(Order(Call.SEND, Cut.LATE_ANSWER, seconds=0.3))
    began = time.monotonic()

    assert (await wire.send()).status_code == 202

    assert time.monotonic() - began >= 0.3


async def test_a_late_request_arrives_although_its_sender_has_gone(wire: Wire) -> None:
    wire.proxy.order(Order(Call.SEND, Cut.LATE_REQUEST, seconds=0.5))

    with pytest.raises(httpx.ReadTimeout):
        await wire.client.post(wire.proxy.address + SEND, content=BODY, timeout=0.1)
    assert wire.upstream.whole == []

    await until(lambda: wire.upstream.whole == [BODY])
    await until(lambda: [post.status for post in wire.proxy.posts] == [202])


async def test_an_order_names_a_kind_of_call_and_how_many(wire: Wire) -> None:
    wire.proxy.order(Order(Call.CLOSE, Cut.BEFORE, times=2))

    assert (await wire.send()).status_code == 202
    close = wire.proxy.address + "/v2/sessions/online/S-1/close"
    with pytest.raises(httpx.TransportError):
        await wire.client.post(close)
    with pytest.raises(httpx.TransportError):
        await wire.client.post(close)
    assert (await wire.client.post(close)).status_code == 202
    assert wire.proxy.spoiled == {"close before": 2}


async def test_while_away_nothing_passes_and_then_all_does(wire: Wire) -> None:
    await wire.send()
    wire.proxy.go_away()
    with pytest.raises(httpx.TransportError):
        await wire.send()

    wire.proxy.come_back()

    assert (await wire.send()).status_code == 202
    assert len(wire.upstream.whole) == 2


async def test_calm_forgets_all_orders(wire: Wire) -> None:
    wire.proxy.order(Order(Call.SEND, Cut.BEFORE, times=5))

    wire.proxy.calm()

    assert (await wire.send()).status_code == 202
