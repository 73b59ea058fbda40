"""`make audit`: asks pip-audit for known vulnerabilities of every locked Python package.

Where the public data cannot be reached, or know a package not, nothing was audited: that is said, never passed over.
"""

import json
import subprocess
import sys
from typing import Any

from supply.parts import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
PATIENCE = 300  # seconds


def audit(lock: str) -> tuple[int, list[str]]:
    """The exit status, and what to tell."""
    how = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off")
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / lock), *how]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603
    try:
        found = json.loads(asked.stdout)["dependencies"]
    except ValueError:
        last = (asked.stderr.strip().splitlines() or ["no words"])[-1]
        return 0, [f"{lock}: NOT AUDITED: pip-audit could not reach its data: {last}"]
    return report(lock, found)


def report(lock: str, found: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """`found` is pip-audit's list of packages."""
    skipped = [str(one["name"]) for one in found if "skip_reason" in one]
    holes = [
        f"{lock}: {one['name']} {one['version']}: {hole['id']}; mended in {', '.join(hole['fix_versions']) or 'none'}"
        for one in found
        for hole in one.get("vulns", ())
    ]
    lines = [*holes, f"{lock}: {len(found) - len(skipped)} of {len(found)} packages audited, {len(holes)} problems"]
    if len(skipped) == len(found):
        lines.append(f"{lock}: NOT AUDITED: no package was found in the public data; try where they can be reached")
    elif skipped:
        lines.append(f"{lock}: NOT AUDITED, since the public data do not know them: {', '.join(skipped)}")
    return (1 if holes else 0), lines


def main() -> int:
    worst = 0
    for lock in LOCKS:
        status, lines = audit(lock)
        worst = max(worst, status)
        print("\n".join(lines), flush=True)
    print("embedded/kafka.lock.json: NOT AUDITED: pip-audit knows Python only; the jars run in demo and tests alone")
    return worst


if __name__ == "__main__":
    sys.exit(main())
