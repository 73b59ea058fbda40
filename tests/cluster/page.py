"""The part "On Kubernetes" of docs/how-to/deploy.md: the commands of each of its blocks, in its order, and what the
part before gives to them.
"""

from tests.deploy.page import blocks, commands, files, part

PART = part("On Kubernetes")
COMMANDS = commands(PART)
SECRETS, INSTALL, LOGS, READY, APPLY, AGAIN = (block.splitlines() for block in blocks("sh", PART))
[DOCTOR] = [line for line in READY if " doctor " in line]

BEFORE = part("On machines of your own, without containers")
[AS] = [line for line in commands(BEFORE) if line.startswith("as() ")]
[IMPORT] = [line for line in commands(BEFORE) if " accounts import " in line]
FILES = {name: text for name, text in files().items() if name in {"env/all", "env/logins", "env/accounts"}}
