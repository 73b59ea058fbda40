"""Every page in every state that people meet, with what brings it there. Each is made anew for each look at it, by
people and about customers of its own, so that looks do not disturb each other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy.dialects.postgresql import insert

from services.approver.claims import Reviewer
from services.notifier import periods
from services.notifier import store as confirmations
from shared.events import Outcome, Quarantined
from shared.messaging import settling
from shared.web import tries
from shared.web.person import Person
from tests.browser.gallery import CLOCK_STANDS_AT, Gallery
from tests.browser.story import DAY, MINUTE, Story, account, partners, staff
from tests.domain.notifier import POLICY
from tests.quarantine.records import reads, record
from tests.services.approver.at_work import claim

_numbers = count(1)

HOA = staff("hoa@vng.example", "Lê Thị Hoa")
AN = staff("an@vng.example", "Phạm Quốc An", "vng-reviewer", "vng-admin")
RECENTLY = CLOCK_STANDS_AT - 180 * MINUTE


@dataclass(frozen=True)
class Shown:
    """What a browser opens: `path` of a service, or, with `fields`, what is posted to it. `status` is the answer's."""

    room: str
    path: str
    person: Person | None = None
    status: int = 200
    fields: tuple[tuple[str, str], ...] | None = None


Make = Callable[[Gallery], Awaitable[Shown]]
STATES: dict[str, Make] = {}


def state(name: str) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        assert name not in STATES, name
        STATES[name] = make
        return make

    return keep


def lan() -> Person:
    """Of a partner that nobody has looked at yet."""
    return partners("Nguyễn Thị Lan", f"Saigon Cloud {next(_numbers)}")


def customer(by: Person, name: str = "Công ty Minh Phát", **more: Any) -> Story:
    return Story(by, f"khach{next(_numbers)}@minhphat.example", name, **{"at": RECENTLY, **more})


# The portal.


async def registered(rooms: Gallery, it: Story, *told: Any) -> None:
    await rooms.requests(it.requested())
    await rooms.hears("portal", *told)


Told = Callable[[Story], list[Any]]


def ended(outcome: Outcome, reasons: tuple[str, ...]) -> Told:
    return lambda it: [it.closed(outcome, *reasons)]


def registration(name: str, tell: Told) -> None:
    """The page of one registration, after what `tell` says has happened."""

    @state(f"registration {name}")
    async def make(rooms: Gallery) -> Shown:
        it = customer(lan())
        await registered(rooms, it, *tell(it))
        return Shown("portal", f"/accounts/{it.registration_id}", it.by)


CLOSINGS: dict[str, tuple[Outcome, tuple[str, ...]]] = {
    "refused for its conditions": (Outcome.REFUSED, ("conditions_not_met",)),
    "refused for all that can be": (
        Outcome.REFUSED,
        (
            "not_registered",
            "already_registered",
            "current_customer",
            "too_many_open",
            "declined_recently",
            "withdrawn_too_often",
        ),
    ),
    "declined": (Outcome.DECLINED, ("Chúng tôi chưa có nhu cầu.\nXin liên hệ lại sau Tết.",)),
    "expired": (Outcome.EXPIRED, ()),
    "withdrawn": (Outcome.WITHDRAWN, ()),
    "rejected": (Outcome.REJECTED, ("Hồ sơ thiếu giấy phép kinh doanh.",)),
}


def opened_then(tell: Told) -> Told:
    return lambda it: [it.opened(), it.sent(), *tell(it)]


for _name, _end in CLOSINGS.items():
    registration(_name, opened_then(ended(*_end)))
registration("requested", lambda it: [])
registration("waiting for its first mail", lambda it: [it.opened()])
registration("waiting for the customer", lambda it: [it.opened(), it.sent()])
registration("with no resend left", lambda it: [it.opened(), it.sent(4)])
registration("undeliverable", lambda it: [it.opened(), it.undeliverable()])
registration("waiting for approval", lambda it: [it.opened(), it.sent(), it.confirmed()])
registration("approved", lambda it: [it.opened(), it.sent(), it.confirmed(), it.approved()])
registration("approved by the policy", lambda it: [it.opened(), it.sent(), it.approved("policy:current-customer")])


