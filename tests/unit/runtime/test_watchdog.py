"""What the watchdog suspects, and for how long, with time and sight in hand."""

from dataclasses import replace

import pytest
from aiokafka import TopicPartition

from runtime._aiokafka import Standing
from runtime.stage import Pulse
from runtime.watchdog import Sight, Watch

ONE, TWO = TopicPartition("t", 1), TopicPartition("t", 2)
IDLE = Pulse(busy=False, resting=False, turns=5, given_back=0)
AT_END = Standing(position=10, waiting=False, paused=False)
BEHIND = Standing(position=7, waiting=False, paused=False)
LOST = Standing(position=None, waiting=False, paused=False)
UNTAKEN = Standing(position=7, waiting=True, paused=False)
QUIET = Sight(stage=IDLE, partitions={ONE: AT_END}, ends={ONE: 10})


def stuck_after(seconds: float, *sights: Sight | None) -> str | None:
    """What a watch with a limit of 120 s says at the last of these looks, equally far apart."""
    watch = Watch(limit_seconds=120)
    said = None
    for number, sight in enumerate(sights):
        said = watch.observe(sight, now=1_000 + number * seconds / (len(sights) - 1))
    return said


STUCK = {
    "a partition that is not fetched": replace(QUIET, partitions={ONE: BEHIND}),
    "a partition whose position is not found": replace(QUIET, partitions={ONE: LOST}),
    "records that nobody takes": replace(QUIET, partitions={ONE: UNTAKEN}),
    "a handler that does not come back": replace(QUIET, stage=replace(IDLE, busy=True)),
    "a group that is not joined again": replace(QUIET, partitions={}, rejoining=3),
}


@pytest.mark.parametrize("sight", STUCK.values(), ids=STUCK.keys())
def test_what_stays_as_it_is_for_the_limit_is_stuck_and_not_before(sight: Sight) -> None:
    assert stuck_after(120, sight, sight) is not None
    assert stuck_after(119, sight, sight) is None


FINE = {
    "nothing to do": QUIET,
    "a partition paused by intent": replace(QUIET, partitions={ONE: replace(BEHIND, paused=True)}),
    "a pause after an error": replace(
        QUIET, partitions={ONE: BEHIND}, stage=replace(IDLE, resting=True), rejoining=3
    ),
    "a partition whose end Kafka did not tell": replace(QUIET, partitions={ONE: BEHIND}, ends={}),
    "no answer from Kafka": None,
}


@pytest.mark.parametrize("sight", FINE.values(), ids=FINE.keys())
def test_waiting_by_intent_and_outages_are_never_stuck(sight: Sight | None) -> None:
    assert stuck_after(10_000, sight, sight, sight) is None


MOVES = {
    "the position": [
        replace(
            QUIET, partitions={ONE: replace(BEHIND, position=position)}, stage=replace(IDLE, turns=position)
        )
        for position in (5, 6, 7)
    ],
    "batches, one partition waiting for its turn": [
        replace(QUIET, partitions={ONE: UNTAKEN}, stage=replace(IDLE, busy=True, turns=turns))
        for turns in (5, 6, 7)
    ],
    "batches given back": [
        replace(QUIET, partitions={ONE: BEHIND}, stage=replace(IDLE, turns=count, given_back=count))
        for count in (1, 2, 3)
    ],
    "the group's generation": [replace(QUIET, rejoining=generation) for generation in (1, 2, 3)],
}


@pytest.mark.parametrize("sights", MOVES.values(), ids=MOVES.keys())
def test_what_moves_is_not_stuck_however_long_it_takes(sights: list[Sight]) -> None:
    assert stuck_after(230, *sights) is None


@pytest.mark.parametrize("between", [None, QUIET, replace(STUCK["records that nobody takes"], stage=IDLE)])
def test_an_outage_or_a_sign_of_life_begins_the_count_anew(between: Sight | None) -> None:
    stuck = replace(QUIET, partitions={ONE: BEHIND}, stage=IDLE)
    other = None if between is None else replace(between, stage=replace(IDLE, turns=6, given_back=1))

    assert stuck_after(150, stuck, other, replace(stuck, stage=replace(IDLE, turns=6, given_back=1))) is None


def test_what_is_stuck_is_named_with_its_place() -> None:
    sight = replace(QUIET, partitions={ONE: BEHIND, TWO: AT_END}, ends={ONE: 10, TWO: 10})

    assert stuck_after(120, sight, sight) == (
        "records wait in 1 partitions and none is taken; "
        "t[1] stands at 7, its end is 10, and nothing is fetched"
    )
