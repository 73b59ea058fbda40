"""What the download promises: only the jars that the lock names, all of them or none, once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from embedded import DownloadFailed, jars

CONTENT = b"a jar"
JAR = jars.Jar("org.example", "one", "1.0", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The addresses asked for, each answered with CONTENT; the lock names JAR alone; the cache is empty."""
    addresses: list[str] = []

    def answer(address: str, _trust: object) -> bytes:
        addresses.append(address)
        return CONTENT

    monkeypatch.setattr(jars, "_read", answer)
    monkeypatch.setattr(jars, "locked", lambda: jars.Kafka("1.0", (JAR,)))
    monkeypatch.setattr(jars, "cache_folder", lambda: tmp_path)
    return addresses


def test_what_is_in_the_cache_is_not_asked_for_again(asked: list[str]) -> None:
    folder = jars.installed(print)
    assert (folder / "one-1.0.jar").read_bytes() == CONTENT
    assert jars.installed(print) == folder
    assert [address.rsplit("/org/")[1] for address in asked] == ["example/one/1.0/one-1.0.jar"]


def test_an_incomplete_cache_is_filled_anew(asked: list[str]) -> None:
    folder = jars.installed(print)
    (folder / "one-1.0.jar").write_bytes(b"")
    assert (jars.installed(print) / "one-1.0.jar").read_bytes() == CONTENT
    assert len(asked) == 2


@pytest.mark.usefixtures("asked")
def test_a_jar_that_is_not_the_locked_one_is_refused_and_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jars, "_read", lambda *_: b"tampered")
    with pytest.raises(DownloadFailed, match=f"its SHA-256 is .*, kafka.lock.json says {JAR.sha256}"):
        jars.installed(print)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_the_lock_names_each_jar_once_with_its_sum() -> None:
    names = [jar.file_name for jar in jars.locked().jars]
    assert len(set(names)) == len(names)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars.locked().jars)
