"""The OpenID provider for trials by https: `python -W ignore -m tests.cluster.openid PEM HOST PORT`."""

import sys
from functools import partial
from unittest import mock

from werkzeug.serving import make_server

from embedded import openid_server


def main() -> None:
    pem = sys.argv.pop(1)
    with mock.patch.object(openid_server, "make_server", partial(make_server, ssl_context=(pem, pem))):
        openid_server.main()


if __name__ == "__main__":
    main()
