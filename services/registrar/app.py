"""Registrar, put together. Nothing happens at import."""

from services.registrar.domain import OPEN
from services.registrar.handlers import handlers
from services.registrar.opening import Policy
from services.registrar.remembering import MEMORY
from shared.clock import Clock, system_clock
from shared.messaging.remembering import Memory
from shared.metrics import MOST, Standing
from shared.service import Service
from shared.settings import RegistrarSettings


def memory(_settings: RegistrarSettings) -> Memory:
    """What it takes back after its database was set back."""
    return MEMORY


UNDER_WAY = Standing(
    "registration_registrations",
    "Registrations that have not ended.",
    " union all ".join(
        f"select '{status}', count(*) from (select from registrations where status = '{status}' limit {MOST}) as those"  # noqa: S608
        for status in sorted(OPEN)
    ),
    ("status",),
)


def create_app(settings: RegistrarSettings, *, clock: Clock = system_clock) -> Service:
    policy = Policy(
        open_limit=settings.open_limit,
        decline_cooldown=settings.decline_cooldown,
        current_customers=settings.approval_for_current_customers,
        withdrawal_limit=settings.withdrawal_limit,
        withdrawal_cooldown=settings.withdrawal_cooldown,
    )
    return Service("registrar", settings, clock, handlers(policy), standing=[UNDER_WAY])
