"""An integer network as one file: safetensors for the integers, JSON in its metadata for everything else."""

from pathlib import Path

import safetensors
import safetensors.numpy

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import replace_file
from pointwise.model.graph import Graph

from .description import describe, rebuild

METADATA_KEY = "pointwise_integer_network"
SUFFIX = ".safetensors"


def save_network(path: str | Path, network: Graph) -> None:
    """Write an integer network; equal networks give equal files, and no half-written file is ever seen.

    Args:
        path: ends in ``.safetensors``; its folder must exist.

    Raises:
        PointwiseError: another ending, a value that does not fit its type, or a file that cannot be written.
    """
    path = check_path(path)
    arrays, description = describe(network)
    data = safetensors.numpy.save(arrays, {METADATA_KEY: description})
    try:
        replace_file(path, data)
    except OSError as error:
        raise PointwiseError(
            f"The integer network {path} cannot be written ({error.strerror}); choose a folder that exists "
            "and is writable."
        ) from error


def load_network(path: str | Path) -> Graph:
    """Read what ``save_network`` wrote.

    Raises:
        PointwiseError: the file is missing, damaged, of another kind or of another version.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder, but a file of integers was expected" if path.is_dir() else "is not there"
        raise PointwiseError(f"The integer network {path} {what}; check the path, or {_made_by(path)}.")
    if path.suffix in (".pth", ".pt"):
        raise PointwiseError(
            f"{path} is a file of PyTorch, of float weights as it seems, but integers were expected; "
            f"{_made_by(path)}."
        )
    check_path(path)
    try:
        with safetensors.safe_open(path, framework="np") as file:
            description = (file.metadata() or {}).get(METADATA_KEY)
            # The handle gives no iterator, only keys().
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except Exception as error:
        # A damaged file makes the library raise almost anything.
        raise PointwiseError(
            f"The integer network {path} cannot be read as a file of tensors, so it is damaged or something "
            "else; quantise the checkpoint again."
        ) from error
    if description is None:
        raise PointwiseError(
            f"{path} holds tensors, of float weights as it seems, but no integer network; {_made_by(path)}."
        )
    try:
        return rebuild(description, arrays)
    except PointwiseError as error:
        raise PointwiseError(f"The integer network {path} {error}; quantise the checkpoint again.") from error


def _made_by(path: Path) -> str:
    """What makes integers of a checkpoint."""
    made = path.with_name(f"{path.stem}_int8{SUFFIX}")
    return f"make one with pointwise quantise --checkpoint {path} --out {made}"


def check_path(path: str | Path) -> Path:
    """Return a path that can be of an integer network; raises PointwiseError for another ending."""
    path = Path(path)
    if path.suffix != SUFFIX:
        raise PointwiseError(
            f"The integer network {path} ends in {path.suffix or 'nothing'}, but {SUFFIX} was expected; "
            "rename it."
        )
    return path
