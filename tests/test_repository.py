"""What the repository promises about itself."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_compose_file_is_one_that_docker_compose_accepts() -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("docker-compose is not installed (Debian's package docker-compose)")
    secrets = ("POSTGRES_PASSWORD", "LINK_SECRET", "OIDC_ISSUER", "OIDC_CLIENT_SECRET")
    environment = {**os.environ, **dict.fromkeys(secrets, "x")}
    checked = subprocess.run(
        [compose, "-f", ROOT / "docker-compose.yml", "config", "--quiet"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_lock_files_hold_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        packages = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        assert packages and len(re.findall(r"--hash=sha256:", text)) >= len(packages)


def test_ci_runs_the_command_that_the_readme_names() -> None:
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\nmake test\nmake check\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


PAGES = (
    "README.md",
    "docs/explanation/guarantees.md",
    "docs/explanation/threats.md",
    "docs/guides/own-portal.md",
    "deploy/debezium/README.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    """Tests that show a promise, targets of make, and pages it leads to."""
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = re.findall(r"`(tests/[\w./*-]+)", text)
    targets = set(re.findall(r"\bmake ([a-z-]+)`", text))
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [it for it in paths if not list(ROOT.glob(it))] == []
    assert targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [it for it in links if not (ROOT / page).parent.joinpath(it).exists()] == []
