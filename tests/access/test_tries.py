"""Too many bad tries are refused, by client and whichever instance they come to; nothing holds up who does it right."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.access.house import Answer, House, Matter

LIMIT = 3
PERIOD = timedelta(minutes=10)
ATTACKER = "203.0.113.7"
OpenHouse = Callable[..., House]


@pytest.fixture
async def open_house(fresh_url: str) -> AsyncIterator[OpenHouse]:
    """An instance of one service; all on one database."""
    async with AsyncExitStack() as stack:

        def opened(service: str = "notifier", **more: object) -> House:
            house = House(fresh_url, [service], **{"tries_limit": LIMIT, "tries_period": PERIOD, **more})
            stack.push_async_callback(house.close)
            return house

        yield opened


async def guess(house: House, client: str = ATTACKER, **headers: str) -> Answer:
    """Underscores in the names of headers are hyphens."""
    sent: dict[str, str | None] = {name.replace("_", "-"): value for name, value in headers.items()}
    return await house.ask("notifier", "GET", f"/confirmations/{Matter().forged}", client=client, headers=sent)


async def kept(house: House, service: str = "notifier") -> list[tuple[str, int]]:
    async with house.services[service].database.engine.connect() as connection:
        found = await connection.execute(text("select client, bad from tries order by client"))
        return [(row.client, row.bad) for row in found]


async def test_unknown_links_are_refused_beyond_the_limit_until_the_period_is_over(open_house: OpenHouse) -> None:
    house = open_house()
    assert [(await guess(house)).status for _ in range(LIMIT)] == [404] * LIMIT
    house.now += timedelta(minutes=4)
    for path in ("/confirmations/x", "/confirmations/x/confirm", "/confirmations", f"/confirmations/{Matter().forged}"):
        refused = await house.ask("notifier", "GET", path, client=ATTACKER)
        assert (refused.status, refused.headers["retry-after"]) == (429, "360")
    house.now += timedelta(minutes=6) - timedelta(milliseconds=1)
    assert (await guess(house)).headers["retry-after"] == "1"
    house.now += timedelta(milliseconds=1)
    assert [(await guess(house)).status for _ in range(LIMIT + 1)] == [404] * LIMIT + [429]


@pytest.mark.parametrize("answer", ["confirm", "decline"])
async def test_answers_to_unknown_links_are_tries_too_and_are_not_read(open_house: OpenHouse, answer: str) -> None:
    house, form = open_house(), {"reason": "x" * 2000}
    path = f"/confirmations/{Matter().forged}/{answer}"
    answers = [await house.ask("notifier", "POST", path, form=form, client=ATTACKER) for _ in range(LIMIT + 1)]
    assert [it.status for it in answers] == [404] * LIMIT + [429]


@pytest.mark.parametrize("service", ["portal", "approver"])
async def test_failed_sign_ins_are_refused_beyond_the_limit(open_house: OpenHouse, service: str) -> None:
    house = open_house(service)
    asked = [f"/auth/callback?code={n}&state={n}" for n in range(LIMIT)] + ["/auth/callback?error=access_denied"]
    answers = [await house.ask(service, "GET", path, client=ATTACKER) for path in asked]
    assert [it.status for it in answers] == [400] * LIMIT + [429]
    assert answers[-1].headers["retry-after"] == "600"
    assert (await house.ask(service, "GET", "/auth/signed-out", client=ATTACKER)).status == 200


async def test_instances_share_the_count(open_house: OpenHouse) -> None:
    one, two = open_house(), open_house()
    assert [(await guess(it)).status for it in (one, two, one)] == [404] * LIMIT
    assert [(await guess(it)).status for it in (two, one)] == [429, 429]


async def test_a_new_instance_knows_who_is_refused(open_house: OpenHouse) -> None:
    first = open_house()
    for _ in range(LIMIT):
        await guess(first)
    assert (await guess(open_house())).status == 429


async def test_a_hundred_customers_pass_behind_an_address_that_is_refused_and_cost_nothing_extra(
    open_house: OpenHouse,
) -> None:
    house = open_house()
    for _ in range(LIMIT):
        await guess(house)
    before = await kept(house)
    customers = [Matter() for _ in range(100)]
    await asyncio.gather(*(house.prepare("notifier", it, "open") for it in customers))
    for it in customers:
        assert (await guess(house)).status == 429
        looked = await house.ask("notifier", "GET", f"/confirmations/{it.token}", client=ATTACKER)
        answered = await house.ask("notifier", "POST", f"/confirmations/{it.token}/confirm", client=ATTACKER)
        assert (looked.status, answered.status) == (200, 200)
    assert len(before) == 1 and before[0][1] == LIMIT
    assert await kept(house) == [(ATTACKER, LIMIT + 1)]  # the first that was refused; no other was asked about


async def test_a_link_of_ours_that_leads_nowhere_is_no_bad_try(open_house: OpenHouse) -> None:
    house, matter = open_house(), Matter()
    paths = [f"/confirmations/{matter.token}", f"/confirmations/{matter.token}/elsewhere"] * LIMIT
    assert {(await house.ask("notifier", "GET", path)).status for path in paths} == {404}
    assert await kept(house) == []


async def test_one_clients_tries_are_no_others(open_house: OpenHouse) -> None:
    house = open_house()
    for _ in range(LIMIT + 1):
        await guess(house)
    assert (await guess(house, "203.0.113.8")).status == 404
    half = "2001:db8:1:2"
    assert [(await guess(house, f"{half}::{n}")).status for n in range(LIMIT + 1)] == [404] * LIMIT + [429]
    assert (await guess(house, "2001:db8:1:3::1")).status == 404


async def test_nobody_gets_new_tries_by_saying_to_be_somebody_else(open_house: OpenHouse) -> None:
    house = open_house()
    answers = [await guess(house, x_forwarded_for=f"198.51.100.{n}") for n in range(LIMIT + 1)]
    assert answers[-1].status == 429


async def test_behind_a_trusted_proxy_each_client_has_its_own_tries(open_house: OpenHouse) -> None:
    house = open_house(trusted_proxies=["203.0.113.0/24"])
    answers = [await guess(house, x_forwarded_for=f"6.6.6.{n}, 198.51.100.1") for n in range(LIMIT + 1)]
    assert [it.status for it in answers] == [404] * LIMIT + [429]
    assert (await guess(house, x_forwarded_for="6.6.6.6, 198.51.100.2")).status == 404


async def test_a_flood_takes_few_connections_and_is_soon_answered_without_any(open_house: OpenHouse) -> None:
    house = open_house()
    pool, most = house.services["notifier"].database.engine.pool, 0

    async def one() -> int:
        nonlocal most
        status = (await guess(house)).status
        most = max(most, pool.checkedout())  # type: ignore[attr-defined]  # of a QueuePool
        return status

    answers = await asyncio.gather(*(one() for _ in range(200)))
    assert sorted(answers) == [404] * LIMIT + [429] * (200 - LIMIT)
    assert most <= 2
    [(_client, bad)] = await kept(house)
    assert bad <= LIMIT + 2


async def test_tries_that_are_over_are_cleared_away_by_those_that_come(open_house: OpenHouse) -> None:
    house = open_house()
    for n in range(5):
        await guess(house, f"203.0.113.{n}")
    house.now += PERIOD
    await guess(house, "203.0.113.9")
    assert await kept(house) == [("203.0.113.9", 1)]


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ("Too many tries", "try again in 10 minutes", "open it from the email")),
        ("vi", ("Thử quá nhiều lần", "thử lại sau 10 phút", "mở từ email")),
    ],
)
async def test_the_refusal_is_a_page_that_says_how_long_and_what_works_at_once(
    open_house: OpenHouse, language: str, says: tuple[str, ...]
) -> None:
    house = open_house()
    for _ in range(LIMIT):
        await guess(house)
    page = await guess(house, accept_language=language)
    assert (page.status, page.headers["content-language"]) == (429, language)
    assert all(sentence in page.text for sentence in says)
    assert "<h1>" in page.text and page.headers["cache-control"] == "no-store"
