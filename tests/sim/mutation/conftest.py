"""A copy of the project for the tests of a file."""

from collections.abc import Iterator

import pytest

from pointwise.sim.mutation.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    yield Sandbox(tmp_path_factory.mktemp("mutation"))
