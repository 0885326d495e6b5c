#!/usr/bin/env python3
"""Visit the guest book as a browser would: write an entry, be led back to the page, find the entry there and among the JSON."""

from __future__ import annotations

import json
import sys
import time
from urllib.parse import urlencode, urljoin
from urllib.request import Request, urlopen


def main(address: str) -> int:
    message = f"It works & was written at {time.strftime('%H:%M:%S')} <3"
    form = urlencode({"author": "make demo", "message": message}).encode()
    with urlopen(Request(address, data=form), timeout=10) as page:  # follows the redirect
        text = page.read().decode()
    with urlopen(urljoin(address, "api/entries"), timeout=10) as listing:
        entries = json.load(listing)
    with urlopen(urljoin(address, "static/style.css"), timeout=10) as style:
        static = style.status
    shown = message.replace("&", "&amp;").replace("<", "&lt;") in text
    kept = any(entry["message"] == message for entry in entries)
    if not (shown and kept and static == 200):
        print(f"{address} answered, but the entry just written is not there", file=sys.stderr)
        return 1
    print(f"{address} answers: wrote an entry and read it back from the database ({len(entries)} entries so far).")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