async def waiting(rooms: Gallery, by: Person | None = None) -> Story:
    it = customer(by or lan())
    await registered(rooms, it, it.opened(), it.sent())
    return it


def posted(name: str, path: str, status: int, *fields: tuple[str, str], told: Told) -> None:
    @state(name)
    async def make(rooms: Gallery) -> Shown:
        it = customer(lan())
        await registered(rooms, it, *told(it))
        return Shown("portal", f"/accounts/{it.registration_id}/{path}", it.by, status, fields)


posted("resend refused", "resend", 409, told=lambda it: [it.opened(), it.sent(after=170 * MINUTE)])
posted("resend asked", "resend", 200, told=lambda it: [it.opened(), it.sent()])
posted("withdrawal asked", "withdraw", 200, ("reason", "Khách đổi ý"), told=lambda it: [it.opened(), it.sent()])
posted("withdrawal refused", "withdraw", 409, told=lambda it: [it.opened(), it.sent(), it.approved()])
posted(
    "withdrawal with too long a reason", "withdraw", 422, ("reason", "Lý do rất dài. " * 80),
    told=lambda it: [it.opened(), it.sent()],
)  # fmt: skip

NAMES = (
    "Công ty Cổ phần Giải pháp Công nghệ và Dịch vụ Hạ tầng số Hoa Sen Việt Nam",
    '<b onclick=alert(1)>Bold</b> & "quoted"',
    "שלום \u202egnirts desrever",
    "🍜 Phở 24",
    '=HYPERLINK("http://x")',
    "Раураl",
    "W" * 200,
)


@state("list empty")
async def _list_empty(_rooms: Gallery) -> Shown:
    return Shown("portal", "/accounts", lan())


async def full_list(rooms: Gallery, by: Person) -> None:
    for number, name in enumerate(NAMES):
        it = customer(by, name, at=RECENTLY - number * DAY)
        await registered(rooms, it)
    told: list[Told] = [
        lambda it: [it.opened(), it.sent()],
        lambda it: [it.opened(), it.undeliverable()],
        lambda it: [it.confirmed()],
        lambda it: [it.approved()],
        *(ended(*end) for end in CLOSINGS.values()),
    ]
    for tell in told:
        it = customer(by, f"Hoa Sen {next(_numbers)}")
        await registered(rooms, it, *tell(it))


def listed(name: str, query: str) -> None:
    @state(name)
    async def make(rooms: Gallery) -> Shown:
        by = lan()
        await full_list(rooms, by)
        return Shown("portal", f"/accounts{query}", by)


listed("list filled", "")
listed("list searched", "?q=hoa+sen")
listed("list by status and name", "?status=approved&sort=name")
listed("list with nothing found", "?q=nobody-has-this-name")
listed("list with broken parameters", "?q=%00&status=none&sort=none&after=x&batch=y")


@state("list of several pages")
async def _list_of_pages(rooms: Gallery) -> Shown:
    by = lan()
    several = [customer(by, f"Khách hàng {number}", at=RECENTLY - number * MINUTE) for number in range(60)]
    await rooms.requests(*(it.requested() for it in several))
    return Shown("portal", "/accounts", by)


@state("list of what was just added")
async def _list_of_batch(rooms: Gallery) -> Shown:
    by, batch_id = lan(), uuid4()
    refused, opened = (customer(by, name, batch_id=batch_id) for name in ("Phú Quý", "Hoa Sen"))
    await registered(rooms, refused, refused.closed(Outcome.REFUSED, "conditions_not_met"))
    await registered(rooms, opened, opened.opened())
    return Shown("portal", f"/accounts?batch={batch_id}", by)


