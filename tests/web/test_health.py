"""What machines ask."""

import asyncio

import pytest

from shared.web import health
from tests.web.small_service import OpenSite


async def fine() -> str | None:
    return None


async def behind() -> str | None:
    return "4,000 records behind"


async def broken() -> str | None:
    raise ConnectionError("postgresql://user:password@host")


async def silent() -> str | None:
    await asyncio.sleep(60)
    return None


def test_ready_when_every_check_is_fine(open_site: OpenSite) -> None:
    answer = open_site(checks={"database": fine}).get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": {"database": "ok"}})


def test_not_ready_says_which_check_and_why(open_site: OpenSite) -> None:
    answer = open_site(checks={"database": fine, "consumer": behind}).get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": {"database": "ok", "consumer": "4,000 records behind"}}


def test_a_check_that_breaks_or_hangs_is_told_without_its_secrets(
    open_site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    answer = open_site(checks={"database": broken, "relay": silent, "consumer": fine}).get("/readyz")
    checks = answer.json()["checks"]
    assert answer.status_code == 503
    assert checks["consumer"] == "ok"
    assert "ConnectionError" in checks["database"]
    assert "password" not in answer.text
    assert "no answer" in checks["relay"]


def test_alive_whatever_the_checks_say(open_site: OpenSite) -> None:
    assert open_site(checks={"database": broken}).get("/livez").status_code == 200


def test_metrics_are_the_numbers_given(open_site: OpenSite) -> None:
    answer = open_site().get("/metrics")
    assert "visits_total 3.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_machines_need_no_session(open_site: OpenSite, provider: str) -> None:
    browser = open_site(issuer=provider)
    for path in ("/livez", "/readyz", "/metrics"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
