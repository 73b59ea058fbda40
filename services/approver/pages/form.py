"""What a reviewer typed into the form of a case, and what is wrong with it."""

import re
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from shared.events import Reason

_REASON: TypeAdapter[str] = TypeAdapter(Reason)
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Characters that no page may hold."""
_FIELDS = ("note", "override_reason", "reason")


@dataclass(frozen=True, slots=True)
class Typed:
    """`problems` are by field. `seen_codes` are the failing codes that the page showed, `seen_facts` the mark of all
    facts; None: the form does not say."""

    note: str = ""
    override_reason: str = ""
    reason: str = ""
    seen_codes: frozenset[str] | None = None
    seen_facts: str | None = None
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def anything(self) -> bool:
        return bool(self.note or self.override_reason or self.reason)


async def typed_in(request: Request, *checked: str, required: str = "") -> Typed:
    """All the fields, trimmed. Only those `checked` matter to what is asked for; the others are kept as they are."""
    async with request.form() as form:
        values = {name: str(form.get(name) or "").replace("\r\n", "\n").strip() for name in _FIELDS}
        shown, facts = form.get("seen_codes"), form.get("seen_facts")
    problems = []
    for name in checked:
        if not values[name]:
            if name == required:
                problems.append((name, "missing"))
            continue
        try:
            values[name] = _REASON.validate_python(values[name])
        except ValidationError as refused:
            too_long = refused.errors()[0]["type"] == "string_too_long"
            problems.append((name, "too_long" if too_long else "not_text"))
    values = {name: _NOT_SHOWN.sub("\ufffd", value) for name, value in values.items()}
    seen_codes = None if shown is None else frozenset(str(shown).split(","))
    seen_facts = None if facts is None else str(facts)
    return Typed(**values, seen_codes=seen_codes, seen_facts=seen_facts, problems=tuple(problems))
