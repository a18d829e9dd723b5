"""NumPy files hold the whole network."""

import io
from dataclasses import fields, is_dataclass

import numpy as np

from pointwise.model.export.numpy_file import DESCRIPTION, encode
from pointwise.model.quantise.description import rebuild


def test_the_network_is_the_same_after_reading(distilled):
    with np.load(io.BytesIO(encode(distilled)), allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays["patch_embed.weight"].dtype == np.int8
    same(distilled.name, distilled, rebuild(str(arrays.pop(DESCRIPTION)), arrays))


def same(name: str, a: object, b: object) -> None:
    """Equal, field by field."""
    if is_dataclass(a):
        assert type(a) is type(b), name
        for field in fields(a):
            same(f"{name}.{field.name}", getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, tuple):
        assert len(a) == len(b), name
        for index, (one, other) in enumerate(zip(a, b, strict=True)):
            same(f"{name}.{index}", one, other)
    else:
        assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b, name
