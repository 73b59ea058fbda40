"""The people of the demo: each does what a person does in a browser, through the same addresses and forms."""

import html
import re
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from commands.failures import Failed


class Browser:
    """A person's browser at one service. It keeps cookies, follows redirects and says where its forms come from."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx2.AsyncClient(follow_redirects=True, timeout=30, headers={"Accept-Language": "en"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def cookies(self) -> str:
        """As the header says them."""
        return "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())

    async def get(self, path: str) -> httpx2.Response:
        return await self._client.get(self.url + path)

    async def post(self, path: str, fields: dict[str, str | list[str]]) -> httpx2.Response:
        return await self._client.post(self.url + path, data=fields, headers={"Origin": self.url})

    async def sign_in(self, path: str, email: str) -> None:
        """Opens `path`, is sent to the OpenID provider, says who it is, and comes back. Raises Failed."""
        asked = await self.get(path)
        provider = f"{urlsplit(str(asked.url)).scheme}://{urlsplit(str(asked.url)).netloc}"
        answer = await self._client.post(asked.url, data={"sub": email}, headers={"Origin": provider})
        await self.post("/language", {"language": "en", "back": path})
        if answer.status_code != 200 or not str(answer.url).startswith(self.url):
            raise Failed(f"{email} could not sign in at {self.url}: {answer.status_code} at {answer.url}")


def heading(page: httpx2.Response) -> str:
    """What the page says in its first heading."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", found[1])).split()) if found else ""


def link_in(text: str) -> str:
    """The confirmation link in a mail. Raises Failed where there is none."""
    found = re.search(r"https?://\S+/confirmations/\S+", text)
    if not found:
        raise Failed("a confirmation mail holds no link; expected one to /confirmations/")
    return found[0]
