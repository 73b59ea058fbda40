"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_accounts_table, create_messaging_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_messaging_tables()
    create_accounts_table()
    op.create_table(
        "cases",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("partner_id", "partner_name", "customer_email", "common_name", "role", "status")
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text),
        sa.Column("outcome", sa.Text),
    )
    where = sa.text("status = 'open'")
    op.create_index("cases_open_idx", "cases", ["opened_at", "registration_id"], postgresql_where=where)
    op.create_index("cases_open_account_idx", "cases", ["customer_email"], postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
