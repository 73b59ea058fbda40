"""The composition's broker, one a session, with secrets made as its user makes them."""

from collections.abc import Iterator

import pytest

from tests.deploy.composition import new_secrets
from tests.deploy.standing import Broker, broker


@pytest.fixture(scope="session")
def secrets() -> dict[str, str]:
    return new_secrets()


@pytest.fixture(scope="session")
def kafka(secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    environment = {name: value for name, value in secrets.items() if name.startswith("KAFKA_")}
    with broker(tmp_path_factory.mktemp("broker"), environment) as made:
        yield made
