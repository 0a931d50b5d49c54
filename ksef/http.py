"""The way onto the wire: the only module that knows the HTTP library.

The seam is ``Transport.send``: another library, or a simulator in the same process, goes in below the client
by offering that one method. Invariant: one ``send`` is at most one request on the wire; nothing is repeated,
redirected or cached here, and ``RequestNotSent`` is raised only if no byte of the request can have arrived.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import httpx


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request: absolute address, headers as they go out, whole body (b"" for none)."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer, read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class TransportError(Exception):
    """There is no answer. The text names the cause, never what was sent."""


class RequestNotSent(TransportError):
    """No connection was made: the other side cannot have seen the request."""


class AnswerLost(TransportError):
    """The request, or a part of it, may have arrived; the answer did not."""


class Transport(Protocol):
    """Carries one request. An async context manager too, if it holds something to open and close."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status. Raises RequestNotSent or AnswerLost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Bounds of one call. ``connect_seconds`` holds for getting a free connection and again for making one,
    ``write_seconds`` and ``read_seconds`` for each step, ``total_seconds`` for the whole call."""

    connect_seconds: float
    write_seconds: float
    read_seconds: float
    total_seconds: float

    def __post_init__(self) -> None:
        bounds = (self.connect_seconds, self.write_seconds, self.read_seconds, self.total_seconds)
        if min(bounds) <= 0:
            raise ValueError("timeouts: every bound must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How to reach KSeF from here.

    ``proxy`` is an address that may carry a password; ``ca_bundle`` a PEM file that replaces the usual roots.
    Neither is taken from the environment of the process. ``user_agent`` should be stable: KSeF's firewall
    learns it. An idle connection is dropped after ``idle_seconds``.
    """

    timeouts: Timeouts
    user_agent: str
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: Path | None = None
    max_connections: int = 20
    # Short on purpose: a request that meets a connection just closed by the server has an ambiguous result,
    # which costs a sender more than a handshake.
    idle_seconds: float = 5.0
    max_answer_bytes: int = 64 * 1024 * 1024


_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class HttpxTransport:
    """Pooled HTTP/1.1 over httpx. Open it with ``async with`` (or hand it to ``KsefClient``, which does).

    It uses httpx's transport below its ``AsyncClient``: no cookies, redirects or environment proxies, and a
    sixth less CPU per call.
    """

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._agent = ("User-Agent", options.user_agent)
        self._pool: httpx.AsyncHTTPTransport | None = None
        bounds = options.timeouts
        self._extensions = {
            "timeout": {
                "connect": bounds.connect_seconds,
                "read": bounds.read_seconds,
                "write": bounds.write_seconds,
                "pool": bounds.connect_seconds,
            }
        }

    async def __aenter__(self) -> Self:
        options = self._options
        self._pool = httpx.AsyncHTTPTransport(
            verify=_tls(options.ca_bundle),
            proxy=httpx.Proxy(options.proxy) if options.proxy else None,
            limits=httpx.Limits(
                max_connections=options.max_connections,
                max_keepalive_connections=options.max_connections,
                keepalive_expiry=options.idle_seconds,
            ),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def send(self, request: HttpRequest) -> HttpResponse:
        if self._pool is None:
            raise RequestNotSent("the transport is not open")
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=[self._agent, *request.headers],
            content=request.body,
            extensions=self._extensions,
        )
        try:
            async with asyncio.timeout(self._options.timeouts.total_seconds):
                return await self._exchange(self._pool, outgoing)
        except _NOT_SENT as err:
            raise RequestNotSent(_cause(err)) from err
        except TimeoutError as err:
            raise AnswerLost(f"no answer within {self._options.timeouts.total_seconds:g} s") from err
        except (httpx.HTTPError, OSError) as err:
            raise AnswerLost(_cause(err)) from err

    async def _exchange(self, pool: httpx.AsyncHTTPTransport, request: httpx.Request) -> HttpResponse:
        response = await pool.handle_async_request(request)
        try:
            body = await self._read(response)
        finally:
            await response.aclose()
        return HttpResponse(response.status_code, response.headers, body)

    async def _read(self, response: httpx.Response) -> bytes:
        chunks: list[bytes] = []
        size = 0
        # Compression is not asked for; a gateway that compresses anyway is understood.
        parts = response.aiter_bytes() if "content-encoding" in response.headers else response.aiter_raw()
        async for chunk in parts:
            size += len(chunk)
            if size > self._options.max_answer_bytes:
                raise AnswerLost(f"the answer is larger than {self._options.max_answer_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)


def _tls(ca_bundle: Path | None) -> ssl.SSLContext:
    if ca_bundle is None:
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context(cafile=str(ca_bundle))


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
