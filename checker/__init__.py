"""Says which of the system's promises a run broke, from what the run left behind.

Independent on purpose: stdlib only, nothing of the services or of `shared`, so that it cannot inherit their mistakes.
What the system may do is written down once more here, from the design and not from the code.
"""

from checker.evidence import Evidence, Finding, Kept, Line, MailRow, Received, Record, Rules
from checker.judging import PROMISES, Promise, check

__all__ = [
    "PROMISES",
    "Evidence",
    "Finding",
    "Kept",
    "Line",
    "MailRow",
    "Promise",
    "Received",
    "Record",
    "Rules",
    "check",
]
