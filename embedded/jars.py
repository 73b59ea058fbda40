"""Apache Kafka's jars: exactly those of kafka.lock.json, downloaded once a user and verified by SHA-256.

- A folder of the cache is complete or absent: it is filled under another name and renamed. Its name holds the
  lock's hash, so that another lock means another folder. Later starts check presence and size only.
- Two processes may ask at once: one downloads, the other waits.
- Where jars come from is jgo's setting (its configuration file names mirrors); proxies are the environment's.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import certifi
from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from jgo.maven._core import DEFAULT_REMOTE_REPOS

from embedded.folders import cache_folder

LOCK = Path(__file__).with_name("kafka.lock.json")
TRIES = 3
TIMEOUT_SECONDS = 30
PARALLEL = 6
REPORTED_BYTES = 5_000_000


class DownloadFailed(Exception):
    """A jar could not be had, or is not the one that the lock names."""


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True)
class Kafka:
    """The locked version and its jars, in class path order."""

    version: str
    jars: tuple[Jar, ...]


def locked() -> Kafka:
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    return Kafka(lock["version"], tuple(Jar(**jar) for jar in lock["jars"]))


def repositories() -> dict[str, str]:
    """Name and address of each place to get jars from: jgo's configuration file's, else jgo's default."""
    return GlobalSettings.load().repositories or DEFAULT_REMOTE_REPOS


def installed(report: Callable[[str], None]) -> Path:
    """The cache's folder with every locked jar, downloaded on first use. Raises DownloadFailed."""
    kafka = locked()
    folder = cache_folder() / f"kafka-{kafka.version}-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if _complete(folder, kafka):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _complete(folder, kafka):
            _fill(folder, kafka, report)
    return folder


def _complete(folder: Path, kafka: Kafka) -> bool:
    try:
        return all((folder / jar.file_name).stat().st_size == jar.size for jar in kafka.jars)
    except FileNotFoundError:
        return False


def _fill(folder: Path, kafka: Kafka, report: Callable[[str], None]) -> None:
    context = MavenContext(repo_cache=folder, remote_repos=repositories())
    trust = ssl.create_default_context()  # the system's certificates, which a company may have added to
    trust.load_verify_locations(certifi.where())  # some Python builds know no system certificates
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as name:
        unfinished = Path(name) / "jars"
        unfinished.mkdir()
        with ThreadPoolExecutor(PARALLEL) as pool:
            pending = [pool.submit(_download, jar, context, trust, unfinished) for jar in kafka.jars]
            try:
                _watch(pending, kafka.version, report)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)


def _watch(pending: list[Future[int]], version: str, report: Callable[[str], None]) -> None:
    """Report the progress each REPORTED_BYTES. Raises what the first failed download raised."""
    size = reported = 0
    for done, finished in enumerate(as_completed(pending), start=1):
        size += finished.result()
        if size - reported >= REPORTED_BYTES or done == len(pending):
            reported = size
            report(f"Downloading Apache Kafka {version}: {done} of {len(pending)} jars, {size / 1e6:.0f} MB")


def _download(jar: Jar, context: MavenContext, trust: ssl.SSLContext, folder: Path) -> int:
    """Get and verify one jar from the first place that has it. Its size in bytes."""
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    problems = []
    for base in context.remote_repos.values():
        address = f"{base}/{component.path_prefix.as_posix()}/{jar.file_name}"
        try:
            content = _read(address, trust)
        except OSError as error:
            problems.append(f"{address}: {error}")
            continue
        found = hashlib.sha256(content).hexdigest()
        if found == jar.sha256:
            return (folder / jar.file_name).write_bytes(content)
        problems.append(f"{address}: its SHA-256 is {found}, {LOCK.name} says {jar.sha256}")
    raise DownloadFailed(
        f"Apache Kafka cannot be downloaded: {'; '.join(problems)}. Check the network (a mirror goes into "
        "jgo's configuration file), or set KAFKA_BOOTSTRAP_SERVERS to a broker of your own."
    )


def _read(address: str, trust: ssl.SSLContext) -> bytes:
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS, context=trust) as answer:
                content: bytes = answer.read()
                return content
        except OSError as error:
            if last or (isinstance(error, urllib.error.HTTPError) and error.code in (403, 404)):
                raise
    raise AssertionError("the last try returns or raises")
