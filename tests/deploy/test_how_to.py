"""docs/how-to/deploy.md, copied command by command."""

import os
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from embedded import Servers, process
from embedded.ports import free_port
from embedded.unprivileged import INSTALLED
from tests.cluster import page as kubernetes
from tests.containers import page as containers
from tests.databases import Databases
from tests.deploy.composition import ROOT
from tests.deploy.page import PAGE, commands, files
from tests.deploy.standing import KAFKA_FILES, Broker, healthy

BY_CONTAINERS = ("docker ", "git clone ", "cd registration")
BY_CLUSTER = ("kubectl ", "helm ")
BEFORE = ("make install",)  # any test can run
NOT_HERE = (*BY_CONTAINERS, *BY_CLUSTER, *BEFORE)

READY = ["CMD", "python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
READY_SECONDS = 60.0


Moved = Callable[[str], str]


@pytest.fixture
async def here(kafka: Broker, secrets: dict[str, str], running: Servers, databases: Databases) -> Moved:
    """The page's text, moved to where servers are here."""
    database = await databases.empty()
    return lambda text: moved(text, kafka.place, secrets, running, database)


@pytest.fixture
def clone(here: Moved, kafka: Broker, tmp_path: Path) -> Path:
    """A folder like a clone that was installed, with the page's files and the one that Kafka's administrator has. The
    user whom the page makes is not there yet."""
    for name in ("deploy", "examples", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "env").mkdir()
    for name, text in files().items():
        (tmp_path / name).write_text(here(text), encoding="utf-8")
    (tmp_path / "administrator.properties").symlink_to(KAFKA_FILES / "administrator.properties")
    kafka.configs("--alter", "--entity-type", "users", "--entity-name", "registrar", "--delete-config", "SCRAM-SHA-512")
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
    clone: Path, here: Moved, kafka: Broker, secrets: dict[str, str]
) -> None:
    run = [line for line in commands() if not line.startswith(NOT_HERE)]
    [word] = [line for line in run if line.startswith("as() ")]
    environment = {
        "PATH": f"{INSTALLED / 'bin'}:{kafka.programs}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "KAFKA_ADMIN_PASSWORD": secrets["KAFKA_ADMIN_PASSWORD"],  # administrator.properties takes it from there
    }
    with ExitStack() as stack:
        for number, line in enumerate(run):
            port = free_port()
            script = f"{word}\n" + re.sub(r"--port \d+", f"--port {port}", here(line))
            log = clone / f"{number}.log"
            one = process.start(["sh", "-e", "-c", script], log_path=log, env=environment, cwd=clone)
            if " serve " in line:
                stack.callback(one.stop)
                one.wait_until(partial(healthy, READY, port), READY_SECONDS)
            else:
                assert one.wait(READY_SECONDS) == 0, f"{line}\n{one.log_tail()}"
    assert (clone / ".env").stat().st_mode & 0o077 == 0


def test_what_needs_an_engine_or_a_cluster_a_campaign_types() -> None:
    """`make containers` and `make cluster` type all that stands in their parts of the page, and nothing else."""
    assert {it for it in commands() if it.startswith(BY_CONTAINERS)} <= set(containers.COMMANDS)
    assert {it for it in commands() if it.startswith(BY_CLUSTER)} <= set(kubernetes.COMMANDS)
    assert {it for it in commands() if it.startswith(BEFORE)} == {"make install"}


def test_the_page_leads_to_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links != [] and [it for it in links if not (PAGE.parent / it).exists()] == []
