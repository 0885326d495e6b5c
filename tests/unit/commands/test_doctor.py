"""What `doctor` makes of what it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.commands import doctor
from composer.commands.doctor import Family, Finding, healthy, install
from composer.commands.trials import existing, refusal
from composer.errors import ContainerError
from composer.store import Places


@pytest.mark.parametrize(
    ("os_release", "family"),
    [
        ("ID=debian\n", "debian"),
        ("ID=ubuntu\nID_LIKE=debian\n", "debian"),
        ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "debian"),
        ("ID=fedora\n", "fedora"),
        ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "fedora"),
        ("ID=arch\n", ""),
        ("", ""),
    ],
)
def test_distributions_are_known_by_their_family(os_release: str, family: Family) -> None:
    """os-release(5)."""
    assert doctor._family(os_release) == family


def test_packages_have_their_distributions_names() -> None:
    """The command that mends it."""
    assert install("tini", "debian") == "apt-get install tini"
    assert install("tini", "fedora") == "dnf install tini-static"
    assert install("crun", "") == "install crun"


def test_only_what_is_missing_is_an_error() -> None:
    """Advice and what could not be tried are not."""
    assert healthy([Finding("a", "ok"), Finding("b", "advice"), Finding("c", "untried")])
    assert not healthy([Finding("a", "ok"), Finding("b", "missing")])


def test_a_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Is named with the command that installs it; an init program is advice only."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {one.subject: one for one in doctor._programs("debian")}
    assert {one.state for one in found.values()} == {"missing", "advice"}
    assert found["OCI runtime"].mend == "apt-get install crun"
    assert found["nft"].mend == "apt-get install nftables"
    assert found["init program"].state == "advice"


def test_everything_is_looked_at_and_nothing_is_left(tmp_path: Path) -> None:
    """Whoever runs it: no error escapes, and the state's folder is not even made."""
    subjects = [one.subject for one in doctor.doctor(Places(tmp_path / "root", tmp_path / "run"))]
    assert len(subjects) == len(set(subjects)) > 12
    assert not any(tmp_path.iterdir())


def test_a_trial_says_why_it_was_refused() -> None:
    """In its own words, whoever raised it."""

    def raising(error: Exception) -> str:
        def trial() -> None:
            raise error

        return refusal(trial)

    assert refusal(lambda: None) == ""
    assert raising(ContainerError("no crun")) == "no crun"
    assert raising(PermissionError(1, "Operation not permitted")) == "Operation not permitted"
    assert raising(ValueError()) == "ValueError"


def test_the_nearest_folder(tmp_path: Path) -> None:
    """For a state that is not there yet."""
    assert existing(tmp_path / "a" / "b") == tmp_path
