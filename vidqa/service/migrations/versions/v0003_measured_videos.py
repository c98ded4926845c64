"""Uploaded videos are measured: why one could not be, and those that never were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A column more; what has no facts is to be measured."""
    op.add_column("stored_videos", sa.Column("error", sa.Text))
    op.execute("UPDATE stored_videos SET state = 'arrived' WHERE facts IS NULL")
