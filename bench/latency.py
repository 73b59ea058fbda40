"""How long people wait, at so many registrations a second, with every mail and every page.

    .venv/bin/python -m bench.latency 10 100 500 --seconds 30

An open loop (see lives.py): requests are published when they are due, links are opened and posted when their mail has
come, cases are approved when they are open, whatever becomes of the others. For each of the three waits (see delays.py)
the median, the 99th percentile and the longest are printed. Those of the first seconds, when connections are opened and
statements are prepared, are not counted. A rate that the machine does not carry is said to be so: those that have not
ended some time after the last was due count as without end. What a run leaves behind is judged by the checker, where
all ended.
"""

import argparse
import asyncio
import gc
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.delays import NEVER, Latency, latency
from bench.drain import request
from bench.driver import messages
from bench.judged import judge
from bench.letters import sink
from bench.lives import World, lived
from bench.room import services
from bench.settled import settled
from bench.throughput import cookies_of_reviewer, filled
from embedded import Servers, servers
from shared.observability import quiet_clients

RATES = (10.0, 100.0, 500.0)
SECONDS = 30.0
WARM_UP = 3.0  # seconds, not counted
PATIENCE = 20.0  # seconds after the last was due


@contextmanager
def undisturbed() -> Iterator[None]:
    """This process measures: its own pauses to collect garbage would count as waits."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def measure(host: Servers, folder: Path, rate: float, seconds: float = SECONDS) -> Latency:
    """Raises PromisesBroken."""
    warm_up, count = math.ceil(rate * WARM_UP), math.ceil(rate * (WARM_UP + seconds))
    with sink(folder) as letters, filled(host, f"latency_{rate:g}", count, letters.smtp_url) as there:
        requests = messages(there, [request(number) for number in range(count)])
        with services(there, folder) as programs:
            cookies = asyncio.run(cookies_of_reviewer(programs.urls["approver"]))
            with undisturbed():
                lives = asyncio.run(lived(World(there, programs, cookies), letters, requests, rate, PATIENCE))
            if all_ended := all(it.approved < NEVER for it in lives):
                asyncio.run(settled(there.database_url, count, mailed=True))
        if all_ended:
            asyncio.run(judge(there, letters.letters()))
    return latency(rate, lives[warm_up:])


HEAD = f"{'':28}{'p50 ms':>10}{'p99 ms':>10}{'max ms':>10}"
NAMES = {
    "mail": "request to mail accepted",
    "case": "confirm to case open",
    "approval": "approve to approved",
}


def lines(it: Latency) -> list[str]:
    carried = "" if it.kept_up else f"  NOT CARRIED: {it.ended} of them ended, {it.carried:.0f}/s"
    said = [f"{it.rate:g}/s, {it.count} registrations{carried}"]
    for leg, name in NAMES.items():
        figures = it.legs[leg]
        said.append(f"  {name:<26}" + "".join(f"{value:10.1f}" for value in (figures.p50, figures.p99, figures.max)))
    return said + [f"  {count} times: {answer}" for answer, count in it.refused.most_common(3)]


def main(arguments: Sequence[str]) -> None:
    asked = argparse.ArgumentParser(prog="python -m bench.latency", description="How long people wait.")
    asked.add_argument("rates", nargs="*", type=float, default=list(RATES), help="registrations a second")
    asked.add_argument("--seconds", type=float, default=SECONDS, help="for each rate")
    wanted = asked.parse_args(arguments)
    quiet_clients()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        print(HEAD, flush=True)
        for rate in wanted.rates:
            print("\n".join(lines(measure(host, Path(folder), rate, wanted.seconds))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
