"""`APPROVAL_FOR_CURRENT_CUSTOMERS` as a table, on a real database: who decides, whenever the account becomes so."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.approver.domain import Status
from services.approver.handlers import handlers
from services.approver.policy import BY_POLICY
from shared.database import Database
from shared.eligibility import CurrentCustomers
from tests.domain.facts import HOUR, NOW, account_updated, confirmed
from tests.services.approver.at_work import LAN, act, case_of, claim, hear, release, rules
from tests.services.conftest import Open, rows

# policy, VNG's own customer, conditions hold, who decides
TABLE = [
    ("skip", "no", "yes", "staff"),
    ("skip", "no", "no", "staff"),
    ("skip", "yes", "yes", "policy approves"),
    ("skip", "yes", "no", "staff"),
    ("review", "no", "yes", "staff"),
    ("review", "no", "no", "staff"),
    ("review", "yes", "yes", "staff"),
    ("review", "yes", "no", "staff"),
    ("refuse", "no", "yes", "staff"),
    ("refuse", "no", "no", "staff"),
    ("refuse", "yes", "yes", "policy rejects"),
    ("refuse", "yes", "no", "policy rejects"),
]
EXPECTED: dict[str, tuple[Any, ...]] = {
    "staff": (Status.OPEN, None, None, []),
    "policy approves": (Status.APPROVED, BY_POLICY, None, [("VngApproved", BY_POLICY, None)]),
    "policy rejects": (
        Status.REJECTED,
        BY_POLICY,
        "current_customer",
        [("VngRejected", BY_POLICY, "current_customer")],
    ),
}


MOMENTS = [
    "at opening",
    "changed while unclaimed",
    "changed while claimed, then the claim lapses",
    "changed while claimed, then it is released",
]


@pytest.mark.parametrize(("setting", "customer", "hold", "decides"), TABLE)
async def test_who_decides_on_an_account_whenever_it_becomes_so(
    open_database: Open, setting: str, customer: str, hold: str, decides: str
) -> None:
    database = await open_database("approver")
    facts = {"vng_customer": customer == "yes", "active_discounts": 0 if hold == "yes" else 1}
    found = {}
    for moment in MOMENTS:
        registration_id = uuid4()
        await _reach(database, CurrentCustomers(setting), facts, registration_id, moment)
        case = await case_of(database, registration_id)
        found[moment] = (case.status, case.decided_by, case.reason, await _told(database, registration_id))
    assert found == dict.fromkeys(MOMENTS, EXPECTED[decides])


async def _reach(
    database: Database, policy: CurrentCustomers, facts: dict[str, Any], registration_id: UUID, moment: str
) -> None:
    """The account has these facts from `moment` on; before, it has nobody but staff decide."""
    email, handle = f"{registration_id}@x.vn", handlers(rules(policy))
    before = facts if moment == "at opening" else {"in_poc": True}
    await hear(database, account_updated(email, **before), handlers=handle)
    await hear(database, confirmed(registration_id, customer_email=email), handlers=handle)
    if moment == "at opening":
        return
    if "claimed," in moment:
        await claim(database, LAN, registration_id)
    await hear(database, account_updated(email, version=2, **facts), handlers=handle)
    if "claimed," not in moment:
        return
    assert await _told(database, registration_id) == [], "a claimed case is its claimer's"
    if moment.endswith("released"):
        await release(database, LAN, registration_id, email=email, policy=policy)
    else:
        await act(database, NOW + 4 * HOUR, policy)


async def _told(database: Database, registration_id: UUID) -> list[tuple[Any, ...]]:
    by = "coalesce(payload::json ->> 'approved_by', payload::json ->> 'rejected_by')"
    return await rows(
        database,
        f"select type, {by}, payload::json ->> 'reason' from outbox where aggregateid = '{registration_id}'",
    )
