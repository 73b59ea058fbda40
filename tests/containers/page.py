"""The first part of docs/how-to/deploy.md: what it tells to type, in its order, and where its people go."""

import re

from bench.machine import ROOT

PAGE = ROOT / "docs" / "how-to" / "deploy.md"
[PART] = re.findall(
    r"^## On one machine, in containers\n(.*?)^## ", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)

_blocks = re.findall(r"^```sh\n(.*?)^```$", PART, re.MULTILINE | re.DOTALL)
CLONE, _CD, SECRETS, *START, LOGS, DOWN, PASSWORD = "".join(_blocks).splitlines()
[UP] = [line for line in START if " up " in line]
[DOCTOR] = [line for line in START if line.endswith(" doctor registrar")]
[AGAIN] = re.findall(r"and say `(docker [^`]+)`", PART)

PORTAL, MAIL, APPROVER = re.findall(r"^\d\. <(\S+)>", PART, re.MULTILINE)
PARTNER, CUSTOMER, REVIEWER = re.findall(r"`([^`\s]+@[^`\s]+)`", PART)