def form(name: str, status: int, *rows: tuple[str, str], action: str = "add", **more: str) -> None:
    @state(name)
    async def make(rooms: Gallery) -> Shown:
        fields = [("action", action), *more.items()]
        for email, common_name in rows:
            fields += [("customer_email", email), ("common_name", common_name), ("role", "Partner")]
        return Shown("portal", "/accounts", lan(), status, tuple(fields))


@state("form")
async def _form(_rooms: Gallery) -> Shown:
    return Shown("portal", "/accounts/add", lan())


@state("form to register again")
async def _form_again(rooms: Gallery) -> Shown:
    it = customer(lan())
    await registered(rooms, it, it.closed(Outcome.EXPIRED))
    return Shown("portal", f"/accounts/add?again={it.registration_id}", it.by)


form("form with another row", 200, ("an@minhphat.example", "Minh Phát"), action="add_row")
form("form without a customer", 422, ("", ""))
form("form with 51 customers", 422, *((f"c{n}@many.example", f"C {n}") for n in range(51)))
form("form out of date", 422, ("an@minhphat.example", "Minh Phát"), batch_id="none")
form("form all wrong", 422, ("not an address", ""), ("", "W" * 201), ("", "no address"))
form(
    "form with outcomes", 200, ("good@hoasen.example", NAMES[2]), ("not an address", NAMES[1]), ("b@x.example", ""),
)  # fmt: skip


@state("account of another partner")
async def _foreign(rooms: Gallery) -> Shown:
    it = await waiting(rooms)
    return Shown("portal", f"/accounts/{it.registration_id}", lan(), 404)


@state("posted with nobody signed in")
async def _unauthorised(_rooms: Gallery) -> Shown:
    fields = (("customer_email", "an@minhphat.example"), ("common_name", "Minh Phát"), ("role", "Partner"))
    return Shown("portal", "/accounts", None, 401, fields)


@state("posted nothing with nobody signed in")
async def _unauthorised_without_fields(rooms: Gallery) -> Shown:
    return Shown("portal", f"/accounts/{uuid4()}/resend", None, 401, ())


@state("wrong role")
async def _forbidden(_rooms: Gallery) -> Shown:
    return Shown("approver", "/cases", lan(), 403)


@state("unknown page")
async def _unknown(_rooms: Gallery) -> Shown:
    return Shown("portal", "/nothing-here", lan(), 404)


@state("wrong method")
async def _wrong_method(_rooms: Gallery) -> Shown:
    return Shown("portal", "/accounts/add", lan(), 405, (("x", "y"),))


@state("too long a body")
async def _too_much(_rooms: Gallery) -> Shown:
    return Shown("portal", "/accounts", lan(), 413, (("common_name", "x" * 1_000_001),))


@state("database away")
async def _unavailable(_rooms: Gallery) -> Shown:
    return Shown("portal without database", "/accounts", lan(), 503)


@state("signed out")
async def _signed_out(_rooms: Gallery) -> Shown:
    return Shown("portal", "/auth/sign-out", lan(), fields=())


@state("signed in")
async def _signed_in(_rooms: Gallery) -> Shown:
    return Shown("portal", "/auth/signed-in", lan())


@state("sign-in with the provider away")
async def _no_provider(_rooms: Gallery) -> Shown:
    return Shown("portal", "/auth/sign-in", None, 503)


@state("sign-in that failed")
async def _failed_sign_in(_rooms: Gallery) -> Shown:
    return Shown("portal", "/auth/callback?error=access_denied", None, 400)


# The confirmation page.


def confirmation(name: str, status: int, answer: str = "", *fields: tuple[str, str], told: Told | None = None) -> None:
    @state(f"confirmation {name}")
    async def make(rooms: Gallery) -> Shown:
        it = customer(partners("Nguyễn Thị Lan", "Công ty Saigon Cloud"))
        await rooms.hears("notifier", it.opened(), *(told(it) if told else []))
        path = rooms.links.link(it.registration_id).removeprefix(rooms.rooms["notifier"].url)
        return Shown("notifier", f"{path}{answer}", None, status, fields if answer else None)


