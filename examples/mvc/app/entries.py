"""Model: what the guest book holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database import connect

LONGEST_AUTHOR, LONGEST_MESSAGE = 60, 1000


@dataclass(frozen=True, slots=True)
class Entry:
    author: str
    message: str
    written: datetime


def latest(limit: int = 50) -> list[Entry]:
    """The newest entries, the last written first."""
    with connect() as database:
        rows = database.execute("SELECT author, message, written FROM entries ORDER BY id DESC LIMIT %s", (limit,))
        return [Entry(*row) for row in rows]


def add(author: str, message: str) -> None:
    """Write an entry; ValueError says in the visitor's words what is wrong with it."""
    author, message = author.strip(), message.strip()
    if not author or not message:
        raise ValueError("Please give a name and a message.")
    if len(author) > LONGEST_AUTHOR or len(message) > LONGEST_MESSAGE:
        raise ValueError(f"At most {LONGEST_AUTHOR} characters for the name and {LONGEST_MESSAGE} for the message.")
    if "\0" in author + message:
        raise ValueError("A text cannot contain NUL characters.")
    with connect() as database:
        database.execute("INSERT INTO entries (author, message) VALUES (%s, %s)", (author, message))
