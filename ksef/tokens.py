"""The tokens of one context: refreshed in time, by one caller for all.

Invariant: at most one refresh or login of the context is under way; whoever asks meanwhile shares its result
or its error. Cancelling one of them does not cancel it for the others.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Protocol

from ksef.errors import Refused, Unauthorized
from ksef.login import TimedBearer, TokenPair
from ksef.secret import Bearer

REFRESH_BEFORE = timedelta(minutes=2)
"""An access token lives about 15 minutes; with less than this left it is refreshed first."""


class TokenSource(Protocol):
    """Where tokens come from: ``ksef.login.Login``."""

    async def new_tokens(self) -> TokenPair: ...

    async def refreshed(self, refresh: Bearer) -> TimedBearer: ...


class ContextTokens:
    """Holds one context's access and refresh token."""

    def __init__(
        self,
        source: TokenSource,
        *,
        clock: Callable[[], datetime],
        spawn: Callable[[Coroutine[None, None, Bearer]], asyncio.Task[Bearer]],
    ) -> None:
        self._source = source
        self._clock = clock
        self._spawn = spawn
        self._access: TimedBearer | None = None
        self._refresh: TimedBearer | None = None
        self._renewal: asyncio.Task[Bearer] | None = None

    async def current(self) -> Bearer:
        """An access token with time left, refreshed or newly logged in if need be."""
        access = self._access
        if access is not None and self._clock() < access.valid_until - REFRESH_BEFORE:
            return access.bearer
        return await self._share(self._refresh_or_log_in)

    async def after_refresh(self, refused: Bearer) -> Bearer:
        """An access token other than ``refused``, by refreshing unless another caller already has."""
        return await self._unless_replaced(refused, self._refresh_or_log_in)

    async def after_login(self, refused: Bearer) -> Bearer:
        """An access token other than ``refused``, by logging in unless another caller already has."""
        return await self._unless_replaced(refused, self._log_in)

    async def _unless_replaced(
        self, refused: Bearer, renew: Callable[[], Coroutine[None, None, Bearer]]
    ) -> Bearer:
        access = self._access
        if access is not None and access.bearer != refused:
            return access.bearer
        return await self._share(renew)

    async def _share(self, renew: Callable[[], Coroutine[None, None, Bearer]]) -> Bearer:
        if self._renewal is None:
            self._renewal = self._spawn(renew())
            self._renewal.add_done_callback(self._renewed)
        return await asyncio.shield(self._renewal)

    def _renewed(self, _task: asyncio.Task[Bearer]) -> None:
        self._renewal = None

    async def _refresh_or_log_in(self) -> Bearer:
        refresh = self._refresh
        if refresh is None or self._clock() >= refresh.valid_until:
            return await self._log_in()
        try:
            self._access = await self._source.refreshed(refresh.bearer)
        except (Refused, Unauthorized):
            # Revoked or expired by KSeF's clock: only a new login helps.
            return await self._log_in()
        return self._access.bearer

    async def _log_in(self) -> Bearer:
        pair = await self._source.new_tokens()
        self._access, self._refresh = pair.access, pair.refresh
        return self._access.bearer
