"""NumPy files hold the whole network."""

import io
from dataclasses import fields

import numpy as np

from model.export.numpy_file import DESCRIPTION, encode
from model.integer.network import IntegerNetwork, Layer
from model.quantise.io import rebuild


def test_the_network_is_the_same_after_reading(distilled):
    with np.load(io.BytesIO(encode(distilled)), allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays["patch_embed.weight"].dtype == np.int8
    again = rebuild(str(arrays.pop(DESCRIPTION)), arrays)
    for field in fields(IntegerNetwork):
        if field.name != "layers":
            same(field.name, getattr(distilled, field.name), getattr(again, field.name))
    for layer, other in zip(distilled.layers, again.layers, strict=True):
        for field in fields(Layer):
            same(f"{layer.name}.{field.name}", getattr(layer, field.name), getattr(other, field.name))


def same(name: str, a: object, b: object) -> None:
    assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b, name
