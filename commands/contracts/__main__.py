"""`make contracts`: writes the files anew, and says what of them would break those who rely on the last release.
`make contracts-published`: what is written now is what the next releases must keep. At a release, and at no other time.
"""

import sys

from commands.contracts.compatibility import breaks
from commands.contracts.files import PUBLISHED, REFERENCE, contract, contract_in, write


def main(words: list[str]) -> int:
    now = contract()
    problems = breaks(contract_in(PUBLISHED), now) if PUBLISHED.exists() else []
    for problem in problems:
        print(f"breaks v1: {problem}", file=sys.stderr)
    if words == ["publish"] and not problems:
        write(now, PUBLISHED)
    write(now, REFERENCE)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
