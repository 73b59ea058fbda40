"""What people and other systems may do at any moment, each in the way that it has: pages, links in mails, events."""

import re
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from shared import events as e
from shared.events import Billing, Locale
from shared.web.person import Person

if TYPE_CHECKING:
    from tests.lifecycle.world import World

EMAILS = [f"khach{n}@example.com" for n in range(10)]
NOWHERE = EMAILS[-1]
"""An account whose mailbox does not exist."""

PARTNERS = [
    Person(f"staff@{name}.example", name.title(), name, name.title(), frozenset({"partner"}), Locale.EN)
    for name in ("saigon", "hanoi")
]
REVIEWERS = [
    Person(f"{name}@vng.example", name.title(), None, None, frozenset(roles), Locale.EN)
    for name, roles in (("hoa", {"vng-reviewer"}), ("binh", {"vng-reviewer"}), ("an", {"vng-reviewer", "vng-admin"}))
]

Act = Callable[["World", Random], Awaitable[None]]


async def account_changes(world: "World", chance: Random) -> None:
    """VNG's systems say something new of an account, sometimes twice, sometimes an older version late."""
    claimed = "and claimed_by is not null" if chance.random() < 0.5 else ""
    found = await world.query(f"select customer_email from approver.cases where status = 'open' {claimed} order by 1")
    waiting = [row[0] for row in found]
    emails = waiting if waiting and chance.random() < 0.5 else EMAILS
    tell_of_account(world, chance, chance.choice(emails), fine=chance.random() < 0.7)


def tell_of_account(world: "World", chance: Random, email: str, *, fine: bool) -> None:
    world.versions[email] += 1
    version = world.versions[email] if chance.random() < 0.9 else max(1, world.versions[email] - 2)
    fact = e.AccountUpdated(
        email=email,
        account_id=f"vng-{email[5]}",
        holder_name="Người giữ",
        locale=chance.choice(list(Locale)),
        billing=Billing.PREPAID if fine or chance.random() < 0.5 else Billing.POSTPAID,
        credit_balance=0 if fine else chance.choice([0, 5]),
        active_services=0 if fine else chance.choice([0, 1]),
        active_discounts=0,
        in_poc=not fine and chance.random() < 0.3,
        vng_customer=chance.random() < 0.4,
        version=version,
        updated_at=world.clock(),
    )
    world.tell(fact, times=chance.choice([1, 1, 2]))


async def partner_registers(world: "World", chance: Random) -> None:
    partner = chance.choice(PARTNERS)
    emails = chance.sample(EMAILS, chance.randint(1, 3))
    batch_id = UUID(int=chance.getrandbits(128), version=4)
    fields: dict[str, Any] = {
        "batch_id": str(batch_id),
        "customer_email": emails,
        "common_name": [f"Khách {email}" for email in emails],
    }
    await world.post("portal", partner, "/accounts", fields)


async def upstream_portal_requests(world: "World", chance: Random) -> None:
    """Another portal writes the topic, and may write a request twice, or withdraw it at once."""
    partner = chance.choice(PARTNERS)
    registration_id = UUID(int=chance.getrandbits(128), version=4)
    request = e.RegistrationRequested(
        registration_id=registration_id,
        partner_id=str(partner.partner_id),
        partner_name=str(partner.partner_name),
        customer_email=chance.choice(EMAILS),
        common_name="Khách từ cổng khác",
        requested_by=partner.email,
        requested_at=world.clock(),
    )
    world.upstream[registration_id] = str(partner.partner_id)
    world.tell(request, times=chance.choice([1, 2]))
    if chance.random() < 0.2:
        world.tell(_withdrawal(world, registration_id, str(partner.partner_id)))


def _withdrawal(world: "World", registration_id: UUID, partner_id: str) -> e.RegistrationWithdrawn:
    return e.RegistrationWithdrawn(
        registration_id=registration_id,
        partner_id=partner_id,
        withdrawn_by="someone@upstream.example",
        withdrawn_at=world.clock(),
    )


async def upstream_portal_changes_its_mind(world: "World", chance: Random) -> None:
    """It withdraws or asks to resend, sometimes for a registration that is not its own or that nobody knows."""
    known = list(world.upstream) + await world.registrations()
    registration_id = (
        chance.choice(known) if known and chance.random() < 0.9 else UUID(int=chance.getrandbits(128), version=4)
    )
    own = world.upstream.get(registration_id)
    partner_id = own if own and chance.random() < 0.6 else "a-stranger"
    if chance.random() < 0.5:
        event: e.Event = _withdrawal(world, registration_id, partner_id)
    else:
        values: dict[str, Any] = {"requested_by": "someone@upstream.example", "requested_at": world.clock()}
        event = e.ConfirmationResendRequested(registration_id=registration_id, partner_id=partner_id, **values)
    world.tell(event, times=chance.choice([1, 2]))


async def partner_withdraws(world: "World", chance: Random) -> None:
    await _change(world, chance, "withdraw", {"reason": "Khách đổi ý"})


async def partner_resends(world: "World", chance: Random) -> None:
    await _change(world, chance, "resend", {})


async def customer_answers(world: "World", chance: Random) -> None:
    """Follows the link of any mail ever received."""
    links = [
        found[0]
        for mail in world.mailbox.messages()
        if mail.n > world.first_mail and (found := re.search(r"https?://\S+/confirmations/\S+", mail.text))
    ]
    if links:
        answer = chance.choice(["confirm", "confirm", "confirm", "decline"])
        await world.post("notifier", None, f"{urlsplit(chance.choice(links)).path}/{answer}", {})


async def staff_act(world: "World", chance: Random) -> None:
    cases = await world.cases(still_open=chance.random() < 0.8)
    if not cases:
        return
    address = f"/cases/{chance.choice(cases)}"
    does = chance.choice(["claim", "claim", "claim", "release", "approve", "approve", "reject"])
    fields = {"reason": "Hồ sơ chưa đủ", "note": "Đã xem", "override_reason": chance.choice(["", "Ngoại lệ"])}
    await world.post("approver", chance.choice(REVIEWERS), f"{address}/{does}", fields)


async def _change(world: "World", chance: Random, does: str, fields: dict[str, Any]) -> None:
    """Any partner's staff tries it with any registration: another partner's is not there for them."""
    known = await world.registrations()
    if known:
        await world.post("portal", chance.choice(PARTNERS), f"/accounts/{chance.choice(known)}/{does}", fields)


ACTS: list[tuple[Act, int]] = [
    (account_changes, 5),
    (partner_registers, 5),
    (upstream_portal_requests, 3),
    (upstream_portal_changes_its_mind, 3),
    (partner_withdraws, 2),
    (partner_resends, 4),
    (customer_answers, 8),
    (staff_act, 10),
]
"""With how likely each is."""
