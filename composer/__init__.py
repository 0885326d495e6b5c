"""composer: a daemonless, Docker-Compose-compatible multi-container orchestrator for Linux.

`load` says what should be, `observe` says what is, `reconcile` writes the list of differences as a plan, `execute` does the
plan, the supervisor keeps it so, and every line that the user sees is an event.

    compose files --load--> Project --------+
                               |            |
                             graph          +--reconcile--> Plan --execute--> Host (network, storage, images, runtime)
                                            |                                   |
                            Observed -------+                                   |
                                ^--------------------- observe -----------------+
                                                                                |
    commands (up, down, ps...) <------------ Events <------ engine, supervisor--+

Read next: load/phases.py, commands/up.py, plan/steps.py, engine/execute.py.
"""

__version__ = "0.1.0"

#: The top folders, unless COMPOSER_ROOT and COMPOSER_RUN say them (store.py).
ROOT, RUN = "/var/lib/composer", "/run/composer"
