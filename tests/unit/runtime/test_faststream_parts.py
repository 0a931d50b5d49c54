"""How we speak to FastStream: what of its log is news, and that it connects as our own clients do."""

import asyncio
import logging

import pytest
from aiokafka.errors import CorruptRecordException, GroupAuthorizationFailedError, KafkaConnectionError
from faststream.kafka.security import parse_security
from pydantic import SecretStr

from runtime._faststream import _Errors, _security
from runtime.kafka import connection_options
from runtime.settings import KafkaSettings


@pytest.mark.parametrize(
    "error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), CorruptRecordException()]
)
def test_a_fetch_that_cannot_be_parsed_is_told(error: Exception) -> None:
    told: list[Exception] = []

    _Errors(told.append).log(logging.ERROR, "raised an exception, retrying", exc_info=error, extra={})

    assert told == [error]


@pytest.mark.parametrize(
    ("level", "error"),
    [
        (logging.ERROR, KafkaConnectionError()),
        (logging.ERROR, GroupAuthorizationFailedError("g")),
        (logging.ERROR, asyncio.CancelledError()),
        (logging.ERROR, None),
        (logging.INFO, LookupError("told at a level that is no error")),
    ],
)
def test_what_faststream_waits_out_or_only_mentions_is_not(level: int, error: BaseException | None) -> None:
    told: list[Exception] = []

    _Errors(told.append).log(level, "Kafka error occurred", exc_info=error, extra={})

    assert told == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
def test_consumers_connect_with_the_same_security_as_our_producer(protocol: str, mechanism: str) -> None:
    settings = KafkaSettings.model_validate(
        {
            "bootstrap_servers": "kafka.example:9092",
            "security_protocol": protocol,
            "sasl_mechanism": mechanism,
            "sasl_username": "courier",
            "sasl_password": SecretStr("hunter2"),
        }
    )
    ours = connection_options(settings)

    theirs = parse_security(_security(settings, ours.get("ssl_context")))

    defaults = {"security_protocol": "PLAINTEXT", "ssl_context": None}
    assert defaults | theirs == defaults | {key: ours[key] for key in ours if key != "bootstrap_servers"}
