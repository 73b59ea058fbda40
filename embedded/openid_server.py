"""The process behind openid.py: `python -P -W ignore openid_server.py HOST PORT [CLAIMS]` (JSON by subject).

A process of its own, because the package uses deprecated parts of Authlib: in the process of a test, where
warnings are errors, its answers would fail. It imports nothing of this project. In a container it is the first process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import flask
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from oidc_provider_mock import User, app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not worth a line in the log."""


def check_pkce(provider: flask.Flask) -> None:
    """Let only who made the challenge redeem the code: the package itself ignores the challenge."""
    challenges: dict[str, str] = {}

    def remember(response: flask.Response) -> flask.Response:
        challenge = flask.request.args.get("code_challenge")
        code = parse_qs(urlsplit(response.headers.get("Location", "")).query).get("code")
        if flask.request.path == "/oauth2/authorize" and challenge and code:
            challenges[code[0]] = challenge
        return response

    def verify() -> tuple[dict[str, str], int] | None:
        challenge = challenges.pop(flask.request.form.get("code", ""), None)
        verifier = flask.request.form.get("code_verifier", "")
        if challenge is None or create_s256_code_challenge(verifier) == challenge:
            return None
        return {"error": "invalid_grant", "error_description": "code_verifier does not match"}, 400

    provider.after_request(remember)
    provider.before_request(verify)


def main() -> None:
    host, port, *given = sys.argv[1:]
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # else http is for `localhost` only, not for `openid.localhost`
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a container's first process is deaf to it otherwise
    users = json.loads(given[0] if given else Path(__file__).with_name("people.json").read_text(encoding="utf-8"))
    provider = app(user_claims=[User(sub=subject, claims=claims) for subject, claims in users.items()])
    check_pkce(provider)
    make_server(host, int(port), provider, threaded=True, request_handler=Quiet).serve_forever()


if __name__ == "__main__":
    main()
