"""Alembic runs this file for each migration."""

from services.notifier.personal import PERSONAL
from shared.migrations import run_here

run_here(PERSONAL)
