"""All that a list shows, as a file. It is read and written piece by piece: no file's length matters to memory, to the
event loop, or to the connections of others.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse

from services.portal import lists
from services.portal.domain import Registration, Status
from services.portal.lists import NEWEST_FIRST, Place, Sort, Wanted
from services.portal.pages import listing
from services.portal.pages.partner import partner_of
from services.portal.pages.sheets import BOM, Book, Cell, csv_lines
from shared.database import Database
from shared.events import Locale
from shared.web import formats
from shared.web.person import Person
from shared.web.templating import Pages

BOOKS_AT_ONCE = 2  # each keeps a processor busy
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE = 256 * 1024  # bytes


class ExportPages:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database
        self._books = asyncio.Semaphore(BOOKS_AT_ONCE)
        self._exporting: set[str] = set()

    async def csv(self, request: Request, person: Person) -> StreamingResponse:
        self._refuse_a_second(person)
        words, locale = self._words(request), self._pages.locale(request)

        async def lines() -> AsyncIterator[str]:
            yield BOM + csv_lines([words["headings"]])
            async for rows in self._asked_for(request, person):
                lines_of = ([_text(cell, locale) for cell in _cells(it, words)] for it in rows)
                yield await asyncio.to_thread(csv_lines, lines_of)

        return _file(lines(), "csv", "text/csv")

    async def xlsx(self, request: Request, person: Person) -> StreamingResponse:
        if request.method == "HEAD":
            return _file(_pieces(TemporaryFile()), "xlsx", WORKBOOK)
        self._refuse_a_second(person)
        words = self._words(request)
        async with self._books:
            file = TemporaryFile()  # noqa: SIM115  # open until the last piece is sent
            try:
                await self._write_book(file, words, self._asked_for(request, person))
            except BaseException:
                file.close()
                raise
        return _file(_pieces(file), "xlsx", WORKBOOK)

    def _refuse_a_second(self, person: Person) -> None:
        """Each person exports one list at a time. Raises HTTPException 429."""
        if person.email in self._exporting:
            raise HTTPException(429, headers={"Retry-After": "30"})

    def _words(self, request: Request) -> dict[str, Any]:
        words: dict[str, Any] = json.loads(bytes(self._pages.answer(request, "export.html").body))
        return words

    async def _write_book(
        self, file: IO[bytes], words: dict[str, Any], chunks: AsyncIterator[Sequence[Registration]]
    ) -> None:
        book = await asyncio.to_thread(Book, file, words["headings"], words["date_format"])
        try:
            async for rows in chunks:
                room = book.room
                await asyncio.to_thread(book.add, (_cells(it, words) for it in rows[:room]))
                if len(rows) > room:
                    await asyncio.to_thread(book.add, [[words["too_many"]]])
                    break
        finally:
            await asyncio.to_thread(book.close)

    async def _asked_for(self, request: Request, person: Person) -> AsyncIterator[Sequence[Registration]]:
        """Nothing more is read once the browser has left."""
        self._exporting.add(person.email)
        try:
            async for rows in self._chunks(_wanted(request, person)):
                if await request.is_disconnected():
                    return
                yield rows
        finally:
            self._exporting.discard(person.email)

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


def _cells(it: Registration, words: dict[str, Any]) -> list[Cell]:
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


def _status(it: Registration, words: dict[str, Any]) -> str:
    status: str = words["statuses"][it.status]
    if it.withdrawal_under_way:
        return f"{status} ({words['withdrawal']})"
    failed = it.status is Status.AWAITING_CONFIRMATION and it.undeliverable
    return f"{status} ({words['undeliverable']})" if failed else status


def _reason(reason: str, is_code: bool, words: dict[str, Any]) -> str:
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
    with file:
        await asyncio.to_thread(file.seek, 0)
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


def _file(content: AsyncIterator[str] | AsyncIterator[bytes], suffix: str, kind: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="customers.{suffix}"'}
    return StreamingResponse(content, media_type=kind, headers=headers)
