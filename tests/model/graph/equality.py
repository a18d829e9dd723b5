"""Whether two operators are the same, arrays included."""

import numpy as np

from pointwise.model.graph import Op, Quantisation


def same(a: object, b: object) -> bool:
    """Equal in type and in every field; arrays element by element."""
    if isinstance(a, Op | Quantisation):
        pairs = zip(vars(a).values(), vars(b).values(), strict=True)
        return type(a) is type(b) and all(same(x, y) for x, y in pairs)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return type(a) is type(b) and a == b
