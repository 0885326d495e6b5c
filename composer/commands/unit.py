"""`composer install-unit`: one systemd unit that brings all projects back after a reboot (systemd.service(5))."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from composer import process
from composer.commands.alias import called
from composer.errors import ComposerError, UsageError
from composer.store import Places

NAME = "composer.service"
FOLDER = Path("/etc/systemd/system")
_PLAIN = re.compile(r"[\w@+=:,./-]+")
MARK = "# Written by `composer install-unit`; `composer install-unit --remove` takes it away."


def text(places: Places, environ: Mapping[str, str]) -> str:
    """The unit. KillMode: supervisors and containers have cgroups of their own, and outlive the command that brought them back."""
    settings = {name: environ[name] for name in ("COMPOSER_ADDRESS_POOL", "PATH") if environ.get(name)}
    settings |= {"COMPOSER_ROOT": str(places.root), "COMPOSER_RUN": str(places.run)}
    return f"""{MARK}
[Unit]
Description=Containers of composer's projects that come back after a reboot
Wants=network-online.target
After=network-online.target nss-lookup.target time-sync.target
RequiresMountsFor={_quoted(str(places.root))}

[Service]
Type=oneshot
ExecStart={" ".join(map(_argument, [*called(), "--progress", "plain", "resume", "--all"]))}
{chr(10).join(f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(settings.items()))}
KillMode=process
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
"""


def install(places: Places, environ: Mapping[str, str], folder: Path = FOLDER) -> Path:
    """Write the unit and have systemd start it at each boot."""
    target = folder / NAME
    if os.path.lexists(target) and not _ours(target):
        raise UsageError(f"{target} is there, and not composer's", hint="move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(text(places, environ))
    except OSError as refused:
        raise ComposerError(f"{target}: {refused.strerror}", hint="run it with sudo") from refused
    _systemctl("enable", NAME)
    _reload()
    return target


def remove(folder: Path = FOLDER) -> Path | None:
    """Take it away; None when there was none."""
    target = folder / NAME
    if not _ours(target):
        return None
    _systemctl("disable", NAME)
    try:
        target.unlink()
    except OSError as refused:
        raise ComposerError(f"{target}: {refused.strerror}", hint="run it with sudo") from refused
    _reload()
    return target


def _ours(path: Path) -> bool:
    with suppress(OSError):
        return path.read_text(errors="replace").startswith(MARK)
    return False


def _systemctl(*arguments: str) -> None:
    if shutil.which("systemctl") is None:
        raise ComposerError("systemctl: program not found", hint=f"have your init run `{' '.join(called())} resume --all` at boot")
    process.run(["systemctl", "--quiet", *arguments])


def _reload() -> None:
    """Nothing to tell where systemd is installed and does not run (sd_booted(3))."""
    if Path("/run/systemd/system").is_dir():
        _systemctl("daemon-reload")


def _argument(word: str) -> str:
    """One word of a command line, where $ means something (systemd.service(5), Command lines)."""
    return _quoted(word).replace("$", "$$")


def _quoted(word: str) -> str:
    """One word of a unit file (systemd.syntax(7), Quoting; % means something everywhere)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return escaped if _PLAIN.fullmatch(word) else f'"{escaped}"'
