"""Paging a session list while sessions are opened, closed and judged, against a list kept by hand.

The model keeps its own rows and knows neither stores nor tokens: a page is what passes the filter now among
the rows opened before the last one that was shown.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocol.identifiers import Identifier
from simulator.store.memory import MemoryStore
from simulator.store.port import Store
from simulator.store.sqlite import SqliteStore
from tests.support.simulator_driver import BUYER, NOON, SELLER, Ksef
from tests.support.simulator_rows import session_row

STORES: dict[str, Callable[[], Store]] = {
    "memory": MemoryStore,
    "sqlite": lambda: SqliteStore(Path(":memory:")),
}
ANNA = Identifier("Pesel", "90010112345")
OWN = Identifier("Nip", SELLER)
CLOSING_TAKES = timedelta(seconds=2)


@dataclass(frozen=True)
class Row:
    """One session without invoices, as the model remembers it."""

    reference: str
    context: str
    subject: Identifier
    opened_at: datetime
    closed_at: datetime | None = None

    def group(self, now: datetime) -> str:
        ended = self.closed_at is not None and now >= self.closed_at + CLOSING_TAKES
        return "Cancelled" if ended else "InProgress"

    def updated_at(self, now: datetime) -> datetime:
        if self.closed_at is None:
            return self.opened_at
        return self.closed_at + CLOSING_TAKES if self.group(now) == "Cancelled" else self.closed_at


@dataclass(frozen=True)
class Filter:
    """A query, and in ``passes`` what it means."""

    query: tuple[tuple[str, str], ...]
    passes: Callable[[Row, datetime], bool]


def bounded(name: str, seconds: int, passes: Callable[[Row, datetime, datetime], bool]) -> Filter:
    bound = NOON + timedelta(seconds=seconds)
    return Filter(((name, bound.isoformat()),), lambda row, now: passes(row, bound, now))


SECONDS = st.integers(0, 40)
FILTERS = st.one_of(
    st.just(Filter((), lambda row, now: True)),
    st.just(Filter((("statuses", "InProgress"),), lambda row, now: row.group(now) == "InProgress")),
    st.just(Filter((("statuses", "Cancelled"),), lambda row, now: row.group(now) == "Cancelled")),
    SECONDS.map(lambda s: bounded("dateCreatedFrom", s, lambda row, at, now: row.opened_at >= at)),
    SECONDS.map(lambda s: bounded("dateCreatedTo", s, lambda row, at, now: row.opened_at <= at)),
    SECONDS.map(lambda s: bounded("dateModifiedFrom", s, lambda row, at, now: row.updated_at(now) >= at)),
    SECONDS.map(lambda s: bounded("dateModifiedTo", s, lambda row, at, now: row.updated_at(now) <= at)),
    SECONDS.map(
        lambda s: bounded(
            "dateClosedTo", s, lambda row, at, now: row.closed_at is not None and row.closed_at <= at
        )
    ),
)


@dataclass(frozen=True)
class Open:
    context: str
    subject: Identifier


@dataclass(frozen=True)
class Close:
    choice: int


@dataclass(frozen=True)
class Wait:
    seconds: int


Step: TypeAlias = Open | Close | Wait
OWN_OPENING = st.just(Open(SELLER, OWN))
STRANGERS_OPENING = st.sampled_from([Open(SELLER, ANNA), Open(BUYER, OWN)])
CLOSING = st.integers(0, 60).map(Close)
PAUSE = st.integers(0, 3).map(Wait)
STEPS = st.one_of(OWN_OPENING, OWN_OPENING, STRANGERS_OPENING, CLOSING, PAUSE)


@dataclass(frozen=True)
class Listing:
    wanted: Filter
    page_size: int
    sees_all: bool


LISTINGS = st.builds(Listing, FILTERS, st.integers(10, 12), st.booleans())


class World:
    """A simulator and the model, changed together."""

    def __init__(self, ksef: Ksef) -> None:
        self.ksef = ksef
        self.rows: list[Row] = []

    def make(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case Open(context, subject):
                    self._open(context, subject)
                case Close(choice) if self.rows:
                    self._close(choice % len(self.rows))
                case Wait(seconds):
                    self.ksef.advance(seconds=seconds)

    def _open(self, context: str, subject: Identifier) -> None:
        now = self.ksef.now
        reference = f"20261120-SO-{len(self.rows):010X}-0000000000-00"
        self.rows.append(Row(reference, context, subject, now))
        row = session_row(reference, nip=context, subject=subject, opened_at=now, closing_takes=CLOSING_TAKES)
        self.ksef.store.add_session(row)

    def _close(self, index: int) -> None:
        if self.rows[index].closed_at is None:
            self.rows[index] = replace(self.rows[index], closed_at=self.ksef.now)
            self.ksef.store.close_session(self.rows[index].reference, at=self.ksef.now)


Page: TypeAlias = tuple[list[str], bool]
"""The references of a page, and whether another page follows."""


class Reader:
    """Reads one list page by page, and says what each page must hold."""

    def __init__(self, world: World, listing: Listing) -> None:
        self._world = world
        self._listing = listing
        self._bearer = world.ksef.access(SELLER, "Introspection" if listing.sees_all else "InvoiceWrite")
        self._token = ""
        self._last = ""

    def next_page(self) -> tuple[Page, Page]:
        """What the next page holds and what it should; begins again after the last one."""
        expected = self._expected()
        reply = self._world.ksef.call(
            "GET",
            "/sessions",
            query=(
                ("sessionType", "Online"),
                ("pageSize", str(self._listing.page_size)),
                *self._listing.wanted.query,
            ),
            headers={"x-continuation-token": self._token},
            bearer=self._bearer,
        )
        self._token = reply.json.get("continuationToken", "")
        page = [session["referenceNumber"] for session in reply.json["sessions"]]
        self._last = page[-1] if self._token else ""
        return (page, bool(self._token)), expected

    def _expected(self) -> Page:
        now, listing = self._world.ksef.now, self._listing
        # References count up: what is left was opened before the last one shown.
        left = [
            row.reference
            for row in reversed(self._world.rows)
            if row.context == SELLER
            and (listing.sees_all or row.subject == OWN)
            and listing.wanted.passes(row, now)
            and (not self._last or row.reference < self._last)
        ]
        return left[: listing.page_size], len(left) > listing.page_size


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=60, deadline=None)
@given(
    earlier=st.lists(STEPS, min_size=30, max_size=90),
    between=st.lists(st.lists(STEPS, max_size=12), min_size=3, max_size=8),
    listing=LISTINGS,
)
def test_pages_hold_each_session_once_while_others_are_opened(keys, store, earlier, between, listing):
    with closing(STORES[store]()) as kept:
        world = World(Ksef(keys, store=kept))
        world.make(earlier)
        reader = Reader(world, listing)

        for steps in between:
            shown, expected = reader.next_page()
            assert shown == expected
            world.make(steps)
