"""This machine's clock beside another's: deadlines, sign-ins and links go by it."""

from datetime import datetime, timedelta

from commands.doctor.findings import Finding, ok, wrong

LARGEST = timedelta(seconds=5)
"""As late as a deadline may act."""


def compare(
    whose: str, theirs: datetime, asked: datetime, answered: datetime, exact_to: timedelta = timedelta()
) -> Finding:
    """`theirs` was read at some moment between `asked` and `answered`, and stands for `exact_to` from then on."""
    ahead = max(theirs - answered, asked - (theirs + exact_to), timedelta())
    if ahead <= LARGEST:
        return ok("clock", f"agrees with {whose}'s within {LARGEST.seconds} s")
    direction = "behind" if theirs > answered else "ahead of"
    return wrong(
        "clock",
        f"this machine's is {ahead.total_seconds():.0f} s {direction} {whose}'s; expected {LARGEST.seconds} s at most; "
        f"set both by NTP",
    )
