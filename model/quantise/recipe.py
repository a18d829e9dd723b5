"""What is done to each layer when a network is quantised: a recipe, read from TOML.

A recipe has a table ``[default]`` and tables ``[layers."PATTERN"]``, whose keys are the fields of
``LayerConfig``. A pattern is matched with the names of layers as a shell matches file names; later tables
win. The names are those of the integer layers without the head (``blocks.0.attn.q``, … ``k``, ``v``, ``s``
for the scores, ``o`` for their product with the values, ``proj``, ``blocks.0.mlp.fc1``, ``fc2``,
``patch_embed``, ``head``), of the LayerNorms (``blocks.0.norm1``, ``norm2``, ``norm``) and ``image`` for
the pixels.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, Field, create_model
from pydantic_core import PydanticCustomError

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import Form, FormError, read_bytes

from .ranges import METHODS, range_method
from .rounding import ROUNDINGS, rounding_method, weight_noise
from .weight_ranges import WEIGHT_RANGES, weight_range_method

METHODS_OF: dict[str, Mapping[str, object]] = {
    "range": METHODS,
    "weight_range": WEIGHT_RANGES,
    "rounding": ROUNDINGS,
}
"""Keys that take a method of ours by its name, or another one as ``package.module:name``."""


def _method(known: Callable[[str], object]) -> AfterValidator:
    """What checks the name of a method: ``known`` raises PointwiseError for one that there is not."""

    def check(name: str) -> str:
        try:
            known(name)
        except PointwiseError as error:
            raise PydanticCustomError("method", "{words}", {"words": str(error).rstrip(".")}) from error
        return name

    return AfterValidator(check)


@dataclass(frozen=True)
class LayerConfig:
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

    range: Annotated[str, _method(range_method)] = "minmax"
    granularity: Literal["tensor", "head", "channel"] = "channel"
    search: bool = True
    factors: Literal["none", "range", "error"] = "error"
    equalise: bool = True
    weight_range: Annotated[str, _method(weight_range_method)] = "minmax"
    weight_granularity: Literal["tensor", "channel"] = "channel"
    weight_bits: Annotated[int, Field(ge=2, le=8)] = 8
    rounding: Annotated[str, _method(rounding_method)] = "gptq"
    iterations: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    bias_correction: Literal["none", "mean"] = "mean"

    def __post_init__(self) -> None:
        try:
            layer_form().of(vars(self), "recipe")
        except FormError as error:
            raise PointwiseError(f"The configuration of a layer {error}.") from error

    @property
    def weight_limit(self) -> int:
        """The largest integer of a weight."""
        return (1 << (self.weight_bits - 1)) - 1

    @property
    def weight_noise(self) -> float:
        """See ``rounding.weight_noise``."""
        return weight_noise(self.rounding, self.weight_limit)


@dataclass(frozen=True)
class Recipe:
    """A ``LayerConfig`` for every layer.

    Attributes:
        default: what holds where nothing else is said.
        layers: pairs of a pattern and the fields that it changes; later ones win.
    """

    default: LayerConfig = field(default_factory=LayerConfig)
    layers: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def __getitem__(self, name: str) -> LayerConfig:
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
        try:
            found = tables_form().of(dict(tables))
        except FormError as error:
            raise PointwiseError(
                f"{source} {error}; docs/quantisation.md has all that it may say."
            ) from error
        said = found.model_dump(exclude_unset=True)
        return cls(LayerConfig(**said.get("default", {})), tuple(said.get("layers", {}).items()))


@cache
def layer_form() -> type[Form]:
    """What a table of a recipe may say: some of the fields of ``LayerConfig``."""
    hints = get_type_hints(LayerConfig, include_extras=True)
    forms: dict[str, Any] = {field.name: (hints[field.name], field.default) for field in fields(LayerConfig)}
    return create_model("LayerTable", __base__=Form, **forms)


@cache
def tables_form() -> type[Form]:
    """What a recipe may say."""
    layer = layer_form()
    tables: dict[str, Any] = {"default": (layer, layer()), "layers": (dict[str, layer], {})}
    return create_model("RecipeTables", __base__=Form, **tables)


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


PLAIN = LayerConfig(
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
