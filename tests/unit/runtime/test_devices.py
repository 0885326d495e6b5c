"""Device nodes and the rules of the device cgroup."""

from __future__ import annotations

import pytest

from composer.errors import ContainerError
from composer.model.service import DeviceMapping, Service
from composer.runtime.devices import nodes, rules
from composer.runtime.facts import find_devices
from composer.runtime.machine import Device

TUN = Device("/dev/net/tun", "c", 10, 200, 0o666, 0, 0, "rw")


def test_a_device_is_made_and_allowed() -> None:
    """With the rights that were asked for, after everything was denied; the last one of a path wins."""
    made = rules(Service(name="web", image="x", device_cgroup_rules=("c 10:* rw", "a *:* m")), [TUN])
    assert made[0] == {"allow": False, "access": "rwm"}
    assert made[-3:] == [{"allow": True, "type": "c", "major": 10, "minor": 200, "access": "rw"},
                         {"allow": True, "type": "c", "major": 10, "access": "rw"}, {"allow": True, "type": "a", "access": "m"}]
    other = Device("/dev/net/tun", "c", 1, 3, 0o600, 0, 0)
    assert [node["minor"] for node in nodes([TUN, other])] == [3]


def test_a_device_of_the_host_is_found() -> None:
    """By its own or another name, through symbolic links; folders have all below them."""
    (null,) = find_devices(DeviceMapping(source="/dev/null", target="/dev/nothing", permissions="r"), "services.web.devices")
    assert (null.path, null.kind, null.major, null.minor, null.access) == ("/dev/nothing", "c", 1, 3, "r")
    with pytest.raises(ContainerError, match=r"services\.web\.devices: /dev/not-here is not there"):
        find_devices(DeviceMapping(source="/dev/not-here", target="/x"), "services.web.devices")
    with pytest.raises(ContainerError, match="is no device"):
        find_devices(DeviceMapping(source="/etc/passwd", target="/x"), "services.web.devices")
