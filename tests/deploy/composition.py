"""docker-compose.yml as docker-compose understands it, with secrets made as its user makes them."""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Composition:
    services: dict[str, Any]
    secrets: dict[str, str]

    def environment(self, service: str) -> dict[str, str]:
        return {name: str(value) for name, value in self.services[service].get("environment", {}).items()}

    def command(self, service: str) -> list[str]:
        """The words after the image's entrypoint."""
        words = self.services[service]["command"]
        return shlex.split(words) if isinstance(words, str) else [str(word) for word in words]


def new_secrets() -> dict[str, str]:
    """What the script prints, by name."""
    script = ROOT / "deploy" / "compose" / "new-secrets"
    made = subprocess.run(["sh", script], capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in made.stdout.splitlines())


def composition(folder: Path, secrets: dict[str, str]) -> Composition:
    """Skips the test where docker-compose is not installed."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose.yml was not tried: docker-compose is not here (Debian's package docker-compose)")
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()), encoding="utf-8")
    shown = subprocess.run(
        [program, "--env-file", folder / ".env", "-f", ROOT / "docker-compose.yml", "--profile", "by-hand", "config"],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (shown.returncode, shown.stderr) == (0, "")
    return Composition(yaml.safe_load(shown.stdout)["services"], secrets)
