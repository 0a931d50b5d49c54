"""The transport on a real socket: what it promises about requests that left and requests that did not."""

import asyncio
import gzip
import socket

import pytest

from ksef import HttpxTransport, Timeouts
from ksef.http import AnswerLost, HttpRequest, RequestNotSent
from tests.support.ksef_script import Cut, Hang, Reply, http_options


def post(server, body=b"{}", **headers):
    return HttpRequest("POST", f"{server.url}/echo", tuple(headers.items()), body)


def timeouts(**changes):
    bounds = {"connect_seconds": 5, "write_seconds": 5, "read_seconds": 5, "total_seconds": 10}
    return Timeouts(**bounds | changes)


async def test_a_request_arrives_with_its_body_and_only_the_headers_it_was_given(server):
    server.will("POST /echo", Reply(200, b"answer", {"X-Thing": "1"}))

    async with HttpxTransport(http_options()) as transport:
        response = await transport.send(post(server, b"body", Authorization="Bearer x"))

    assert (response.status, response.body, response.headers["x-thing"]) == (200, b"answer", "1")
    assert server.received[0].body == b"body"
    assert server.received[0].headers.keys() == {"host", "user-agent", "authorization", "content-length"}
    assert server.received[0].headers["user-agent"] == "ksef-tests/1"


async def test_an_empty_post_says_that_it_is_empty(server):
    async with HttpxTransport(http_options()) as transport:
        await transport.send(post(server, b""))

    assert server.received[0].headers["content-length"] == "0"


async def test_connections_are_reused(server):
    server.will("POST /echo", Reply(200))

    async with HttpxTransport(http_options()) as transport:
        for _ in range(5):
            await transport.send(post(server))

    assert server.connections == 1


async def test_redirects_are_handed_back(server):
    server.will("POST /echo", Reply(307, headers={"Location": "/elsewhere"}))

    async with HttpxTransport(http_options()) as transport:
        response = await transport.send(post(server))

    assert response.status == 307
    assert len(server.received) == 1


async def test_a_refused_connection_means_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async with HttpxTransport(http_options()) as transport:
        with pytest.raises(RequestNotSent, match="ConnectError"):
            await transport.send(HttpRequest("POST", f"http://127.0.0.1:{port}/v2/echo", (), b""))


async def test_a_refused_proxy_tunnel_means_not_sent(server):
    options = http_options(proxy=server.url.removesuffix("/v2"))

    async with HttpxTransport(options) as transport:
        with pytest.raises(RequestNotSent, match="ProxyError"):
            await transport.send(HttpRequest("POST", "https://ksef.invalid/v2/echo", (), b""))


async def test_no_free_connection_in_time_means_not_sent(server):
    server.will("POST /echo", Hang())
    options = http_options(max_connections=1, timeouts=timeouts(connect_seconds=0.05))

    async with HttpxTransport(options) as transport:
        first = asyncio.create_task(transport.send(post(server)))
        await server.first_request()
        with pytest.raises(RequestNotSent, match="PoolTimeout"):
            await transport.send(post(server))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    assert len(server.received) == 1


async def test_a_transport_that_is_not_open_sends_nothing(server):
    with pytest.raises(RequestNotSent, match="not open"):
        await HttpxTransport(http_options()).send(post(server))

    assert not server.received


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Cut(), id="connection closed after the body"),
        pytest.param(Cut(b"HTTP/1.1 202 Acc"), id="cut in the status line"),
        pytest.param(Cut(b'HTTP/1.1 202 x\r\ncontent-length: 50\r\n\r\n{"ref'), id="cut in the body"),
        pytest.param(Cut(b"SSH-2.0-OpenSSH\r\n\r\n"), id="not HTTP"),
    ],
)
async def test_a_connection_lost_after_the_request_means_a_lost_answer(server, answer):
    server.will("POST /echo", answer)

    async with HttpxTransport(http_options()) as transport:
        with pytest.raises(AnswerLost):
            await transport.send(post(server))

    assert len(server.received) == 1


@pytest.mark.parametrize("bound", ["read_seconds", "total_seconds"])
async def test_silence_means_a_lost_answer(server, bound):
    server.will("POST /echo", Hang())

    async with HttpxTransport(http_options(timeouts=timeouts(**{bound: 0.05}))) as transport:
        with pytest.raises(AnswerLost):
            await transport.send(post(server))


async def test_an_answer_larger_than_allowed_is_lost(server):
    server.will("POST /echo", Reply(200, b"x" * 1001))

    async with HttpxTransport(http_options(max_answer_bytes=1000)) as transport:
        with pytest.raises(AnswerLost, match="larger than 1000"):
            await transport.send(post(server))


async def test_a_compressed_answer_is_bounded_by_its_real_size(server):
    server.will("POST /echo", Reply(200, gzip.compress(b"x" * 100_000), {"Content-Encoding": "gzip"}))

    async with HttpxTransport(http_options(max_answer_bytes=50_000)) as transport:
        with pytest.raises(AnswerLost, match="larger than 50000"):
            await transport.send(post(server))


async def test_a_compressed_answer_is_understood(server):
    server.will("POST /echo", Reply(200, gzip.compress(b'{"a":1}'), {"Content-Encoding": "gzip"}))

    async with HttpxTransport(http_options()) as transport:
        assert (await transport.send(post(server))).body == b'{"a":1}'


async def test_a_broken_compressed_answer_is_lost(server):
    server.will("POST /echo", Reply(200, b"not gzip", {"Content-Encoding": "gzip"}))

    async with HttpxTransport(http_options()) as transport:
        with pytest.raises(AnswerLost):
            await transport.send(post(server))


async def test_the_environment_of_the_process_does_not_choose_a_proxy(server, monkeypatch):
    server.will("POST /echo", Reply(200))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async with HttpxTransport(http_options()) as transport:
        assert (await transport.send(post(server))).status == 200


async def test_a_missing_ca_bundle_is_noticed_on_opening(tmp_path):
    with pytest.raises(FileNotFoundError):
        await HttpxTransport(http_options(ca_bundle=tmp_path / "none.pem")).__aenter__()


@pytest.mark.parametrize("bound", ["connect_seconds", "write_seconds", "read_seconds", "total_seconds"])
def test_a_timeout_of_nothing_is_refused(bound):
    with pytest.raises(ValueError, match="positive"):
        timeouts(**{bound: 0})
