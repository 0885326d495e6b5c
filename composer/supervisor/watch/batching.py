"""When changes that stream in make a batch. Pure: the time is an argument, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

#: How long it has to be quiet after a change: a few milliseconds for a file that was saved, more the more there are.
QUIET, QUIET_EACH, QUIET_MOST = 0.004, 0.001, 0.1
#: A batch waits no longer than this for the end of a stream.
LONGEST = 1.0
#: A file that is written and stays open, and a path that is gone, may be about to become something else: an editor that saves by
#: deleting and making anew should not make the file vanish.
OPEN, GONE = 0.25, 0.05

#: Source id -> its paths, in the order in which they changed.
Changes = dict[str, list[str]]


@dataclass(slots=True)
class Pending:
    """Changed paths, each of a source: `ready` ones, and those that `wait` until a time."""

    ready: dict[tuple[str, str], None] = field(default_factory=dict)
    waiting: dict[tuple[str, str], float] = field(default_factory=dict)
    first: float = 0.0
    last: float = 0.0

    def add(self, source: str, path: str, now: float, *, wait: float = 0.0) -> None:
        """`wait`: seconds in which something more may happen to the path."""
        key = (source, path)
        if wait:
            if key not in self.ready:
                self.waiting[key] = now + wait
            return
        self.waiting.pop(key, None)
        if not self.ready:
            self.first = now
        self.ready[key] = None
        self.last = now

    def wake(self, now: float) -> float | None:
        """Seconds until `take` may have something, None when there is nothing to wait for."""
        times = [min(self.waiting.values())] if self.waiting else []
        times += [self._release()] if self.ready else []
        return max(0.0, min(times) - now) if times else None

    def take(self, now: float) -> Changes:
        """The batch that is complete by now, {} when there is none."""
        for key in [key for key, due in self.waiting.items() if due <= now]:
            self.add(*key, now=min(now, self.waiting[key]))
        if not self.ready or now < self._release():
            return {}
        batch: Changes = {}
        for source, path in self.ready:
            batch.setdefault(source, []).append(path)
        self.ready.clear()
        return batch

    def _release(self) -> float:
        quiet = min(QUIET_MOST, QUIET + QUIET_EACH * (len(self.ready) - 1))
        return min(self.last + quiet, self.first + LONGEST)
