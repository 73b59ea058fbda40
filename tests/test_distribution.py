"""Tests that share what is dear to start share a process; pytest-xdist once took that away without a word."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFTEST = """
from tests.distribution import GroupScheduling

def pytest_xdist_make_scheduler(config, log):
    return GroupScheduling(config, log)
"""
TEST = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(4))
def test_it(number):
    (pathlib.Path(__file__).parent / f"{pathlib.Path(__file__).stem}.{os.getpid()}.ran").touch()
"""


def test_files_of_a_folder_whose_fixtures_are_dear_run_in_one_process_and_so_does_each_other_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in ("tests/browser/test_a.py", "tests/browser/test_b.py", "tests/domain/test_c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEST)
    words = ["-p", "no:schemathesis", "--import-mode=importlib", "--numprocesses=3", "--no-loadscope-reorder"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "."],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert "12 passed" in done.stdout, done.stdout
    ran = [it.stem.split(".") for it in tmp_path.rglob("*.ran")]
    browser = {pid for name, pid in ran if name in ("test_a", "test_b")}
    assert len(browser) == 1
    assert len({pid for name, pid in ran if name == "test_c"}) == 1
