"""Registrar, put together. Nothing happens at import."""

from services.registrar.handlers import handlers
from services.registrar.opening import Policy
from shared.clock import Clock, system_clock
from shared.service import Service
from shared.settings import RegistrarSettings


def create_app(settings: RegistrarSettings, *, clock: Clock = system_clock) -> Service:
    policy = Policy(
        open_limit=settings.open_limit,
        decline_cooldown=settings.decline_cooldown,
        current_customers=settings.approval_for_current_customers,
    )
    return Service("registrar", settings, clock, handlers(policy))
