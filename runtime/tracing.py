"""One trace from the ERP's publish to the UPO, across Kafka headers and database rows.

The W3C ``traceparent`` travels as text: in a record's headers, in a row's column. A document whose trace is
not sampled pays for nothing but carrying the text on.
"""

import json
import os
import random
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from runtime.errors import ConfigurationError
from runtime.settings import TracingSettings

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 0x01
Attributes = Mapping[str, str | int | float | bool]


def parse(traceparent: str | None) -> SpanContext | None:
    """The span context in a ``traceparent``; None when it is absent or malformed, which counts as absent."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return None
    context = SpanContext(
        trace_id=int(match[1], 16),
        span_id=int(match[2], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(match[3], 16)),
    )
    return context if context.is_valid else None


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 hex digits of the trace, as people look it up."""
    context = parse(traceparent)
    return None if context is None else f"{context.trace_id:032x}"


def _text(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


class Tracing:
    """The tracer of one process. ``span`` continues a document's trace and gives the text to pass on."""

    def __init__(self, provider: TracerProvider | None, *, sample_ratio: float, rng: random.Random) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("ksef-courier")
        self._sample_ratio = sample_ratio
        self._rng = rng

    def start(self, traceparent: str | None) -> str:
        """The publisher's trace if it is well-formed, else a new one, sampled by the configured ratio."""
        if traceparent is not None and parse(traceparent) is not None:
            return traceparent
        sampled = self._tracer is not None and self._rng.random() < self._sample_ratio
        context = SpanContext(
            trace_id=self._rng.getrandbits(128) or 1,
            span_id=self._rng.getrandbits(64) or 1,
            is_remote=False,
            trace_flags=TraceFlags(_SAMPLED if sampled else 0),
        )
        return _text(context)

    @contextmanager
    def span(
        self,
        name: str,
        traceparent: str | None,
        *,
        attributes: Attributes | None = None,
        links: Sequence[str | None] = (),
    ) -> Iterator[str | None]:
        """Record a span inside the trace of ``traceparent``; yields the ``traceparent`` of the new span.

        Unsampled or without an exporter nothing is recorded and the text is handed through. ``links`` are
        other documents' traces that took part in the same work.
        """
        parent = parse(traceparent)
        if self._tracer is None or parent is None or not parent.trace_flags.sampled:
            yield traceparent
            return
        linked = [Link(context) for context in map(parse, links) if context is not None]
        context = set_span_in_context(NonRecordingSpan(parent))
        with self._tracer.start_as_current_span(
            name,
            context=context,
            attributes=dict(attributes or {}),
            links=linked,
            kind=trace.SpanKind.CONSUMER,
            # An exception's text may quote a document: only its type goes into the span.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _text(span.get_span_context())
            except Exception as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def shutdown(self) -> None:
        """Write out what is waiting. Bounded by the exporter's own time-out."""
        if self._provider is not None:
            self._provider.shutdown()


def open_tracing(settings: TracingSettings, *, service: str, rng: random.Random | None = None) -> Tracing:
    """Build the process's tracing as configured. Raises :class:`ConfigurationError`."""
    rng = rng or random.Random(os.urandom(16))  # noqa: S311  trace ids are no secret
    exporter = _exporter(settings, service)
    if exporter is None:
        return Tracing(None, sample_ratio=settings.sample_ratio, rng=rng)
    # Sampling is decided once, by the trace's first publisher: spans here follow their parent.
    provider = TracerProvider(resource=Resource.create({"service.name": f"ksef-courier.{service}"}))
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    return Tracing(provider, sample_ratio=settings.sample_ratio, rng=rng)


def _exporter(settings: TracingSettings, service: str) -> SpanExporter | None:
    match settings.exporter:
        case "none":
            return None
        case "file":
            if settings.directory is None:
                raise ConfigurationError("KSEF_TRACING__DIRECTORY: is needed by the exporter 'file'")
            return FileExporter(settings.directory, service=service)
        case "otlp":
            return _otlp()


def _otlp() -> SpanExporter:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  optional
    except ImportError as error:
        raise ConfigurationError("the exporter 'otlp' needs the extra: ksef-courier[otlp]") from error
    exporter: SpanExporter = OTLPSpanExporter()
    return exporter


class FileExporter(SpanExporter):
    """Spans as JSON lines, one file per process: for the demo, tests and machines without a collector."""

    def __init__(self, directory: Path, *, service: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._service = service
        self._file: TextIO = (directory / f"{service}-{os.getpid()}.jsonl").open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._lock:
            for span in spans:
                self._file.write(json.dumps(self._line(span), ensure_ascii=False) + "\n")
            self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        with self._lock:
            self._file.close()

    def _line(self, span: ReadableSpan) -> dict[str, object]:
        context = span.context
        return {
            "trace_id": f"{context.trace_id:032x}",
            "span_id": f"{context.span_id:016x}",
            "parent_id": None if span.parent is None else f"{span.parent.span_id:016x}",
            "service": self._service,
            "name": span.name,
            "start_ns": span.start_time,
            "end_ns": span.end_time,
            "attributes": dict(span.attributes or {}),
            "links": [f"{link.context.trace_id:032x}" for link in span.links],
        }
