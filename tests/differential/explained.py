"""Where composer is meant to differ from the reference (docker compose 2.40.3), and why."""

from __future__ import annotations

#: Title of a hand-written case -> reason.
CASES = {
    "services null override": "null keeps what is there, as everywhere else; the reference says `services must be a mapping`",
    "include conflict diff": "newer versions of docker compose merge: what the including file says is put on top",
    "include two differing": "newer versions of docker compose merge: the first include is put on top of the second",
    "include map entry bad": "an entry without `path` includes nothing: the reference drops it silently",
    "yaml directive": "a file that says %YAML 1.2 is what compose files are; the reference's parser knows 1.1 only",
    "reset anchors": "newer versions of docker compose honour !reset beside a merge key",
    "net mode empty+nets": "an empty network_mode is none; the reference then misses the default network",
    "depends x-": "a network or volume may begin with x-, as the specification says of keys that users choose",
}

#: What a difference of a generated file looks like (a regular expression) -> reason.
GENERATED = {
    r"refused there: validating .*\.labels must be a mapping": "the same line in the lists of two files is there once",
}
