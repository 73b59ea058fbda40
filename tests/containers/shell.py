"""Commands are typed into a shell, as who reads the page types them."""

from collections.abc import Mapping
from pathlib import Path

from commands.failures import Failed
from embedded import process

PATIENCE = 900.0  # seconds for a command: an image may have to fetch all that it is made of


class Shell:
    """It starts in `folder`, which keeps a log of each command. Before each one the shell reads `words`."""

    def __init__(self, folder: Path, environment: Mapping[str, str], words: str = "") -> None:
        self.environment = environment
        self.place = folder
        self._folder = folder
        self._words = words
        self._typed = 0

    def type(self, line: str) -> str:
        """What it shows. Raises Failed."""
        one = self.start(line)
        try:
            status = one.wait(PATIENCE)
        except TimeoutError as error:
            one.kill()
            raise Failed(f"`{line}`: {error}") from None
        if status != 0:
            raise Failed(
                f"`{line}` ended with status {status}, expected 0; the end of what it said:\n{one.log_tail(5)}"
            )
        if line.startswith("cd "):
            self.place /= line.removeprefix("cd ")
        return one.log_tail(1000)

    def start(self, line: str) -> process.Process:
        self._typed += 1
        log = self._folder / f"{self._typed}.log"
        script = f"{self._words}\n{line}"
        return process.start(["sh", "-e", "-c", script], log_path=log, env=self.environment, cwd=self.place)
