"""The network driver: each project has a network namespace of its own, and everything shared lives in it.

    addresses     pure: the pool, names of bridges, MACs
    design        pure: what a network is made of
    leads         pure: which port of the uplink leads to which container
    namespaces    the project's namespace: make, pin, enter
    rtnetlink     pure: what netlink is asked, packed
    links         netlink: bridges, veth pairs, addresses, routes
    sysctls       kernel settings of a namespace or a link
    uplinks       the one link between the project and the host
    firewall      the project's packet rules, in its namespace and on the host
    foreign       the one rule in another tool's firewall
    published     what is published now
    conntrack     connections that the kernel must forget
    switch        what joins the bridges of a network that projects share
    plugs         a container's veth pairs
    ports         reserve the host's ports
    holders       who has a port that is taken
    driver        SandboxNetwork, which puts them together as `composer.host.Network`
"""
