"""What protects every answer and every request that changes something.

- Every answer, errors too, carries the headers; only what says otherwise may be stored by a browser.
- A request that changes something comes from a page of ours: its Origin is ours, or, without one,
  Sec-Fetch-Site says so. From a browser that says neither, a signed-in person's form must carry the session's
  form token. Where nobody is signed in there is no authority to borrow (a confirmation link is its own), so
  none is needed.
- A body is never longer than `LONGEST_BODY`, and a form is in UTF-8: whoever sends one could name any of Python's
  encodings, some of which take minutes for a body of that length.
"""

from hmac import compare_digest

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.person import form_token
from shared.web.site import Site
from shared.web.templating import Pages

LONGEST_BODY = 1_000_000  # bytes; 50 rows of a form are about 50,000
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

# The stylesheet draws its ticks and arrows with data: pictures. A form never leads to another site, not even
# by a redirect: sign-in therefore begins with a link.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class SecurityHeaders:
    """Stands outside everything else, so that the answer to an unexpected error carries the headers too."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._headers = {
            b"content-security-policy": _CONTENT_SECURITY_POLICY.encode(),
            b"x-content-type-options": b"nosniff",
            b"referrer-policy": b"same-origin",
            b"cross-origin-opener-policy": b"same-origin",
        }
        if site.https:
            self._headers[b"strict-transport-security"] = b"max-age=63072000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = [it for it in message.get("headers", ()) if it[0] not in self._headers]
                if all(name != b"cache-control" for name, _value in said):
                    said.append((b"cache-control", b"no-store"))
                message["headers"] = [*said, *self._headers.items()]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class _TooLong(Exception):  # an error is named by its fact
    pass


class BodyRule:
    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not _is_utf8(Headers(scope=scope).get("content-type", "")):
            await self._pages.error(Request(scope), 415)(scope, receive, send)
            return
        length = 0
        announced = int(Headers(scope=scope).get("content-length") or 0)

        async def receive_within_limit() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > LONGEST_BODY:
                raise _TooLong
            return message

        try:
            if announced <= LONGEST_BODY:
                await self._app(scope, receive_within_limit, send)
                return
        except ClientDisconnect:
            return  # nobody is there to be answered
        except _TooLong:
            pass
        await self._pages.error(Request(scope), 413)(scope, receive, send)


def _is_utf8(content_type: str) -> bool:
    """Read as the parser of forms reads it."""
    if not content_type:
        return True
    _kind, said = parse_options_header(content_type)
    return said.get(b"charset", b"utf-8").lower() in {b"utf-8", b"utf8"}


class OriginRule:
    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        refusal = ""
        ours = _from_our_page(Headers(scope=scope), self._pages.site.origin)
        if ours is False:
            refusal = "origin"
        elif ours is None and (expected := form_token(Request(scope))):
            body = await Request(scope, receive).body()
            receive = _again(body, receive)
            if not compare_digest(await _token_in(scope, body), expected.encode()):
                refusal = "form_token"
        answer = self._pages.error(Request(scope), 403, reason=refusal) if refusal else self._app
        await answer(scope, receive, send)


def _from_our_page(headers: Headers, origin: str) -> bool | None:
    """None where the browser does not say."""
    if origins := headers.getlist("origin"):
        return all(one == origin for one in origins)
    sites = headers.getlist("sec-fetch-site")
    return all(site in {"same-origin", "none"} for site in sites) if sites else None


async def _token_in(scope: Scope, body: bytes) -> bytes:
    try:
        async with Request(scope, _again(body)).form() as form:
            token = form.get("form_token")
    except HTTPException:  # not a form, or a broken one
        return b""
    return token.encode() if isinstance(token, str) else b""


def _again(body: bytes, then: Receive | None = None) -> Receive:
    """A `receive` that gives a body already read once more, then whatever comes after it."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if not given or then is None:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await then()

    return receive
