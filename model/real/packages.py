"""Where an installed package keeps its files, without importing it: its own dependencies are not needed."""

from importlib.util import find_spec
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError


def folder_of(package: str, distribution: str) -> Path:
    """Return the folder of an installed package.

    Args:
        package: its name for ``import``. distribution: its name for pip, for the message.

    Raises:
        PointwiseError: it is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise PointwiseError(f"The Python package {distribution} is not installed; run make real.")
    return Path(found.submodule_search_locations[0])
