"""What composer costs, against the floor (the same containers by bare conmon and crun) and against others.

    measurements   the table of all; each is a function Bench -> Section
    idle           N services of one idle process: up, no-op up, ps, down; memory
      ours, floor, others     who runs them: composer, bare conmon and crun, docker compose and podman-compose
      times, readings, memory, idle_text     samples, and their text
    phases, config, imports, readiness, temporary, names     the other measurements
    workplace, bench, effort, machine                where, with what, how much
    section, report, plot                            from readings to the page (pure)
"""
