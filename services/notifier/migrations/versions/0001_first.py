"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_messaging_tables, create_tries_table

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_messaging_tables()
    create_tries_table()
    op.create_table(
        "confirmations",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("partner_id", "partner_name", "customer_email", "common_name", "role")
        ),
        sa.Column("locale", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("requested_by", "requester_locale", "status")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("period", sa.Integer, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("valid_until", MOMENT),
        sa.Column("reminded", sa.Integer, nullable=False),
        sa.Column("reminded_to", MOMENT),
        sa.Column("undeliverable", sa.Boolean, nullable=False),
        sa.Column("mailed", sa.Boolean, nullable=False),
        *(sa.Column(name, MOMENT) for name in ("due_at", "answered_at", "ended_at")),
        sa.Column("outcome", sa.Text),
        sa.Column("reasons", sa.ARRAY(sa.Text), nullable=False),
    )
    where = sa.text("due_at is not null")
    op.create_index("confirmations_due_idx", "confirmations", ["due_at"], postgresql_where=where)
    op.create_table(
        "resends",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        sa.Column("requested_at", MOMENT, primary_key=True),
        sa.Column("partner_id", sa.Text, primary_key=True),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
    )
    op.create_table(
        "reviews",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        sa.Column("partner_name", sa.Text, nullable=False),
        sa.Column("customer_email", sa.Text, nullable=False),
        sa.Column("claimed_by", sa.Text),
        sa.Column("due_at", MOMENT, nullable=False),
    )
    op.create_table(
        "emails",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("registration_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("period", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("doubts", sa.Integer, nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("refused_since", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("detail", sa.Text),
        sa.UniqueConstraint("registration_id", "kind", "period", "number"),
        sa.CheckConstraint("state in ('queued', 'sent', 'failed')", name="state"),
    )
    where = sa.text("state = 'queued'")
    op.create_index("emails_due_idx", "emails", ["next_attempt_at"], postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
