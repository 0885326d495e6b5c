"""Durations, sizes, numbers and truth as compose files write them, and as they are printed again."""

from __future__ import annotations

import re
from struct import pack, unpack
from typing import Any

from composer.load.node import text

NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
               "d": 24 * 3600 * 10**9, "w": 7 * 24 * 3600 * 10**9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([^\d.\s]*)")
_SIZE = re.compile(r"\+?((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?) ?([^0-9. ]*)\Z")
_TRUE, _FALSE = frozenset(("true", "y", "yes", "on")), frozenset(("false", "n", "no", "off"))
#: What was a boolean before YAML 1.2.
OLD_BOOLEANS = frozenset(word for name in (_TRUE | _FALSE) - {"true", "false"} for word in (name, name.title(), name.upper()))


def duration(text: str) -> int:
    """`1m30s`, `1.5h`, `1d` -> nanoseconds; raises ValueError that says what is wrong."""
    bare = text.strip().removeprefix("+")
    sign = -1 if bare.startswith("-") else 1
    bare = bare.removeprefix("-")
    if bare == "0":
        return 0
    total, end = 0.0, 0
    for part in _PART.finditer(bare):
        if part.start() != end:
            break
        if part[2] not in NANOSECONDS:
            what = f'unknown unit "{part[2]}" in' if part[2] else "missing unit in"
            raise ValueError(f'time: {what} duration "{text}"')
        total, end = total + float(part[1]) * NANOSECONDS[part[2]], part.end()
    if end != len(bare) or not bare:
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * round(total)


def duration_text(nanoseconds: int) -> str:
    """`1m30s`, as Go prints a time.Duration."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if rest < NANOSECONDS["s"] and rest < NANOSECONDS[unit] * 1000:
            return f"{sign}{_decimal(rest, NANOSECONDS[unit])}{unit}"
    minutes, rest = divmod(rest, NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    leading = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
    return f"{sign}{leading}{_decimal(rest, NANOSECONDS['s'])}s"


def _decimal(amount: int, unit: int) -> str:
    whole, fraction = divmod(amount, unit)
    digits = str(fraction).zfill(len(str(unit)) - 1).rstrip("0") if fraction else ""
    return f"{whole}.{digits}" if digits else str(whole)


def size(value: Any) -> int:
    """`1.5g`, `512MiB`, 1024 -> bytes; powers of 1024 whatever the spelling. A whole number is taken as it is (-1 is no limit in some
    places); docker compose takes a number with a fraction for none, and text as go-units' RAMInBytes reads it."""
    if isinstance(value, float):
        return 0
    if isinstance(value, int):
        return value
    match = _SIZE.match(value)
    if match is None:
        raise ValueError(f"invalid size: '{value}'")
    amount, suffix = match[1], match[2].lower()
    power = "bkmgtp".find(suffix[:1]) if suffix else 0
    if power < 0 or suffix[1:] not in (("", "b", "ib") if power else ("",)):
        raise ValueError(f"invalid suffix: '{match[2]}'")
    return int(amount) * 1024**power if amount.isdecimal() else int(float(amount) * 1024**power)


def boolean(value: Any) -> bool:
    """true, false and the words of YAML 1.1."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"invalid boolean: {value}")
    return word in _TRUE


def integer(value: Any) -> int:
    """A whole number, also as text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and not re.fullmatch(r"[-+]?[0-9]+", value):
        raise ValueError(f"invalid integer: {value}")
    return int(value)


def natural(value: Any) -> int:
    """A whole number that is not negative."""
    amount = integer(value)
    if amount < 0:
        raise ValueError(f"must not be negative: {amount}")
    return amount


def number(value: Any) -> int | float:
    """A number, also as text, with the precision of 32 bits, which is that of docker compose; a whole one is an int."""
    try:
        amount = _single(float(value))
    except (ValueError, OverflowError):
        raise ValueError(f"invalid number: {value}") from None
    return int(amount) if amount.is_integer() else amount


def _single(amount: float) -> float:
    """The shortest number that 32 bits tell from all others."""
    nearest: float = unpack("f", pack("f", amount))[0]
    candidates = (float(f"{nearest:.{digits}g}") for digits in range(1, 9))
    return next((one for one in candidates if unpack("f", pack("f", one))[0] == nearest), nearest)


def whole_text(value: Any) -> str:
    """Text, or a whole number in its place."""
    if isinstance(value, bool | float):
        raise ValueError(f"must be a string: {text(value)}")
    return text(value)


def exposed(value: Any) -> str:
    """A port, or a range of ports, with a protocol or without."""
    if isinstance(value, float):
        raise ValueError(f"unsupported expose value {text(value)}")
    return text(value)


def mode(value: Any) -> int:
    """Permissions: a number is taken as it is (YAML has read 0440 as octal), a text is octal."""
    if isinstance(value, str):
        try:
            return int(value, 8)
        except ValueError:
            raise ValueError(f"invalid mode: {value}") from None
    return integer(value)


def count(value: Any) -> int:
    """How many devices: a number, or `all`, which is -1."""
    if value == "all":
        return -1
    try:
        return integer(value)
    except ValueError:
        raise ValueError(f"invalid value \"{value}\", the only value allowed is 'all' or a number") from None
