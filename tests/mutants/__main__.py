"""`make mutants`: are the decisions of registrar, notifier and approver held by their tests?

mutmut changes them, one small change at a time; a change that no test notices survives. Survivors are printed, and each
must be explained in survivors.toml. It works on a copy of the project below `.local/`, so that nothing here is ever a
changed file. What a person may want to look at stays there: `cd .local/mutants && mutmut show NAME`.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / ".local" / "mutants"
EXPLAINED = Path(__file__).with_name("survivors.toml")
SOURCES = ("services", "shared", "commands", "embedded", "checker", "examples", "cli.py")
OTHERS = ("tests", "README.md")
DECISIONS = {
    "services/registrar": ("domain", "opening"),
    "services/notifier": ("domain", "answers", "mails", "periods", "resends"),
    "services/approver": ("domain", "business_days", "claims", "reviews"),
    "shared": ("eligibility",),
}
"""Each domain, and what stands in files beside it."""
FILES = [f"{folder}/{name}.py" for folder, names in DECISIONS.items() for name in names]
# Without the random walks through the machines: they take most of the time and find little that the others do not.
CONFIG = f"""
[tool.mutmut]
source_paths = {list(SOURCES)}
only_mutate = {FILES}
pytest_add_cli_args = ["--hypothesis-seed=0", "--override-ini=filterwarnings=default", "-k", "not machine"]
pytest_add_cli_args_test_selection = ["tests/domain"]
also_copy = {list(OTHERS)}
use_git_change_detection = false
"""


SHOW = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
print(json.dumps([get_diff_for_mutant(name) for name in sys.argv[1:]]))
"""


class Change(NamedTuple):
    """A survivor as a person reads it, which stays the same when others come and go."""

    function: str
    was: str
    became: str

    def in_words(self) -> str:
        return f"{self.function}: {self.was or '(nothing)'}  ->  {self.became or '(nothing)'}"


def fresh_copy() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in (*SOURCES, *OTHERS):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, COPY / name)
    (COPY / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8") + CONFIG, "utf-8")


def mutmut(*arguments: str) -> str:
    """What it prints. It ends with 1 where something survived."""
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    return subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, text=True, check=False).stdout


def ends() -> dict[str, str]:
    """What became of each change, by its name."""
    lines = re.findall(r"^\s+(\S+__mutmut_\d+): (.+)$", mutmut("results", "--all", "true"), re.MULTILINE)
    return {name: end for name, end in lines if f"{name.rpartition('.')[0].replace('.', '/')}.py" in FILES}


def changes(names: list[str]) -> list[Change]:
    """One process for all: mutmut's own `show` reads everything anew for each."""
    command = [sys.executable, "-c", SHOW, *names]
    told = subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [change(name, diff) for name, diff in zip(names, json.loads(told), strict=True)]


def change(name: str, told: str) -> Change:
    diff = [line for line in told.splitlines() if not line.startswith(("---", "+++", "#"))]
    was, became = (" ".join(it[1:].strip() for it in diff if it.startswith(sign)) for sign in "-+")
    module, _, function = name.partition("__mutmut_")[0].rpartition(".")
    where = module.removeprefix("services.").removesuffix(".domain")
    return Change(f"{where}.{function.removeprefix('x_').replace('xǁ', '').replace('ǁ', '.')}", was, became)


def explained() -> dict[Change, str]:
    told = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))["survivor"]
    return {Change(it["function"], it["was"], it["became"]): it["why"] for it in told}


def report(found: dict[str, str], survivors: list[Change], known: dict[Change, str]) -> tuple[int, list[str]]:
    """The exit status, and what to tell."""
    lines = [f"{count:5} {end}" for end, count in sorted(Counter(found.values()).items())]
    lines += [f"explained  {it.in_words()}\n           {known[it]}" for it in survivors if it in known]
    new = [it for it in survivors if it not in known]
    lines += [f"SURVIVED   {it.in_words()}" for it in new]
    lines += [f"is gone    {it.in_words()} (take it out of {EXPLAINED.name})" for it in known if it not in survivors]
    lines.append(f"{len(found)} changes, {len(survivors)} survived, {len(new)} of them unexplained")
    unchecked = [name for name, end in found.items() if end not in {"killed", "survived", "timeout", "no tests"}]
    return (1 if new or unchecked or not found else 0), lines


def main() -> int:
    fresh_copy()
    subprocess.run([Path(sys.executable).with_name("mutmut"), "run"], cwd=COPY, stdout=subprocess.DEVNULL, check=False)
    found = ends()
    survivors = sorted(changes([name for name, end in found.items() if end in {"survived", "no tests"}]))
    status, lines = report(found, survivors, explained())
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
