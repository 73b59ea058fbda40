"""The ways in which facts may arrive: any order, any number of times, any split into batches."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


def repeated(facts: Sequence[T], *, most: int = 8) -> st.SearchStrategy[list[T]]:
    """Each of `facts` at least once, in any order."""
    more = st.lists(st.sampled_from(facts), max_size=most - len(facts))
    return more.flatmap(lambda extra: st.permutations([*facts, *extra]))


def some_of(facts: Sequence[T], *, most: int = 8) -> st.SearchStrategy[list[T]]:
    """Any of `facts`, each any number of times, in any order."""
    return st.lists(st.sampled_from(facts), max_size=most)


def split(facts: st.SearchStrategy[list[T]]) -> st.SearchStrategy[list[list[T]]]:
    """Into batches, in any way."""
    return facts.flatmap(
        lambda them: st.lists(st.booleans(), min_size=len(them), max_size=len(them)).map(
            lambda ends: _split(them, ends)
        )
    )


def _split(facts: list[T], ends: list[bool]) -> list[list[T]]:
    batches: list[list[T]] = [[]]
    for fact, last in zip(facts, ends, strict=True):
        batches[-1].append(fact)
        if last:
            batches.append([])
    return [batch for batch in batches if batch]
