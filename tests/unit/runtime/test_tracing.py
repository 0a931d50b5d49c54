"""Tracing: the text that travels, what continues a trace, what is sampled, and what a span may not hold."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from runtime.errors import ConfigurationError
from runtime.settings import TracingSettings
from runtime.tracing import Tracing, open_tracing, parse, trace_id_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
MALFORMED = [
    "",
    "garbage",
    f"00-{TRACE}-{SPAN}",
    f"00-{TRACE.upper()}-{SPAN}-01",
    f"00-{TRACE}-{SPAN}-01\n",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-{SPAN}-01",
]


def dice() -> random.Random:
    return random.Random(1)  # noqa: S311  the same throws in every run


def recording(directory: Path, *, ratio: float = 1.0) -> Tracing:
    settings = TracingSettings(exporter="file", directory=directory, sample_ratio=ratio)
    return open_tracing(settings, service="intake", rng=dice())


def spans(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in directory.glob("*.jsonl") for line in path.read_text().splitlines()]


def test_a_traceparent_is_read() -> None:
    context = parse(SAMPLED)

    assert context is not None
    assert (context.trace_id, context.span_id) == (int(TRACE, 16), int(SPAN, 16))
    assert context.trace_flags.sampled
    assert trace_id_of(SAMPLED) == TRACE


@pytest.mark.parametrize("text", [None, *MALFORMED])
def test_a_malformed_traceparent_counts_as_absent(text: str | None) -> None:
    assert parse(text) is None
    assert trace_id_of(text) is None


@pytest.mark.parametrize("text", [SAMPLED, UNSAMPLED])
def test_the_publishers_trace_is_continued_as_it_stands(text: str) -> None:
    assert Tracing(None, sample_ratio=1, rng=dice()).start(text) == text


@pytest.mark.parametrize("text", [None, *MALFORMED])
def test_a_trace_begins_where_there_is_none(text: str | None) -> None:
    begun = Tracing(None, sample_ratio=1, rng=dice()).start(text)

    assert parse(begun) is not None
    assert begun != text


def test_without_an_exporter_nothing_is_sampled() -> None:
    tracing = open_tracing(TracingSettings(sample_ratio=1), service="intake", rng=dice())

    assert tracing.start(None).endswith("-00")


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.0, 0, 0), (0.5, 400, 600), (1.0, 1_000, 1_000)])
def test_new_traces_are_sampled_by_the_ratio(tmp_path: Path, ratio: float, least: int, most: int) -> None:
    tracing = recording(tmp_path, ratio=ratio)

    sampled = sum(tracing.start(None).endswith("-01") for _ in range(1_000))
    tracing.shutdown()

    assert least <= sampled <= most


def test_a_span_is_written_with_its_parent_and_passes_itself_on(tmp_path: Path) -> None:
    tracing = recording(tmp_path)

    with (
        tracing.span("map", SAMPLED, attributes={"source": "north"}, links=[UNSAMPLED, None, "x"]) as outer,
        tracing.span("build", outer) as inner,
    ):
        pass
    tracing.shutdown()

    by_name = {span["name"]: span for span in spans(tmp_path)}
    assert by_name["map"]["trace_id"] == by_name["build"]["trace_id"] == TRACE
    assert by_name["map"]["parent_id"] == SPAN
    assert by_name["build"]["parent_id"] == by_name["map"]["span_id"]
    assert (outer, inner) == (
        f"00-{TRACE}-{by_name['map']['span_id']}-01",
        f"00-{TRACE}-{by_name['build']['span_id']}-01",
    )
    assert (by_name["map"]["service"], by_name["map"]["attributes"]) == ("intake", {"source": "north"})
    assert by_name["map"]["links"] == [TRACE]


@pytest.mark.parametrize("traceparent", [UNSAMPLED, None])
def test_an_unsampled_span_is_not_recorded_and_hands_the_text_through(
    tmp_path: Path, traceparent: str | None
) -> None:
    tracing = recording(tmp_path)

    with tracing.span("map", traceparent) as passed_on:
        pass
    tracing.shutdown()

    assert passed_on == traceparent
    assert spans(tmp_path) == []


def test_a_span_tells_that_it_failed_without_the_exceptions_text() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider, sample_ratio=1, rng=dice())

    with pytest.raises(LookupError, match="hunter2"), tracing.span("map", SAMPLED):
        raise LookupError("the document says hunter2")
    tracing.shutdown()

    (span,) = exporter.get_finished_spans()
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "LookupError")
    assert "hunter2" not in span.to_json()


def test_the_file_exporter_needs_a_directory() -> None:
    with pytest.raises(ConfigurationError, match="KSEF_TRACING__DIRECTORY"):
        open_tracing(TracingSettings(exporter="file"), service="intake")
