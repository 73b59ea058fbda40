"""What watches the services: numbers, alerts, dashboard and runbook name each other, and nothing that is not there."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from commands.serve import SETTINGS, create
from shared.metrics import COMMON
from shared.topics import SERVICES
from tests.services.test_metrics import told

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "registration.json"
RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
NUMBER = re.compile(r"\b(?:registration|process)_[a-z_]+\b")
BY_LABELS = {"registration_steps_total", "registration_mails_total", "registration_batch_seconds_bucket"}
"""Told once something happened."""

OWN: dict[str, set[str]] = {
    "registrar": {
        'registration_registrations{status="awaiting_confirmation"}',
        'registration_registrations{status="awaiting_approval"}',
    },
    "notifier": {"registration_mails", "registration_mails_oldest_seconds"},
    "approver": {"registration_cases", "registration_cases_due", "registration_cases_due_oldest_seconds"},
    "portal": set(),
}


async def numbers_of(name: str, settings: dict[str, Any]) -> dict[str, float]:
    kind = SETTINGS[name]
    service = create(name, kind.model_validate({it: settings[it] for it in settings if it in kind.model_fields}))
    try:
        return told(await service.metrics.text())
    finally:
        await service.database.close()


@pytest.mark.parametrize("name", SERVICES)
async def test_every_service_tells_its_own_numbers_and_those_of_all(name: str, settings_of_all: dict[str, Any]) -> None:
    numbers = await numbers_of(name, settings_of_all)
    assert numbers["registration_database_answers"] == 1
    assert numbers.keys() >= {it.name for it in COMMON} | OWN[name] | {"registration_lag", "process_open_fds"}


async def test_alerts_dashboard_and_runbook_name_numbers_that_a_service_tells(settings_of_all: dict[str, Any]) -> None:
    series: set[str] = set()
    for name in SERVICES:
        series |= {it.partition("{")[0] for it in await numbers_of(name, settings_of_all)}
    series |= {f"registration_batch_{what}_{part}" for what in ("seconds", "records") for part in ("sum", "count")}
    asked = {name for alert in alerts() for name in NUMBER.findall(alert["expr"])}
    asked |= {name for panel in panels() for target in panel["targets"] for name in NUMBER.findall(target["expr"])}
    assert asked - series - BY_LABELS == set()
    written = set(re.findall(r"`(registration_[a-z_]+[a-z])`", RUNBOOK.read_text()))
    assert written - series - BY_LABELS == {"registration_batch_seconds", "registration_batch_records"}


def test_every_alert_has_its_place_in_the_runbook_and_the_other_way_round() -> None:
    headings = {it.lower() for it in re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE)}
    assert {alert["annotations"]["runbook"] for alert in alerts()} == {
        f"docs/how-to/runbook.md#{it}" for it in headings
    }
    assert {alert["alert"].lower() for alert in alerts()} == headings


@pytest.mark.parametrize(
    "arguments", [("check", "rules", ALERTS.name), ("test", "rules", "alerts.test.yml")], ids=["check", "test"]
)
def test_prometheus_takes_the_alerts_and_fires_them_as_written(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("the alerts were not tried: promtool is not here (Debian's package prometheus)")
    done = subprocess.run(  # a program of the machine, on a file of ours
        [promtool, *arguments], cwd=ALERTS.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text())["panels"])


@pytest.fixture
def settings_of_all(database_url: str) -> dict[str, Any]:
    return {
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "database_url": SecretStr(database_url),
        "smtp_url": SecretStr("smtp://127.0.0.1:1"),
        "public_url": "http://127.0.0.1:1",
        "portal_url": "http://127.0.0.1:1",
        "approver_url": "http://127.0.0.1:1",
        "mail_from": "registration@vngcloud.example",
        "review_mail_to": "reviews@vng.example",
        "link_secret": "a key for links of tests",
        "oidc_issuer": "http://127.0.0.1:1",
        "oidc_client_id": "registration",
        "oidc_client_secret": SecretStr("a secret of the client"),
    }
