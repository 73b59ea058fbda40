"""Alembic runs this file for each migration."""

from services.approver.personal import PERSONAL
from shared.migrations import run_here

run_here(PERSONAL)
