"""Files of recorded results, such as those of ``pointwise accuracy``: written whole, read and checked."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.form import Form, FormError, read_json


class Result(Protocol):
    """What was found for a seed."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        ...


def save(
    path: Path, kind: str, network: str, counts: tuple[int, int], command: str, results: Sequence[Result]
) -> None:
    """Write what there is so far; the file is whole or not there at all.

    Args:
        kind: tells such a file from other results. counts: crops to calibrate and to measure on, of each
            seed. command: that made it.
    """
    contents = {
        "kind": kind,
        "network": network,
        "calibration_images": counts[0],
        "images": counts[1],
        "command": command,
        "results": [result.to_dict() for result in results],
    }
    write(path, contents)


def write(path: Path, contents: Mapping[str, Any]) -> None:
    """Write the contents of such a file; it is whole or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, json.dumps(contents, indent=1, ensure_ascii=False) + "\n")


def read(path: Path, form: type[Form], what: str) -> dict[str, Any]:
    """Return the contents of such a file.

    Args:
        form: of the file. what: it should be, for the message.

    Raises:
        PointwiseError: it cannot be read, is of another kind, or is damaged.
    """
    try:
        contents = read_json(path)
        form.of(contents)
    except OSError as error:
        raise PointwiseError(f"{path} cannot be read ({error.strerror}); choose another file.") from error
    except FormError as error:
        raise PointwiseError(f"{path} is no {what} (it {error}); run that again.") from error
    return contents
