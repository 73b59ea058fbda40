"""What the campaign tries: a Kubernetes with the servers outside of it, whoever types, and whoever walks."""

import asyncio
import os
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from unittest import mock

from bench.machine import ROOT
from commands.demo.people import link_in
from commands.failures import Failed
from embedded.unprivileged import INSTALLED
from tests.cluster import page, programs
from tests.cluster.endpoints import Endpoints, endpoints
from tests.cluster.node import HOST, make_bridge, node
from tests.cluster.ours import FRONTS, IMAGE, NEXT, filled, write_files
from tests.cluster.outside import Outside, outside
from tests.cluster.ways import ways
from tests.containers.commands import run
from tests.containers.engine import engine, lacking, unpacked
from tests.containers.network import network_of_its_own
from tests.containers.shell import Shell
from tests.containers.stand_ins import BASE, images
from tests.containers.steps import step
from tests.containers.walk import walk

PACKAGES = ("containerd", "etcd-server", "containernetworking-plugins")
PROGRAMS = ("apt-get", "dpkg", "findmnt", "ip", "iptables", "nsenter", "openssl", "runc", "unshare")
PAUSE = "localhost/pause:1"
HERE = Path(__file__).parent


class Trial:
    def __init__(self, shell: Shell, there: Outside, known: Endpoints) -> None:
        self.shell = shell
        self.known = known
        self.environment = shell.environment
        self._there = there

    def type(self, lines: Sequence[str]) -> str:
        """What the last of them shows. Raises Failed."""
        shown = ""
        for line in lines:
            with step(line):
                shown = self.shell.type(filled(line, self._there.owner))
        return shown

    def write(self, name: str, text: str) -> None:
        (self.shell.place / name).write_text(text, encoding="utf-8")

    def approved(self, customer: str) -> None:
        """Raises Failed."""

        async def mailed() -> str:
            mails = self._there.mailbox.messages(customer)
            return link_in(mails[0].text) if mails else ""

        portal, approver = (f"https://{HOST}:{FRONTS[it]}" for it in ("portal", "approver"))
        trusted = mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(self._there.authorities)})
        with step(f"{customer} walks through it to Approved"), trusted:
            asyncio.run(walk(portal, approver, customer, mailed))


def trial(folder: Path, stack: ExitStack) -> Trial:
    """It lasts until the stack is closed. Raises Failed."""
    if missing := lacking([*PROGRAMS, *(["go"] if programs.missing() else [])]):
        raise Failed(
            f"a Kubernetes of one node wants {', '.join(missing)}: be root on Debian with iproute2, iptables and runc, "
            "and with Go, which builds it the first time"
        )
    with step("the image"):
        packed = _packed(folder)
    with step("the programs of a node, from Debian's packages"):
        packages = unpacked(folder / "packages", PACKAGES) / "usr"
    with step("Kubernetes and Helm, from source where they are not kept"):
        programs.build()
    stack.enter_context(network_of_its_own())
    make_bridge()
    led = stack.enter_context(ways(HOST))
    with step("Kafka, PostgreSQL, mail and OpenID"):
        there = stack.enter_context(outside(folder / "outside", led))
    with step("a Kubernetes of one node"):
        environment = stack.enter_context(node(folder / "node", packages, programs.FOLDERS, packed))
        for definition in programs.kinds():
            run(["kubectl", "apply", "--server-side", "--filename", definition], env=environment)
    known = stack.enter_context(endpoints(environment))
    front = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    front.load_cert_chain(there.certificate)
    for service, port in FRONTS.items():
        led.lead(port, partial(known.one, service), front)
    return Trial(_shell(folder / "registration", environment, there), there, known)


def _packed(folder: Path) -> Path:
    """The image, a second name of it, and what Kubernetes wants beside it, in one file. Raises Failed."""
    packed, ours = folder / "images.tar", (IMAGE, NEXT, PAUSE)
    with engine(folder / "engine") as environment, images(environment, folder, [BASE]):
        run(["docker", "build", "--tag", IMAGE, "--tag", NEXT, ROOT], env=environment)
        run(["docker", "build", "--tag", PAUSE, "--build-arg", f"BASE={BASE}", HERE / "pause"], env=environment)
        run(["docker", "save", "--output", packed, *ours], env=environment)
        run(["docker", "rmi", *ours], env=environment)
    return packed


def _shell(place: Path, environment: dict[str, str], there: Outside) -> Shell:
    """In a folder like a clone that was installed, with the page's files."""
    place.mkdir()
    for name in ("deploy", "examples", ".venv"):
        (place / name).symlink_to(ROOT / name)
    write_files(place, there)
    return Shell(place, {**environment, "PATH": f"{INSTALLED / 'bin'}:{environment['PATH']}"}, page.AS)
