"""SIGKILL at random moments, and the promises that have to hold afterwards: `python -m tests.chaos --help`."""
