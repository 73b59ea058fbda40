"""`serve`: one service as one process, until it is told to stop."""

import asyncio
import signal
from importlib import import_module

import structlog

from commands.failures import Failed
from shared import interpreter
from shared.messaging.consumer import CannotGoOn
from shared.observability import configure_logging
from shared.service import Service
from shared.settings import (
    ApproverSettings,
    NotifierSettings,
    PortalSettings,
    RegistrarSettings,
    ServiceSettings,
    load,
)

SETTINGS: dict[str, type[ServiceSettings]] = {
    "registrar": RegistrarSettings,
    "notifier": NotifierSettings,
    "approver": ApproverSettings,
    "portal": PortalSettings,
}


log = structlog.get_logger()


def serve(name: str, host: str, port: int) -> None:
    """Returns after a SIGTERM or SIGINT, when the batch in hand is stored. Raises SettingsError or Failed."""
    settings = load(SETTINGS[name])
    configure_logging(settings.log_format)
    try:
        interpreter.run(run(create(name, settings), host, port))
    except CannotGoOn as reason:
        raise Failed(f"{name}: {reason}") from None


def create(name: str, settings: ServiceSettings) -> Service:
    """The service, put together and not running. Nothing of the other three is loaded."""
    service: Service = import_module(f"services.{name}.app").create_app(settings)
    return service


async def run(service: Service, host: str, port: int) -> None:
    """Until a SIGTERM or SIGINT. Raises CannotGoOn."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopping.set)

    def started(real_port: int) -> None:
        log.info("listens", service=service.name, address=f"http://{host}:{real_port}")

    await service.serve(host, port, stopping, started)
