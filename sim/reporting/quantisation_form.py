"""What the JSON file of a quantisation report holds."""

from typing import Annotated, Any, Literal

from pydantic import Field

from pointwise.hw.contract.form import Form, FormError

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Decibels = Annotated[float, Field(allow_inf_nan=True)]
"""Infinite where there is no noise at all."""
Changes = dict[str, str | int | bool]


class _Recipe(Form):
    default: Changes = Field(default_factory=dict)
    layers: dict[str, Changes] = Field(default_factory=dict)


class _Layer(Form):
    name: str
    kind: str
    sqnr_db: Decibels
    clipped: Share
    low: float
    high: float
    covered_low: float
    covered_high: float
    counts: Annotated[list[Count], Field(min_length=1, max_length=1000)]
    edges: list[float]
    weights: Count
    weight_bits: Count
    bytes: Count
    sensitivity_db: Decibels | None
    share: Share | None


class _Measure(Form):
    images: Count
    sensitivity_images: Count
    sqnr_db: Decibels
    agreement: Annotated[float, Field(ge=0, le=100)]
    layers: Annotated[list[_Layer], Field(min_length=1)]


class _Report(Form):
    kind: Literal["quantisation"]
    version: str | None = None
    network: str
    command: str
    calibration_images: int | None
    recipe: _Recipe
    measure: _Measure


def check_report(report: Any) -> None:
    """Raise FormError unless a page can be made of a report."""
    layers = _Report.of(report).measure.layers
    for field in ("share", "sensitivity_db"):
        told = [index for index, layer in enumerate(layers) if getattr(layer, field) is not None]
        if 0 < len(told) < len(layers) or (len(told) > 0) != (layers[0].share is not None):
            raise FormError(f"says measure.layers[{told[0]}].{field}, but not that of every layer")
