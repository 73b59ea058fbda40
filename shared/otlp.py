"""Sends spans to a collector, by OpenTelemetry's own exporter. Imported only where a collector is named: the exporter
takes memory, and a thread.

A collector that is away costs its spans and nothing else: a thread sends them from a queue that drops what is too much,
and one line a minute says so.
"""

import logging
import threading
import time
from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

from shared.tracing import Span

CLOSING = 2.0  # seconds to send what waits
ANSWERS_WITHIN = 5  # seconds
SAID_AGAIN = 60.0  # seconds
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Collector:
    """`endpoint`: the collector's address without a path; the standard OTEL_EXPORTER_OTLP_ settings apply too."""

    def __init__(self, service: str, endpoint: str) -> None:
        _quiet(logging.getLogger("opentelemetry"))
        self._resource = Resource.create({"service.name": service, "service.namespace": "registration"})
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=ANSWERS_WITHIN)
        self._processor = BatchSpanProcessor(exporter)

    def __call__(self, span: Span) -> None:
        self._processor.on_end(
            ReadableSpan(
                span.name,
                context=_context(span.registration_id.int, span.id),
                parent=None if span.parent is None else _context(span.registration_id.int, span.parent, is_remote=True),
                resource=self._resource,
                attributes=dict(span.attributes),
                links=[Link(_context(*span.elsewhere, is_remote=True))] if span.elsewhere else [],
                kind=SpanKind.CONSUMER if " handles " in span.name else SpanKind.INTERNAL,
                start_time=span.began,
                end_time=span.ended,
            )
        )

    def close(self) -> None:
        """Sends what waits, for up to CLOSING seconds. Blocks."""
        ending = threading.Thread(target=self._processor.shutdown, daemon=True)
        ending.start()
        ending.join(CLOSING)


def _context(trace: int, span: int, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(trace, span, is_remote=is_remote, trace_flags=SAMPLED)


def _quiet(logger: logging.Logger) -> None:
    """What it says of a collector that is away it says for each batch, with a traceback."""
    logger.addFilter(_Seldom())
    for name in ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(name).addFilter(_Seldom())


class _Seldom(logging.Filter):
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._again = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        if self._clock() < self._again:
            return False
        self._again = self._clock() + SAID_AGAIN
        return True
