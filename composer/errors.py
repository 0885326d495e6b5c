"""Every error that composer raises on purpose.

    ComposerError            one message for the user, exit code 1
    ├── UsageError           the command line asks for something that does not go together
    ├── AbsentError          what the command line names is not there
    ├── LoadError            a compose file, with the place in it (several at once: LoadErrors)
    │   └── LoadErrors
    ├── HostError            the machine refused: a driver translates its library's error into one of these
    │   ├── NetworkError
    │   ├── StorageError
    │   │   └── InUseError   a volume stays, because others mount it
    │   ├── ImageError
    │   └── ContainerError   the OCI runtime or the container's holder
    ├── DependencyError      a service that others wait for did not become what they wait for
    └── SupervisorError      the project's supervisor cannot be reached or started
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a compose file; line and column count from 1, 0 when unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}, line {self.line}, column {self.column}"


class ComposerError(Exception):
    """What is wrong, in the user's words; `hint` says what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def lines(self) -> list[str]:
        """The message as it is printed, without the program's name in front."""
        return [self.message, *([f"  hint: {self.hint}"] if self.hint else [])]


class UsageError(ComposerError):
    """Options or arguments that do not go together."""


class AbsentError(ComposerError):
    """Something that is named on the command line does not exist."""


class LoadError(ComposerError):
    """Something wrong in a compose file; `message` begins with the path (`services.web.ports`)."""

    def __init__(self, message: str, *, place: Place | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.place = place

    def lines(self) -> list[str]:
        where = [f"  {self.place}"] if self.place else []
        return [self.message, *where, *([f"  hint: {self.hint}"] if self.hint else [])]


class LoadErrors(LoadError):
    """All errors that one phase of loading found."""

    def __init__(self, errors: list[LoadError]) -> None:
        super().__init__(f"{len(errors)} errors in the compose files")
        self.errors = errors

    def lines(self) -> list[str]:
        return [line for error in self.errors for line in error.lines()]


class HostError(ComposerError):
    """The machine, or a program that we drive, refused."""


class NetworkError(HostError):
    """Links, addresses, routes, ports, firewall."""


class StorageError(HostError):
    """Volumes, mounts, root file systems."""


class InUseError(StorageError):
    """Not removed, because others use it."""


class ImageError(HostError):
    """Images: not there, cannot be pulled, cannot be built."""


class ContainerError(HostError):
    """The OCI runtime or conmon refused."""


class DependencyError(ComposerError):
    """A service did not become healthy, or did not complete, and others wait for it."""


class SupervisorError(ComposerError):
    """The supervisor of the project is gone, deaf, or of another version."""


@contextmanager
def about(path: str) -> Iterator[None]:
    """What is raised inside is about the value at `path` of the compose files (`services.web.image`)."""
    try:
        yield
    except ComposerError as error:
        blame(error, path)
        raise


def blame(error: ComposerError, path: str) -> None:
    """Has the message begin with the path, as those of loading do, unless it names one already; the command line adds the place."""
    if path and not error.message.startswith(path.partition(".")[0] + "."):
        error.message = f"{path}: {error.message}"
        error.args = (error.message,)
