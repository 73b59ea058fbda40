"""Lists of texts come back as they were written, and no event brings one that would not."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import ARRAY, Column, Integer, MetaData, Table, Text, select, text

from shared import events
from shared.database import Database
from shared.events import Event, RegistrationClosed, VngApproved
from shared.sets import APART, insert_many, lists, update_many
from tests.domain.facts import registration_closed, vng_approved
from tests.services.conftest import Open

table = Table("kept", MetaData(), Column("number", Integer), Column("texts", ARRAY(Text)), prefixes=["temporary"])

TEXTS = [(), ("one",), ("a, b", 'with "quotes" and {braces}', "NULL", "\\", "hai\ndòng", "٣")]


class Kept:
    def __init__(self, number: int, texts: tuple[str, ...]) -> None:
        self.number = number
        self.texts = texts


async def test_lists_of_texts_come_back_as_they_were_written(open_database: Open) -> None:
    database: Database = await open_database("portal")
    kept = [Kept(number, texts) for number, texts in enumerate(TEXTS)]
    turned = [Kept(it.number, other.texts) for it, other in zip(kept, reversed(kept), strict=True)]
    async with database.transaction() as tx:
        await tx.execute(text("create temporary table kept (number integer, texts text[]) on commit drop"))
        found = []
        for statement, them in (
            (insert_many(table, ["number", "texts"]), kept),
            (update_many(table, ["number"], ["texts"]), turned),
        ):
            await tx.execute(statement, lists(them, ["number", "texts"]))
            rows = await tx.execute(select(table.c.texts).order_by(table.c.number))
            found.append([tuple(row.texts) for row in rows])
    assert found == [TEXTS, TEXTS[::-1]]


@pytest.mark.parametrize("texts", [(f"a{APART}b",), ("a", ""), ("",)], ids=["the separator", "empty", "only empty"])
def test_a_list_that_would_come_back_as_another_is_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="stands between"):
        lists([Kept(1, texts)], ["number", "texts"])


LISTED: dict[type[Event], Event] = {RegistrationClosed: registration_closed(), VngApproved: vng_approved()}


def test_every_event_with_a_list_of_texts_is_tried_here() -> None:
    every = [it for it in vars(events).values() if isinstance(it, type) and issubclass(it, Event)]
    assert {it for it in every if any("tuple" in str(f.annotation) for f in it.model_fields.values())} == set(LISTED)


@pytest.mark.parametrize("bad", [f"a{APART}b", "a\x00b", "\x1b[31m", "\x85", "", " "], ids=ascii)
@pytest.mark.parametrize("kind", LISTED, ids=lambda kind: kind.type())
def test_no_event_is_read_with_a_list_that_holds_the_separator_another_control_character_or_nothing(
    kind: type[Event], bad: str
) -> None:
    [name] = [name for name, it in kind.model_fields.items() if "tuple" in str(it.annotation)]
    value: dict[str, Any] = json.loads(LISTED[kind].model_dump_json())
    assert kind.model_validate_json(json.dumps(value | {name: ["right", "hai từ"]}))
    with pytest.raises(ValidationError):
        kind.model_validate_json(json.dumps(value | {name: ["right", bad]}))
