"""What the project publishes: kept by the packet rules in its namespace, shown on the host by rules that are made from those."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from threading import Lock

from composer.network import conntrack, firewall
from composer.network.leads import ANY, Lead, lead_to, owner_of
from composer.network.links import netlink
from composer.network.namespaces import Namespace, apart
from composer.network.uplinks import Uplink, whole
from composer.observed import Publication


class Published:
    """The leads of all containers of a project. Read from the kernel once: a project has one writer."""

    def __init__(self, namespace: Namespace, uplink: Uplink, table: str) -> None:
        self._namespace = namespace
        self._uplink = uplink
        self._table = table
        self._lock = Lock()
        self._known: tuple[Lead, ...] | None = None
        self._torn = False  # a change was cut short: nobody knows how far it came
        self._ending: set[str] = set()

    def lead(self, key: str, publications: Sequence[Publication], address: str) -> None:
        """Lead these ports, and no others, to the container `key`, which is at `address`."""
        owner = owner_of(key)
        with self._lock:
            others = [lead for lead in self._leads() if lead.owner != owner]
            self._change([*others, *lead_to(address, owner, publications, others)])

    def end(self, key: str) -> None:
        """Lead nothing to the container any more. Calls that come while one is busy are done by the next all at once."""
        owner = owner_of(key)
        self._ending.add(owner)
        with self._lock:
            if owner in self._ending:
                self._end_all(owner)

    def _end_all(self, owner: str) -> None:
        ending = set(self._ending)
        try:
            self._change([lead for lead in self._leads() if lead.owner not in ending])
        except BaseException:
            self._ending.discard(owner)  # the others try themselves
            raise
        self._ending -= ending

    def restore(self) -> None:
        """Make the host's table anew."""
        with self._lock:
            firewall.replace_host_table(self._table, self._uplink.link, whole(self._uplink.ends()), self._leads())

    def reset(self) -> None:
        """Nothing is known of the namespace any more."""
        with self._lock:
            self._known = None

    def _leads(self) -> tuple[Lead, ...]:
        if self._known is None:
            self._known = self._namespace.run(firewall.read_leads)
        return self._known

    def _change(self, after: Sequence[Lead]) -> None:
        before = self._leads()
        gone, new = set(before) - set(after), set(after) - set(before)
        if not gone and not new and not self._torn:
            return
        ends = whole(self._uplink.ends())
        torn, self._torn, self._known = self._torn, True, None
        if gone or new:
            self._namespace.run(lambda: firewall.change_leads(gone, new))
        if torn or not firewall.change_host_leads(self._table, ends, gone, new):
            firewall.replace_host_table(self._table, self._uplink.link, ends, after)
        self._known, self._torn = tuple(after), False
        udp = [lead for lead in gone | new if lead.protocol == "udp"]
        if udp:
            apart(lambda: _forget_on_host(udp))
            self._namespace.run(lambda: _forget_inside(udp, str(ends.project)))


def _forget_on_host(leads: Collection[Lead]) -> None:
    with netlink("the host's addresses") as links:
        local = links.local_addresses()
    for lead in leads:
        for ip, port in lead.ends:
            conntrack.forget_udp(port, local if ip == ANY else (ip,))


def _forget_inside(leads: Collection[Lead], address: str) -> None:
    for lead in leads:
        conntrack.forget_udp(lead.port, (address,))
