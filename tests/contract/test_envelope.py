"""The envelope: what is written is read back; what is no event of ours is refused, and not quoted."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from contracts.base import Message
from contracts.envelope import Event, NewerMajor, Undecodable, caused, decode
from contracts.events import MODELS, STATUS
from contracts.ids import event_id
from contracts.sales import DocumentRef, DocumentStatus, State

DOCUMENT = UUID("f1183126-2e79-567d-aa68-755164e8a16d")
CAUSE = "0f8fad5b-d9cb-469f-a165-70867728950e"
AT = datetime(2026, 11, 20, 9, 15, 0, 123456, tzinfo=UTC)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def status(**more: Any) -> DocumentStatus:
    ref = DocumentRef(
        document_id=DOCUMENT, source="north", erp_document_id="FV/1", revision="1", accepted_at=AT
    )
    return DocumentStatus(document=ref, stage="mapper", state=State.MAPPED, at=AT, **more)


def event() -> Event[Message]:
    return caused(
        stage="mapper",
        cause=CAUSE,
        index=1,
        type_=STATUS,
        subject=DOCUMENT,
        at=AT,
        data=status(),
        traceparent=TRACEPARENT,
    )


def texts(event: Event[Message]) -> dict[str, str]:
    return {name: value.decode() for name, value in event.headers()}


def test_an_event_is_read_back_as_it_was_written() -> None:
    written = event()

    assert decode(texts(written), written.value()) == written


def test_the_headers_are_cloudevents_in_kafkas_binary_binding() -> None:
    assert texts(event()) == {
        "ce_specversion": "1.0",
        "ce_id": "f8811a2f-2148-502f-83c7-e32450c32fed",
        "ce_type": "sales.document.status.v1",
        "ce_source": "ksef-courier/mapper",
        "ce_subject": str(DOCUMENT),
        "ce_time": "2026-11-20T09:15:00.123456Z",
        "ce_causationid": CAUSE,
        "content-type": "application/json",
        "correlation_id": str(DOCUMENT),
        "traceparent": TRACEPARENT,
    }


def test_a_record_is_keyed_by_its_document() -> None:
    assert event().key == b"f1183126-2e79-567d-aa68-755164e8a16d"


def test_the_same_cause_gives_the_same_bytes() -> None:
    assert (event().value(), event().headers()) == (event().value(), event().headers())


def test_absent_attributes_have_no_header_and_absent_fields_do_not_stand_in_the_body() -> None:
    bare = Event(
        id=event_id("mapper", CAUSE), type=STATUS, source="mapper", subject=DOCUMENT, at=AT, data=status()
    )

    assert {"ce_causationid", "traceparent"}.isdisjoint(texts(bare))
    assert set(json.loads(bare.value())) == {"document", "stage", "state", "at", "findings"}


def test_times_of_any_offset_are_written_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=2)))
    moved = Event(id=DOCUMENT, type=STATUS, source="m", subject=DOCUMENT, at=elsewhere, data=status())

    assert texts(moved)["ce_time"] == "2026-11-20T09:15:00.123456Z"


@pytest.mark.parametrize("header", ["ce_id", "ce_type", "ce_subject", "ce_time"])
def test_a_record_without_a_needed_header_is_refused_by_its_name(header: str) -> None:
    headers = texts(event())
    del headers[header]

    with pytest.raises(Undecodable, match=header):
        decode(headers, event().value())


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_id", "not-a-uuid"),
        ("ce_subject", ""),
        ("ce_time", "yesterday"),
        ("ce_time", "2026-11-20T09:15:00"),
        ("ce_type", "sales.unknown.v1"),
    ],
)
def test_a_record_with_a_malformed_header_is_refused(header: str, value: str) -> None:
    with pytest.raises(Undecodable):
        decode(texts(event()) | {header: value}, event().value())


@pytest.mark.parametrize("header", ["ce_id", "ce_subject", "ce_time", "ce_type"])
def test_a_refusal_does_not_quote_a_header_at_length(header: str) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(texts(event()) | {header: "hunter2 " * 1000}, event().value())

    assert len(str(refused.value)) < 120


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"hunter2",
        b"\xff\xfe hunter2",
        b"null",
        b"[]",
        b'"hunter2"',
        b"{}",
        b'{"document": "hunter2"}',
        b'{"document": {}, "stage": {"hunter2": 1}}',
        b"[" * 100_000,
        event().value()[:-1],
        event().value().replace(b'"revision":"1"', b'"revision":"\\ud800"'),
    ],
    ids=[
        "empty",
        "text",
        "bytes",
        "null",
        "array",
        "string",
        "object",
        "no-part",
        "no-text",
        "deep",
        "cut",
        "surrogate",
    ],
)
def test_a_body_that_is_not_the_message_is_refused_and_not_quoted(value: bytes) -> None:
    with pytest.raises(Undecodable, match=r"sales\.document\.status\.v1") as refused:
        decode(texts(event()), value)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("type_", MODELS)
def test_no_type_decodes_an_empty_object(type_: str) -> None:
    with pytest.raises(Undecodable):
        decode(texts(event()) | {"ce_type": type_}, b"{}")


@pytest.mark.parametrize("type_", ["sales.document.status.v2", "sales.document.status.v10"])
def test_an_event_of_a_newer_major_version_is_told_apart(type_: str) -> None:
    headers = texts(event()) | {"ce_type": type_}

    with pytest.raises(NewerMajor, match=rf"{type_}: this version reads no more than .*\.v1"):
        decode(headers, b"anything")


@pytest.mark.parametrize(
    "type_",
    [
        "sales.document.status.v0",
        "sales.document.status.v01",
        "sales.document.status.v99999",
        "sales.document.status.v",
        "sales.document.status",
        "sales.document.lost.v2",
        ".v2",
    ],
)
def test_an_event_whose_type_nobody_will_ever_know_is_undecodable(type_: str) -> None:
    headers = texts(event()) | {"ce_type": type_}

    with pytest.raises(Undecodable) as raised:
        decode(headers, b"anything")

    assert not isinstance(raised.value, NewerMajor)
