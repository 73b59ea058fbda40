"""New words wait in a short list before they are sorted into the index."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("alter index registrations_words_idx set (fastupdate = true, gin_pending_list_limit = 128)")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
