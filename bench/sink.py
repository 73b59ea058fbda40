"""A mail server that accepts everything and tells what came: one line a message, into a named pipe.

    python -m bench.sink PORT PIPE

It speaks as much SMTP as a client needs that has nothing to hide. A line is `MOMENT RECIPIENT MESSAGE_ID LINK`: the
moment, on the machine's monotonic clock, is before the message is accepted, and LINK is the path of the link that a
confirmation asks to open, or `-`.
"""

import asyncio
import binascii
import os
import re
import sys
import time
from collections.abc import Callable
from typing import cast

END = b"\r\n.\r\n"
_IDENTITY = re.compile(rb"^Message-ID: <([^>]+)>", re.IGNORECASE | re.MULTILINE)
# A line of a link may begin with two hyphens; what ends a part goes on with an equals sign, which links do not hold.
_CODED = re.compile(
    rb"Content-Transfer-Encoding: *(\S+)(?:\r\n\S[^\r]*)*\r\n\r\n(.*?)\r\n--=", re.DOTALL | re.IGNORECASE
)
_DECODED: dict[bytes, Callable[[bytes], bytes]] = {
    b"base64": binascii.a2b_base64,
    b"quoted-printable": binascii.a2b_qp,
}
_LINK = re.compile(rb"/confirmations/\S+")
_ANSWERS = {
    b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
_OK = b"250 ok\r\n"


def link_in(message: bytes) -> bytes:
    """Its path; `-` where the message asks nobody to confirm."""
    coded = _CODED.search(message)
    decode = _DECODED.get(coded[1].lower()) if coded else None
    found = _LINK.search(decode(coded[2]) if coded and decode else message)
    return found[0] if found else b"-"


class Conversation(asyncio.Protocol):
    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._heard = bytearray()
        self._in_message = False
        self._recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while True:
            end = self._heard.find(END if self._in_message else b"\r\n")
            if end < 0:
                return
            said = bytes(self._heard[:end])
            if self._in_message:
                del self._heard[: end + len(END)]
                self._accept(said)
            else:
                del self._heard[: end + 2]
                self._answer(said)

    def _answer(self, command: bytes) -> None:
        verb = command[:4].upper()
        if verb == b"RCPT":
            self._recipient = command[command.find(b"<") + 1 : command.rfind(b">")]
        self._in_message = verb == b"DATA"
        self._transport.write(_ANSWERS.get(verb, _OK))
        if verb == b"QUIT":
            self._transport.close()

    def _accept(self, message: bytes) -> None:
        self._in_message = False
        found = _IDENTITY.search(message)
        identity = found[1] if found else b"-"
        link = link_in(message) if b".confirmation." in identity else b"-"
        self._tell(b"%.6f %b %b %b\n" % (time.monotonic(), self._recipient, identity, link))
        self._transport.write(_OK)


async def serve(port: int, pipe: str) -> None:
    told = os.open(pipe, os.O_WRONLY)

    def tell(line: bytes) -> None:
        os.write(told, line)

    await asyncio.get_running_loop().create_server(lambda: Conversation(tell), "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
