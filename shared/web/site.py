"""Where people reach a service, and what follows from it. Nothing here is read from a request's Host
header, so an answer never sends anybody to an address that the operator did not set."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypedDict
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


class CookieFlags(TypedDict):
    secure: bool
    httponly: bool
    samesite: Literal["lax"]
    path: str


@dataclass(frozen=True)
class Site:
    """`service` is a word like "portal"; `public_url` is a checked PUBLIC_URL (http:// on loopback only)."""

    service: str
    public_url: str

    @cached_property
    def https(self) -> bool:
        return urlsplit(self.public_url).scheme == "https"

    @cached_property
    def port(self) -> int:
        parts = urlsplit(self.public_url)
        return parts.port or _DEFAULT_PORTS[parts.scheme]

    @cached_property
    def origin(self) -> str:
        """As browsers write it in the Origin header: lower case, without the scheme's own port."""
        parts = urlsplit(self.public_url)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = "" if self.port == _DEFAULT_PORTS[parts.scheme] else f":{self.port}"
        return f"{parts.scheme}://{host}{port}"

    def cookie_name(self, purpose: str = "") -> str:
        """Browsers share cookies between ports: on loopback, where only ports differ, the port is named."""
        name = f"__Host-{self.service}" if self.https else f"{self.service}-{self.port}"
        return f"{name}-{purpose}" if purpose else name

    @property
    def cookie_flags(self) -> CookieFlags:
        return CookieFlags(secure=self.https, httponly=True, samesite="lax", path="/")

    def path_of(self, url: str) -> str:
        """The path and query of an address on this site; "/" for any other."""
        return same_site_path(url.removeprefix(self.origin))


def same_site_path(text: str) -> str:
    """`text` where it is a path that no browser can read as another site's address, else "/".

    Browsers drop control characters and read a backslash as a slash: both are refused.
    """
    safe = text.startswith("/") and text.isprintable() and not set(text) & {"\\", " "}
    return text if safe and not text.startswith("//") else "/"
