"""What a stage's lag shows, with positions, ends and times in hand."""

from types import SimpleNamespace

from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from runtime._aiokafka import Standing
from runtime.lag import Lag

INPUT = "erp.<source>.sales.v1"
NORTH, SHOP = "x-erp.north.sales.v1", "x-erp.shop.sales.v1"


def at(position: int | None) -> Standing:
    return Standing(position=position, waiting=False, paused=False)


def record(topic: str, *, seconds: float) -> SimpleNamespace:
    return SimpleNamespace(topic=topic, timestamp=int(seconds * 1000))


def shown(name: str, service: str, topic: str = INPUT) -> float | None:
    return REGISTRY.get_sample_value(f"ksef_stage_lag_{name}", {"stage": service, "topic": topic})


def test_records_of_all_sources_are_counted_under_the_declared_name() -> None:
    lag = Lag("sum", topic_prefix="x-")
    standings = {
        TopicPartition(NORTH, 0): at(7),
        TopicPartition(NORTH, 1): at(0),
        TopicPartition(SHOP, 0): at(4),
    }

    lag.measured(
        standings, {TopicPartition(NORTH, 0): 10, TopicPartition(NORTH, 1): 20, TopicPartition(SHOP, 0): 4}
    )

    assert shown("records", "sum") == 23


def test_a_partition_whose_position_or_end_is_not_known_counts_for_nothing() -> None:
    lag = Lag("unknown", topic_prefix="x-")

    lag.measured(
        {TopicPartition(NORTH, 0): at(None), TopicPartition(NORTH, 1): at(3)}, {TopicPartition(NORTH, 0): 10}
    )

    assert shown("records", "unknown") == 0


def test_the_oldest_record_of_a_batch_gives_the_seconds() -> None:
    lag = Lag("age", topic_prefix="x-")

    lag.taken(
        [record(NORTH, seconds=950), record(SHOP, seconds=400), record(SHOP, seconds=990)], now_seconds=1000
    )

    assert shown("seconds", "age") == 600


def test_nothing_waits_is_shown_as_zero_also_when_the_partitions_went_to_somebody_else() -> None:
    lag = Lag("gone", topic_prefix="x-")
    lag.taken([record(NORTH, seconds=400)], now_seconds=1000)
    lag.measured({TopicPartition(NORTH, 0): at(1)}, {TopicPartition(NORTH, 0): 9})

    lag.measured({}, {})

    assert (shown("records", "gone"), shown("seconds", "gone")) == (0, 0)


def test_a_clock_behind_the_brokers_gives_no_negative_age() -> None:
    lag = Lag("skew", topic_prefix="x-")

    lag.taken([record(NORTH, seconds=1003)], now_seconds=1000)

    assert shown("seconds", "skew") == 0


def test_a_topic_that_nobody_declared_has_no_label_of_its_own() -> None:
    lag = Lag("stranger", topic_prefix="x-")

    lag.taken([record("x-who.knows", seconds=999)], now_seconds=1000)

    assert shown("seconds", "stranger", "undeclared") == 1
