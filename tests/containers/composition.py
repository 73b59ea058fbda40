"""The composition in a clone, asked by what is typed into a shell there."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress

from tests.containers.shell import Shell
from tests.containers.stand_ins import SERVICES

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


class Composition(Shell):
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
        one = self.start(line)
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
        file = self.place / ".env"
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE), encoding="utf-8")


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
