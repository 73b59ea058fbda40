"""A broker as it is deployed: TLS, SCRAM, and only what the access rules allow. One a session; tests take prefixes."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from commands.acls import apply_acls
from commands.kafka import apply_topics
from embedded import Servers, report_to_stderr
from embedded.kafka import Kafka, kafka
from embedded.kafka_secured import ADMINISTRATOR, Secured
from shared.settings import KafkaSettings, ServiceSettings
from shared.topics import SERVICES
from tests.integration.conftest import World
from tests.privilege.certificates import BROKER, make_certificates

USERS = (*SERVICES, "accounts")

SignIn = Callable[[str], KafkaSettings]
"""The settings of whoever signs in at Kafka under a name."""


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    folder = tmp_path_factory.mktemp("secured")
    keystore, authorities = make_certificates(folder)
    passwords = {name: f"the password of {name}" for name in (ADMINISTRATOR, *USERS)}
    rules = Secured(keystore, authorities, BROKER, passwords)
    with kafka(folder / "kafka", report_to_stderr, disposable=True, secured=rules) as broker:
        yield broker


@pytest.fixture
def sign_in(secured: Kafka, topic_prefix: str) -> SignIn:
    def settings(user: str) -> KafkaSettings:
        assert secured.secured is not None
        values = {name.lower(): value for name, value in secured.secured.environment(user).items()}
        values |= {"kafka_bootstrap_servers": secured.bootstrap_servers, "kafka_topic_prefix": topic_prefix}
        return KafkaSettings.model_validate(values)

    return settings


@pytest.fixture
async def topics(sign_in: SignIn) -> None:
    """The topics without any access rule."""
    await apply_topics(sign_in(ADMINISTRATOR), 1, 1)


@pytest.fixture
async def ruled(sign_in: SignIn, topics: None) -> None:
    """The topics with all access rules."""
    assert (await apply_acls(sign_in(ADMINISTRATOR))).problems == []


@pytest.fixture
async def world(
    sign_in: SignIn, running: Servers, database_url: str, topics: None, tmp_path: Path
) -> AsyncIterator[World]:
    settings = ServiceSettings(**sign_in(ADMINISTRATOR).model_dump(), database_url=SecretStr(database_url))
    world = World(settings, running, tmp_path)
    yield world
    await world.close()
