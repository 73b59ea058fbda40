#!/usr/bin/env python3
"""Stands in for the mail catcher where its image cannot be pulled: `/mailpit` in the stand-in's image.

It takes mails at 1025 and answers at 8025 the two questions that walk.py asks, as the real one does. `/mailpit readyz`
ends with 0 once it listens: the composition's check of its health.
"""

import json
import signal
import socket
import sys
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

SMTP_PORT, HTTP_PORT = 1025, 8025
mails: list[tuple[list[str], str]] = []  # recipients and text


class Taker:
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        assert isinstance(envelope.content, bytes)
        body = message_from_bytes(envelope.content, policy=policy.default).get_body(("plain",))
        mails.append((envelope.rcpt_tos, "" if body is None else str(body.get_content())))
        return "250 kept"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        answer: dict[str, object]
        if asked.path == "/api/v1/search":
            address = parse_qs(asked.query)["query"][0].removeprefix("to:")
            found = [number for number, (recipients, _) in enumerate(mails) if address in recipients]
            answer = {"messages": [{"ID": str(number)} for number in reversed(found)]}  # the newest first
        else:
            answer = {"Text": mails[int(asked.path.removeprefix("/api/v1/message/"))][1]}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


def main() -> None:
    if sys.argv[1:] == ["readyz"]:
        for port in (SMTP_PORT, HTTP_PORT):
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a container's first process is deaf to it otherwise
    Controller(Taker(), hostname="0.0.0.0", port=SMTP_PORT).start()
    ThreadingHTTPServer(("0.0.0.0", HTTP_PORT), Page).serve_forever()


if __name__ == "__main__":
    main()
