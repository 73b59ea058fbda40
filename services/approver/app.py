"""Approver, put together. Nothing happens at import."""

from collections.abc import Container
from datetime import date
from functools import partial
from pathlib import Path

from holidays import country_holidays
from starlette.types import ASGIApp

from services.approver import pages, remembering
from services.approver.business_days import after_business_days
from services.approver.domain import Rules
from services.approver.handlers import deadlines, handlers
from services.approver.store import OPEN_SQL
from shared.clock import Clock, system_clock
from shared.messaging.remembering import Memory
from shared.metrics import waiting
from shared.service import Service, Worker
from shared.settings import ApproverSettings
from shared.web.app import create_web_app
from shared.web.sign_in import SignIn
from shared.web.site import Site
from shared.web.templating import Pages
from shared.web.tries import Tries


def memory(settings: ApproverSettings) -> Memory:
    """What it takes back after its database was set back."""
    return remembering.memory(_rules(settings, country_holidays("VN")))


def _rules(settings: ApproverSettings, holidays: Container[date]) -> Rules:
    return Rules(
        policy=settings.approval_for_current_customers,
        claim_for=settings.claim_for,
        due_at=partial(after_business_days, days=settings.review_within_business_days, holidays=holidays),
    )


WAITING = (
    *waiting("cases", "Cases that wait for a decision.", f"cases where {OPEN_SQL}", "opened_at"),
    *waiting("cases_due", "Cases whose review is due.", f"cases where {OPEN_SQL} and due_at <= :now", "due_at"),
)


def create_app(settings: ApproverSettings, *, clock: Clock = system_clock) -> Service:
    holidays = country_holidays("VN")
    rules = _rules(settings, holidays)

    def live(service: Service) -> list[Worker]:
        return [service.changes.run]

    def web(service: Service) -> ASGIApp:
        site = Site("approver", settings.public_url)
        templates = Pages(site, Path(__file__).parent)
        bad_try = Tries(service.database, settings).bad
        sign_in = SignIn(settings, templates, bad_try, for_partners=False, clock=clock)
        return create_web_app(
            pages=templates,
            routes=pages.routes(
                templates,
                sign_in,
                service.database,
                rules,
                lambda: service.consumer.catching_up.done,
                service.changes,
                holidays,
                service.consumer.inbox,
            ),
            checks=service.checks,
            numbers=service.metrics.text,
            sign_in=sign_in,
        )

    return Service(
        "approver",
        settings,
        clock,
        handlers(rules),
        deadlines=deadlines(rules),
        standing=WAITING,
        workers=live,
        web=web,
    )