confirmation("open", 200)
confirmation("confirmed", 200, "/confirm")
confirmation("declined", 200, "/decline", ("reason", "Không"))
confirmation("declined with too long a reason", 422, "/decline", ("reason", "Dài quá. " * 150))
confirmation("approved", 200, told=lambda it: [it.approved()])
confirmation("answered too late", 409, "/decline", told=lambda it: [it.approved()])
for _name, _end in CLOSINGS.items():
    if _end[0] is not Outcome.DECLINED:
        confirmation(_name, 200, told=ended(*_end))
confirmation("withdrawn, confirmed too late", 409, "/confirm", told=ended(*CLOSINGS["withdrawn"]))


@state("confirmation that ran out")
async def _ran_out(rooms: Gallery) -> Shown:
    it = customer(partners("Nguyễn Thị Lan", "Công ty Saigon Cloud"))
    await rooms.hears("notifier", it.opened())
    async with rooms.rooms["notifier"].service.database.transaction(CLOCK_STANDS_AT - 20 * DAY) as tx:
        for asked in (await confirmations.lock(tx, [it.registration_id])).values():
            await confirmations.save(tx, periods.sent(asked, asked.period, POLICY, tx.now))
    link = rooms.links.link(it.registration_id)
    return Shown("notifier", link.removeprefix(rooms.rooms["notifier"].url))


@state("confirmation unknown")
async def _unknown_link(_rooms: Gallery) -> Shown:
    return Shown("notifier", "/confirmations/cut-off", None, 404)


@state("too many tries")
async def _refused(rooms: Gallery) -> Shown:
    had = {"client": "127.0.0.1", "since": CLOCK_STANDS_AT - 4 * MINUTE, "bad": 1000}
    async with rooms.rooms["refusing notifier"].service.database.transaction() as tx:
        await tx.execute(insert(tries.table).on_conflict_do_nothing(), had)
    return Shown("refusing notifier", "/confirmations/cut-off", None, 429)


# Approver.

BAD: dict[str, Any] = {"credit_balance": 2_500_000, "active_services": 3, "active_discounts": 1, "in_poc": True}


async def case(rooms: Gallery, room: str = "approver", *later: Any, **facts: Any) -> Story:
    """An open case; `facts` of the account are other than the conditions ask for, once it is open."""
    it = customer(partners("Nguyễn Thị Lan", "Saigon Cloud"), at=RECENTLY)
    await rooms.hears(room, account(it.customer_email), it.confirmed())
    if facts:
        await rooms.hears(room, account(it.customer_email, version=2, **facts))
    await rooms.hears(room, *later)
    return it


@state("queue empty")
async def _queue_empty(_rooms: Gallery) -> Shown:
    return Shown("idle approver", "/cases", HOA)


def queue(name: str, query: str) -> None:
    @state(name)
    async def make(rooms: Gallery) -> Shown:
        await case(rooms)
        await case(rooms, **BAD)
        late = customer(partners("Nguyễn Thị Lan", NAMES[0]), NAMES[1], at=RECENTLY - 20 * DAY)
        await rooms.hears("approver", account(late.customer_email), late.confirmed())
        return Shown("approver", f"/cases{query}", HOA)


queue("queue", "")
queue("queue of mine", "?show=mine")
queue("queue of the due", "?show=due")
queue("queue of the decided", "?show=decided")
queue("queue searched", "?q=minhphat")
queue("queue with nothing found", "?q=nobody-has-this-name")
queue("queue with broken parameters", "?q=%00&show=x&after=y")


def opened_case(name: str, **facts: Any) -> None:
    @state(f"case {name}")
    async def make(rooms: Gallery) -> Shown:
        it = await case(rooms, **facts)
        return Shown("approver", f"/cases/{it.registration_id}", HOA)


