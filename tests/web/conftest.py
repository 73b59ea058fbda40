"""A browser at a small service, in-process, and a real OpenID provider for its sign-in."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from oidc_provider_mock import run_server_in_thread
from starlette.testclient import TestClient

from shared.web.app import create_web_app
from shared.web.health import Check
from shared.web.sign_in import SignIn
from shared.web.site import Site
from shared.web.templating import Pages
from shared.web.tries import BadTry
from tests.web.small_service import (
    ACCOUNTS,
    HOMELESS,
    LOOPBACK,
    PARTNER,
    REVIEWER,
    MovableClock,
    OpenSite,
    SignInAs,
    Vietnamese,
    guarded_routes,
    open_routes,
    settings,
    uncounted,
    write_catalogue,
)


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # the provider, not our client, asks for it
        with run_server_in_thread(user_claims=[PARTNER, REVIEWER, HOMELESS]) as server:
            yield f"http://localhost:{server.server_port}"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def open_site(tmp_path: Path, clock: MovableClock) -> OpenSite:
    """A browser at a fresh service; without an issuer the service has no sign-in."""

    def opened(
        public_url: str = LOOPBACK,
        *,
        service: str = "portal",
        issuer: str | None = None,
        checks: Mapping[str, Check] | None = None,
        vietnamese: Vietnamese | None = None,
        bad_try: BadTry = uncounted,
        **templates: str,
    ) -> TestClient:
        folder = tmp_path / "templates"
        folder.mkdir(exist_ok=True)
        write_catalogue(tmp_path, vietnamese or {})
        for name, source in templates.items():
            (folder / f"{name}.html").write_text(source)
        pages = Pages(Site(service, public_url), tmp_path)
        sign_in = (
            SignIn(settings(public_url, issuer), pages, bad_try, for_partners=True, clock=clock) if issuer else None
        )

        async def numbers() -> bytes:
            return b"visits_total 3.0\n"

        app = create_web_app(
            pages=pages,
            routes=[*open_routes(pages), *(guarded_routes(pages, sign_in) if sign_in else [])],
            checks=checks or {},
            numbers=numbers,
            sign_in=sign_in,
        )
        return TestClient(
            app,
            base_url=public_url,
            raise_server_exceptions=False,
            follow_redirects=False,
            headers={"accept-language": ""},
        )

    return opened


@pytest.fixture
def sign_in_as() -> SignInAs:
    """Walks a browser through sign-in, as a person would, up to the callback's answer."""

    def walked(browser: TestClient, sub: str, next_path: str = "/accounts") -> httpx2.Response:
        to_provider = browser.get("/auth/sign-in", params={"next": next_path})
        assert to_provider.status_code == 302, to_provider.text
        back = httpx2.post(to_provider.headers["location"], data={"sub": sub})
        callback = urlsplit(back.headers["location"])
        return browser.get(f"{callback.path}?{callback.query}")

    return walked


@pytest.fixture
def portal(open_site: OpenSite, provider: str) -> TestClient:
    return open_site(issuer=provider, accounts=ACCOUNTS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The provider runs in our process and uses what its own library gave up: not a fault of ours."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "provider" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.filterwarnings("ignore:get_jwt_config.*:DeprecationWarning"))
