"""The runtime driver: containers by an OCI runtime (crun, runc...), each held by a conmon of its own.

`driver.OciRuntime` is the contract `composer.host.Runtime`; the other modules each know one thing: `bundle` and
`capabilities` and `seccomp` what config.json says, `launcher` the mount namespace, `conmon` the holder, `cgroups` where
processes live, `signals` and `hearing` what PID 1 is told and whether it can hear it.
"""