opened_case("open")
opened_case("of a changed account", **BAD)


@state("case overdue of a deleted account")
async def _case_overdue(rooms: Gallery) -> Shown:
    it = customer(partners("Nguyễn Thị Lan", NAMES[0]), NAMES[2], at=RECENTLY - 20 * DAY)
    await rooms.hears("approver", it.confirmed())
    return Shown("approver", f"/cases/{it.registration_id}", HOA)


async def claimed(rooms: Gallery, by: Person) -> Story:
    it = await case(rooms)
    await claim(rooms.rooms["approver"].service.database, Reviewer(by.email, is_admin=False), it.registration_id)
    return it


@state("case claimed by me")
async def _mine(rooms: Gallery) -> Shown:
    it = await claimed(rooms, HOA)
    return Shown("approver", f"/cases/{it.registration_id}", HOA)


@state("case claimed by another")
async def _theirs(rooms: Gallery) -> Shown:
    it = await claimed(rooms, AN)
    return Shown("approver", f"/cases/{it.registration_id}", HOA)


@state("case claimed by another, for an administrator")
async def _to_take_over(rooms: Gallery) -> Shown:
    it = await claimed(rooms, HOA)
    return Shown("approver", f"/cases/{it.registration_id}", AN)


def acted(name: str, what: str, status: int, *fields: tuple[str, str], room: str = "approver", **facts: Any) -> None:
    @state(f"case {name}")
    async def make(rooms: Gallery) -> Shown:
        it = await case(rooms, **facts)
        return Shown(room, f"/cases/{it.registration_id}/{what}", HOA, status, fields)


acted("claimed", "claim", 200)
acted("approved", "approve", 200, ("note", "Đã gọi điện xác minh."))
acted("rejected", "reject", 200, ("reason", "Hồ sơ thiếu.\nXin bổ sung."))
acted("with a preview of its rejection", "preview", 200, ("reason", "Hồ sơ thiếu.\nXin bổ sung."), ("note", "Tốt"))
acted("rejected without a reason", "reject", 422)
acted("approved with too long a note", "approve", 422, ("note", "Dài quá. " * 150))
acted("approved despite its conditions without a reason", "approve", 422, ("note", "Tốt"), **BAD)
acted("decided while starting", "approve", 503, room="starting approver")


@state("case claimed by another, approved")
async def _theirs_approved(rooms: Gallery) -> Shown:
    it = await claimed(rooms, AN)
    return Shown("approver", f"/cases/{it.registration_id}/approve", HOA, 409, ())


@state("case claimed by another, released")
async def _theirs_released(rooms: Gallery) -> Shown:
    it = await claimed(rooms, AN)
    return Shown("approver", f"/cases/{it.registration_id}/release", HOA, 409, ())


@state("case released")
async def _released(rooms: Gallery) -> Shown:
    it = await claimed(rooms, HOA)
    return Shown("approver", f"/cases/{it.registration_id}/release", HOA, 200, ())


@state("case withdrawn")
async def _withdrawn(rooms: Gallery) -> Shown:
    it = await case(rooms)
    await rooms.hears("approver", it.closed(Outcome.WITHDRAWN))
    return Shown("approver", f"/cases/{it.registration_id}", HOA)


@state("case final")
async def _final(rooms: Gallery) -> Shown:
    it = await case(rooms)
    await rooms.hears("approver", it.approved())
    return Shown("approver", f"/cases/{it.registration_id}", HOA)


@state("case decided, rejected again")
async def _again(rooms: Gallery) -> Shown:
    it = await case(rooms)
    await rooms.hears("approver", it.approved())
    return Shown("approver", f"/cases/{it.registration_id}/reject", HOA, 409, (("reason", "Thiếu"),))


@state("case unknown")
async def _no_case(_rooms: Gallery) -> Shown:
    return Shown("approver", "/cases/unknown", HOA, 404)


