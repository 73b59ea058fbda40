"""Logs: one line an event, for people on a console or as JSON for machines. Never an address, a name or a link."""

import logging
import sys
from typing import TextIO

import structlog

from shared.tracing import trace_id


def configure_logging(log_format: str, file: TextIO | None = None) -> None:
    """Once, at the start of a process. `log_format` is "console" or "json"; `file` None: lines go to stderr."""
    file = file or sys.stderr
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=file.isatty(),
            pad_event_to=28,
            exception_formatter=structlog.dev.plain_traceback,  # without the values of variables
        )
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_trace_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "json":
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=file),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    quiet_clients()


def _with_trace_id(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Beside a registration's id that of its trace, as the tools that show traces write it."""
    if registration_id := line.get("registration_id"):
        line["trace_id"] = trace_id(registration_id)
    return line


def quiet_clients() -> None:
    """aiokafka logs each rebalance and each retry as an error; what matters of it, our own lines say."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
