"""`openid`: the demo's people to sign in as, for a trial of a deployment. It asks for no password."""

import os
import socket
import sys
from pathlib import Path

from commands.failures import Failed

SERVER = Path(__file__).resolve().parents[1] / "embedded" / "openid_server.py"
"""Not imported: that would import what starts the other embedded servers, which a container does not have."""


def serve(host: str, port: int) -> None:
    """Until it is told to stop: this process becomes the provider. Raises Failed where the port is taken."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise Failed(f"cannot listen on {host}:{port}: {error.strerror}; expected a free port; see --port") from None
    os.execv(  # noqa: S606  # there is no shell in it
        sys.executable, [sys.executable, "-P", "-W", "ignore", str(SERVER), host, str(port)]
    )
