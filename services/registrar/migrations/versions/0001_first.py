"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_accounts_table, create_messaging_tables

revision = "0001"
down_revision = None

OPEN = "status in ('awaiting_confirmation', 'awaiting_approval')"
HOLDING = "status in ('awaiting_confirmation', 'awaiting_approval', 'approved')"


def upgrade() -> None:
    create_messaging_tables()
    create_accounts_table()
    op.create_table("partners", sa.Column("partner_id", sa.Text, primary_key=True))
    op.create_table(
        "early_withdrawals",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        sa.Column("partner_id", sa.Text, primary_key=True),
    )
    op.create_table(
        "registrations",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        sa.Column("batch_id", sa.Uuid),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("partner_id", "partner_name", "customer_email", "common_name", "role")
        ),
        sa.Column("locale", sa.Text),
        sa.Column("account_id", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("requested_by", "requester_locale", "status")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("codes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    table = "registrations"
    op.create_index(
        "registrations_holder_key", table, ["customer_email"], unique=True, postgresql_where=sa.text(HOLDING)
    )
    op.create_index("registrations_open_idx", table, ["partner_id"], postgresql_where=sa.text(OPEN))
    columns = ["customer_email", "partner_id", "changed_at"]
    where = sa.text("status = 'declined'")
    op.create_index("registrations_declined_idx", table, columns, postgresql_where=where)
    where = sa.text("status = 'withdrawn' and version > 1")
    op.create_index("registrations_withdrawn_idx", table, columns, postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
