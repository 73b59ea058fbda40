"""What is written of a row is what has changed in it, and rows of one batch may change in different ways."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.portal import domain as at_portal
from services.portal import store as portal_store
from services.registrar import store
from services.registrar.domain import Decided, Registration, Status
from shared.database import Database
from shared.events import Locale
from tests.domain.facts import NOW, ONE, TWO
from tests.services.conftest import Open, rows
from tests.services.costs.counting import counted


def registration(**changes: object) -> Registration:
    it = Registration(
        registration_id=ONE,
        batch_id=None,
        partner_id="p-1",
        partner_name="Saigon Cloud",
        customer_email="khach@example.vn",
        common_name="Khách",
        role="Partner",
        locale=Locale.VI,
        account_id="a-1",
        requested_by="lan@saigon-cloud.example",
        requester_locale=Locale.VI,
        status=Status.AWAITING_CONFIRMATION,
        version=1,
        codes=(),
        requested_at=NOW,
        changed_at=NOW,
    )
    return it._replace(**changes)  # type: ignore[arg-type]  # whatever a test changes


BEFORE = {ONE: registration(), TWO: registration(registration_id=TWO, customer_email="khach2@example.vn")}
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
async def registrar(open_database: Open) -> Database:
    """Knows two registrations."""
    database = await open_database("registrar")
    async with database.transaction() as tx:
        await store.save(tx, Decided(new=dict(BEFORE)))
    return database


async def kept(database: Database) -> dict[UUID, Registration]:
    async with database.transaction() as tx:
        return await store.lock(tx, BEFORE)


async def test_columns_that_no_row_has_changed_are_not_written(
    registrar: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = {it: was._replace(status=Status.AWAITING_APPROVAL, changed_at=LATER) for it, was in BEFORE.items()}
    with counted(registrar, monkeypatch) as cost:
        async with registrar.transaction() as tx:
            await store.save(tx, Decided(changed=after), BEFORE)
    (update,) = [it for it in cost.statements if it.startswith("UPDATE")]
    written = update.partition(" SET ")[2].partition(" FROM ")[0].split(", ")
    assert {it.partition("=")[0] for it in written} == {"status", "changed_at"}
    assert await kept(registrar) == after


async def test_rows_that_change_in_different_columns_keep_the_others(registrar: Database) -> None:
    after = {ONE: BEFORE[ONE]._replace(status=Status.APPROVED), TWO: BEFORE[TWO]._replace(locale=None, version=7)}
    async with registrar.transaction() as tx:
        await store.save(tx, Decided(changed=after), BEFORE)
    assert await kept(registrar) == after


async def test_of_a_row_that_is_not_known_every_column_is_written(registrar: Database) -> None:
    after = {ONE: BEFORE[ONE]._replace(version=2), TWO: BEFORE[TWO]._replace(account_id="a-2")}
    async with registrar.transaction() as tx:
        await store.save(tx, Decided(changed=after), {ONE: BEFORE[ONE]})
    assert await kept(registrar) == after


async def test_what_changed_in_nothing_costs_no_statement(registrar: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(registrar, monkeypatch) as cost:
        async with registrar.transaction() as tx:
            await store.save(tx, Decided(changed=dict(BEFORE)), BEFORE)
    assert cost.statements == []


async def test_where_one_row_gets_its_names_and_another_its_status_each_keeps_the_rest(open_database: Open) -> None:
    portal = await open_database("portal")
    first = at_portal.Registration(ONE, "p-1", at_portal.Status.AWAITING_APPROVAL, NOW, NOW)
    before = {ONE: first, TWO: first._replace(registration_id=TWO, common_name="Khách", mail_number=2)}
    after = {
        ONE: first._replace(common_name="Khách hàng", customer_email="khach@example.vn"),
        TWO: before[TWO]._replace(status=at_portal.Status.APPROVED, reasons=("a", "b")),
    }
    async with portal.transaction() as tx:
        await portal_store.save(tx, at_portal.Decided(changed=dict(before)), {})
    async with portal.transaction() as tx:
        await portal_store.save(tx, at_portal.Decided(changed=dict(after)), before)
    async with portal.transaction() as tx:
        assert await portal_store.lock(tx, before) == after
    found = await rows(portal, "select search_text from registrations order by registration_id")
    assert found == [(after[it].search_text,) for it in (ONE, TWO)]
