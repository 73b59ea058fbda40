"""Alembic runs this file for each migration."""

from shared.migrations import run_here

run_here()
