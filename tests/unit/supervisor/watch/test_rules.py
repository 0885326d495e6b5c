"""What a project's own files are watched by."""

from __future__ import annotations

from pathlib import Path

from composer.supervisor.watch.rules import PROJECT, project_sources


def test_a_link_and_what_it_leads_to_are_both_watched(tmp_path: Path) -> None:
    """Either may change: a mounted folder's files are links to a folder of the day."""
    (tmp_path / "today").mkdir()
    (tmp_path / "today/compose.yaml").touch()
    link = tmp_path / "compose.yaml"
    link.symlink_to("today/compose.yaml")
    sources = project_sources([str(link), str(tmp_path / "absent")])
    assert {one.path for one in sources} == {str(link), str(tmp_path / "today/compose.yaml"), str(tmp_path / "absent")}
    assert all(one.id == PROJECT + one.path for one in sources)
