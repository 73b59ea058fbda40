"""The composition in a clone: every command is typed into a shell, as who reads the page types it."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from commands.failures import Failed
from embedded import process
from tests.containers.stand_ins import SERVICES

PATIENCE = 900.0  # seconds for a command: the image may have to fetch all that it is made of
FOLLOWED = 5.0  # seconds
PROBE = """
import os
told = dict(line.split(":", 1) for line in open("/proc/1/status"))
print("found:", told["Uid"].split()[1] != "0", all(int(told[it], 16) == 0 for it in ("CapPrm", "CapEff", "CapBnd")),
    told["NoNewPrivs"].strip() == "1", bool(os.statvfs("/").f_flag & os.ST_RDONLY))
"""
RIGHTS = ("is not root", "has no capability", "gains no privilege", "cannot write to its root")
PROGRAMS = [name for name, it in SERVICES.items() if "build" in it]
LASTING = [name for name in PROGRAMS if "restart" in SERVICES[name]]


class Composition:
    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._clone = folder / "registration"
        self._environment = environment
        self._typed = 0

    def type(self, line: str) -> str:
        """What it shows. Raises Failed."""
        one = self._start(line)
        try:
            status = one.wait(PATIENCE)
        except TimeoutError as error:
            one.kill()
            raise Failed(f"`{line}`: {error}") from None
        if status != 0:
            raise Failed(
                f"`{line}` ended with status {status}, expected 0; the end of what it said:\n{one.log_tail(5)}"
            )
        return one.log_tail(1000)

    def rights(self) -> Iterator[str]:
        """Findings: what a container of ours may that it need not. Those that have ended are made anew to be asked."""
        for name in PROGRAMS:
            how = f"exec {name} python" if name in LASTING else f"run --rm --no-deps --entrypoint python {name}"
            said = self.type(f"docker compose {how} -c {shlex.quote(PROBE)}")
            [found] = re.findall(r"^found: (.*)$", said, re.MULTILINE)
            yield from (
                f"{name}: expected that it {it}" for it, so in zip(RIGHTS, found.split(), strict=True) if so != "True"
            )

    def follow(self, line: str) -> Iterator[str]:
        """Findings: lines of the log that are not JSON."""
        one = self._start(line)
        with suppress(TimeoutError):
            yield f"`{line}` ended with status {one.wait(FOLLOWED)}, expected that it follows:\n{one.log_tail(5)}"
        one.stop()
        said = re.findall(r"^\S+ +\| (.*)$", one.log_tail(1000), re.MULTILINE)
        if not said:
            yield f"`{line}` showed no line, expected some:\n{one.log_tail(5)}"
        yield from (f"`{line}` showed what is not JSON: {it}" for it in said if not _is_json(it))

    def stop(self) -> Iterator[str]:
        """Findings: services of ours that did not end with 0. The engine kills who outlasts its grace: that is 137."""
        self.type("docker compose stop")
        said = self.type("docker compose ps --all --format '{{.Service}} ended with {{.ExitCode}}'")
        ended = dict(re.findall(r"^(\w+) ended with (\d+)$", said, re.MULTILINE))
        yield from (f"{it}: stop ended it with {ended.get(it)}, expected 0" for it in LASTING if ended.get(it) != "0")

    def replace_secret(self, name: str, value: str) -> None:
        file = self._clone / ".env"
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE), encoding="utf-8")

    def _start(self, line: str) -> process.Process:
        self._typed += 1
        where = self._clone if self._clone.exists() else self._folder
        log = self._folder / f"{self._typed}.log"
        return process.start(["sh", "-c", line], log_path=log, env=self._environment, cwd=where)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
