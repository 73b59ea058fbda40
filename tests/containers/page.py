"""The first part of docs/how-to/deploy.md: what it tells to type, in its order, and where its people go."""

import re

from tests.deploy.page import commands, part

PART = part("On one machine, in containers")
COMMANDS = commands(PART)

CLONE, ENTER, SECRETS, *START, LOGS, DOWN, PASSWORD = COMMANDS
[UP] = [line for line in START if " up " in line]
[DOCTOR] = [line for line in START if line.endswith(" doctor registrar")]
[AGAIN] = re.findall(r"and say `(docker [^`]+)`", PART)

PORTAL, MAIL, APPROVER = re.findall(r"^\d\. <(\S+)>", PART, re.MULTILINE)
PARTNER, CUSTOMER, REVIEWER = re.findall(r"`([^`\s]+@[^`\s]+)`", PART)
