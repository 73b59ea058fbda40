"""The staff's page of quarantined records: all read, administrators act, and bytes from anybody stay bytes."""

import pytest

from shared.events import Locale, Quarantined
from shared.messaging import quarantine, settling
from shared.service import Service
from tests.domain.facts import NOW, confirmed
from tests.quarantine.records import reads, record
from tests.services.approver.staff import ADMIN, HOA, PARTNER, Browse, hears, reading, words
from tests.services.conftest import rows

CONFIRMED = "customer-confirmed.v1"


async def quarantined(approver: Service, value: bytes | None = b"{", **more: object) -> str:
    """The address of its page."""
    await reads(approver, record(CONFIRMED, value, **more))  # type: ignore[arg-type]  # as given
    async with approver.database.transaction() as tx:
        return f"/quarantine/{(await settling.waiting(tx, 100))[-1].id}"


async def mended(approver: Service) -> str:
    """A record that was quarantined by a fault that is no more."""
    path = await quarantined(approver)
    value = confirmed().model_dump_json().encode()
    async with approver.database.transaction() as tx:
        await tx.execute(quarantine.table.update().values(value=value))
    return path


async def test_staff_read_what_waits_and_a_partner_does_not(approver: Service, browse: Browse) -> None:
    path = await quarantined(approver, b'{"customer_email": "an@example.com"')
    listed = await browse(HOA).get("/quarantine")
    assert listed.status_code == 200 and f'href="{path}"' in listed.text and "undecodable" in listed.text
    shown = await browse(HOA).get(path)
    assert '{"customer_email": "an@example.com"' in words(shown)
    assert "Only an administrator" in words(shown) and "<form" not in shown.text.partition("<main")[2]
    for address in ("/quarantine", path):
        assert (await browse(PARTNER).get(address)).status_code == 403


async def test_an_administrator_replays_a_record_once_and_it_is_kept_who_did(approver: Service, browse: Browse) -> None:
    path = await mended(approver)
    browser = browse(ADMIN)
    for _twice in range(2):
        answer = await browser.post(f"{path}/replay")
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert await rows(approver.database, "select count(*) from cases") == [(1,)]
    assert await rows(approver.database, "select state, acted_by from quarantine") == [("replayed", ADMIN.email)]
    settled = await browser.get("/quarantine?show=settled")
    assert ADMIN.email in settled.text and "Replayed" in words(settled)


async def test_a_reviewer_neither_replays_nor_discards(approver: Service, browse: Browse) -> None:
    path = await mended(approver)
    for action in ("replay", "discard"):
        answer = await browse(HOA).post(f"{path}/{action}", data={"reason": "x"})
        assert answer.status_code == 403
    assert await rows(approver.database, "select state from quarantine") == [("quarantined",)]


async def test_a_replay_in_vain_says_why_and_the_record_stays(approver: Service, browse: Browse) -> None:
    path = await quarantined(approver)
    answer = await browse(ADMIN).post(f"{path}/replay")
    assert answer.status_code == 409
    assert "It failed again" in words(answer) and "replay failed: undecodable" in words(answer)
    assert path in (await browse(HOA).get("/quarantine")).text


async def test_nothing_is_replayed_before_the_account_facts_at_start_have_been_read(
    approver: Service, browse: Browse
) -> None:
    approver.consumer.catching_up.done = False
    path = await mended(approver)
    answer = await browse(ADMIN).post(f"{path}/replay")
    assert answer.status_code == 503 and answer.headers["retry-after"] == "5"
    assert await rows(approver.database, "select state from quarantine") == [("quarantined",)]


async def test_a_discard_needs_a_reason_and_the_second_one_is_told_who_was_first(
    approver: Service, browse: Browse
) -> None:
    path = await quarantined(approver)
    browser = browse(ADMIN)
    assert (await browser.post(f"{path}/discard")).status_code == 422
    assert (await browser.post(f"{path}/discard", data={"reason": "Rác"})).status_code == 303
    second = await browser.post(f"{path}/discard", data={"reason": "Mine"})
    assert second.status_code == 409 and ADMIN.email in second.text
    assert "Rác" in words(second) and "Mine" in words(second)
    assert (await browser.post(f"{path}/replay")).status_code == 409
    assert await rows(approver.database, "select state, remark from quarantine") == [("discarded", "Rác")]


async def test_hostile_bytes_are_text_of_bounded_length_that_turns_nothing(approver: Service, browse: Browse) -> None:
    value = "<script>x()</script>\u202e\u2069\x00\x1b".encode() + "Ấ".encode() * 300_000
    path = await quarantined(approver, value, headers=[("<b>\u202e", b"\xff" * 5000)] * 50, key=b"\xff" * 5000)
    for locale in Locale:
        page = await browse(reading(ADMIN, locale)).get(path)
        assert page.status_code == 200 and len(page.content) < 60_000
        assert "<script>x" not in page.text and "<b>" not in page.text
        assert not {"\u202e", "\u2069", "\x00", "\x1b"} & set(page.text)
        assert "\\u202e\\u2069\\x00\\x1b" in page.text
        assert f"registration quarantine show approver {path.rpartition('/')[2]}" in page.text


async def test_what_other_services_told_is_listed_once_with_the_command_that_shows_it(
    approver: Service, browse: Browse
) -> None:
    told = Quarantined(
        service="registrar",
        topic="vng-approved.v1",
        partition=3,
        offset=9,
        reason="null_value: <i>",
        quarantined_at=NOW,
    )
    await hears(approver, told, told)
    page = await browse(HOA).get("/quarantine?show=elsewhere")
    assert page.text.count("registration quarantine show registrar vng-approved.v1:3:9") == 1
    assert "null_value: <i>" in words(page) or "&lt;i&gt;" in page.text


@pytest.mark.parametrize(
    "change", [{"service": "x; rm"}, {"topic": "$(x)"}, {"partition": -1}], ids=["service", "topic", "partition"]
)
async def test_a_report_that_would_make_another_command_is_quarantined_itself(
    approver: Service, change: dict[str, object]
) -> None:
    values = {"service": "portal", "topic": "a.v1", "partition": 0, "offset": 1, "reason": "x", "quarantined_at": NOW}
    told = Quarantined.model_validate(values | change).model_dump_json().encode()
    await reads(approver, record("portal.quarantine.v1", told))
    assert await rows(approver.database, "select reason from quarantine") == [("unknown_origin",)]
    assert await rows(approver.database, "select * from quarantined_elsewhere") == []


async def test_an_unknown_or_malformed_number_is_no_page(approver: Service, browse: Browse) -> None:
    for number in ("1", "x", "99999999999999999999", "a:1:1"):
        assert (await browse(ADMIN).get(f"/quarantine/{number}")).status_code == 404
        assert (await browse(ADMIN).post(f"/quarantine/{number}/replay")).status_code == 404


async def test_a_long_list_is_paged(approver: Service, browse: Browse) -> None:
    await reads(approver, *(record(CONFIRMED, b"{") for _ in range(60)))
    first = await browse(HOA).get("/quarantine")
    assert first.text.count('href="/quarantine/') == 50 and 'rel="next"' in first.text
    second = await browse(HOA).get("/quarantine?beyond=50")
    assert second.text.count('href="/quarantine/') == 10 and 'rel="next"' not in second.text
