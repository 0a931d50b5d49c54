"""Due work: lease what is due, act, record, release. For workers that call the outside world.

Invariant: at most one act runs per key and fence; it is cancelled as soon as its lease cannot be kept, and
what it wrote before that was guarded by the fence. An outage of the outside sits here, in rows with a due
time, never in a Kafka consumer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from runtime import log, metrics
from runtime.db import Database
from runtime.declared import begin_at_zero
from runtime.errors import InDoubt, LeaseLost
from runtime.failures import Failure, failure_of, is_transient
from runtime.lease import Lease, Leases
from runtime.loops import Backoff, Stopping, repeat
from runtime.wake import listen

POLL_SECONDS = 1.0
OPERATOR_PAUSE_SECONDS = 60.0
DRAIN_SECONDS = 20.0

logger = log.get(__name__)


class Holder:
    """A lease being held: renewed in the background while the act runs."""

    def __init__(self, lease: Lease, leases: Leases) -> None:
        self.lease = lease
        self.stopping = asyncio.Event()
        """Set when the process ends: finish what was begun, begin nothing."""
        self.wake = asyncio.Event()
        """Set when work arrived for this key."""
        self._leases = leases

    @property
    def key(self) -> str:
        return self.lease.key

    def leave(self) -> None:
        """The process ends: tell the act, also if it waits."""
        self.stopping.set()
        self.wake.set()

    def require(self, seconds: float) -> None:
        """Raise :class:`LeaseLost` unless the lease surely lasts that long: to be asked before every call."""
        if self._leases.remaining(self.lease) < seconds:
            raise LeaseLost(f"the lease on {self.key} may end within {seconds:.1f} s")


Act = Callable[[Holder], Awaitable[float | None]]
"""Does all there is to do for one key; returns the seconds until it is due again, None: when work arrives."""


class DueWork:
    """Runs ``act`` for every key that is due, each under its lease, up to ``concurrency`` at a time."""

    def __init__(
        self,
        *,
        service: str,
        database: Database,
        leases: Leases,
        act: Act,
        channel: str,
        concurrency: int = 50,
        poll_seconds: float = POLL_SECONDS,
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        self._service = service
        self._database = database
        self._leases = leases
        self._act = act
        self._channel = channel
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._drain_seconds = drain_seconds
        self._holders: dict[str, Holder] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._backoffs: dict[str, Backoff] = {}
        self._wake = asyncio.Event()
        self._draining = False
        self._in_doubt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        begin_at_zero(*metrics.OF_DUE_WORK, worker=service)

    async def run_until(self, stopping: Stopping) -> None:
        """Until the process stops; then gives the acts time to finish and release, and cancels the rest.

        Raises :class:`InDoubt` when an act met a client that cannot be repaired from here.
        """
        loops = [
            asyncio.create_task(listen(self._database, self._channel, self._woken, stopping=stopping)),
            asyncio.create_task(repeat(self._service, self._take, stopping=stopping, wake=self._wake)),
        ]
        stopped = asyncio.create_task(stopping.wait())
        try:
            waits = [*loops, stopped, self._in_doubt]
            ended, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._drain_seconds):
                    await self._drain(loops)
        finally:
            await _cancel([*loops, stopped, *self._tasks])

    async def _drain(self, loops: Sequence["asyncio.Task[None]"]) -> None:
        self._draining = True
        for holder in self._holders.values():
            holder.leave()
        # A take may be under way: what it still brings leaves at once.
        await asyncio.wait(loops)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _woken(self, key: str) -> None:
        if holder := self._holders.get(key):
            holder.wake.set()
        self._wake.set()

    async def _take(self) -> float:
        free = self._concurrency - len(self._holders)
        taken = await self._leases.take(self._database, limit=free) if free > 0 else []
        for lease in taken:
            metrics.LEASES_TAKEN.labels(self._service).inc()
            holder = self._holders[lease.key] = Holder(lease, self._leases)
            if self._draining:
                holder.leave()
            task = asyncio.create_task(self._hold(holder), name=f"{self._service}-{lease.key}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        metrics.LEASES_HELD.labels(self._service).set(len(self._holders))
        return self._poll_seconds

    async def _hold(self, holder: Holder) -> None:
        """One lease from take to release. Raises nothing but cancellation."""
        try:
            due_in_seconds = await self._act_while_renewing(holder)
            await self._leases.release(self._database, holder.lease, due_in_seconds=due_in_seconds)
        except LeaseLost as error:
            metrics.LEASES_LOST.labels(self._service).inc()
            logger.warning("lease_lost", key=holder.key, fence=holder.lease.fence, error=log.describe(error))
        except InDoubt as error:
            if not self._in_doubt.done():
                self._in_doubt.set_exception(error)
        except Exception as error:  # noqa: BLE001  the lease then runs out by itself
            logger.warning("lease_not_released", key=holder.key, error=log.describe(error))
        finally:
            # Its successor's place, when this process itself took over what it had lost.
            if self._holders.get(holder.key) is holder:
                del self._holders[holder.key]
            self._wake.set()

    async def _act_while_renewing(self, holder: Holder) -> float | None:
        act = asyncio.ensure_future(self._act(holder))
        renew = asyncio.create_task(self._renew(holder))
        try:
            await asyncio.wait((act, renew), return_when=asyncio.FIRST_COMPLETED)
            if not act.done():
                renew.result()
            return self._next_due(holder, act)
        finally:
            renew.cancel()
            act.cancel()
            await asyncio.gather(act, renew, return_exceptions=True)

    async def _renew(self, holder: Holder) -> None:
        """Keep the lease; ends only by raising :class:`LeaseLost`: it is lost, or no longer sure."""
        pause = self._leases.seconds / 3
        while True:
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(max(0, self._leases.remaining(holder.lease))):
                    holder.lease = await self._leases.renew(self._database, holder.lease)
                pause = self._leases.seconds / 3
            except LeaseLost:
                raise
            except Exception as error:
                if not is_transient(error) or self._leases.remaining(holder.lease) <= 0:
                    raise LeaseLost(f"the lease on {holder.key} could not be renewed in time") from error
                pause = self._leases.seconds / 10

    def _next_due(self, holder: Holder, act: "asyncio.Future[float | None]") -> float | None:
        backoff = self._backoffs.setdefault(holder.key, Backoff(first=1))
        error = act.exception()
        if error is None:
            backoff.reset()
            return act.result()
        failure = failure_of(error)
        if failure is Failure.UNKNOWN:
            raise error
        if failure is Failure.HUMAN:
            logger.error("operator_needed", key=holder.key, error=log.describe(error))
            return OPERATOR_PAUSE_SECONDS
        seconds = backoff.next_seconds()
        if failure is Failure.TRANSIENT:
            logger.warning("act_waits", key=holder.key, error=log.describe(error), seconds=round(seconds, 1))
        else:
            logger.error("act_failed", key=holder.key, error=log.describe(error), exc_info=error)
        return seconds


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
