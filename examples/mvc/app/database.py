"""The way to the database: settings from the environment, the password from the file of a secret."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg


def connect() -> psycopg.Connection[tuple[Any, ...]]:
    """A new connection; as a context manager it commits at the end of the block and closes."""
    return psycopg.connect(
        host=os.environ["DB_HOST"],
        dbname=os.environ["DB_NAME"],
        user=os.environ["DB_USER"],
        password=Path(os.environ["DB_PASSWORD_FILE"]).read_text().strip(),
        connect_timeout=3,
    )
