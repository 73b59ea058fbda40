"""The real services in this process, each signed in at Kafka under a name of its own, and people's browsers at them."""

from dataclasses import dataclass

import httpx2

from commands.serve import SETTINGS, create
from shared.clock import system_clock
from shared.service import Service
from shared.settings import KafkaSettings, ServiceSettings, SignInSettings
from shared.web.person import Person
from tests.integration.conftest import World
from tests.sessions import browser, session_of

URL = "http://localhost:8000"


@dataclass(frozen=True)
class Program:
    service: Service
    settings: ServiceSettings

    def browser(self, person: Person | None = None) -> httpx2.AsyncClient:
        if person is None:
            return browser(self.service.web, URL)
        assert isinstance(self.settings, SignInSettings)
        return browser(self.service.web, URL, session_of(person, self.settings, self.service.name, system_clock))


def program(name: str, world: World, kafka: KafkaSettings) -> Program:
    """Not running yet."""
    given = {key.lower(): value for key, value in world.environment(PUBLIC_URL=URL).items()}
    given |= kafka.model_dump()
    kind = SETTINGS[name]
    settings = kind.model_validate({field: given[field] for field in kind.model_fields if field in given})
    return Program(create(name, settings), settings)
