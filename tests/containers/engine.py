"""A container engine: the one that runs here, else one of Debian's packages that lasts as long as the campaign."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from commands.failures import Failed
from embedded import process
from embedded.process import ServerDidNotStart
from tests.containers.commands import run
from tests.containers.network import network_at

SUITE = "trixie"  # the first whose docker-compose is Compose v2
PACKAGES = ("^docker[.]io$", "docker-cli", "docker-compose", "containerd")  # as apt looks for them
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PLUGIN = "docker-compose"
PROGRAMS = ("apt-get", "dpkg", "ip", "iptables", "runc", "slirp4netns", "unshare")  # of this machine's own release
GROUP = "registration-tried"  # as in engine.sh
NETWORK = "REGISTRATION_NETWORK"
START_SECONDS = 60.0
STOP_SECONDS = 90.0
"""Longer than the longest grace in docker-compose.yml: who kills the campaign leaves containers to the engine."""


@contextmanager
def engine(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which `docker` works. Raises Failed."""
    project = {"COMPOSE_PROJECT_NAME": "registration-tried", "COMPOSE_PROGRESS": "plain", "COMPOSE_ANSI": "never"}
    environment = {**os.environ, **project}  # a name of its own: `down --volumes` must not meet another's data
    if answers(environment):
        yield environment
        return
    if missing := lacking(PROGRAMS):
        raise Failed(
            f"`docker info` or `docker compose` does not answer, and Debian's engine wants {', '.join(missing)}: "
            "start Docker Engine with Compose v2, or be root on Debian with iproute2, iptables, runc, slirp4netns"
        )
    programs = unpacked(folder, PACKAGES) / "usr"
    (folder / "cli/cli-plugins").mkdir(parents=True)
    (folder / "cli/cli-plugins" / PLUGIN).symlink_to(programs / "libexec/docker/cli-plugins" / PLUGIN)
    environment["PATH"] = f"{programs / 'bin'}:{programs / 'sbin'}:{os.environ['PATH']}"
    environment |= {"DOCKER_HOST": f"unix://{folder}/socket", "DOCKER_CONFIG": str(folder / "cli")}
    log = folder / "engine.log"
    apart = ["unshare", "--mount", "--net", "sh", str(Path(__file__).with_name("engine.sh")), str(folder)]
    with ExitStack() as stack:
        running = process.start(apart, log_path=log, env=environment, grace=STOP_SECONDS)
        stack.callback(remove_groups)
        stack.callback(running.stop)
        try:
            running.wait_until(lambda: answers(environment), START_SECONDS)
        except ServerDidNotStart as error:
            raise Failed(f"the container engine of Debian's packages: {error}") from None
        outwards = ["slirp4netns", "--configure", "--disable-host-loopback", "--mtu=65520", str(running.pid), "tap0"]
        stack.callback(process.start(outwards, log_path=log).stop)
        yield environment | {NETWORK: f"/proc/{running.pid}/ns/net"}


def network_of(environment: Mapping[str, str]) -> AbstractContextManager[None]:
    """While it lasts, this thread's localhost is the one where the engine publishes ports."""
    return network_at(Path(environment[NETWORK])) if NETWORK in environment else nullcontext()


def remove_groups() -> None:
    """Control groups are the one thing of the engine's that outlives it. They are empty."""
    for group in sorted(Path("/sys/fs/cgroup").glob(f"**/{GROUP}/**/"), reverse=True):
        group.rmdir()


def lacking(programs: Sequence[str]) -> list[str]:
    """Those that are not here, and root where this is not root."""
    return [*([] if os.geteuid() == 0 else ["root"]), *(name for name in programs if shutil.which(name) is None)]


def answers(environment: Mapping[str, str]) -> bool:
    asked = [("docker", "info"), ("docker", "compose", "version")]
    if shutil.which("docker", path=environment["PATH"]) is None:
        return False
    return all(subprocess.run(it, env=environment, capture_output=True, check=False).returncode == 0 for it in asked)


def mirror() -> str:
    """Whence this machine has its Debian packages."""
    asked = ["--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian", "Component: main"]
    found = run(["apt-get", "indextargets", *asked]).split()
    if not found:
        raise Failed("apt knows no index of Debian's: expected a source in /etc/apt; run `apt-get update`")
    return found[0]


def unpacked(folder: Path, packages: Sequence[str]) -> Path:
    """Packages of another release beside this one's: apt is given lists, a cache and a state of its own."""
    apt, root = folder / "apt", folder / "root"
    for made in (apt / "lists/partial", apt / "archives/partial", root):
        made.mkdir(parents=True)
    (apt / "sources").write_text(f"deb [signed-by={KEYRING}] {mirror()} {SUITE} main\n", encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": apt / "sources", "Dir::Etc::sourceparts": "/dev/null", "Dir::Cache": apt,
        "Dir::State::lists": apt / "lists", "Dir::State::status": "/dev/null", "APT::Sandbox::User": "root",
    }  # fmt: skip
    command = ["apt-get", "-qq", *(f"-o={name}={value}" for name, value in settings.items())]
    run([*command, "update"])
    run([*command, "download", *packages], cwd=apt)
    for package in apt.glob("*.deb"):
        run(["dpkg", "-x", package, root])
    return root
