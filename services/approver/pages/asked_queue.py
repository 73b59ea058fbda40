"""Which part of the queue an address asks for. Whatever it says, it asks for some part: what cannot be read counts as
not said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from services.approver.queue import Beyond, Key
from services.approver.queue_statements import View

LONGEST_SEARCH = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """`words` are searched for."""

    view: View = View.ALL
    words: str = ""
    beyond: Beyond | None = None

    @property
    def address(self) -> str:
        said: dict[str, str] = {}
        if self.view is not View.ALL:
            said["show"] = self.view.value
        if self.words:
            said["q"] = self.words
        if self.beyond:
            said["before" if self.beyond.before else "after"] = _written(self.beyond.key)
        return f"/cases?{urlencode(said)}" if said else "/cases"

    def of(self, view: str) -> "Asked":
        """The first page of another view, for the same words."""
        return Asked(View(view), self.words)

    @property
    def without_words(self) -> "Asked":
        return Asked(self.view)

    def at(self, beyond: Beyond | None) -> "Asked":
        return Asked(self.view, self.words, beyond)


def asked_by(query: Mapping[str, str]) -> Asked:
    show = query.get("show", "")
    view = View(show) if show in {*View} else View.ALL
    return Asked(view, _printable(query.get("q", "")).strip()[:LONGEST_SEARCH], _beyond(query))


def _printable(text: str) -> str:
    """What can stand in a page: a control character, or one that turns the text around it, becomes a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def asked_at(address: str) -> Asked:
    """As an address of ours says; of any other, whatever can be read."""
    try:
        return asked_by(dict(parse_qsl(urlsplit(address).query)))
    except ValueError:
        return Asked()


def _beyond(query: Mapping[str, str]) -> Beyond | None:
    if key := _key(query.get("after", "")):
        return Beyond(key)
    key = _key(query.get("before", ""))
    return Beyond(key, before=True) if key else None


def _written(key: Key) -> str:
    return f"{(key.at - _EPOCH) // _MICROSECOND}.{key.registration_id}"


def _key(text: str) -> Key | None:
    microseconds, _, registration_id = text.partition(".")
    try:
        return Key(_EPOCH + int(microseconds) * _MICROSECOND, UUID(registration_id))
    except (ValueError, OverflowError):
        return None
