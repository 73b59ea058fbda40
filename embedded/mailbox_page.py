"""The mailbox's web page: `GET /`, `GET /messages/{n}`, `GET /messages.json`. On loopback, in a thread.

Mail is shown as text with its links made clickable; HTML from a mail is never given to the browser as HTML.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

LISTED = 500
LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}}
table{{border-collapse:collapse;width:100%}}
th,td{{text-align:left;padding:.4rem;border-bottom:1px solid #ccc}}
pre{{white-space:pre-wrap;font:inherit}}</style><h1>{title}</h1>{body}</html>"""


class Shown(Protocol):
    """What the page needs of a mail."""

    @property
    def n(self) -> int: ...
    @property
    def mail_from(self) -> str: ...
    @property
    def to(self) -> tuple[str, ...]: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def subject(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...


def as_json(mail: Shown) -> dict[str, object]:
    return {
        "n": mail.n,
        "mail_from": mail.mail_from,
        "to": list(mail.to),
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "headers": mail.headers,
        "message_id": mail.message_id,
        "received_at": mail.received_at.isoformat(),
    }


def list_page(mails: Sequence[Shown]) -> str:
    rows = "".join(
        f'<tr><td><a href="/messages/{mail.n}">{escape(mail.subject) or "(no subject)"}</a>'
        f"<td>{escape(', '.join(mail.to))}<td>{mail.received_at:%Y-%m-%d %H:%M:%S} UTC"
        for mail in reversed(mails[-LISTED:])
    )
    table = f"<table><tr><th>Subject<th>To<th>Received{rows}</table>" if rows else "<p>No mail yet.</p>"
    return PAGE.format(title=f"Mailbox: {len(mails)} received", body=table)


def mail_page(mail: Shown) -> str:
    text, links, end = mail.text or mail.html, [], 0
    for link in LINK.finditer(text):
        address = escape(link.group())
        links.append(f'{escape(text[end : link.start()])}<a href="{address}">{address}</a>')
        end = link.end()
    facts = f"<p>To {escape(', '.join(mail.to))}<br>From {escape(mail.mail_from)}</p>"
    body = f'{facts}<pre>{"".join(links)}{escape(text[end:])}</pre><p><a href="/">All mail</a></p>'
    return PAGE.format(title=escape(mail.subject) or "(no subject)", body=body)


class MailboxPage:
    """The running page. `messages` gives what to show, oldest first."""

    def __init__(self, messages: Callable[[], Sequence[Shown]]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(messages))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        # A short poll: it is what `close` waits for.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="mailbox page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(messages: Callable[[], Sequence[Shown]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mails = messages()
            if self.path == "/":
                self._answer(200, "text/html", list_page(mails))
            elif self.path == "/messages.json":
                self._answer(200, "application/json", json.dumps([as_json(mail) for mail in mails]))
            else:
                found = [mail for mail in mails if self.path == f"/messages/{mail.n}"]
                title, body = "No such mail", "<p>It is not here, or not any more.</p>"
                page = mail_page(found[0]) if found else PAGE.format(title=title, body=body)
                self._answer(200 if found else 404, "text/html", page)

        def _answer(self, status: int, kind: str, text: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not worth a line on the demo's terminal."""

    return Handler
