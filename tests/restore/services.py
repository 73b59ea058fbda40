"""The four services of a world, put together in this process with their own settings."""

from typing import Any

from pydantic import SecretStr

from commands.serve import SETTINGS
from commands.serve import create as put_together
from shared.service import Service
from shared.settings import ServiceSettings
from tests.integration.conftest import World

NOWHERE = "http://127.0.0.1:1"


def settings_of(name: str, world: World) -> ServiceSettings:
    given: dict[str, Any] = {
        **world.settings.model_dump(),
        "public_url": NOWHERE,
        "portal_url": NOWHERE,
        "approver_url": NOWHERE,
        "smtp_url": SecretStr(world.servers.smtp_url),
        "mail_from": "registration@vngcloud.example",
        "review_mail_to": "reviews@vng.example",
        "link_secret": "a key for links of tests",
        "oidc_issuer": NOWHERE,
        "oidc_client_id": name,
        "oidc_client_secret": SecretStr("a secret of the client"),
    }
    kind = SETTINGS[name]
    return kind(**{key: value for key, value in given.items() if key in kind.model_fields})


def create(name: str, world: World) -> Service:
    return put_together(name, settings_of(name, world))
