"""The examples of producers, run as an upstream portal's people would, each against a real broker."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from commands.kafka import apply_topics
from embedded import Servers
from embedded.jars import installed
from shared.events import RegistrationRequested
from shared.messaging.batch import Decoded, decode
from shared.settings import KafkaSettings
from shared.topics import topic_of

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "producers"
CUSTOMERS = {"an.nguyen@example.com": "Công ty An Nguyễn", "binh.tran@example.com": "Bình Trần, Hà Nội"}
NO_REGISTRY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "E403", "E407")
"""What npm says where no registry of packages can be reached from this machine."""

pytestmark = pytest.mark.not_required_by_ci(
    reason="the product needs neither Java's compiler nor Node; the examples are tried where somebody has them"
)


def in_python(_folder: Path) -> list[str | Path]:
    return [sys.executable, EXAMPLES / "python" / "request.py"]


def in_java(_folder: Path) -> list[str | Path]:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("the example of a producer in Java was not tried: no JDK is here (java and javac)")
    jars = installed(print)
    return [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{jars}/*", EXAMPLES / "java" / "Request.java"]


def in_node(folder: Path) -> list[str | Path]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("the example of a producer in Node was not tried: node and npm are not here")
    shutil.copytree(EXAMPLES / "node", folder / "node", ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"],
        cwd=folder / "node", capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    if done.returncode != 0 and any(code in done.stderr for code in NO_REGISTRY):
        pytest.skip(f"the example of a producer in Node was not tried: npm reaches no registry: {done.stderr[:200]}")
    assert done.returncode == 0, done.stderr
    return [node, folder / "node" / "request.js"]


def told_by(command: list[str | Path]) -> list[str]:
    """The ids that an example prints once all is acknowledged."""
    in_unicode = {**os.environ, "LANG": "C.UTF-8"}
    done = subprocess.run(command, env=in_unicode, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


async def first_two(bootstrap_servers: str, topic: str) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [await consumer.getone() for _ in range(2)]
    finally:
        await consumer.stop()


@pytest.mark.parametrize("command", [in_python, in_java, in_node])
async def test_what_an_example_publishes_is_read_by_the_registrar(
    running: Servers, topic_prefix: str, tmp_path: Path, command: Callable[[Path], list[str | Path]]
) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers, kafka_topic_prefix=topic_prefix)
    await apply_topics(settings, 1, 1)
    topic = topic_prefix + topic_of(RegistrationRequested, "portal")
    ids = await asyncio.to_thread(told_by, [*command(tmp_path), running.kafka_bootstrap_servers, topic])
    records = await first_two(running.kafka_bootstrap_servers, topic)
    answers = [decode(RegistrationRequested, record) for record in records]
    events = [it.event for it in answers if isinstance(it, Decoded) and isinstance(it.event, RegistrationRequested)]
    assert len(events) == 2, answers
    assert {event.customer_email: event.common_name for event in events} == CUSTOMERS
    assert [record.key.decode() for record in records] == [event.key for event in events] == ids
    for record in records:
        assert dict(record.headers)["ce_type"] == b"RegistrationRequested"
        assert dict(record.headers)["content-type"] == b"application/json"


def test_the_lock_file_of_the_example_in_node_holds_hashes_and_no_address() -> None:
    lock = json.loads((EXAMPLES / "node" / "package-lock.json").read_text(encoding="utf-8"))
    packages = [value for name, value in lock["packages"].items() if name]
    assert packages and all(re.match(r"sha512-", it["integrity"]) and "resolved" not in it for it in packages)
