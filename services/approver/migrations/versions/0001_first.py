"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_accounts_table, create_messaging_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_messaging_tables()
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
        sa.CheckConstraint("status <> 'open' or due_at is not null", name="an_open_case_is_due"),
    )
    where = sa.text("status = 'open'")
    op.create_index("cases_open_idx", "cases", ["due_at", "registration_id"], postgresql_where=where)
    op.create_index("cases_open_account_idx", "cases", ["customer_email"], postgresql_where=where)
    where = sa.text("status = 'open' and due_told_at is null")
    op.create_index("cases_not_told_idx", "cases", ["due_at"], postgresql_where=where)
    where = sa.text("status = 'open' and claimed_until is not null")
    op.create_index("cases_claimed_idx", "cases", ["claimed_until"], postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
