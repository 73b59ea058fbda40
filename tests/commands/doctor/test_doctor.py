"""Doctor finds what is wrong before the services do, and says what to do about it."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from commands.doctor import findings
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings
from shared.topics import SERVICES
from tests.command_line import as_process, registration
from tests.commands.doctor.looking import Servants, found, ill

NOBODY = "127.0.0.1:9"
DISCOVERY = "/.well-known/openid-configuration"
ABOUT = '{"issuer": "URL", "authorization_endpoint": "URL/a", "token_endpoint": "URL/t", "jwks_uri": "URL/keys"}'
KEYS = '{"keys": [{"kty": "RSA"}]}'


def test_where_all_is_well_each_part_is_told_in_a_line_and_the_status_is_0(well: pytest.MonkeyPatch) -> None:
    done = as_process("doctor", env=os.environ, status=0)
    assert done.stderr == "", done.stdout
    parts = ["settings", "Kafka", "topics", "rights", "PostgreSQL", "clock", *["tables"] * 4, "mail", "OpenID", "clock"]
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["ok", part] for part in parts]


async def test_a_service_is_examined_with_its_own_settings_only(well: pytest.MonkeyPatch) -> None:
    for name in ("SMTP_URL", "LINK_SECRET", "OIDC_ISSUER", "OIDC_CLIENT_SECRET", "PUBLIC_URL"):
        well.delenv(name)
    assert await ill("registrar") == []
    assert {finding.what for finding in await found("registrar")} == {
        "settings", "Kafka", "topics", "rights", "PostgreSQL", "clock", "tables",
    }  # fmt: skip


async def test_a_setting_that_several_services_lack_is_one_line_and_what_needs_it_is_not_looked_at(
    well: pytest.MonkeyPatch,
) -> None:
    well.delenv("OIDC_ISSUER")
    [setting, provider] = await ill()
    assert setting.startswith(
        "wrong   settings    OIDC_ISSUER is missing; expected the issuer's address, like https://"
    )
    assert setting.endswith("(needed by portal, approver)")
    assert provider == "unseen  OpenID      not looked at: OIDC_ISSUER is missing or wrong"


@pytest.mark.parametrize(
    ("setting", "value", "what", "says"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", NOBODY, "Kafka", "check KAFKA_BOOTSTRAP_SERVERS"),
        ("DATABASE_URL", f"postgresql://u:p@{NOBODY}/x", "PostgreSQL", "check DATABASE_URL"),
        ("SMTP_URL", f"smtp://{NOBODY}", "mail", "check SMTP_URL"),
        ("OIDC_ISSUER", f"http://{NOBODY}", "OpenID", "check OIDC_ISSUER"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{NOBODY}", "traces", "check OTEL_EXPORTER_OTLP_ENDPOINT"),
    ],
)
async def test_a_server_that_is_away_is_told_and_the_others_all_the_same(
    well: pytest.MonkeyPatch, setting: str, value: str, what: str, says: str
) -> None:
    well.setenv(setting, value)
    lines = [finding for finding in await found() if finding.state == "wrong"]
    assert [line.what for line in lines] == [what]
    assert "expected" in lines[0].text and says in lines[0].text and ":p@" not in lines[0].text
    assert {finding.what for finding in await found()} >= {"Kafka", "PostgreSQL", "mail", "OpenID"}


async def test_servers_that_never_answer_hang_nothing(well: pytest.MonkeyPatch, silence: str) -> None:
    well.setattr(findings, "LIMIT", 0.5)
    well.setenv("KAFKA_BOOTSTRAP_SERVERS", silence)
    well.setenv("DATABASE_URL", f"postgresql://u:p@{silence}/x")
    well.setenv("SMTP_URL", f"smtp://{silence}")
    well.setenv("OIDC_ISSUER", f"http://{silence}")
    async with asyncio.timeout(30):
        lines = [finding for finding in await found() if finding.state == "wrong"]
    assert [line.what for line in lines] == ["Kafka", "PostgreSQL", "mail", "OpenID"]


async def test_missing_topics_are_told_one_by_one(settings: pytest.MonkeyPatch) -> None:
    lines = await ill("notifier")
    assert len(lines) == 12
    assert all(" is missing (" in line and "run: registration topics apply" in line for line in lines)


async def test_topics_that_keep_too_little_or_have_too_many_parts_are_told(well: pytest.MonkeyPatch) -> None:
    prefix = KafkaSettings().kafka_topic_prefix
    short, compacted = f"{prefix}vng-approved.v1", f"{prefix}vng-rejected.v1"
    async with admin(KafkaSettings()) as client:
        changes = {short: {"retention.ms": "1000"}, compacted: {"cleanup.policy": "compact", "retention.ms": "-1"}}
        await client.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, name, {"message.timestamp.type": "LogAppendTime", **config})
                for name, config in changes.items()
            ]
        )
        await client.create_partitions({f"{prefix}approver.quarantine.v1": NewPartitions(2)})
    async with asyncio.timeout(30):  # the controller has it at once, the broker a moment later
        while len(lines := await ill("approver")) < 3:
            pass
    assert len(lines) == 3
    for name, says in (
        (short, "retention.ms=1000; expected 7776000000 or more; run: kafka-configs.sh"),
        (compacted, "cleanup.policy=compact; expected delete; run: kafka-configs.sh"),
        (f"{prefix}approver.quarantine.v1", "has 2 partitions; expected 1"),
    ):
        assert any(name in line and says in line for line in lines), lines


async def test_a_database_without_tables_wants_to_be_migrated(
    well: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    well.setenv("DATABASE_URL", empty_database_url)
    assert await ill() == [
        f"wrong   tables      {service} has none; expected version {version}; run: registration migrate"
        for service, version in zip(SERVICES, ("0002", "0001", "0001", "0002"), strict=True)
    ]


async def test_older_tables_are_told_and_newer_ones_are_well(well: pytest.MonkeyPatch, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("update approver.alembic_version set version_num = '0001'")
    await owner.execute("update portal.alembic_version set version_num = '9000'")
    await owner.close()
    assert await ill() == [
        "wrong   tables      approver's are at version 0001; expected 0002; run: registration migrate"
    ]


async def test_a_login_that_may_not_take_a_services_role_is_told(well: pytest.MonkeyPatch, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("drop role if exists bystander")
    await owner.execute("create role bystander login password 'secret'")
    await owner.close()
    parts = urlsplit(database_url)
    address = parts._replace(netloc=f"bystander:secret@{parts.hostname}:{parts.port}")
    well.setenv("DATABASE_URL", address.geturl())
    [line] = await ill("registrar")
    assert "may not work as the role registration_registrar" in line and "grant it the role" in line


@pytest.mark.parametrize(
    ("address", "says"),
    [("smtp://{place}?starttls=required", "check SMTP_URL"), ("smtp://somebody:secret@{place}", "check ")],
    ids=["without STARTTLS", "without login"],
)
async def test_a_mail_server_that_does_not_do_what_is_asked_is_told(
    well: pytest.MonkeyPatch, address: str, says: str
) -> None:
    well.setenv("SMTP_URL", address.format(place=os.environ["SMTP_URL"].removeprefix("smtp://")))
    [line] = await ill("notifier")
    assert line.startswith("wrong   mail ") and says in line and "SMTP_URL" in line and "secret" not in line


@pytest.mark.parametrize(
    ("bodies", "says"),
    [
        ({}, "answered 404 without JSON"),
        ({DISCOVERY: "hello"}, "answered 200 without JSON"),
        ({DISCOVERY: ABOUT.replace('"URL"', '"https://id.example"')}, "calls itself 'https://id.example'"),
        ({DISCOVERY: ABOUT.replace("jwks_uri", "jwks")}, "does not say its jwks_uri"),
        ({DISCOVERY: ABOUT, "/keys": '{"keys": []}'}, "has no keys"),
        ({DISCOVERY: ABOUT}, "/keys answered 404 without JSON"),
    ],
    ids=["no discovery", "no JSON", "another issuer", "no place of keys", "no keys", "keys away"],
)
async def test_a_provider_that_cannot_sign_people_in_is_told(
    well: pytest.MonkeyPatch, servants: Servants, bodies: dict[str, str], says: str
) -> None:
    well.setenv("OIDC_ISSUER", await servants.answering(bodies))
    [line] = await ill("portal")
    assert line.startswith("wrong   OpenID ") and says in line and "; expected " in line


async def test_a_collector_of_traces_is_asked_where_one_is_named(well: pytest.MonkeyPatch, servants: Servants) -> None:
    well.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", await servants.answering({"/v1/traces": "{}"}))
    [line] = [finding for finding in await found("registrar") if finding.what == "traces"]
    assert line.is_well and line.text.endswith("/v1/traces takes traces")
    well.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", await servants.answering({}))
    [refused] = await ill("registrar")
    assert refused.startswith("wrong   traces ") and "/v1/traces answered 404; expected a collector" in refused


@pytest.mark.parametrize(("hours", "direction"), [(1, "3600 s behind"), (-1, "3600 s ahead of")])
async def test_a_clock_that_differs_is_told(
    well: pytest.MonkeyPatch, servants: Servants, hours: int, direction: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    well.setenv("OIDC_ISSUER", await servants.answering({DISCOVERY: ABOUT, "/keys": KEYS}, date=date))
    [line] = await ill("portal")
    assert line.startswith("wrong   clock ") and "the OpenID provider" in line and "set both by NTP" in line
    seconds = int(line.split("this machine's is ")[1].split()[0])
    assert abs(seconds - 3600) <= 2 and direction.split()[2] in line


def test_something_wrong_is_status_1_from_any_folder_and_nonsense_is_no_traceback(
    settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "SMTP_URL", "OIDC_ISSUER"):
        settings.setenv(name, "nonsense")
    done = registration("doctor", env=os.environ, cwd=tmp_path, status=1)
    assert done.stderr == ""
    assert "wrong   settings    DATABASE_URL is ********; expected an address like" in done.stdout
    assert "wrong   Kafka       nonsense:9092 does not answer: " in done.stdout
