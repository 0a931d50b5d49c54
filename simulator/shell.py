"""HTTP around the core: one ASGI application, and a protocol that can write at once or cut the connection.

Nothing is decided here; a request becomes a value, the answer becomes bytes or an abort.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.wire import Answer, NoAnswer, Request, Response

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 32 * 1024 * 1024

_CUT = "simulator.cut"


class Endpoint:
    """The ASGI application of one port; ``answer`` is called on the event loop, one request at a time."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            await _write(Response(status=413, headers=(("connection", "close"),)), send)
            return
        answer = self._answer(_request(scope, body))
        if answer.delay_seconds:
            await asyncio.sleep(answer.delay_seconds)
        if isinstance(answer, NoAnswer):
            scope["extensions"][_CUT]()
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await _write(answer, send)


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, lent two abilities: one write per answer, and an abort for the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(_WriteOnce(transport))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast(Scope, self.scope)["extensions"] = {_CUT: self.transport.abort}


class _WriteOnce(asyncio.Transport):
    """A transport that joins what is written in one turn of the loop: head and body leave in one packet."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._pending: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending.append(bytes(data))

    def _flush(self) -> None:
        if self._pending:
            content = b"".join(self._pending)
            self._pending.clear()
            self._transport.write(content)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._pending.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None when it is larger than any request of the protocol."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _request(scope: Scope, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query = scope["query_string"]
    client, server = scope["client"], scope["server"]
    host = headers.get("host") or f"{server[0]}:{server[1]}"
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else (),
        headers=headers,
        body=body,
        client=client[0] if client else "",
        origin=f"{scope['scheme']}://{host}",
    )


async def _write(response: Response, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.status not in (204, 304):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
