"""One context's work under one lease: from the first look to the last open end.

The order in a round matters: sessions of former owners first, then verdicts and receipts, then what recovery
must know, then new sends.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeAlias

from runtime import log
from runtime.due import Holder
from runtime.errors import LeaseLost, Transient
from services.sender import metrics
from services.sender.asking import ask
from services.sender.desk import Desk
from services.sender.gateway import Limited, acting_for
from services.sender.recovery import adopt_found, list_sessions, refuse_to_send
from services.sender.sending import send_ready
from services.sender.sessions import (
    SESSION_HOURS,
    ask_later,
    end,
    ensure_usable,
    open_session,
    settle_session,
)
from services.sender.store import Session, Work
from services.sender.watermark import DatabaseBehind

LOOK_LIMIT = 500
BACKLOG = 10

logger = log.get(__name__)
MakeDesk: TypeAlias = Callable[[Holder], Desk]


class Sender:
    """The act of the due work: see ``runtime.due``."""

    def __init__(self, make_desk: MakeDesk) -> None:
        self._make_desk = make_desk

    async def __call__(self, holder: Holder) -> float | None:
        with acting_for(holder):
            return await Round(self._make_desk(holder)).run()


class Round:
    """The rounds of one lease."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._session: Session | None = None
        self._idle_since: float | None = None
        self._no_sends_before = 0.0
        self._no_questions_before = 0.0
        self._now = asyncio.get_running_loop().time

    async def run(self) -> float | None:
        """Until nothing is left, or the process stops; see :data:`runtime.due.Act`."""
        desk, holder = self._desk, self._desk.holder
        await desk.ledger.end_older_sessions(holder.lease)
        try:
            await desk.watermark.check(holder.key, claims=await desk.ledger.claims(holder.lease))
            return await self._rounds()
        except DatabaseBehind as behind:
            await refuse_to_send(desk, behind)
            raise LeaseLost(f"{holder.key} is to be looked up at KSeF first") from behind

    async def _rounds(self) -> float | None:
        desk, holder = self._desk, self._desk.holder
        while True:
            work = await desk.ledger.look(holder.lease, limit=LOOK_LIMIT)
            if holder.stopping.is_set():
                await self._leave()
                return 0.0
            # What was looked at is stale after any of these: each round does one thing and looks again.
            if (
                await self._question(work)
                or await self._recover(work)
                or await self._send(work)
                or await self._end_idle_session(work)
            ):
                continue
            if not work.open_ends and self._session is None:
                return None
            await self._wait(work)

    async def _question(self, work: Work) -> bool:
        """Ended sessions, verdicts, receipts; whether anything was due and could be asked."""
        if not (work.sessions or work.due) or self._now() < self._no_questions_before:
            return False
        try:
            if work.sessions:
                for session in work.sessions:
                    await self._settle(session)
            else:
                await ask(self._desk, work.due)
        except Limited as limited:
            logger.warning("questions_limited", context=self._desk.holder.key, seconds=limited.seconds)
            self._no_questions_before = self._now() + limited.seconds
        return True

    async def _settle(self, session: Session) -> None:
        """One step with an ended session. One that cannot be ended must not hold up the others."""
        try:
            await settle_session(self._desk, session)
        except Limited:
            raise
        except Transient as error:
            logger.warning("session_waits", reference=session.reference, error=log.describe(error))
            await ask_later(self._desk, session)

    async def _recover(self, work: Work) -> bool:
        """What a restored database must know before it sends; whether there was anything to do now."""
        if work.recover_since is not None and self._now() >= self._no_questions_before:
            try:
                await list_sessions(self._desk, since=work.recover_since)
            except Limited as limited:
                self._no_questions_before = self._now() + limited.seconds
            return True
        return work.found and await adopt_found(self._desk)

    async def _send(self, work: Work) -> bool:
        """Post a batch; whether there was one and it could be."""
        if not work.ready or self._now() < self._no_sends_before:
            return False
        try:
            session = await self._usable_session(work)
            why = None if session is None else await send_ready(self._desk, session)
        except Limited as limited:
            logger.warning("sends_limited", context=self._desk.holder.key, seconds=limited.seconds)
            self._no_sends_before = self._now() + limited.seconds
            lease = self._desk.holder.lease
            await self._desk.ledger.rest(lease, seconds=limited.seconds, because=str(limited))
        else:
            if why is not None:
                await self._end_session(why)
        return True

    async def _usable_session(self, work: Work) -> Session | None:
        """The session to send in; None when the new one turned out to be useless."""
        if self._session is not None and self._is_old(self._session):
            await self._end_session("old")
        if self._session is None:
            with self._desk.tracing.span("open session", work.first_trace):
                self._session = await open_session(self._desk)
            if work.ready > BACKLOG and not await ensure_usable(self._desk, self._session):
                await self._end_session("key-refused")
        self._idle_since = None
        return self._session

    def _is_old(self, session: Session) -> bool:
        return self._desk.clock() > session.opened_at + timedelta(hours=SESSION_HOURS)

    async def _end_session(self, why: str) -> None:
        if self._session is not None:
            await end(self._desk, self._session, why=why)
            self._session = None

    async def _end_idle_session(self, work: Work) -> bool:
        if self._session is None or work.ready:
            return False
        if self._idle_since is None:
            self._idle_since = self._now()
        if self._now() - self._idle_since < self._desk.options.session_idle_seconds:
            return False
        await self._end_session("idle")
        return True

    async def _leave(self) -> None:
        """Close our session, so that the next owner need not. Bounded: safety does not depend on it."""
        if self._session is None:
            return
        session = await end(self._desk, self._session, why="stopping")
        self._session = None
        with suppress(Transient, TimeoutError):
            async with asyncio.timeout(5):
                await settle_session(self._desk, session)
                metrics.SESSIONS.labels("handed-over").inc()

    async def _wait(self, work: Work) -> None:
        waits = [work.next_in_seconds if work.next_in_seconds is not None else 60.0]
        if work.due or work.sessions or work.recover_since is not None:
            waits = [self._no_questions_before - self._now()]
        if self._session is not None and self._idle_since is not None:
            idle = self._now() - self._idle_since
            waits.append(self._desk.options.session_idle_seconds - idle)
        if work.ready:
            waits.append(self._no_sends_before - self._now())
        wake = self._desk.holder.wake
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.02, min(waits))):
                await wake.wait()
        wake.clear()
