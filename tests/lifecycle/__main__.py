"""A long campaign of random lives: `make lives`, or `python -m tests.lifecycle FIRST COUNT`. Prints each life and, at
the end, which of the tables' transitions the lives have seen. Exit status 1 if a promise was broken."""

import asyncio
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from embedded.mailbox import mailbox
from embedded.postgres import postgres
from shared.observability import configure_logging
from tests.lifecycle.life import POLICIES, Step, every_step, live, make_template


def main(first: int, count: int) -> int:
    seen: Counter[Step] = Counter()
    total: Counter[str] = Counter()
    broken = 0
    begun = time.monotonic()
    configure_logging("console", Path(os.devnull).open("w"))  # noqa: SIM115  # open as long as the program
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as server, mailbox() as box:
        asyncio.run(make_template(server))
        for seed in range(first, first + count):
            try:
                findings, steps, statuses = asyncio.run(live(server, box, seed))
            except Exception:  # the other lives are lived all the same
                print(f"life {seed} failed:\n{traceback.format_exc()}", flush=True)
                broken += 1
                continue
            told = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
            print(f"life {seed}, policy {POLICIES[seed % len(POLICIES)]}: {told}; {len(findings)} findings", flush=True)
            for finding in findings:
                print(f"  {finding.promise} {finding.registration_id}: {finding.detail}", flush=True)
            broken += bool(findings)
            seen += steps
            total += statuses
    every = every_step()
    print(f"{count} lives in {time.monotonic() - begun:.0f} s with {total.total()} registrations, {broken} broken")
    print(f"{seen.total()} transitions; {len(every & seen.keys())} of the tables' {len(every)} kinds were seen")
    for step in sorted(every - seen.keys()):
        print(f"  never seen: {' '.join(step)}")
    return 1 if broken or not seen.keys() <= every else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
