"""Where a request comes from: the other end of its connection. Behind proxies that an operator named (TRUSTED_PROXIES)
it is what they say; nobody else's word for it is taken. Pure.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

Network = IPv4Network | IPv6Network


def client_of(request: HTTPConnection, trusted: Sequence[Network]) -> str:
    """An IPv4 address, or the first half of an IPv6 address: the second half is each client's own to choose."""
    peer = request.client.host if request.client else ""
    return _furthest(peer, _forwarded(request.headers.getlist("x-forwarded-for")), trusted)


def _forwarded(headers: Iterable[str]) -> list[str]:
    """Nearest first: each proxy adds at the right whom it heard from."""
    return [part.strip() for header in headers for part in header.split(",")][::-1]


def _furthest(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """The first that is no trusted proxy: what stands beyond it, anybody may have written."""
    known = _address(peer)
    if known is None:
        return peer
    for one in forwarded:
        if not any(known in network for network in trusted):
            break
        further = _address(one)
        if further is None:
            break
        known = further
    return str(known) if isinstance(known, IPv4Address) else f"{IPv6Address(int(known) >> 64 << 64)}/64"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
