"""What is done to each layer when a network is quantised: a recipe, read from TOML.

A recipe has a table ``[default]`` and tables ``[layers."PATTERN"]``, whose keys are the fields of
``LayerRecipe``. A pattern is matched with the names of layers as a shell matches file names; later tables
win. The names are those of the integer layers without the head (``blocks.0.attn.q``, … ``k``, ``v``, ``s``
for the scores, ``o`` for their product with the values, ``proj``, ``blocks.0.mlp.fc1``, ``fc2``,
``patch_embed``, ``head``), of the LayerNorms (``blocks.0.norm1``, ``norm2``, ``norm``) and ``image`` for
the pixels.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import FormError, read_bytes

from .ranges import METHODS, range_method
from .rounding import ROUNDINGS, rounding_method
from .weight_ranges import WEIGHT_RANGES, weight_range_method

CHOICES: dict[str, tuple[str, ...]] = {
    "granularity": ("tensor", "head", "channel"),
    "factors": ("none", "range", "error"),
    "weight_granularity": ("tensor", "channel"),
    "bias_correction": ("none", "mean"),
}
"""Keys that take one of a few words."""
WHOLE = {"weight_bits": (2, 8), "iterations": (1, 1_000_000)}
"""Keys that take a whole number, from and to."""
METHOD_KEYS = {
    "range": (METHODS, range_method),
    "weight_range": (WEIGHT_RANGES, weight_range_method),
    "rounding": (ROUNDINGS, rounding_method),
}
"""Keys that take a method of ours by its name, or another one as ``package.module:name``."""
TABLES = ("default", "layers")


@dataclass(frozen=True)
class LayerRecipe:
    """How one layer is quantised. The defaults are the best we know; docs/quantisation.md says what each
    buys.

    Attributes:
        range: method for the range of what the layer gives.
        granularity: what shares a scale: all of the tensor, a head, or nothing but one channel. Queries and
            keys, values, scores (per head at the finest) and context have the choice, the pictures of
            convolutional networks that no ReLU is in front of, and the layer in front of GELU, whose channels
            share a table in groups at the finest; the hardware gives LayerNorm's result and the residual
            stream one scale each.
        search: choose scales by the error of what they lead to: those of scores by the softmax, those of
            GELU by its result; else by the range alone.
        factors: LayerNorm's power of two for each channel: none, as the range of the channel asks, or
            chosen by the error of the convolutions that read it.
        equalise: shift size between channels and the weights that read them, until rounding either costs the
            same: LayerNorm's channels (by their powers of two), queries and keys, context and projection.
        weight_range: method for the range of a row of weights.
        weight_granularity: one scale for all weights of the layer, or one for each output channel.
        weight_bits: of the integers; 4 and 2 take less room in the memory image.
        rounding: method that rounds the weights.
        iterations: of AdaRound.
        bias_correction: ``mean`` takes the mean error that rounding the weights leaves out of the bias.
    """

    range: str = "minmax"
    granularity: str = "channel"
    search: bool = True
    factors: str = "error"
    equalise: bool = True
    weight_range: str = "minmax"
    weight_granularity: str = "channel"
    weight_bits: int = 8
    rounding: str = "gptq"
    iterations: int = 500
    bias_correction: str = "mean"

    def __post_init__(self) -> None:
        for option in fields(self):
            _check(option.name, getattr(self, option.name), f"recipe's {option.name}")

    @property
    def weight_limit(self) -> int:
        """The largest integer of a weight."""
        return (1 << (self.weight_bits - 1)) - 1


@dataclass(frozen=True)
class Recipe:
    """A ``LayerRecipe`` for every layer.

    Attributes:
        default: what holds where nothing else is said.
        layers: pairs of a pattern and the fields that it changes; later ones win.
    """

    default: LayerRecipe = field(default_factory=LayerRecipe)
    layers: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def __getitem__(self, name: str) -> LayerRecipe:
        """The recipe of the layer ``name`` (``blocks.0.attn.q``)."""
        recipe = self.default
        for pattern, changes in self.layers:
            if fnmatchcase(name, pattern):
                recipe = replace(recipe, **changes)
        return recipe

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse a pattern that no layer of the network matches.

        Raises:
            PointwiseError: there is one.
        """
        names = list(names)
        for pattern, _ in self.layers:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise PointwiseError(
                    f"The recipe's pattern {pattern!r} matches no layer of the network; write it for names "
                    f"such as {', '.join(names[:3])} or {names[-1]}."
                )

    def to_dict(self) -> dict[str, Any]:
        """As the tables of a TOML file."""
        return {
            "default": asdict(self.default),
            "layers": {pattern: dict(changes) for pattern, changes in self.layers},
        }

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any], source: str = "The recipe") -> "Recipe":
        """Make a recipe of the tables of a TOML file.

        Args:
            source: begins the sentence of an error.

        Raises:
            PointwiseError: an unknown table or key, or a value that a key does not take.
        """
        for name, table in tables.items():
            if name not in TABLES:
                raise PointwiseError(
                    f"{source} has the table {name!r}, which is not known; use {' or '.join(TABLES)}."
                )
            if not isinstance(table, Mapping):
                raise PointwiseError(f"{source} has {name} = {table!r}, but {name} must be a table.")
        default = _changes(tables.get("default", {}), f"{source}'s [default]")
        layers = []
        for pattern, table in tables.get("layers", {}).items():
            where = f'{source}\'s [layers."{pattern}"]'
            if not isinstance(table, Mapping):
                raise PointwiseError(f"{where} is {table!r}, but it must be a table.")
            layers.append((pattern, _changes(table, where)))
        return cls(LayerRecipe(**default), tuple(layers))


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe.

    Raises:
        PointwiseError: the file is missing, is no TOML, or says something that is not known.
    """
    path = Path(path)
    try:
        tables = tomllib.loads(read_bytes(path).decode("utf-8"))
    except OSError as error:
        raise PointwiseError(
            f"The recipe {path} cannot be read ({error.strerror}); check the path."
        ) from error
    except FormError as error:
        raise PointwiseError(f"The recipe {path} {error}; write a shorter one.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PointwiseError(f"The recipe {path} is not TOML ({error}); correct it there.") from error
    except RecursionError:
        raise PointwiseError(f"The recipe {path} is nested too deep; correct it there.") from None
    return Recipe.from_dict(tables, f"The recipe {path}")


def _changes(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = {option.name for option in fields(LayerRecipe)}
    for key, value in table.items():
        if key not in known:
            raise PointwiseError(f"{where} has the key {key!r}; choose one of {', '.join(sorted(known))}.")
        _check(key, value, f"{where}: {key}")
    return dict(table)


def _check(key: str, value: object, what: str) -> None:
    """Refuse a value that a key does not take."""
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise PointwiseError(f"{what} is {value!r}; choose one of {', '.join(CHOICES[key])}.")
    elif key in WHOLE:
        low, high = WHOLE[key]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise PointwiseError(f"{what} is {value!r}; give a whole number from {low} to {high}.")
    elif key in METHOD_KEYS:
        known, method = METHOD_KEYS[key]
        if not isinstance(value, str):
            raise PointwiseError(f"{what} is {value!r}; choose one of {', '.join(sorted(known))}.")
        try:
            method(value)
        except PointwiseError as error:
            raise PointwiseError(f"{what}: {error}") from error
    elif not isinstance(value, bool):
        raise PointwiseError(f"{what} is {value!r}; choose true or false.")


PLAIN = LayerRecipe(
    range="minmax",
    granularity="tensor",
    search=False,
    factors="none",
    equalise=False,
    weight_range="minmax",
    weight_granularity="tensor",
    rounding="nearest",
    bias_correction="none",
)
"""Everything turned off: min–max, one scale a tensor, to the nearest."""
