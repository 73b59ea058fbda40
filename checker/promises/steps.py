"""How a registration moves within one service."""

from collections.abc import Iterator
from itertools import pairwise

from checker.lives import Life, Run, Step
from checker.machines import FINAL_WORDS, LEGAL, SETTLED_STATUSES, STAGES


def legal_steps(life: Life, _run: Run) -> Iterator[str]:
    for service, moves in life.moves.items():
        legal = LEGAL.get(service)
        if legal is None:
            yield f"a history of {service!r}; expected one of {sorted(LEGAL)}"
            continue
        for step in moves:
            if (step.before, step.event, step.after) not in legal:
                yield f"{service}: {_arrow(step)} on {step.event}, which is no legal step"


def unbroken_chain(life: Life, _run: Run) -> Iterator[str]:
    for service, moves in life.moves.items():
        first = moves[0].before
        # A portal hears of registrations that another portal requested: those begin as if requested.
        if first is not None and not (service == "portal" and first == "requested"):
            yield f"{service}: the first step is {_arrow(moves[0])}; expected one from nothing"
        for earlier, later in pairwise(moves):
            if later.before != earlier.after:
                yield f"{service}: {_arrow(earlier)} is followed by {_arrow(later)}"


def gapless_versions(life: Life, _run: Run) -> Iterator[str]:
    for service, moves in life.moves.items():
        found = [step.version for step in moves]
        if service == "portal":
            expected = [STAGES.get(step.after, 0) for step in moves]
        else:
            expected = list(range(1, len(moves) + 1))
        if found != expected:
            yield f"{service}: versions {found}; expected {expected}"


def final_stays(life: Life, _run: Run) -> Iterator[str]:
    for service, moves in life.moves.items():
        finals = SETTLED_STATUSES.get(service, frozenset())
        for step in moves:
            if step.before in finals and step.after != step.before:
                yield f"{service}: {_arrow(step)} on {step.event}; {step.before} is never left"
        reached = [step.after for step in moves if step.after in finals and step.before != step.after]
        if len(reached) > 1:
            yield f"{service}: reached {', '.join(reached)}; expected one end, once"


def one_final_word(life: Life, _run: Run) -> Iterator[str]:
    for service in ("notifier", "approver"):
        words = [step.event for step in life.moves.get(service, ()) if step.event in FINAL_WORDS]
        if len(words) > 1:
            yield f"{service}: took {', '.join(words)}; expected registrar's final word once"


def _arrow(step: Step) -> str:
    return f"{step.before or 'nothing'} → {step.after}"
