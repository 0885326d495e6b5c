"""Which containers, of any project, stand on an image: the records of all of them are the count of references."""

from __future__ import annotations

from collections.abc import Iterator

from composer.store import Places, ProjectPlaces, read_json


def users(places: Places, image_id: str) -> Iterator[str]:
    """`container NAME of project NAME`, one for each container made from the image, running or not."""
    for project in places.projects():
        for folder in sorted(project.containers.glob("*")):
            record = read_json(project.container(folder.name).record)
            if record and record.get("image_id") == image_id:
                yield f"container {record.get('name', folder.name)} of project {_project_name(project, record.get('labels') or {})}"


def _project_name(project: ProjectPlaces, labels: dict[str, str]) -> str:
    return labels.get("com.docker.compose.project") or project.hash
