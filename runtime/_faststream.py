"""The parts of FastStream that we touch beyond its public interface, in one place.

FastStream's own parser decodes headers strictly and raises before there is a message to give back, its
acknowledgements commit whatever the consumer's position is, and its batch decoder gives up a whole batch for
one bad record. So the parser here captures the raw records together with the assignment they were fetched
under, in the same turn of the event loop as the fetch, and everything else is ``runtime.stage``'s business.

A fetch that cannot be parsed (a damaged record) raises after it has moved the positions of other partitions
on: FastStream would fetch again and lose what came before. Its log line is the only sign it gives, and
``on_broken`` is called from there, before the next fetch.

Tested against the pinned version in tests/integration/test_faststream.py.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CorruptRecordException, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from runtime import _aiokafka, log
from runtime.kafka import connection_options
from runtime.settings import KafkaSettings

MAX_RECORDS = 500
BATCH_TIMEOUT_MS = 100
# Shorter than the worker's own bound on stopping, so that the group is still left properly.
GRACEFUL_SECONDS = 20

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records of one fetch, and the consumer and generation they belong to."""

    records: tuple[ConsumerRecord, ...]
    consumer: AIOKafkaConsumer
    generation: int


def make_broker(
    settings: KafkaSettings, *, client_id: str, on_broken: Callable[[Exception], None]
) -> KafkaBroker:
    """A broker that only consumes: we publish with our own producer."""
    _aiokafka.read_any_header_name()
    options = connection_options(settings)
    ssl_context = options.pop("ssl_context", None)
    from_settings = {key: value for key, value in options.items() if not key.startswith(("sasl", "security"))}
    return KafkaBroker(
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        # A new topic that matches a pattern is noticed at the next metadata refresh.
        metadata_max_age_ms=5_000,
        security=_security(settings, ssl_context),
        logger=_Errors(on_broken),
        apply_types=False,
        graceful_timeout=GRACEFUL_SECONDS,
        **from_settings,
    )


def subscribe(
    broker: KafkaBroker,
    *,
    group: str,
    topics: tuple[str, ...],
    pattern: str | None,
    listener: ConsumerRebalanceListener,
    generation: Callable[[], int],
    on_batch: Callable[[Fetched], Awaitable[None]],
    session_timeout_seconds: float,
) -> Callable[[], AIOKafkaConsumer | None]:
    """Register a batch subscriber; returns a function that gives its consumer while it runs."""
    subscriber = broker.subscriber(
        *topics,
        pattern=pattern,
        group_id=group,
        batch=True,
        max_records=MAX_RECORDS,
        batch_timeout_ms=BATCH_TIMEOUT_MS,
        ack_policy=AckPolicy.MANUAL,
        listener=listener,
        # The default, "latest", loses all that is older than a new group or expired offsets.
        auto_offset_reset="earliest",
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=2 * 1024 * 1024,
        fetch_max_wait_ms=200,
        session_timeout_ms=int(session_timeout_seconds * 1000),
        heartbeat_interval_ms=int(session_timeout_seconds * 100),
        rebalance_timeout_ms=60_000,
        max_poll_interval_ms=300_000,
    )

    async def parse(raw: tuple[ConsumerRecord, ...]) -> KafkaMessage:
        consumer: Any = subscriber.consumer
        fetched = Fetched(records=raw, consumer=consumer, generation=generation())
        return KafkaMessage(body=fetched, raw_message=raw, consumer=consumer, headers={}, batch_headers=[])

    async def decode(message: KafkaMessage) -> Any:
        return message.body

    async def handle(fetched: Fetched) -> None:
        await on_batch(fetched)

    subscriber(handle, parser=parse, decoder=decode)
    return lambda: subscriber.consumer


class _Errors:
    """What FastStream logs. Only errors are news; a crash of its consume loop goes to ``on_broken``."""

    def __init__(self, on_broken: Callable[[Exception], None]) -> None:
        self._on_broken = on_broken

    def log(self, level: int, _message: object, /, *, exc_info: object = None, **_more: object) -> None:
        # A BaseException that is no Exception is the consume loop being cancelled, at the end.
        if level < logging.ERROR or not isinstance(exc_info, Exception):
            return
        logger.error("consumer_error", error=log.describe(exc_info))
        # Other Kafka errors are raised before anything was fetched: FastStream waits and goes on.
        if not isinstance(exc_info, KafkaError) or isinstance(exc_info, CorruptRecordException):
            self._on_broken(exc_info)


def _security(settings: KafkaSettings, ssl_context: Any) -> Any:
    use_ssl = settings.security_protocol.endswith("SSL")
    if not settings.security_protocol.startswith("SASL"):
        return BaseSecurity(use_ssl=use_ssl, ssl_context=ssl_context) if use_ssl else None
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    password = settings.sasl_password.get_secret_value() if settings.sasl_password else ""
    return kinds[settings.sasl_mechanism](
        username=settings.sasl_username or "", password=password, use_ssl=use_ssl, ssl_context=ssl_context
    )
