"""The first part of docs/how-to/deploy.md, followed for real: the image is built, a container engine starts the
composition, and a customer walks through it. Every command of the page is copied from it.

    .venv/bin/python -m tests.containers            (make containers)

Prints each step with its seconds, and at the end what was found; ends with status 1 where something was.
"""

import secrets
import socket
from contextlib import ExitStack
from pathlib import Path

from bench.machine import ROOT
from commands.failures import Failed
from tests.containers import page
from tests.containers.composition import Composition
from tests.containers.engine import engine, network_of
from tests.containers.stand_ins import BASE, OTHERS, OURS, SERVICES, images
from tests.containers.steps import findings, judge, step
from tests.containers.walk import customer_is_approved, still_approved


def campaign(folder: Path) -> None:
    """Raises Failed where going on makes no sense."""
    with ExitStack() as stack:
        with step("a container engine"):
            environment = stack.enter_context(engine(folder / "engine"))
        with network_of(environment):
            ports_are_free()
        with step("the images of others"):
            stood_in = stack.enter_context(images(environment, folder, [BASE, *OTHERS]))
        tried = Composition(folder, environment)

        def typed(line: str) -> None:
            with step(line):
                tried.type(line)

        typed(page.CLONE.replace("REPOSITORY", str(ROOT)))
        typed(page.ENTER)
        typed(page.SECRETS)
        stack.callback(typed, "docker compose down --volumes")
        for line in page.START:
            typed(line)
        with step("a customer walks through it to Approved"), network_of(environment):
            case = customer_is_approved()
        with step("what our containers may do"):
            findings.extend(tried.rights())
        with step(page.LOGS):
            findings.extend(tried.follow(page.LOGS))
        with step("docker compose stop"):
            findings.extend(tried.stop())
        typed(page.DOWN)

        typed(page.UP)
        with step("the portal still shows Approved"), network_of(environment):
            still_approved(case)

        kafkas, postgres = secrets.token_hex(24), secrets.token_hex(24)
        with step(page.PASSWORD):
            tried.type(page.PASSWORD.replace("THE-NEW-ONE", kafkas))
        tried.replace_secret("KAFKA_REGISTRAR_PASSWORD", kafkas)
        tried.replace_secret("DATABASE_REGISTRAR_PASSWORD", postgres)
        typed(page.AGAIN)
        typed(page.DOCTOR)
        typed(page.UP)
        size = int(tried.type(f"docker image inspect --format '{{{{.Size}}}}' {OURS}")) / 1e6
        print(f"the image has {size:.0f} MB; stood in for: {', '.join(stood_in) or 'nothing'}", flush=True)


def ports_are_free() -> None:
    published = [int(it.split(":")[1]) for service in SERVICES.values() for it in service.get("ports", [])]
    for port in sorted(published):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise Failed(
                    f"port {port} of 127.0.0.1 is not free ({error.strerror}): end what listens there"
                ) from None


if __name__ == "__main__":
    judge(campaign)
