"""All that a list shows, as a file. It is read and written piece by piece: no file's length matters to memory, to the
event loop, or to the connections of others.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.portal import lists
from services.portal.domain import Registration, Status
from services.portal.lists import NEWEST_FIRST, Place, Sort, Wanted
from services.portal.pages import listing
from services.portal.pages.partner import partner_of
from services.portal.pages.sheets import Book, Cell
from shared.csv_text import BOM, csv_lines
from shared.database import Database
from shared.events import Locale
from shared.web import formats
from shared.web.person import Person
from shared.web.templating import Pages

BOOKS_AT_ONCE = 2  # each keeps a processor busy
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
PIECE = 256 * 1024  # bytes

Words = dict[str, Any]
"""What a file says in the reader's language."""


class ExportPages:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database
        self._books = asyncio.Semaphore(BOOKS_AT_ONCE)
        self._exporting: set[str] = set()

    async def csv(self, request: Request, person: Person) -> Response:
        async def lines(words: Words) -> AsyncIterator[str]:
            locale = self._pages.locale(request)
            yield BOM + csv_lines([words["headings"]])
            async for rows in self._chunks(_wanted(request, person)):
                lines_of = ([_text(cell, locale) for cell in _cells(it, words)] for it in rows)
                yield await asyncio.to_thread(csv_lines, lines_of)

        if request.method == "HEAD":
            return Response(headers=_named("csv"), media_type=CSV)
        with self._alone(partner_of(person).partner_id) as held:
            if held is None:
                return self._busy(request)
            return _File(lines(self._words(request)), _named("csv"), CSV, held)

    async def xlsx(self, request: Request, person: Person) -> Response:
        if request.method == "HEAD":
            return Response(headers=_named("xlsx"), media_type=WORKBOOK)
        with self._alone(partner_of(person).partner_id) as held:
            if held is None:
                return self._busy(request)
            async with self._books:
                file = held.enter_context(TemporaryFile())  # noqa: SIM115  # until the last piece is sent
                await self._write_book(file, self._words(request), request, _wanted(request, person))
            return _File(_pieces(file), _named("xlsx"), WORKBOOK, held)

    @contextmanager
    def _alone(self, partner_id: str) -> Iterator[ExitStack | None]:
        """A partner exports one list at a time: None while another is under way. What the stack holds is let go of at
        the end, or by the answer that took it over."""
        if partner_id in self._exporting:
            yield None
            return
        self._exporting.add(partner_id)
        with ExitStack() as held:
            held.callback(self._exporting.discard, partner_id)
            yield held

    def _busy(self, request: Request) -> Response:
        return self._pages.answer(request, "export_busy.html", status=429, headers={"Retry-After": "10"})

    def _words(self, request: Request) -> Words:
        words: Words = json.loads(bytes(self._pages.answer(request, "export.html").body))
        return words

    async def _write_book(self, file: IO[bytes], words: Words, request: Request, wanted: Wanted) -> None:
        """Nothing more is read or written once the browser has left."""
        book = await asyncio.to_thread(Book, file, words["headings"], words["date_format"])
        try:
            async for rows in self._chunks(wanted):
                if await request.is_disconnected():
                    break
                room = book.room
                await asyncio.to_thread(book.add, (_cells(it, words) for it in rows[:room]))
                if len(rows) > room:
                    await asyncio.to_thread(book.add, [[words["too_many"]]])
                    break
        finally:
            await asyncio.to_thread(book.close)

    async def _chunks(self, wanted: Wanted) -> AsyncIterator[Sequence[Registration]]:
        """In transactions of their own: who reads slowly holds no connection meanwhile."""
        place: Place | None = None
        while True:
            async with self._database.transaction() as tx:
                rows, place = await lists.chunk(tx, wanted, place)
            yield rows
            if place is None:
                return


def _wanted(request: Request, person: Person) -> Wanted:
    """By date of change a row that changes meanwhile would be read twice or not at all: the oldest order stands in."""
    wanted = listing.read(request.query_params).wanted(partner_of(person).partner_id)
    return replace(wanted, order=NEWEST_FIRST) if wanted.order.sort is Sort.CHANGED else wanted


def _cells(it: Registration, words: Words) -> list[Cell]:
    """In the order of the headings."""
    return [
        it.common_name or "",
        it.customer_email or "",
        words["roles"].get(it.role, it.role or ""),
        _status(it, words),
        " ".join(_reason(one, it.reasons_are_codes, words) for one in it.reasons),
        _local(it.requested_at),
        _local(it.changed_at),
        it.requested_by or "",
        str(it.registration_id),
    ]


def _status(it: Registration, words: Words) -> str:
    status: str = words["statuses"][it.status]
    if it.withdrawal_under_way:
        return f"{status} ({words['withdrawal']})"
    failed = it.status is Status.AWAITING_CONFIRMATION and it.undeliverable
    return f"{status} ({words['undeliverable']})" if failed else status


def _reason(reason: str, is_code: bool, words: Words) -> str:
    if not is_code:
        return reason
    said: str = words["reasons"].get(reason, reason)
    return f"{said} {words['conditions']}" if reason == "conditions_not_met" else said


def _local(at: datetime) -> datetime:
    return at.astimezone(formats.VIETNAM).replace(tzinfo=None)


def _text(cell: Cell, locale: Locale) -> str:
    if isinstance(cell, str):
        return cell
    return formats.moment(cell.replace(tzinfo=formats.VIETNAM), locale).removesuffix(" (GMT+7)")


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece


class _File(StreamingResponse):
    """Lets go of what it holds once it is sent, or the browser has left."""

    def __init__(
        self, content: AsyncIterator[str] | AsyncIterator[bytes], headers: dict[str, str], kind: str, held: ExitStack
    ) -> None:
        super().__init__(content, media_type=kind, headers=headers)
        self._held = held.pop_all()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


def _named(suffix: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="customers.{suffix}"'}
