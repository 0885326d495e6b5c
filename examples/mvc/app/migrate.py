"""Bring the tables up to date: every file of migrations/ once, in order, each in a transaction of its own."""

from __future__ import annotations

from pathlib import Path

from database import connect

MIGRATIONS = sorted(Path(__file__).with_name("migrations").glob("*.sql"))


def main() -> None:
    with connect() as database:
        database.execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())")
        database.commit()
        done = {name for (name,) in database.execute("SELECT name FROM migrations")}
        for migration in MIGRATIONS:
            if migration.name in done:
                print(f"{migration.name}: applied already")
                continue
            database.execute(migration.read_text())
            database.execute("INSERT INTO migrations (name) VALUES (%s)", (migration.name,))
            database.commit()
            print(f"{migration.name}: applied")


if __name__ == "__main__":
    main()
