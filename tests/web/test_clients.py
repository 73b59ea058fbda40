"""Whose request it is: nobody can say of themselves who they are."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from shared.settings import SettingsError, TriesSettings, load
from shared.web.clients import client_of

NEAR, FAR = ip_network("10.0.0.0/8"), ip_network("fd00::/8")


def request(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", it.encode()) for it in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 50000) if peer is not None else None})


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a-socket", "a-socket"),
        (None, ""),
    ],
)
def test_a_client_is_the_other_end_of_its_connection(peer: str | None, client: str) -> None:
    assert client_of(request(peer), []) == client


@pytest.mark.parametrize("forwarded", ["198.51.100.1", "127.0.0.1", "10.0.0.1, 198.51.100.1", "", "x"])
def test_what_a_request_says_of_itself_counts_for_nothing_by_default(forwarded: str) -> None:
    assert client_of(request("10.0.0.1", forwarded), []) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6, 198.51.100.1, 10.0.0.3"], "198.51.100.1"),
        (["198.51.100.1 , fd00::5,10.0.0.3"], "198.51.100.1"),
        (["2001:db8::1"], "2001:db8::/64"),
        (["10.0.0.9, 10.0.0.3"], "10.0.0.9"),
        (["198.51.100.1, unknown"], "10.0.0.1"),
        (["198.51.100.1, unknown, 10.0.0.3"], "10.0.0.3"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_behind_trusted_proxies_it_is_the_first_from_the_right_that_is_none_of_them(
    forwarded: list[str], client: str
) -> None:
    assert client_of(request("10.0.0.1", *forwarded), [NEAR, FAR]) == client


def test_a_stranger_is_not_believed_because_proxies_are() -> None:
    assert client_of(request("203.0.113.7", "198.51.100.1"), [NEAR]) == "203.0.113.7"


def test_trusted_proxies_are_networks_in_the_settings_and_nobody_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(TriesSettings).trusted_proxies == []
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.1")
    assert load(TriesSettings).trusted_proxies == [NEAR, FAR, ip_network("192.0.2.1/32")]
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, my-proxy")
    with pytest.raises(SettingsError, match=r"^TRUSTED_PROXIES is 'my-proxy'; "):
        load(TriesSettings)
