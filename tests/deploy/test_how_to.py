"""docs/how-to/deploy.md, copied command by command."""

import os
import re
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from embedded import Servers, process
from embedded.ports import free_port
from embedded.unprivileged import INSTALLED
from tests.databases import Databases
from tests.deploy.composition import ROOT
from tests.deploy.standing import Broker, healthy

PAGE = ROOT / "docs" / "how-to" / "deploy.md"
NOT_HERE = ("docker ", "kubectl ", "helm ", "kafka-configs.sh ", "git clone ", "cd registration", "make install")
"""What needs an engine, a cluster or another's server; and what was done before any test can run."""

READY = ["CMD", "python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
READY_SECONDS = 60.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
async def clone(kafka: Broker, secrets: dict[str, str], running: Servers, databases: Databases, tmp_path: Path) -> Path:
    """A folder like a clone that was installed, with the page's files of settings, moved to where servers are here."""
    for name in ("deploy", "examples", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "env").mkdir()
    database = await databases.empty()
    for block in blocks("ini"):
        name, text = block.split("\n", 1)
        file = tmp_path / name.removeprefix("# ")
        file.write_text(moved(text, kafka.place, secrets, running, database), encoding="utf-8")
    return tmp_path


def moved(text: str, kafka: str, secrets: dict[str, str], running: Servers, database: str) -> str:
    owner = urlsplit(database)
    assert owner.password and owner.hostname and owner.port
    name = owner.path.removeprefix("/")
    changes = {
        "kafka.example.com:9093": kafka,
        "SASL_SSL": "SASL_PLAINTEXT",
        "postgres.example.com:5432/registration": f"{owner.hostname}:{owner.port}/{name}",
        "PGHOST=postgres.example.com": f"PGHOST={owner.hostname}",
        "PGPORT=5432": f"PGPORT={owner.port}",
        "PGDATABASE=registration": f"PGDATABASE={name}",
        "PASSWORD-OF-OWNER": owner.password,
        "smtp://mail.example.com:587": running.smtp_url,
        "https://id.example.com": running.oidc_issuer,
    }
    for there, here in changes.items():
        text = text.replace(there, here)
    return re.sub(r"=PASSWORD-OF-(\w+)", lambda user: f"={secrets[f'KAFKA_{user[1]}_PASSWORD']}", text)


def test_every_command_of_the_page_that_needs_no_engine_does_what_the_page_says(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = [line for line in commands() if not line.startswith(NOT_HERE)]
    [word] = [line for line in here if line.startswith("as() ")]
    with capsys.disabled():
        print("\nnot run, since it needs an engine, a cluster or another's server:")
        print("\n".join(f"  {line}" for line in commands() if line.startswith(NOT_HERE)))
    environment = {"PATH": f"{INSTALLED / 'bin'}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}
    with ExitStack() as stack:
        for number, line in enumerate(here):
            port = free_port()
            script = f"{word}\n" + re.sub(r"--port \d+", f"--port {port}", line)
            log = clone / f"{number}.log"
            one = process.start(["sh", "-e", "-c", script], log_path=log, env=environment, cwd=clone)
            if " serve " in line:
                stack.callback(one.stop)
                one.wait_until(partial(healthy, READY, port), READY_SECONDS)
            else:
                assert one.wait(READY_SECONDS) == 0, f"{line}\n{one.log_tail()}"
    assert (clone / ".env").stat().st_mode & 0o077 == 0


def test_the_page_leads_to_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links != [] and [it for it in links if not (PAGE.parent / it).exists()] == []
