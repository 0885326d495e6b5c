"""What makes a container the one that the file describes. A change of anything that does not reach the running container
(build recipe, number of replicas, order, profiles) leaves the fingerprint as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from composer.model.mounts import Volume
from composer.model.network import Network
from composer.model.service import Service

NOT_IN_CONTAINER = {"build", "image_named", "pull_policy", "refresh_after", "scale", "depends_on", "profiles", "eager", "develop", "attach"}


def of_service(service: Service, contents: Mapping[str, str], volumes: Mapping[str, Volume]) -> str:
    """`contents`: `secrets/KEY`, `configs/KEY` and `images/NAME` to a digest of what they hold: a changed secret recreates its users, as
    does a volume that is another one now (`volumes` by key)."""
    plain = service.model_dump(mode="json", exclude=NOT_IN_CONTAINER | {"deploy"})
    plain["deploy"] = service.deploy.model_dump(mode="json", exclude={"replicas", "mode"})
    held = [f"secrets/{grant.source}" for grant in service.secrets] + [f"configs/{grant.source}" for grant in service.configs]
    held += [f"images/{mount.source}" for mount in service.volumes if mount.type == "image"]
    plain["contents"] = {key: contents.get(key, "") for key in held}
    plain["mounted"] = {mount.source: of_volume(volumes[mount.source]) for mount in service.volumes if mount.source in volumes}
    return _digest(plain)


def of_network(network: Network) -> str:
    return _digest(network.model_dump(mode="json", exclude={"labels"}))


def of_volume(volume: Volume) -> str:
    return _digest(volume.model_dump(mode="json", exclude={"labels"}))


def _digest(plain: object) -> str:
    return sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
