"""`registration demo`: the whole system by one command, honest about what it sees."""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from embedded.folders import owned
from tests.commands.tutorial import follow_tutorial

ROOT = Path(__file__).parents[2]
FROM_HERE = [sys.executable, "-W", "ignore", "-m", "cli"]


def demo(folder: Path, *words: str, program: Sequence[str | Path] = FROM_HERE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*program, "demo", "--folder", str(folder), *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        cwd=ROOT if program is FROM_HERE else folder.parent,
        env={name: value for name, value in os.environ.items() if name not in {"SMTP_URL", "OIDC_ISSUER"}},
    )  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The program of a wheel, in an environment where this folder is unknown: only what others made is shared."""
    environment = tmp_path / "environment"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel: list[str | Path] = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT]
    subprocess.run(wheel, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    inside = {"base": str(environment), "platbase": str(environment)}
    Path(sysconfig.get_path("purelib", vars=inside), "shared.pth").write_text(sysconfig.get_path("purelib"))
    [made] = tmp_path.glob("*.whl")
    subprocess.run([*pip, "--python", environment, "install", "--no-deps", "--no-index", made], check=True)
    return environment / "bin" / "registration"


WRONG = """round,registered_by,customer_email,common_name,customer,vng,expected_status,expected_reasons
1,lan@saigon-cloud.example,an.nguyen@minhphat.example,Minh Phát,confirm,approve,Approved,
1,lan@saigon-cloud.example,phuc.ngo@cantho.example,Cần Thơ Rice,,,Approved,
"""


@pytest.mark.timeout(300)
def test_two_demos_side_by_side_do_not_collide_and_a_wrong_expectation_fails_its_own_only(
    tmp_path: Path, installed: Path
) -> None:
    """One of them is the program as a wheel installs it, elsewhere. It keeps running for who follows the tutorial."""
    (tmp_path / "wrong.csv").write_text(WRONG, encoding="utf-8")
    whole = demo(tmp_path / ".local", "--keep", program=[installed])
    wrong = demo(tmp_path / "b", "--customers", str(tmp_path / "wrong.csv"))
    try:
        said = follow_tutorial(whole, tmp_path, installed)
        said_wrong, _ = wrong.communicate(timeout=200)
    finally:
        for one in (whole, wrong):
            one.kill()
            one.communicate()
    assert whole.returncode == 0, said
    assert "22 of 22 rows ended as expected" in said
    assert wrong.returncode == 1, said_wrong
    assert "1 of 2 rows ended as expected" in said_wrong
    assert "expected Approved" in said_wrong


def test_a_folder_that_another_demo_uses_is_refused_in_a_line(tmp_path: Path) -> None:
    with owned(tmp_path / "demo"):
        refused = demo(tmp_path)
        said, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert "is in use by process" in said and "Traceback" not in said


@pytest.mark.timeout(240)
def test_three_weeks_on_a_moved_clock_send_to_whom_on_which_day_what_is_owed(tmp_path: Path) -> None:
    weeks = demo(tmp_path, "--days", "20")
    said, _ = weeks.communicate(timeout=200)
    assert weeks.returncode == 0, said
    assert "12 of 12 registrations stand as the story expects" in said

    def days(to: str, subject: str) -> list[int]:
        """On which days `to` got a mail with these words in its subject."""
        found, day = [], -1
        for line in said.splitlines():
            if heading := re.search(r"  day +(\d+)  ", line):
                day = int(heading[1])
            if f"mail to {to}: " in line and subject in line:
                found.append(day)
        return found

    assert days("binh.tran@hoasen.example", "đề nghị quản lý") == [0, 16]
    assert days("binh.tran@hoasen.example", "Nhắc bạn") == [10, 14]  # the first was due while the mail server was away
    assert days("lan@saigon-cloud.example", "expired before the customer answered") == [15]
    assert days("lan@saigon-cloud.example", "could not be delivered") == [0]
    assert days("ha.vu@lotus.example", "đề nghị quản lý") == [0, 3]
    assert days("linh.bui@mekong.example", "has withdrawn its request") == [6]
    assert days("reviews@vng.example", "dung.pham@sonha.example") == [
        14
    ]  # three days of National Day and a weekend later
