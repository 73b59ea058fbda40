"""Commands that pages show, copied: each does what its page says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from shared.topics import SERVICES

ROOT = Path(__file__).parents[2]
PURGE, OWN_PORTAL = "docs/how-to/remove-personal-data.md", "docs/guides/own-portal.md"
FOLLOWED = {
    "docs/how-to/deploy.md": "tests/deploy/test_how_to.py",
    "docs/tutorial/first-registration.md": "tests/commands/tutorial.py",
    PURGE: "here",
    OWN_PORTAL: "here",
}
PASSWORD = "of-nothing-but-this-test"


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(command: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """As somebody types it who has our program on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env={**os.environ, "PATH": path, **environment},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


def test_every_page_that_shows_commands_is_followed_by_a_test() -> None:
    pages = [str(it.relative_to(ROOT)) for it in (ROOT / "docs").rglob("*.md")]
    assert {page for page in pages if blocks(page, "sh")} == FOLLOWED.keys()
    assert all(where == "here" or (ROOT / where).exists() for where in FOLLOWED.values())


async def test_who_is_granted_what_the_page_says_purges_by_its_commands(database_url: str) -> None:
    (grant,) = blocks(PURGE, "sql")
    (commands,) = blocks(PURGE, "sh")
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("do $$ begin create role purger; exception when duplicate_object then null; end $$")
        await owner.execute(f"alter role purger login password '{PASSWORD}'")
        await owner.execute(grant)
    finally:
        await owner.close()
    parts = urlsplit(database_url)
    url = parts._replace(netloc=f"purger:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()
    done = run(commands, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if "would be blanked" in line]
    assert {line.split(":")[0] for line in told} == {*SERVICES}
    assert len(done.stdout.splitlines()) == 2 * len(told), "what would be done, and then what was"


def test_an_upstream_portal_has_its_events_judged_by_the_guides_commands(tmp_path: Path) -> None:
    (typed, in_envelopes) = blocks(OWN_PORTAL, "sh")[0].splitlines()
    good = {
        "registration_id": "01980000-0000-7000-8000-000000000001",
        "partner_id": "p-1",
        "partner_name": "Partner",
        "customer_email": "khach@example.vn",
        "common_name": "Customer",
        "requested_by": "lan@partner.example",
        "requested_at": "2026-07-01T09:00:00Z",
    }
    events = tmp_path / "events.jsonl"
    events.write_text(f"{json.dumps(good)}\n{json.dumps(good | {'customer_email': 'khach@'})}\n")
    judged = run(typed, tmp_path)
    (shown,) = blocks(OWN_PORTAL, "text")
    assert judged.returncode == 1
    assert judged.stderr.startswith(shown.split("…")[0])
    events.write_text(json.dumps({"specversion": "1.0", "type": "RegistrationRequested", "data": good}))
    assert run(in_envelopes, tmp_path).returncode == 0
