"""The file and the tables of ``pointwise ablation``: what each method of quantisation buys."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from rich.table import Table

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.form import Form, FormError, read_json
from pointwise.model.checkpoints import Checkpoint
from pointwise.model.graph import Graph
from pointwise.model.measure.ablation import Attempt
from pointwise.model.quantise.recipe import LayerConfig

KIND = "methods"
"""Tells such a file from other results."""


@dataclass(frozen=True)
class Settings:
    """What all attempts of a file have in common.

    Attributes:
        network: its name. calibration_images, images: how many. command: that made it.
        digest: of weights and images, as ``digest_of`` gives it; None in files of before there was one.
    """

    network: str
    calibration_images: int
    images: int
    command: str
    digest: str | None = None


def digest_of(weights: Checkpoint | Graph, *images: np.ndarray) -> str:
    """A name for the weights and all images that the attempts depend on: 32 hexadecimal digits."""
    if isinstance(weights, Graph):
        digest = hashlib.sha256(weights.name.encode())
        values_of = [(op.name, vars(op).values()) for op in weights.ops]
        tensors = {
            f"{name}.{index}": value
            for name, values in values_of
            for index, value in enumerate(values)
            if isinstance(value, np.ndarray)
        }
    else:
        digest = hashlib.sha256(str(weights.config).encode())
        tensors = {name: tensor.numpy() for name, tensor in weights.state.items()}
    for name, values in [*tensors.items(), *(("images", part) for part in images)]:
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()[:32]


def save(path: Path, settings: Settings, attempts: list[Attempt]) -> None:
    """Write what there is so far; the file is whole or not there at all."""
    contents = {"kind": KIND, **asdict(settings), "attempts": [asdict(attempt) for attempt in attempts]}
    write_file(path, json.dumps(contents, indent=1, ensure_ascii=False) + "\n")


def load(path: Path, settings: Settings, wanted: list[tuple[str, LayerConfig]]) -> list[Attempt]:
    """Return those of the wanted attempts that a file already holds; none where there is no file.

    Raises:
        PointwiseError: the file is of another kind, network, number of images or recipe, or of other weights
            or images of the same name.
    """
    if not path.exists():
        return []
    contents = read(path)
    found = Settings(
        **{field.name: contents[field.name] for field in fields(Settings) if field.name in contents}
    )
    for key in ("network", "calibration_images", "images"):
        if getattr(found, key) != getattr(settings, key):
            raise PointwiseError(
                f"{path} has {key} {getattr(found, key)!r}, but {getattr(settings, key)!r} is asked for; "
                "choose another file with --out."
            )
    if found.digest != settings.digest:
        raise PointwiseError(
            f"{path} does not say that it is of these weights and images, only of another {settings.network} "
            "or an older version; remove it, or choose another file with --out."
        )
    recipes = {method: asdict(recipe) for method, recipe in wanted}
    attempts = [Attempt(**attempt) for attempt in contents["attempts"] if attempt["method"] in recipes]
    for attempt in attempts:
        if attempt.recipe != recipes[attempt.method]:
            raise PointwiseError(
                f"{path} holds {attempt.method!r} by another recipe than today's; choose another file with "
                "--out."
            )
    return attempts


def read(path: Path) -> dict[str, Any]:
    """Return the contents of such a file.

    Raises:
        PointwiseError: it cannot be read, is of another kind, or is damaged.
    """
    try:
        contents = read_json(path)
        if contents.get("kind") != KIND:
            raise PointwiseError(
                f"{path} is no result of pointwise ablation; choose another file with --out."
            )
        _Methods.of(contents)
    except OSError as error:
        raise PointwiseError(f"{path} cannot be read ({error.strerror}); choose another file.") from error
    except FormError as error:
        raise PointwiseError(
            f"{path} is damaged (it {error}); remove it, or choose another file with --out."
        ) from error
    return contents


Decibels = Annotated[float, Field(allow_inf_nan=True)]
"""Infinite where there is no noise at all."""


class _Attempt(Form):
    method: str
    recipe: dict[str, str | int | bool]
    sqnr_db: Decibels
    image_sqnr_db: Decibels
    agreement: Annotated[float, Field(ge=0, le=100)]


class _Methods(Form):
    kind: Literal["methods"]
    network: str
    calibration_images: Annotated[int, Field(ge=1)]
    images: Annotated[int, Field(ge=1)]
    command: str
    digest: str | None = None
    attempts: list[_Attempt]


COLUMNS = ("method", "logits, all images", "logits, mean of the images", "same class")


def rows(attempts: list[Attempt]) -> list[tuple[str, str, str, str]]:
    """The cells of a table, a row an attempt, under ``COLUMNS``."""
    return [
        (
            attempt.method,
            f"{attempt.sqnr_db:.1f} dB",
            f"{attempt.image_sqnr_db:.1f} dB",
            f"{attempt.agreement:.1f} %",
        )
        for attempt in attempts
    ]


def table(settings: Settings, attempts: list[Attempt]) -> Table:
    """For the terminal."""
    title = (
        f"{settings.network}, {settings.calibration_images} images to calibrate, {settings.images} to compare"
    )
    shown = Table(title=title, title_justify="left")
    for index, column in enumerate(COLUMNS):
        shown.add_column(column, justify="right" if index else "left")
    for row in rows(attempts):
        shown.add_row(*row)
    return shown
