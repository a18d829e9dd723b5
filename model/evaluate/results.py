"""The results of an evaluation image by image, in a file that survives whatever interrupts it.

A line of JSON for each image, written as soon as the image is done. A line is found again by the digest of
the networks and by the image, so that one file may serve several networks and growing sets of images; the
last line of an image counts, and it counts once. That an image could not be read is written down too, but it
does not count as done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, InstanceOf

from pointwise.hw.contract.form import Form, FormError, parse_json
from pointwise.model.checkpoints import Checkpoint
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.parallel import Lines

FORMAT = 1
"""Part of every digest: raised when the numbers of a line change their meaning."""
Power = Annotated[float, Field(ge=0, allow_inf_nan=True)]


@dataclass(frozen=True)
class ImageResult:
    """What both networks made of one image.

    Attributes:
        image: its name in the set. stamp: size and time of its file, so that another file is another image.
        float_best, integer_best: the classes of the largest logits, the largest first.
        signal, noise: Σ float² and Σ (float − integer)² of the logits.
        error: why the image could not be read; the numbers are then empty.
    """

    image: str
    stamp: str
    float_best: tuple[int, ...] = ()
    integer_best: tuple[int, ...] = ()
    signal: float = 0.0
    noise: float = 0.0
    error: str | None = None


def digest_of(checkpoint: Checkpoint, network_file: Path, preprocessing: Preprocessing) -> str:
    """A name for everything that the results depend on but the images: 32 hexadecimal digits."""
    digest = hashlib.sha256(f"{FORMAT} {checkpoint.config} {preprocessing!r}".encode())
    for name, tensor in checkpoint.state.items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.numpy()).data)
    digest.update(network_file.read_bytes())
    return digest.hexdigest()[:32]


class ResultsFile(Lines):
    """The file while it is open; see ``Lines``.

    Attributes:
        done: results of these networks by image and stamp, errors among them.
    """

    def __init__(self, path: str | Path, digest: str) -> None:
        super().__init__(path)
        self.digest = digest
        self.done: dict[tuple[str, str], ImageResult] = {}

    def add(self, results: Iterable[ImageResult]) -> None:
        """Write results behind the others; an image that fails every time in the same way does not make the
        file longer, and neither does a result that comes twice."""
        lines = []
        for result in results:
            if self.done.get((result.image, result.stamp)) == result:
                continue
            self.done[result.image, result.stamp] = result
            lines.append({"networks": self.digest, **asdict(result)})
        self.write(lines)

    def take(self, line: bytes) -> None:
        result = _parsed(line, self.digest)
        if result is not None:
            self.done[result.image, result.stamp] = result


class _Line(Form):
    """What a line holds."""

    networks: str
    # pydantic's own text takes no name of a file that is not UTF-8.
    image: InstanceOf[str]
    stamp: str
    float_best: list[int]
    integer_best: list[int]
    signal: Power
    noise: Power
    error: str | None


def _parsed(line: bytes, digest: str) -> ImageResult | None:
    """The result in a line, or None where it is of other networks, or garbled: the image is done anew."""
    if not line.endswith(b"\n"):
        return None
    try:
        values = dict(_Line.of(parse_json(line)))
    except FormError:
        return None
    if values.pop("networks") != digest:
        return None
    best = {name: tuple(values[name]) for name in ("float_best", "integer_best")}
    return ImageResult(**{**values, **best})
