"""The parts of aiokafka's consumer that we touch beyond its public interface, in one place.

It has no public word for what it waits for, and one thing of it is replaced: its reader of header names.
Kafka takes any bytes there, aiokafka raises for those that are not UTF-8, and such a record would stop its
partition until a person moves the offset.

Tested against the pinned version in tests/integration/test_aiokafka.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AT, _OVERHEAD = 8, 12  # of a batch: its base offset (8 bytes), then the length of the rest (4)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a consumer stands with a partition that it owns."""

    position: int | None
    """The offset it gives us next; None while it looks for that."""
    waiting: bool
    """Fetched records wait for us to take them."""
    paused: bool


def joined(consumer: AIOKafkaConsumer | None) -> bool:
    """Whether the consumer is a member of its group; it may own no partition when there are more members."""
    return _assignment(consumer) is not None


def dead(consumer: AIOKafkaConsumer | None) -> bool:
    """Whether a background task of the consumer has ended: it will never fetch again, and does not say so."""
    if consumer is None or consumer._coordinator is None:  # noqa: SLF001  as the module says
        return False
    tasks = (consumer._coordinator._coordination_task, consumer._fetcher._fetch_task)  # noqa: SLF001
    return any(task.done() for task in tasks)


def standings(consumer: AIOKafkaConsumer | None) -> dict[TopicPartition, Standing]:
    """All partitions that it owns now; none while the group is being joined again."""
    assignment = _assignment(consumer)
    if consumer is None or assignment is None or not assignment.active:
        return {}
    waiting = consumer._fetcher._records  # noqa: SLF001
    states = {partition: assignment.state_value(partition) for partition in assignment.tps}
    return {
        partition: Standing(
            position=state.position if state.has_valid_position else None,
            waiting=partition in waiting,
            paused=state.paused,
        )
        for partition, state in states.items()
    }


def rejoining(consumer: AIOKafkaConsumer | None) -> int | None:
    """The generation of the group that the consumer has to leave for a newer one; None when it has not to."""
    coordinator = getattr(consumer, "_coordinator", None)
    asked = getattr(coordinator, "_rejoin_needed_fut", None)
    if coordinator is None or asked is None or not asked.done():
        return None
    return int(coordinator.generation)


def unreadable(consumer: AIOKafkaConsumer | None) -> dict[TopicPartition, int]:
    """After a fetch that could not be parsed: where. The offset is that of the damaged record, or batch."""
    results = {} if consumer is None else consumer._fetcher._records  # noqa: SLF001
    found = {}
    for partition, result in results.items():
        records: Any = getattr(result, "_partition_records", None)
        iterator = getattr(records, "_records_iterator", None)
        # A generator that has raised has no frame any more.
        if iterator is not None and iterator.gi_frame is None:
            found[partition] = int(records.next_fetch_offset)
    return found


def read_any_header_name() -> None:
    """Have aiokafka's consumers read header names that are not UTF-8, as ``\\xff``. Once per process."""
    fetcher.MemoryRecords = AnyHeaderName


class AnyHeaderName:
    """The batches of a fetched partition, as aiokafka's fetcher wants them."""

    def __init__(self, data: bytes) -> None:
        self._strict = MemoryRecords(data)
        self._rest = memoryview(data)

    def has_next(self) -> bool:
        return bool(self._strict.has_next())

    def size_in_bytes(self) -> int:
        return int(self._strict.size_in_bytes())

    def next_batch(self) -> Any:
        size = _OVERHEAD + int.from_bytes(self._rest[_LENGTH_AT:_OVERHEAD])
        raw, self._rest = self._rest[:size], self._rest[size:]
        batch = self._strict.next_batch()
        return _Batch(batch, raw) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch:
    """A batch that is read again, leniently, when strict reading stumbles over a name."""

    def __init__(self, strict: Any, raw: memoryview) -> None:
        self._strict = strict
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strict, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._strict))
        except UnicodeDecodeError:
            return iter(_LenientBatch(self._raw))


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's reader in Python: the same as the compiled one, but open to us."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: Any = _LenientText(self._buffer)


class _LenientText(bytearray):
    """Bytes whose slices decode whatever they hold."""

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return _LenientText(part) if isinstance(key, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self).decode(encoding, errors="backslashreplace")


def _assignment(consumer: AIOKafkaConsumer | None) -> Any:
    subscription = None if consumer is None else consumer._subscription.subscription  # noqa: SLF001
    return None if subscription is None else subscription.assignment
