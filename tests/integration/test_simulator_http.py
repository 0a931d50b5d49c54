"""The simulator over real sockets, in this process."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from simulator.crypto.keys import KeyRing
from simulator.policy import Policy
from simulator.seed import read_companies
from simulator.server import Options, running, system_clock
from simulator.shell import _WriteOnce
from tests.support.simulator_driver import SELLER, digest, fa3, send_request
from tests.support.simulator_http import HttpKsef

TODAY = datetime.now(UTC).date().isoformat()
OPTIONS = Options(policy=Policy(open_world=True), limits="off")


@pytest.fixture
async def ksef(tmp_path: Path, keys: KeyRing) -> AsyncIterator[HttpKsef]:
    options = replace(OPTIONS, acceptance_log=tmp_path / "log.jsonl")
    async with running(options, keys=keys) as server:
        client = HttpKsef.at(json.loads(server.ready_line()))
        try:
            yield client
        finally:
            await client.aclose()


async def test_an_invoice_goes_all_the_way_over_http(ksef):
    await ksef.log_in()
    session = await ksef.open()
    xml = fa3(issued=TODAY)

    reference = await ksef.send(session, xml)
    invoice = (await ksef.http.get(f"/sessions/{session}/invoices/{reference}")).json()
    upo = await ksef.http.get(f"/sessions/{session}/invoices/{reference}/upo")
    async with httpx.AsyncClient() as anybody:
        linked = await anybody.get(invoice["upoDownloadUrl"])
    closed = await ksef.http.post(f"/sessions/online/{session}/close")

    assert invoice["status"]["code"] == 200
    assert invoice["invoiceHash"] == digest(xml)
    assert upo.headers["content-type"] == "application/xml"
    assert upo.headers["x-ms-meta-hash"] == digest(upo.content)
    assert linked.content == upo.content
    assert (closed.status_code, closed.content) == (204, b"")
    assert "content-type" not in closed.headers


async def test_the_log_holds_a_send_before_its_answer_arrives(tmp_path, keys):
    path = tmp_path / "log.jsonl"
    async with running(replace(OPTIONS, acceptance_log=path), keys=keys) as server:
        ksef = HttpKsef.at(json.loads(server.ready_line()))
        await ksef.log_in()
        reference = await ksef.send(await ksef.open(), fa3(issued=TODAY))
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        served = (await ksef.admin.get("/acceptance")).text
        inside = server.acceptance()
        await ksef.aclose()

    assert [(entry["event"], entry["invoice"]) for entry in entries] == [
        ("received", reference),
        ("accepted", reference),
    ]
    assert served == path.read_text()
    assert inside == entries


async def test_the_caller_is_told_its_address(ksef):
    challenge = (await ksef.http.post("/auth/challenge")).json()

    assert challenge["clientIp"] == "127.0.0.1"


async def test_a_lost_answer_cuts_the_connection_after_the_effect(ksef):
    await ksef.log_in()
    session = await ksef.open()
    await ksef.order(operation="send_invoice", effect="lose_answer")

    with pytest.raises(httpx.TransportError):
        await ksef.send(session, fa3("FV/1", issued=TODAY))

    await ksef.send(session, fa3("FV/2", issued=TODAY))
    assert [invoice["invoiceNumber"] for invoice in await ksef.invoices(session)] == ["FV/1", "FV/2"]


async def test_a_gateways_page_can_hide_an_accepted_invoice(ksef):
    await ksef.log_in()
    session = await ksef.open()
    await ksef.order(operation="send_invoice", effect="answer_after", status=502)

    reply = await ksef.http.post(f"/sessions/online/{session}/invoices", json=send_request(fa3()))

    assert reply.status_code == 502
    assert reply.headers["content-type"].startswith("text/html")
    assert len(await ksef.invoices(session)) == 1


async def test_a_delayed_answer_is_late_and_holds_nobody_else_up(ksef):
    await ksef.order(operation="issue_challenge", effect="delay_answer", seconds=1)
    began = time.monotonic()

    late = asyncio.create_task(ksef.http.post("/auth/challenge"))
    prompt = await ksef.http.get("/security/public-key-certificates")
    overtaken = not late.done()
    late_reply = await late

    assert prompt.status_code == late_reply.status_code == 200
    assert overtaken
    assert time.monotonic() - began >= 1


async def test_connections_are_kept_alive(ksef):
    url = ksef.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    request = f"POST /v2/auth/challenge HTTP/1.1\r\nhost: {url.host}\r\ncontent-length: 0\r\n\r\n".encode()

    heads = []
    for _ in range(3):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        heads.append(head.splitlines()[0])
    writer.close()

    assert heads == [b"HTTP/1.1 200 OK"] * 3


async def test_an_oversized_body_is_413_without_being_read_to_the_end(ksef):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 1024 * 1024

    try:
        reply = await ksef.http.post("/auth/ksef-token", content=endless())
    except httpx.TransportError:
        return  # the server may close while the client still writes
    assert reply.status_code == 413


async def test_the_admin_port_is_another_port_behind_its_own_token(ksef):
    async with httpx.AsyncClient(base_url=ksef.admin.base_url) as stranger:
        assert (await stranger.get("/companies")).status_code == 401
    assert (await ksef.http.get(ksef.http.base_url.copy_with(path="/companies"))).status_code == 404
    assert (await ksef.admin.get("/companies")).status_code == 200


async def test_the_clock_may_be_somebody_elses(keys):
    async with (
        running(OPTIONS, clock=lambda: datetime(2031, 5, 6, 7, 8, tzinfo=UTC), keys=keys) as server,
        httpx.AsyncClient(base_url=server.api) as http,
    ):
        challenge = (await http.post("/auth/challenge")).json()

    assert challenge["timestamp"] == "2031-05-06T07:08:00.0000000+00:00"


async def test_links_may_carry_a_public_address(keys):
    options = replace(OPTIONS, public_url="https://ksef.example")
    async with running(options, keys=keys) as server:
        ksef = HttpKsef.at(json.loads(server.ready_line()))
        await ksef.log_in()
        session = await ksef.open()
        await ksef.send(session, fa3(issued=TODAY))
        (invoice,) = await ksef.invoices(session)
        await ksef.aclose()

    assert invoice["upoDownloadUrl"].startswith("https://ksef.example/storage/")


async def test_nothing_listens_after_the_end(keys):
    async with running(OPTIONS, keys=keys) as server:
        address = (server.url.split(":")[1].strip("/"), int(server.url.rsplit(":", 1)[1]))

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)


async def test_a_server_stopped_before_it_was_used_releases_its_ports(keys):
    for _ in range(3):
        async with running(OPTIONS, keys=keys):
            pass


def test_the_system_clock_is_aware():
    assert system_clock().tzinfo is UTC


class Recorded(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[object] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.events.append(bytes(data))

    def close(self) -> None:
        self.events.append("close")

    def abort(self) -> None:
        self.events.append("abort")


async def test_what_is_written_in_one_turn_leaves_in_one_piece():
    recorded = Recorded()
    transport = _WriteOnce(recorded)

    transport.write(b"head")
    transport.write(b"body")
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)

    assert recorded.events == [b"headbody", b"next"]


async def test_closing_writes_what_is_pending_and_aborting_drops_it():
    closed, aborted = Recorded(), Recorded()
    first, second = _WriteOnce(closed), _WriteOnce(aborted)

    first.write(b"last words")
    first.close()
    second.write(b"never seen")
    second.abort()
    await asyncio.sleep(0)

    assert closed.events == [b"last words", "close"]
    assert aborted.events == ["abort"]


async def test_a_seeded_company_is_known(keys):
    seed = read_companies({"companies": [{"nip": SELLER, "name": "Huta"}]})
    async with running(replace(OPTIONS, seed=seed), keys=keys) as server:
        ksef = HttpKsef.at(json.loads(server.ready_line()))
        companies = (await ksef.admin.get("/companies")).json()
        await ksef.aclose()

    assert companies == {"companies": [{"nip": SELLER, "name": "Huta"}]}
