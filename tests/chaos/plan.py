"""What goes wrong in an experiment, and when. Pure: seed, duration and dose decide everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import TypeAlias, TypeVar

from tests.chaos.fleet import SLOTS
from tests.chaos.proxy import Call, Cut

T = TypeVar("T")
LONG_ABSENCE_SECONDS = 60.0
# Between two outages, so that a server that is slow to come back does not meet the next one.
_MARGIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL of a worker, and a new process after a while."""

    slot: str
    again_after_seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """SIGSTOP for longer than a lease and a group membership last, then SIGCONT."""

    slot: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM, perhaps a second one while the first is still obeyed."""

    slot: str
    twice_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class StopKafka:
    """``orderly``: SIGTERM, else SIGKILL; started again after so many seconds."""

    seconds: float
    orderly: bool


@dataclass(frozen=True, slots=True)
class StopPostgres:
    """An immediate shutdown; started again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CutCalls:
    """Calls to KSeF go wrong on the wire."""

    call: Call
    cut: Cut
    times: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class KsefAway:
    """No connection to KSeF for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class KsefFault:
    """The simulator spoils calls of an operation."""

    operation: str
    effect: str
    times: int
    status: int | None = None


@dataclass(frozen=True, slots=True)
class ListLag:
    """Lists of open sessions lack what came in during the last ``lag_seconds``, for a while."""

    lag_seconds: float
    seconds: float


Fault: TypeAlias = (
    Kill | Pause | Terminate | StopKafka | StopPostgres | CutCalls | KsefAway | KsefFault | ListLag
)


@dataclass(frozen=True, slots=True)
class Event:
    """A fault, so many seconds after the experiment began."""

    at_seconds: float
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """How many faults of each kind."""

    kills: int
    pauses: int
    terminations: int
    double_terminations: int
    kafka_stops: int
    postgres_stops: int
    long_absences: bool
    cuts: int
    ksef_absences: int
    ksef_faults: int
    list_lags: int


def dose_for(minutes: float) -> Dose:
    """The usual dose of an experiment of that length; with the long absences from a quarter of an hour on."""
    return Dose(
        kills=round(4.6 * minutes),
        pauses=round(1.4 * minutes),
        terminations=round(0.6 * minutes),
        double_terminations=round(0.3 * minutes),
        kafka_stops=max(1, round(0.2 * minutes)),
        postgres_stops=max(1, round(0.2 * minutes)),
        long_absences=minutes >= 15,
        cuts=round(12 * minutes),
        ksef_absences=max(1, round(0.2 * minutes)),
        ksef_faults=round(6 * minutes),
        list_lags=max(1, round(0.3 * minutes)),
    )


NOTHING = Dose(
    kills=0,
    pauses=0,
    terminations=0,
    double_terminations=0,
    kafka_stops=0,
    postgres_stops=0,
    long_absences=False,
    cuts=0,
    ksef_absences=0,
    ksef_faults=0,
    list_lags=0,
)


def make_plan(*, seed: int, seconds: float, dose: Dose, lease_seconds: float) -> tuple[Event, ...]:
    """The events of an experiment, in order of time. Outages of the two servers never overlap."""
    planner = _Planner(Random(f"{seed}/faults"), seconds, lease_seconds)  # noqa: S311  repeatable on purpose
    planner.place_outages(dose)
    planner.place_process_faults(dose)
    planner.spread(planner.cuts(dose.cuts))
    planner.spread([KsefAway(planner.between(2, 6)) for _ in range(dose.ksef_absences)])
    planner.spread(planner.ksef_faults(dose.ksef_faults))
    planner.spread([ListLag(planner.between(2, 4), planner.between(8, 15)) for _ in range(dose.list_lags)])
    return tuple(sorted(planner.events, key=lambda event: event.at_seconds))


# Most of the time the sender: it is the one that may lose or double.
_KILLED = {"sender": 6, "validator": 3, "intake": 2, "mapper": 2, "tracker": 2}
_PAUSED = {"sender": 8, "validator": 2, "intake": 1, "mapper": 1, "tracker": 1}
_CUT_CALLS = {Call.SEND: 7, Call.CLOSE: 2, Call.OPEN: 2, Call.OTHER: 3}
_KSEF_FAULTS: Sequence[tuple[str, str, int | None]] = (
    ("send_invoice", "lose_answer", None),
    ("send_invoice", "answer_after", 502),
    ("send_invoice", "answer_instead", 503),
    ("send_invoice", "answer_instead", 429),
    ("open_online_session", "lose_answer", None),
    ("open_online_session", "answer_instead", 502),
    ("close_online_session", "lose_answer", None),
    ("close_online_session", "answer_after", 504),
    ("get_session", "answer_instead", 500),
    ("list_session_invoices", "answer_instead", 503),
    ("get_invoice", "lose_answer", None),
    ("get_upo_by_ksef_number", "answer_after", 200),
)


@dataclass(slots=True)
class _Planner:
    rng: Random
    seconds: float
    lease_seconds: float
    events: list[Event] = field(default_factory=list)

    def between(self, least: float, most: float) -> float:
        return round(self.rng.uniform(least, most), 2)

    def spread(self, faults: Sequence[Fault]) -> None:
        """One in each of as many equal parts of the time."""
        for turn, fault in enumerate(faults):
            at = self.seconds * (turn + self.rng.random()) / len(faults)
            self.events.append(Event(round(at, 2), fault))

    def place_outages(self, dose: Dose) -> None:
        """Each in a part of the time of its own, so that no two overlap."""
        outages: list[Fault] = [
            *(StopKafka(self.between(2, 8), orderly=turn % 2 == 0) for turn in range(dose.kafka_stops)),
            *(StopPostgres(self.between(1, 5)) for _ in range(dose.postgres_stops)),
        ]
        if dose.long_absences:
            outages += [StopKafka(LONG_ABSENCE_SECONDS, orderly=True), StopPostgres(LONG_ABSENCE_SECONDS)]
        self.rng.shuffle(outages)
        part = self.seconds / max(1, len(outages))
        for turn, outage in enumerate(outages):
            lasts = outage.seconds if isinstance(outage, StopKafka | StopPostgres) else 0.0
            margin = min(_MARGIN_SECONDS, part / 10)
            room = max(0.0, part - lasts - 2 * margin)
            at = turn * part + margin + self.rng.uniform(0, room)
            self.events.append(Event(round(at, 2), outage))

    def place_process_faults(self, dose: Dose) -> None:
        faults: list[Fault] = [
            *(Kill(slot, self.between(0.2, 3)) for slot in self.slots(_KILLED, dose.kills)),
            *(Pause(slot, self.longer_than_a_lease()) for slot in self.slots(_PAUSED, dose.pauses)),
            *(Terminate(slot) for slot in self.slots(_KILLED, dose.terminations)),
            *(
                Terminate(slot, self.between(0.1, 1.5))
                for slot in self.slots(_KILLED, dose.double_terminations)
            ),
        ]
        self.rng.shuffle(faults)
        self.spread(faults)

    def longer_than_a_lease(self) -> float:
        return self.between(self.lease_seconds * 1.3, self.lease_seconds * 2)

    def slots(self, weights: Mapping[str, int], count: int) -> list[str]:
        """``count`` slots, workers as often as they weigh, their slots in turn."""
        deck = self.deal(weights, count)
        turns = {worker: cycle(_slots_of(worker)) for worker in weights}
        return [next(turns[worker]) for worker in deck]

    def deal(self, weights: Mapping[T, int], count: int) -> list[T]:
        """``count`` cards from decks that hold each as often as it weighs: rare ones come, too."""
        cards: list[T] = []
        while len(cards) < count:
            deck = [card for card, weight in weights.items() for _ in range(weight)]
            self.rng.shuffle(deck)
            cards += deck
        return cards[:count]

    def cuts(self, count: int) -> list[Fault]:
        calls = self.deal(_CUT_CALLS, count)
        cuts = self.deal(dict.fromkeys(Cut, 1), count)
        return [
            CutCalls(call, cut, self.rng.randint(1, 3), self.between(0.5, 6))
            for call, cut in zip(calls, cuts, strict=True)
        ]

    def ksef_faults(self, count: int) -> list[Fault]:
        dealt = self.deal(dict.fromkeys(_KSEF_FAULTS, 1), count)
        return [
            KsefFault(operation, effect, self.rng.randint(1, 3), status)
            for operation, effect, status in dealt
        ]


def _slots_of(worker: str) -> list[str]:
    return [slot for slot in SLOTS if slot.rpartition("-")[0] == worker]
