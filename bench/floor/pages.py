"""The pages of the bare programs, on the same web server: two that a customer opens and posts, one that staff post.

Who posts while others are stored waits for them, and shares the next statement. Nobody's link or session is looked at.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

PAGE_BYTES = {"pending": 3300, "confirmed": 2000}  # as our confirmation page has, by what it shows
_FILLING = "x" * 79 + "\n"
_HEADERS = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
Do = Callable[[Sequence[str]], Awaitable[dict[str, Any]]]


class Together:
    """`do` answers many keys at once."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, key: str) -> Any:
        answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while some := self._waiting:
            self._waiting = {}
            try:
                answers = await self._do(list(some))
            except Exception as error:
                for future in some.values():
                    future.set_exception(error)
                raise
            for key, future in some.items():
                future.set_result(answers[key])


class Pages:
    """`actions`: what an address's last word does; "" shows the page."""

    def __init__(self, **actions: Do) -> None:
        self._actions = {word: Together(do) for word, do in actions.items()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
        _, _place, name, *word = scope["path"].split("/")
        row = await self._actions[word[0] if word else "show"](name[:36])  # an id, and filling
        if row is None:
            await self._answer(send, 303, [(b"location", scope["path"].rpartition("/")[0].encode())], b"")
        else:
            await self._answer(send, 200, _HEADERS, _page(row))

    async def _answer(self, send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})


def _page(row: Any) -> bytes:
    names = f"<h1>{row['partner_name']}</h1><p>{row['customer_email']}</p><p>{row['status']}</p>\n"
    return (names + _FILLING * ((PAGE_BYTES[row["status"]] - len(names)) // len(_FILLING))).encode()