@state("bulk of nothing")
async def _bulk_nothing(_rooms: Gallery) -> Shown:
    return Shown("approver", "/cases/approve", HOA, 422, ())


@state("bulk summary")
async def _bulk(rooms: Gallery) -> Shown:
    good, other, bad, theirs = await case(rooms), await case(rooms), await case(rooms, **BAD), await claimed(rooms, AN)
    decided = await case(rooms)
    await rooms.hears("approver", decided.approved())
    ids = [("registration_id", str(it.registration_id)) for it in (good, other, bad, theirs, decided)]
    return Shown("approver", "/cases/approve", HOA, 200, tuple(ids))


# The quarantine.

CONFIRMED = "customer-confirmed.v1"
HOSTILE = "\u202e<b>x</b>\x1b[31m".encode() + b'{"customer_email": "' + "Ấ".encode() * 3000
ODD_HEADERS = [("ce_type", b"CustomerConfirmed"), ("odd", b"\xff"), ("null", None)]


async def quarantined(rooms: Gallery, value: bytes | None = b"{", room: str = "approver") -> str:
    """A record that waits in quarantine: the address of its page."""
    service = rooms.rooms[room].service
    await reads(service, record(CONFIRMED, value, headers=ODD_HEADERS))
    async with service.database.transaction() as tx:
        found = await settling.every(tx, 10_000)
    return f"/quarantine/{found[-1].id}"


def quarantine(name: str, query: str, room: str = "approver") -> None:
    @state(f"quarantine {name}")
    async def make(rooms: Gallery) -> Shown:
        if room == "approver":
            path = await quarantined(rooms, HOSTILE)
            await settling.discard(rooms.rooms[room].service.database, int(path.rpartition("/")[2]), AN.email, "Rác")
            await quarantined(rooms, HOSTILE)
            place: dict[str, Any] = {"topic": "registration-requested.v1", "partition": 5, "offset": next(_numbers)}
            why: dict[str, Any] = {"reason": "undecodable: customer_email: " + "x" * 300, "quarantined_at": RECENTLY}
            await rooms.hears(room, Quarantined(service="registrar", **place, **why))
        return Shown(room, f"/quarantine{query}", HOA)


for _name, _query in (("waiting", ""), ("settled", "?show=settled"), ("elsewhere", "?show=elsewhere")):
    quarantine(_name, _query)
    quarantine(f"{_name}, nothing there", _query, "idle approver")
quarantine("with broken parameters", "?show=x&beyond=%00")


def quarantined_record(name: str, value: bytes | None, by: Person = AN) -> None:
    @state(f"quarantined record {name}")
    async def make(rooms: Gallery) -> Shown:
        return Shown("approver", await quarantined(rooms, value), by)


quarantined_record("of hostile text", HOSTILE)
quarantined_record("of bytes", b"\xff\xfe" * 3000)
quarantined_record("without a value", None)
quarantined_record("for a reviewer", b"{", HOA)


def handled(name: str, what: str, status: int, *fields: tuple[str, str], room: str = "approver") -> None:
    @state(f"quarantined record {name}")
    async def make(rooms: Gallery) -> Shown:
        return Shown(room, f"{await quarantined(rooms, b'{', room)}/{what}", AN, status, fields)


handled("replayed in vain", "replay", 409)
handled("replayed while starting", "replay", 503, room="starting approver")
handled("discarded", "discard", 200, ("reason", "Một bản ghi thử nghiệm."))
handled("discarded without a reason", "discard", 422)


@state("quarantined record discarded by another")
async def _discarded_before(rooms: Gallery) -> Shown:
    path = await quarantined(rooms)
    number = int(path.rpartition("/")[2])
    await settling.discard(rooms.rooms["approver"].service.database, number, HOA.email, "Rác")
    return Shown("approver", f"{path}/discard", AN, 409, (("reason", "Cũng là rác"),))
