"""What is refused before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer.errors import StorageError
from composer.host import Image, ImageConfig, RootfsRequest
from composer.model.mounts import FileSource, Grant, Mount, Volume
from composer.model.service import Service
from composer.storage.driver import LocalStorage
from composer.store import Places

GRANT = (Grant(source="k", target="/t"),)


def request(service: dict[str, Any], **more: Any) -> RootfsRequest:
    sources: dict[str, Any] = {"volumes": {}, "secrets": {}, "configs": {}, **more}
    return RootfsRequest("id", Service(name="web", image="i", **service), Image("i", (), (), ImageConfig()), "web", (), **sources)


def bind(**more: Any) -> dict[str, Any]:
    return {"volumes": (Mount(type="bind", target="/t", **{"source": "/no/such", **more}),)}


@pytest.mark.parametrize(("wanted", "message"), [
    (request(bind(create_host_path=False)), r"services\.web\.volumes: /no/such does not exist"),
    (request(bind(propagation="rshared")), r"services\.web\.volumes: /t: propagation rshared"),
    (request({"secrets": GRANT}, secrets={"k": FileSource(key="k", name="k", file="/no/such")}),
     r"secrets\.k\.file: /no/such does not exist"),
    (request({"configs": GRANT}, configs={"k": FileSource(key="k", name="k", file="/")}), r"configs\.k\.file: / is a folder"),
    (request({"secrets": GRANT}, secrets={"k": FileSource(key="k", name="k", external=True)}), r"secrets\.k: external"),
    (request({"volumes": (Mount(type="volume", source="v", target="/t"),)}, volumes={"v": Volume(key="v", name="x", external=True)}),
     r"volumes\.v: external volume x does not exist"),
    (request({"volumes": (Mount(type="volume", source="v", target="/t"),)},
             volumes={"v": Volume(key="v", name="x", driver_opts={"o": "bind", "device": "/no/such"})}),
     r"volumes\.v\.driver_opts\.device: /no/such is no folder"),
])
def test_a_missing_source_is_named_with_its_place(tmp_path: Path, wanted: RootfsRequest, message: str) -> None:
    """The message begins with the path in the compose file, and nothing was made."""
    with pytest.raises(StorageError, match=message):
        LocalStorage(Places(tmp_path / "root", tmp_path / "run").project("aaa")).check(wanted)
    assert not list(tmp_path.iterdir())


def test_what_will_be_made_is_no_error(tmp_path: Path) -> None:
    """A bind that may be made, a volume that is not there yet, an anonymous volume without a name yet."""
    volumes = (Mount(type="bind", source=str(tmp_path / "new"), target="/b"), Mount(type="volume", source="v", target="/v"),
               Mount(type="volume", target="/a"), Mount(type="tmpfs", target="/m"))
    wanted = request({"volumes": volumes}, volumes={"v": Volume(key="v", name="x")})
    LocalStorage(Places(tmp_path / "root", tmp_path / "run").project("aaa")).check(wanted)
    assert not list(tmp_path.iterdir())
