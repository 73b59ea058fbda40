"""`registration serve` with every logger as talkative as it can be: python -m tests.access.at_debug SERVICE PORT."""

import logging
import sys
from typing import TextIO

import structlog

from commands import serve
from shared.observability import configure_logging as configure_as_ever

LIBRARIES = ("aiokafka", "aiosmtplib", "asyncio", "faststream", "httpcore", "sqlalchemy.engine", "sqlalchemy.pool",
             "starlette", "uvicorn")  # fmt: skip


def configure_logging(log_format: str, file: TextIO | None = None) -> None:
    configure_as_ever(log_format, file)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    logging.getLogger().setLevel(logging.DEBUG)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.DEBUG)


if __name__ == "__main__":
    vars(serve)["configure_logging"] = configure_logging
    serve.serve(sys.argv[1], "127.0.0.1", int(sys.argv[2]))
