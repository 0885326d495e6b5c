"""What composer costs, against the floor: the same containers by bare conmon and crun. `python -m benchmarks` writes docs/benchmarks.md.

    workplace   a state of its own in temporary folders, removed at the end
    idle        N services of one idle process: the real command line, timed
    floor       the same N containers without composer
    others      docker compose and podman-compose, where they are installed
    memory, imports, phases, readiness, machine     the other readings
    times, report, plot                             from readings to text (pure)
"""
