"""An OpenID Connect provider with a few people of a made-up world, for the demo and the tests.

- `oidc-provider-mock` on loopback. Sign in by choosing a person; there are no passwords.
- Every claim of a person is in the ID token: `email` with the scope `email`, `name` and `locale` with
  `profile`, the others always.
- Any client id, secret and redirect address are accepted; a client that sent a PKCE challenge must prove it.
- Keys and codes are made anew at each start.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded import process
from embedded.ports import free_port

START_SECONDS = 60.0
SERVER = Path(__file__).with_name("openid_server.py")
Claims = Mapping[str, object]


# By subject, which is the email: it is what the sign-in page lists.
PEOPLE: Mapping[str, Claims] = json.loads(Path(__file__).with_name("people.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class OpenidProvider:
    """A running provider. `users` are claims by subject; any client id and secret would do."""

    issuer: str
    users: Mapping[str, Claims]
    pid: int
    client_id: str = "registration"
    client_secret: str = "any-secret-is-accepted"  # noqa: S105  # it is none


@contextlib.contextmanager
def openid_provider(users: Mapping[str, Claims] = PEOPLE, log_path: Path | None = None) -> Iterator[OpenidProvider]:
    """A running provider that knows `users` (claims by subject), stopped at the end.

    `log_path` gets its errors (None: this process's stderr). Raises ServerDidNotStart.
    """
    port = free_port()
    known = json.dumps({subject: dict(claims) for subject, claims in users.items()})
    command: list[str | Path] = [sys.executable, "-P", "-W", "ignore", SERVER, "127.0.0.1", str(port), known]
    server = process.start(command, log_path=log_path)
    try:
        server.wait_until(lambda: _listens(port), START_SECONDS)
        yield OpenidProvider(f"http://127.0.0.1:{port}", users, server.pid)
    finally:
        server.stop()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
