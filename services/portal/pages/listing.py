"""What the address of the list asks for, and the addresses of other views of it. Pure.

Whatever an address says, it asks for a list: what cannot be read is as if it were not there.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from json import dumps, loads
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from services.portal.domain import Status
from services.portal.lists import NEWEST_FIRST, Order, Place, Sort, Wanted
from services.portal.store import mark_of
from shared.searching import query

LONGEST_QUERY = 200  # characters

_DESCENDS_FIRST = {Sort.REGISTERED, Sort.CHANGED}
"""Of dates the newest, of words those with A are what one looks for first."""


@dataclass(frozen=True, slots=True)
class Listing:
    q: str = ""
    status: Status | None = None
    order: Order = NEWEST_FIRST
    after: Place | None = None
    before: Place | None = None

    @property
    def sort(self) -> str:
        return _written(self.order)

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.status)

    @property
    def first(self) -> "Listing":
        return replace(self, after=None, before=None)

    def wanted(self, partner_id: str) -> Wanted:
        return Wanted(partner_id, self.order, self.status, query(self.q, mark_of(partner_id)))

    def address(self, path: str = "/accounts", **more: str) -> str:
        """This list from its beginning, with `more`."""
        said = {
            "q": self.q,
            "status": self.status or "",
            "sort": "" if self.order == NEWEST_FIRST else self.sort,
        } | more
        told = urlencode({name: value for name, value in said.items() if value})
        return f"{path}?{told}" if told else path

    @property
    def here(self) -> str:
        """The address of this page, without what says nothing."""
        if self.after:
            return self.behind(self.after)
        return self.in_front_of(self.before) if self.before else self.address()

    def sorted_by(self, name: str) -> str:
        """Where the heading of a column leads: to its order, or to the opposite of it."""
        sort = Sort(name)
        down = not self.order.descending if sort is self.order.sort else sort in _DESCENDS_FIRST
        return self.address(sort=_written(Order(sort, down)))

    def direction(self, name: str) -> str | None:
        """For `aria-sort`."""
        if name != self.order.sort:
            return None
        return "descending" if self.order.descending else "ascending"

    def behind(self, place: Place) -> str:
        return self.address(after=_cursor(self.order, place))

    def in_front_of(self, place: Place) -> str:
        return self.address(before=_cursor(self.order, place))


def read(said: Mapping[str, str]) -> Listing:
    order = _order(said.get("sort", ""))
    q = _shown(said.get("q", "")[:LONGEST_QUERY])
    return Listing(
        q=q if query(q) else "",  # signs alone search for nothing, and the page shows that
        status=next((status for status in Status if status == said.get("status")), None),
        order=order,
        after=_place(order, said.get("after", "")),
        before=_place(order, said.get("before", "")),
    )


def _shown(typed: str) -> str:
    """The page gives it back: without what no page may hold, nor what would turn the text around it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in typed).split())


ORDERS = tuple(Order(sort, down) for sort in Sort for down in (sort in _DESCENDS_FIRST, sort not in _DESCENDS_FIRST))


def _order(text: str) -> Order:
    return next((order for order in ORDERS if _written(order) == text), NEWEST_FIRST)


def _written(order: Order) -> str:
    return f"{'-' if order.descending else ''}{order.sort}"


def _cursor(order: Order, place: Place) -> str:
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    written = dumps([_written(order), value, place.registration_id.hex], separators=(",", ":"))
    return urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _place(order: Order, cursor: str) -> Place | None:
    """None for what is no cursor of this order."""
    try:
        of, value, registration_id = loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return Place(_value(order, value), UUID(hex=registration_id)) if of == _written(order) else None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _value(order: Order, value: Any) -> datetime | str:
    if order.sort in {Sort.REGISTERED, Sort.CHANGED}:
        return datetime.fromisoformat(value).astimezone(UTC)
    if "\0" in value:
        raise ValueError("PostgreSQL keeps no such character")
    text: str = value
    text.encode()  # half a character is a ValueError
    return text
