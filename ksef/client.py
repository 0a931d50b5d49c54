"""The way in: a client of one KSeF environment, from which contexts are taken.

It holds what contexts share: connections, public keys, hooks. Invariant: when it is closed, nothing of it
runs any more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from types import TracebackType
from typing import Self

from ksef.calls import BeforeCall, Caller, OnCall, Ports, RepeatPolicy
from ksef.context import KsefContext
from ksef.environments import ContextId, Environment
from ksef.http import Transport
from ksef.login import Login, LoginWait
from ksef.public_keys import PublicKey, PublicKeys, fetch
from ksef.secret import Bearer, TokenCredential
from ksef.tokens import ContextTokens


class KsefClient:
    """A client of one environment; ``async with`` opens and closes ``transport`` if that is openable.

    ``clock`` gives aware points in time. ``before_call`` and ``on_call`` see every request (``ksef.calls``).
    Closing the client cancels a login under way, and with it whoever waits for that login.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        transport: Transport,
        repeat: RepeatPolicy,
        clock: Callable[[], datetime],
        login_wait: LoginWait | None = None,
        before_call: BeforeCall | None = None,
        on_call: OnCall | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.environment = environment
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._login_wait = login_wait or LoginWait()
        ports = Ports(transport=transport, sleep=sleep, timer=timer, before_call=before_call, on_call=on_call)
        self._caller = Caller(environment, ports=ports, repeat=repeat)
        self._keys = PublicKeys(lambda: fetch(self._caller), clock=clock)
        self._tasks: set[asyncio.Task[Bearer]] = set()

    def context(self, context_id: ContextId, credential: TokenCredential) -> KsefContext:
        """The context, not yet logged in. Keep it: each one made holds tokens of its own."""
        login = Login(
            self._caller,
            keys=self._keys,
            context=context_id,
            credential=credential,
            wait=self._login_wait,
            sleep=self._sleep,
        )
        tokens = ContextTokens(login, clock=self._clock, spawn=self._spawn)
        return KsefContext(context_id, caller=self._caller, keys=self._keys, tokens=tokens)

    async def public_keys(self) -> tuple[PublicKey, ...]:
        """The RSA keys that KSeF publishes, fetched now. Calls choose and keep theirs by themselves."""
        return await fetch(self._caller)

    async def __aenter__(self) -> Self:
        if isinstance(self._transport, AbstractAsyncContextManager):
            await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        under_way = tuple(self._tasks)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        if isinstance(self._transport, AbstractAsyncContextManager):
            await self._transport.__aexit__(kind, error, trace)

    def _spawn(self, work: Coroutine[None, None, Bearer]) -> asyncio.Task[Bearer]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
