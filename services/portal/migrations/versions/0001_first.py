"""The tables of the first version."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from shared.migrations import create_messaging_tables, create_tries_table

revision = "0001"
down_revision = None

WORDS = (
    "array_to_tsvector(array_remove(string_to_array("
    "regexp_replace(search_text, '([^ ]+)', left(md5(partner_id), 8) || '\\1', 'g'), ' '), ''))"
)


def upgrade() -> None:
    create_messaging_tables()
    create_tries_table()
    moment = sa.DateTime(timezone=True)
    names = ("partner_name", "customer_email", "common_name", "role", "requested_by", "requester_locale")
    op.create_table(
        "registrations",
        sa.Column("registration_id", sa.Uuid, primary_key=True),
        sa.Column("partner_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.Column("batch_id", sa.Uuid),
        *(sa.Column(name, sa.Text) for name in names),
        sa.Column("reasons", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("mail_number", sa.Integer, nullable=False),
        sa.Column("mail_sent_at", moment),
        sa.Column("valid_until", moment),
        sa.Column("resends_left", sa.Integer),
        sa.Column("next_resend_at", moment),
        sa.Column("undeliverable_at", moment),
        sa.Column("undeliverable_detail", sa.Text),
        sa.Column("resend_requested_at", moment),
        sa.Column("resend_requested_by", sa.Text),
        sa.Column("resend_awaited", sa.Boolean, nullable=False),
        sa.Column("resend_refused_at", moment),
        sa.Column("resend_refused_code", sa.Text),
        sa.Column("withdrawal_asked_at", moment),
        sa.Column("withdrawal_asked_by", sa.Text),
        sa.Column("withdrawal_reason", sa.Text),
        sa.Column("search_text", sa.Text(collation="C"), nullable=False),
        sa.Column("words", TSVECTOR, sa.Computed(WORDS, persisted=True)),
    )
    email = sa.text("coalesce(customer_email, '')")
    orders: dict[str, Any] = {
        "registered": "requested_at",
        "changed": "changed_at",
        "name": "search_text",
        "email": email,
    }
    for name, key in orders.items():
        op.create_index(f"registrations_{name}_idx", "registrations", ["partner_id", "status", key, "registration_id"])
    op.create_index(
        "registrations_words_idx",
        "registrations",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": False},
    )
    op.create_index("registrations_batch_idx", "registrations", ["batch_id"])


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
