"""New words wait in a short list before they are sorted into the index."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("cases_open_words_idx", "cases_over_words_idx"):
        op.execute(f"alter index {name} set (fastupdate = true, gin_pending_list_limit = 128)")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
