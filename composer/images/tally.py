"""PURE: what skopeo draws on a terminal -> how many bytes have come.

    Copying blob 76c42aee279c [=====>----] 13.0MiB / 30.0MiB
    Copying blob 6c151d5e868b done
    Copying blob 244173821760 skipped: already exists
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_BLOB = re.compile(r"Copying blob (?:sha256:)?([0-9a-f]{6,64})\s+([^\r\n]*)")
_AMOUNTS = re.compile(r"([\d.]+)\s?([KMGT]?)i?[bB]\s*/\s*([\d.]+)\s?([KMGT]?)i?[bB]")
_BINARY = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(slots=True)
class Tally:
    """`sizes`: the bytes of each blob of the image by digest, as the manifest says; without them the total grows as blobs begin."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    _come: dict[str, int] = field(default_factory=dict)
    _whole: dict[str, int] = field(default_factory=dict)
    _rest: str = ""

    def __post_init__(self) -> None:
        self._whole = {digest.removeprefix("sha256:"): size for digest, size in self.sizes.items()}

    def feed(self, text: str) -> None:
        """A piece of the drawing, cut anywhere."""
        whole, _, self._rest = (self._rest + text).rpartition("\n")
        for match in _BLOB.finditer(whole):
            self._note(self._key(match[1]), match[2])

    def __str__(self) -> str:
        """`12.3MB/40MB`; "" while nothing is known, or nothing has to come."""
        total = sum(self._whole.values())
        return f"{human(min(sum(self._come.values()), total))}/{human(total)}" if total else ""

    def _key(self, short: str) -> str:
        return next((digest for digest in self._whole if digest.startswith(short)), short)

    def _note(self, digest: str, said: str) -> None:
        if said.startswith("skipped"):  # the store, or the registry, has it
            self._whole[digest] = self._come[digest] = 0
        elif said.startswith("done"):
            self._come[digest] = self._whole.get(digest, 0)
        elif amounts := _AMOUNTS.search(said):
            self._come[digest] = _bytes(amounts[1], amounts[2])
            self._whole.setdefault(digest, _bytes(amounts[3], amounts[4]))


def _bytes(amount: str, unit: str) -> int:
    return int(float(amount) * _BINARY[unit])


def human(size: float) -> str:
    """Bytes as Docker writes them: powers of 1000, three digits (`1.09MB`, `40MB`)."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g}TB"
