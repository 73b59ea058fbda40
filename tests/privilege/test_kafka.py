"""At a broker with access rules each program can do its work, and nothing else."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from commands.acls import Operation, apply_acls, make_rule, rule_of
from commands.demo.people import link_in
from commands.failures import Failed
from commands.kafka import publish
from embedded import Servers
from embedded.kafka_secured import ADMINISTRATOR
from shared.access import Resource, grants
from shared.events import Locale, VngApproved
from shared.messaging.kafka import admin, publisher
from shared.messaging.relay import Relay
from shared.settings import KafkaSettings
from shared.topics import SERVICES
from shared.web.person import Person
from tests.domain.facts import NOW, ONE, account_updated
from tests.integration.conftest import PATIENCE, World, serving
from tests.privilege.conftest import USERS, SignIn
from tests.privilege.probes import held, readable, usable, writable
from tests.privilege.programs import program

# By hand from the design: who writes each topic, and who reads it.
MAY = {
    "registration-requested.v1": ("portal", {"registrar"}),
    "registration-withdrawn.v1": ("portal", {"registrar"}),
    "confirmation-resend-requested.v1": ("portal", {"notifier"}),
    "account-updated.v1": ("accounts", {"registrar", "approver"}),
    "registration-opened.v1": ("registrar", {"notifier", "portal"}),
    "confirmation-sent.v1": ("notifier", {"portal"}),
    "confirmation-resend-refused.v1": ("notifier", {"portal"}),
    "confirmation-undeliverable.v1": ("notifier", {"portal"}),
    "customer-confirmed.v1": ("notifier", {"registrar", "approver", "portal"}),
    "customer-declined.v1": ("notifier", {"registrar"}),
    "confirmation-expired.v1": ("notifier", {"registrar"}),
    "vng-approved.v1": ("approver", {"registrar"}),
    "vng-rejected.v1": ("approver", {"registrar"}),
    "review-due.v1": ("approver", {"notifier"}),
    "registration-approved.v1": ("registrar", {"portal", "notifier", "approver"}),
    "registration-closed.v1": ("registrar", {"portal", "notifier", "approver"}),
    "portal.quarantine.v1": ("portal", {"approver"}),
    "registrar.quarantine.v1": ("registrar", {"approver"}),
    "notifier.quarantine.v1": ("notifier", {"approver"}),
    "approver.quarantine.v1": ("approver", set()),
}

AN = Person("an@partner.example", "Nguyễn An", "p-1", "Đối tác A", frozenset({"partner"}), Locale.EN)
HOA = Person("hoa@vng.example", "Lê Thị Hoa", None, None, frozenset({"vng-reviewer"}), Locale.EN)


async def test_each_program_writes_reads_and_commits_only_what_is_its_own(sign_in: SignIn, ruled: None) -> None:
    prefix = sign_in(ADMINISTRATOR).kafka_topic_prefix
    topics, groups = [prefix + name for name in MAY], [prefix + it for it in SERVICES]
    for user in USERS:
        settings = sign_in(user)
        written, read = await writable(settings, topics), await readable(settings, topics)
        assert written == {prefix + name for name, (writer, _) in MAY.items() if writer == user}, user
        assert read == {prefix + name for name, (_, readers) in MAY.items() if user in readers}, user
        assert await usable(settings, groups) == {group for group in groups if group == prefix + user}, user


async def test_rules_are_made_once_and_none_is_taken_away(sign_in: SignIn, topics: None) -> None:
    administrator = sign_in(ADMINISTRATOR)
    planned = await apply_acls(administrator, dry_run=True)
    first, second = await apply_acls(administrator), await apply_acls(administrator)
    assert [line.replace("would make", "made", 1) for line in planned.lines] == first.lines
    assert {line.split()[0] for line in first.lines} == {"made"}
    assert [line.replace("made", "there", 1) for line in first.lines] == second.lines
    assert len(second.lines) == len(grants(administrator.kafka_topic_prefix))


async def test_a_right_beyond_the_table_is_told(sign_in: SignIn, ruled: None) -> None:
    administrator = sign_in(ADMINISTRATOR)
    prefix = administrator.kafka_topic_prefix
    approved = rule_of(grants(prefix)[0])._replace(name=f"{prefix}vng-approved.v1", principal="User:notifier")
    async with admin(administrator) as client:
        await make_rule(client, approved._replace(operation=Operation.WRITE))
        await make_rule(client, approved._replace(operation=Operation.READ, principal="User:credits"))
    report = await apply_acls(administrator)
    assert f"also  User:credits may read topic {prefix}vng-approved.v1" in report.lines
    assert [problem.partition(";")[0] for problem in report.problems] == [
        f"User:notifier may write topic {prefix}vng-approved.v1"
    ]


async def test_who_is_no_administrator_sets_no_rules(sign_in: SignIn, ruled: None) -> None:
    with pytest.raises(Failed, match="expected an administrator's login"):
        await apply_acls(sign_in("approver"))


async def test_a_broker_without_an_authorizer_is_told(running: Servers) -> None:
    with pytest.raises(Failed, match="it has no authorizer, so everybody may do everything"):
        await apply_acls(KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers))


async def test_notifier_cannot_say_that_vng_has_approved(world: World, sign_in: SignIn, ruled: None) -> None:
    """Whatever its code does: here an approval stands in its outbox."""
    database = world.database("notifier")
    async with database.transaction() as tx:
        tx.emit(VngApproved(registration_id=ONE, approved_by=HOA.email, approved_at=NOW))
    relay = Relay(database, lambda: publisher(sign_in("notifier"), "notifier-relay"), topic_prefix=world.prefix)
    stopping = asyncio.Event()
    running = asyncio.create_task(relay.run(stopping))
    topic = f"{world.prefix}vng-approved.v1"
    await until(lambda: f"allows this login no use of the topic {topic}" in (relay.trouble or ""))
    stopping.set()
    await running
    assert await held(sign_in(ADMINISTRATOR), topic) == 0
    assert len(await world.rows("notifier", "select id from outbox")) == 1, "it is kept for whoever looks into it"
    await database.close()


async def until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  # another task brings it about and signals nothing
            await asyncio.sleep(0.02)


async def test_a_service_without_its_rules_says_so_in_one_line_and_goes_on_once_it_has_them(
    world: World, sign_in: SignIn
) -> None:
    prefix = world.prefix
    async with serving(program("registrar", world, sign_in("registrar")).service) as registrar:
        trouble = registrar.consumer.inbox
        await until(lambda: f"Kafka allows this login no use of the topic {prefix}" in (trouble.trouble or ""))
        assert "\n" not in str(trouble.trouble) and str(trouble.trouble).endswith("registration topics apply --acls")
        async with admin(sign_in(ADMINISTRATOR)) as client:
            for grant in grants(prefix):
                if grant.resource is Resource.TOPIC:
                    await make_rule(client, rule_of(grant))
        await until(lambda: f"no use of the group {prefix}registrar" in (trouble.trouble or ""))
        assert not registrar.consumer.assigned
        await apply_acls(sign_in(ADMINISTRATOR))
        await until(lambda: registrar.consumer.assigned and trouble.trouble is None)


async def test_a_registration_goes_from_request_to_approved_with_every_program_under_its_own_user(
    world: World, sign_in: SignIn, ruled: None
) -> None:
    email = f"an.{world.prefix.rstrip('.')}@example.com"
    facts = account_updated(email)
    await publish(sign_in("accounts"), [facts], "accounts")
    async with AsyncExitStack() as stack:
        programs = {name: program(name, world, sign_in(name)) for name in SERVICES}
        for it in programs.values():
            await stack.enter_async_context(serving(it.service))
        portal = await stack.enter_async_context(programs["portal"].browser(AN))
        staff = await stack.enter_async_context(programs["approver"].browser(HOA))
        customer = await stack.enter_async_context(programs["notifier"].browser())
        await until(lambda: programs["registrar"].service.consumer.catching_up.done)
        row = {"customer_email": email, "common_name": "Minh Phát", "role": "Partner"}
        assert (await portal.post("/accounts", data=row)).status_code in {200, 303}
        assert world.servers.mailbox
        mail = await asyncio.to_thread(world.servers.mailbox.wait_for, to=email, timeout=PATIENCE)
        assert (await customer.post(f"{link_in(mail.text)}/confirm")).status_code == 200
        [case] = await world.until("approver", "select registration_id from cases", lambda rows: len(rows) == 1)
        assert (await staff.post(f"/cases/{case.registration_id}/approve")).status_code in {200, 303}
        await world.until("portal", "select status from registrations", lambda rows: tuple(rows[0]) == ("approved",))
        for name in SERVICES:
            assert await world.rows(name, "select topic, reason from quarantine") == []
            await world.until(name, "select id from outbox", lambda rows: not rows)
