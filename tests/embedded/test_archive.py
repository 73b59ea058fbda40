"""What the archive of Kafka's classes promises: made once, by one of those who want it, and good for a start."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from embedded.archive import archived, make_archive
from embedded.kafka import Kafka, prepared


def training(lives: list[tuple[str, ...]], *, to_its_end: bool = True) -> Callable[[tuple[str, ...]], bool]:
    def train(options: tuple[str, ...]) -> bool:
        lives.append(options)
        Path(options[0].partition("=")[2]).write_bytes(b"classes")
        return to_its_end

    return train


def test_a_broker_starts_with_its_classes_from_the_archive(tmp_path: Path) -> None:
    jars, options = prepared(print, often=True)
    broker = Kafka(tmp_path, jars, options)
    broker.start("-XX:AOTMode=on")  # under which Java ends at once where it cannot use the archive
    broker.kill()


def test_of_many_who_want_it_one_makes_it(tmp_path: Path) -> None:
    lives: list[tuple[str, ...]] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: make_archive(tmp_path, training(lives), print), range(4)))
    assert len(lives) == 1
    assert archived(tmp_path) != ()


def test_what_a_killed_java_leaves_of_an_archive_is_not_used_and_made_anew(tmp_path: Path) -> None:
    make_archive(tmp_path, training([], to_its_end=False), print)
    assert archived(tmp_path) == ()
    make_archive(tmp_path, training([]), print)
    assert archived(tmp_path) != ()


def test_without_an_archive_kafka_starts_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_archive(tmp_path, lambda _: True, print)
    assert archived(tmp_path) == ()
    assert "Kafka starts without it" in capsys.readouterr().out
