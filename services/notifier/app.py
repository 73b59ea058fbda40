"""Notifier, put together. Nothing happens at import."""

from pathlib import Path

from starlette.types import ASGIApp

from services.notifier import pages, remembering
from services.notifier.domain import MailKind, Policy
from services.notifier.handlers import deadlines, handlers
from services.notifier.links import Links
from services.notifier.mail.render import Renderer
from services.notifier.mail.sender import Sender
from services.notifier.mail.smtp import Mailer
from shared.clock import Clock, system_clock
from shared.messaging.remembering import Memory
from shared.metrics import waiting
from shared.service import Service
from shared.settings import NotifierSettings
from shared.web.app import create_web_app
from shared.web.site import Site
from shared.web.templating import Pages
from shared.web.tries import Tries

WAITING = waiting(
    "mails", "Mails that are due.", "emails where state = 'queued' and next_attempt_at <= :now", "queued_at"
)
SENDING = 0.75
"""The part of a claim's time that sending may take; the rest is for marking."""


def memory(settings: NotifierSettings) -> Memory:
    """What it takes back after its database was set back."""
    return remembering.memory(_policy(settings))


def _policy(settings: NotifierSettings) -> Policy:
    return Policy(
        valid_for=settings.confirmation_valid_for,
        resend_interval=settings.resend_interval,
        resend_limit=settings.resend_limit,
        reminders_before=tuple(settings.reminders_before),
    )


def create_app(settings: NotifierSettings, *, clock: Clock = system_clock) -> Service:
    policy = _policy(settings)
    links = Links(settings.public_url, [key.get_secret_value() for key in settings.link_secret])
    renderer = Renderer(
        links,
        settings.mail_from,
        portal_url=settings.portal_url,
        approver_url=settings.approver_url,
        review_mail_to=settings.review_mail_to,
        valid_for=settings.confirmation_valid_for,
    )

    def sender(service: Service) -> Sender:
        url, claim_for = settings.smtp_url.get_secret_value(), settings.mail_claim_for
        connections, retry_first = settings.smtp_connections, settings.mail_retry_first
        mailer = Mailer(url, renderer.sender, patience=SENDING * claim_for.total_seconds())
        outcomes = service.metrics.counter("registration_mails", "Tries to send a mail.", "kind", "outcome")

        def count(kind: MailKind, outcome: str) -> None:
            outcomes.labels(kind, outcome).inc()

        return Sender(service.database, mailer, renderer, policy, retry_first, claim_for, connections, count)

    def web(service: Service) -> ASGIApp:
        site = Site("notifier", settings.public_url)
        templates = Pages(site, Path(__file__).parent)
        return create_web_app(
            pages=templates,
            routes=pages.routes(templates, service.database, links, Tries(service.database, settings).bad),
            checks=service.checks,
            numbers=service.metrics.text,
        )

    return Service(
        "notifier",
        settings,
        clock,
        handlers(policy, settings.review_mail_to),
        deadlines=deadlines(policy),
        standing=WAITING,
        workers=lambda service: [service.once_caught_up(sender(service).run)],
        web=web,
    )
