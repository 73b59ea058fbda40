"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from shared.migrations import create_accounts_table, create_messaging_tables, create_tries_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_messaging_tables()
    create_tries_table()
    create_accounts_table()
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "cases",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("partner_id", "partner_name", "customer_email", "common_name", "role", "status")
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("facts", sa.JSON),
        sa.Column("waiting_since", moment),
        sa.Column("due_at", moment),
        sa.Column("due_told_at", moment),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_until", moment),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", moment),
        sa.Column("reason", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("final_at", moment),
        sa.Column("current_customer", sa.Boolean, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column(
            "words", TSVECTOR, sa.Computed("array_to_tsvector(string_to_array(search_text, ' '))", persisted=True)
        ),
        sa.CheckConstraint("status <> 'open' or due_at is not null", name="an_open_case_is_due"),
    )
    where = sa.text("status = 'open'")
    op.create_index("cases_open_idx", "cases", ["due_at", "registration_id"], postgresql_where=where)
    op.create_index("cases_open_account_idx", "cases", ["customer_email"], postgresql_where=where)
    op.create_index("cases_partner_idx", "cases", ["partner_id", "opened_at"])
    op.create_index("cases_account_idx", "cases", ["customer_email", "opened_at"])
    where = sa.text("status = 'open' and due_told_at is null")
    op.create_index("cases_not_told_idx", "cases", ["due_at"], postgresql_where=where)
    where = sa.text("status = 'open' and claimed_until is not null")
    op.create_index("cases_claimed_idx", "cases", ["claimed_until"], postgresql_where=where)
    columns = ["claimed_by", "due_at", "registration_id"]
    op.create_index("cases_claimer_idx", "cases", columns, postgresql_where=where)
    where = sa.text("status = 'open' and current_customer")
    op.create_index("cases_current_idx", "cases", ["due_at", "registration_id"], postgresql_where=where)
    over, over_since = sa.text("status <> 'open'"), sa.text("coalesce(decided_at, final_at)")
    op.create_index("cases_over_idx", "cases", [over_since, "registration_id"], postgresql_where=over)
    for name, where in (("cases_open_words_idx", sa.text("status = 'open'")), ("cases_over_words_idx", over)):
        op.create_index(
            name,
            "cases",
            ["words"],
            postgresql_using="gin",
            postgresql_with={"fastupdate": False},
            postgresql_where=where,
        )
    op.create_table(
        "quarantined_elsewhere",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("service", "topic")),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("quarantined_at", moment, nullable=False),
        sa.UniqueConstraint("service", "topic", "partition", "offset"),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
