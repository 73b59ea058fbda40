"""What a person at the command line reads when something is wrong: what happened, what was expected, what to do."""


class Failed(Exception):
    """Ends the command with exit status 1. Each line stands for one thing that is wrong."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
