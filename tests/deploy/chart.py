"""The Helm chart as plain manifests: `python -m tests.deploy.chart` renders it with the example's values.

The first line holds a fingerprint of the chart, by which a machine without Helm sees that a rendering is old.
"""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
HELM_FILES = ROOT / "deploy" / "helm"
CHART = HELM_FILES / "registration"
EXAMPLE = HELM_FILES / "example.yaml"
RENDERED = ROOT / "deploy" / "kubernetes" / "registration.yaml"
KUBERNETES = "1.33.0"


def fingerprint() -> str:
    digest = sha256()
    for file in sorted(path for path in HELM_FILES.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(HELM_FILES)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def head() -> str:
    return f"# Made from deploy/helm by `make chart`; the chart's fingerprint is {fingerprint()}.\n"


def helm() -> str | None:
    return shutil.which("helm")


def rendered(*more: str) -> str:
    """What Helm makes of the chart. Raises CalledProcessError."""
    program = helm()
    assert program is not None, "helm is not here"
    command = [program, "template", "registration", str(CHART), "--namespace", "registration"]
    made = subprocess.run(
        [*command, "--kube-version", KUBERNETES, "--values", str(EXAMPLE), *more],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return made.stdout


def manifests(text: str) -> list[dict[str, Any]]:
    return [it for it in yaml.safe_load_all(text) if it]


if __name__ == "__main__":
    RENDERED.parent.mkdir(exist_ok=True)
    RENDERED.write_text(head() + rendered(), encoding="utf-8")
    print(f"{RENDERED.relative_to(ROOT)}: {len(manifests(RENDERED.read_text(encoding='utf-8')))} manifests")
