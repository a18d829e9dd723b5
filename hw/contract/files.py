"""Files that are either there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from .errors import PointwiseError


def replace_file(path: Path, data: bytes) -> None:
    """Write under a temporary name in the same folder, then rename, which is one step for a reader.

    Raises OSError when that fails; ``path`` is then as it was, and nothing else is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_file(path: Path, data: bytes | str) -> None:
    """``replace_file``, for text too, with the folders on the way made.

    Raises PointwiseError that names the file when it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise PointwiseError(
            f"{path} cannot be written ({error.strerror}); choose a folder that is writable and has room"
        ) from error
