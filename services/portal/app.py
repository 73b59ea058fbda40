"""The portal, put together. Nothing happens at import."""

from pathlib import Path

from starlette.types import ASGIApp

from services.portal import pages
from services.portal.handlers import handlers
from services.portal.remembering import MEMORY
from shared.clock import Clock, system_clock
from shared.messaging.remembering import Memory
from shared.service import Service
from shared.settings import PortalSettings
from shared.web.app import create_web_app
from shared.web.sign_in import SignIn
from shared.web.site import Site
from shared.web.templating import Pages
from shared.web.tries import Tries


def memory(_settings: PortalSettings) -> Memory:
    """What it takes back after its database was set back."""
    return MEMORY


def create_app(settings: PortalSettings, *, clock: Clock = system_clock) -> Service:
    def web(service: Service) -> ASGIApp:
        site = Site("portal", settings.public_url)
        templates = Pages(site, Path(__file__).parent)
        bad_try = Tries(service.database, settings).bad
        sign_in = SignIn(settings, templates, bad_try, for_partners=True, clock=clock)
        return create_web_app(
            pages=templates,
            routes=pages.routes(templates, sign_in, service.database, service.changes),
            checks=service.checks,
            numbers=service.metrics.text,
            sign_in=sign_in,
        )

    return Service("portal", settings, clock, handlers(), workers=lambda service: [service.changes.run], web=web)
