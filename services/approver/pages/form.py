"""What a reviewer typed into the forms of a case, and what is wrong with it."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from shared.events import Reason

_REASON: TypeAdapter[str] = TypeAdapter(Reason)


@dataclass(frozen=True, slots=True)
class Typed:
    """`problems` are by field. `seen_codes` are the failing codes that the page showed; None: the form does not say."""

    note: str = ""
    override_reason: str = ""
    reason: str = ""
    seen_codes: frozenset[str] | None = None
    problems: tuple[tuple[str, str], ...] = ()


async def typed_in(request: Request, *names: str, required: str = "") -> Typed:
    """The fields `names`, trimmed."""
    async with request.form() as form:
        values = {name: str(form.get(name) or "").replace("\r\n", "\n").strip() for name in names}
        shown = form.get("seen_codes")
    problems = []
    for name, value in values.items():
        if not value:
            if name == required:
                problems.append((name, "missing"))
            continue
        try:
            values[name] = _REASON.validate_python(value)
        except ValidationError as refused:
            too_long = refused.errors()[0]["type"] == "string_too_long"
            problems.append((name, "too_long" if too_long else "not_text"))
    seen_codes = None if shown is None else frozenset(str(shown).split(","))
    return Typed(**values, seen_codes=seen_codes, problems=tuple(problems))
