"""Doctor at a broker as it is deployed: logins that Kafka takes, and what they may do."""

from typing import Any

import pytest

from commands.doctor import brokers
from embedded.kafka_secured import ADMINISTRATOR
from shared.access import grants
from shared.topics import SERVICES
from tests.privilege.conftest import SignIn

Environment = pytest.MonkeyPatch


def become(environment: Environment, sign_in: SignIn, user: str) -> None:
    for name, value in sign_in(user).model_dump(exclude_none=True).items():
        environment.setenv(name.upper(), value.get_secret_value() if hasattr(value, "get_secret_value") else value)


async def lines(service: str | None) -> list[str]:
    return [finding.line() for finding in await brokers.examine(service)]


async def test_a_service_with_its_rules_is_told_that_it_may_do_all(
    sign_in: SignIn, ruled: None, monkeypatch: Environment
) -> None:
    for service in SERVICES:
        become(monkeypatch, sign_in, service)
        said = await lines(service)
        assert [line.split()[:2] for line in said] == [["ok", "Kafka"], ["ok", "topics"], ["ok", "rights"]], said
        assert "not for this login to see" in said[1] and f"'{service}' may do all that {service} needs" in said[2]


async def test_each_right_that_a_service_lacks_is_told(sign_in: SignIn, topics: None, monkeypatch: Environment) -> None:
    become(monkeypatch, sign_in, "registrar")
    prefix = sign_in("registrar").kafka_topic_prefix
    lacking = [line for line in await lines("registrar") if line.startswith("wrong ")]
    assert len(lacking) == len([it for it in grants(prefix) if it.user == "registrar"])
    assert f"'registrar' may not write the topic {prefix}registration-opened.v1; expected it allowed" in "\n".join(
        lacking
    )
    assert (
        f"'registrar' may not read in the group {prefix}registrar; expected it allowed; run: registration topics "
        in ("\n".join(lacking))
    )


async def test_a_login_of_another_service_is_told_what_it_may_not(
    sign_in: SignIn, ruled: None, monkeypatch: Environment
) -> None:
    become(monkeypatch, sign_in, "portal")
    lacking = [line for line in await lines("approver") if line.startswith("wrong ")]
    assert any("'portal' may not write the topic" in line and "vng-approved.v1" in line for line in lacking)


async def test_an_administrator_is_told_which_rules_are_missing(
    sign_in: SignIn, topics: None, monkeypatch: Environment
) -> None:
    become(monkeypatch, sign_in, ADMINISTRATOR)
    prefix = sign_in(ADMINISTRATOR).kafka_topic_prefix
    said = await lines(None)
    assert f"wrong   rights      no rule says that User:portal may read group {prefix}portal; expected it" in "\n".join(
        said
    )
    assert [line.split()[0] for line in said if " topics " in line[:20]] == ["ok"] and "kept as expected" in said[1]


async def test_an_administrator_is_told_that_all_rules_are_there(
    sign_in: SignIn, ruled: None, monkeypatch: Environment
) -> None:
    become(monkeypatch, sign_in, ADMINISTRATOR)
    assert (await lines(None))[-1] == "ok      rights      all access rules of the table are there"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"KAFKA_SASL_PASSWORD": "another"}, "refuses the login 'portal': "),
        ({"KAFKA_SASL_MECHANISM": "PLAIN"}, "refuses the login 'portal': "),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "does not answer: "),
        ({"KAFKA_SSL_CAFILE": None}, "does not agree on TLS: "),
    ],
    ids=["password", "mechanism", "no TLS", "authority"],
)
async def test_a_broker_that_does_not_let_us_in_is_told_apart_from_one_that_is_away(
    sign_in: SignIn, monkeypatch: Environment, change: dict[str, Any], says: str
) -> None:
    become(monkeypatch, sign_in, "portal")
    for name, value in change.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    said = await lines("portal")
    assert (
        said[0].startswith("wrong   Kafka ")
        and says in said[0]
        and "; expected " in said[0]
        and "another" not in said[0]
    )
    assert [line.split()[:2] for line in said[1:]] == [["unseen", "topics"], ["unseen", "rights"]]
