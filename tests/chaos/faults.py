"""Carrying out a plan on the running parts, and counting what was really done."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.local_system import Simulator
from tests.chaos.fleet import Fleet
from tests.chaos.plan import (
    CutCalls,
    Event,
    Fault,
    Kill,
    KsefAway,
    KsefFault,
    ListLag,
    Pause,
    StopKafka,
    StopPostgres,
    Terminate,
)
from tests.chaos.proxy import Order, Proxy
from tests.chaos.servers import Servers


@dataclass(slots=True)
class Saboteur:
    """``done`` counts the faults that were carried out, by kind and target."""

    servers: Servers
    simulator: Simulator
    proxy: Proxy
    fleet: Fleet
    note: Callable[[str], None] = lambda _: None
    done: Counter[str] = field(default_factory=Counter)

    async def run(self, events: Sequence[Event]) -> None:
        """All events at their times; returns when the last one is over. Raises what one of them raises."""
        async with asyncio.TaskGroup() as group:
            for event in events:
                group.create_task(self._at(event))

    async def heal(self) -> None:
        """Nothing goes wrong from now on: servers up, wire and KSeF well."""
        self.proxy.calm()
        await asyncio.to_thread(self.simulator.admin, "DELETE", "/faults")
        await self._list_lag(0)
        await self.servers.up()

    async def _at(self, event: Event) -> None:
        await asyncio.sleep(event.at_seconds)
        await self._do(event.fault)
        self.done[_name_of(event.fault)] += 1

    def _do(self, fault: Fault) -> Coroutine[Any, Any, None]:
        match fault:
            case Kill(slot=slot, again_after_seconds=seconds):
                self.note(f"kill {slot}")
                return self.fleet.kill(slot, again_after=seconds)
            case Pause(slot=slot, seconds=seconds):
                self.note(f"pause {slot} for {seconds:g} s")
                return self.fleet.pause(slot, seconds=seconds)
            case Terminate(slot=slot, twice_after_seconds=seconds):
                self.note(f"terminate {slot}{'' if seconds is None else ' twice'}")
                return self.fleet.terminate(slot, twice_after=seconds)
            case StopKafka(seconds=seconds, orderly=orderly):
                return self._kafka_away(signal.SIGTERM if orderly else signal.SIGKILL, seconds)
            case StopPostgres(seconds=seconds):
                return self._postgres_away(seconds)
            case CutCalls(call=call, cut=cut, times=times, seconds=seconds):
                return self._order(Order(call, cut, times, seconds))
            case KsefAway(seconds=seconds):
                self.note(f"KSeF away for {seconds:g} s")
                return self._ksef_away(seconds)
            case KsefFault():
                return self._ksef_fault(fault)
            case ListLag(lag_seconds=lag, seconds=seconds):
                return self._lists_lag(lag, seconds)

    async def _kafka_away(self, number: signal.Signals, seconds: float) -> None:
        await self.servers.stop_kafka(number)
        self.note(f"Kafka away for {seconds:g} s")
        await asyncio.sleep(seconds)
        await self.servers.up()
        self.note("Kafka is back")

    async def _postgres_away(self, seconds: float) -> None:
        await self.servers.stop_postgres()
        self.note(f"PostgreSQL away for {seconds:g} s")
        await asyncio.sleep(seconds)
        await self.servers.up()
        self.note("PostgreSQL is back")

    async def _order(self, order: Order) -> None:
        self.proxy.order(order)

    async def _ksef_away(self, seconds: float) -> None:
        self.proxy.go_away()
        await asyncio.sleep(seconds)
        self.proxy.come_back()

    async def _ksef_fault(self, fault: KsefFault) -> None:
        order: dict[str, object] = {
            "operation": fault.operation,
            "effect": fault.effect,
            "times": fault.times,
        }
        if fault.status is not None:
            order["status"] = fault.status
        if fault.status == 429:
            order["headers"] = {"Retry-After": "1"}
        await asyncio.to_thread(self.simulator.admin, "POST", "/faults", order)

    async def _lists_lag(self, lag: float, seconds: float) -> None:
        await self._list_lag(lag)
        await asyncio.sleep(seconds)
        await self._list_lag(0)

    async def _list_lag(self, seconds: float) -> None:
        await asyncio.to_thread(self.simulator.admin, "PUT", "/list-lag", {"seconds": seconds})


def _name_of(fault: Fault) -> str:
    match fault:
        case Kill(slot=slot):
            return f"kill {_worker(slot)}"
        case Pause(slot=slot):
            return f"pause {_worker(slot)}"
        case Terminate(slot=slot, twice_after_seconds=None):
            return f"terminate {_worker(slot)}"
        case Terminate(slot=slot):
            return f"terminate twice {_worker(slot)}"
        case StopKafka(seconds=seconds, orderly=orderly):
            return f"Kafka {'stopped' if orderly else 'killed'}{_long(seconds)}"
        case StopPostgres(seconds=seconds):
            return f"PostgreSQL stopped at once{_long(seconds)}"
        case CutCalls(call=call, cut=cut):
            return f"wire {call} {cut}"
        case KsefAway():
            return "KSeF unreachable"
        case KsefFault(operation=operation, effect=effect, status=status):
            return f"KSeF {operation} {effect}{'' if status is None else f' {status}'}"
        case ListLag():
            return "KSeF lists lag"


def _worker(slot: str) -> str:
    return slot.rpartition("-")[0]


def _long(seconds: float) -> str:
    return f" for {seconds:g} s" if seconds >= 30 else ""
