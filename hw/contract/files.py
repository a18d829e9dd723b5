"""Files that are either there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from .errors import PointwiseError


def write_file(path: Path, data: bytes | str) -> None:
    """Write under a temporary name in the same folder, then rename, which is one step for a reader.

    Folders on the way are made. Raises PointwiseError that names the file when it cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        temporary.replace(path)
    except OSError as error:
        raise PointwiseError(
            f"{path} cannot be written ({error.strerror}); choose a folder that is writable and has room"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
