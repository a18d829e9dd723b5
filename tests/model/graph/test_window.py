"""Windows over pictures, pixel by pixel."""

import numpy as np
import pytest

from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.graph.window import Window, around, same_padding

WINDOWS = (
    Window((1, 1), (1, 1)),
    Window((5, 7), (3, 3), (1, 1), (1, 1, 1, 1)),
    Window((6, 4), (3, 2), (2, 1), (0, 1, 1, 0), (1, 2)),
    Window((9, 8), (1, 5), (3, 2), (0, 2, 0, 2)),
    Window((4, 5), (7, 7), (2, 2), (3, 3, 3, 3)),
)


def by_hand(window: Window, values: np.ndarray, pad: int) -> np.ndarray:
    """One pixel under the kernel after the other."""
    picture = values.reshape(*window.size, -1)
    made = np.full((*window.out_size, *window.kernel, picture.shape[2]), pad, values.dtype)
    for y, x, v, u in np.ndindex(*window.out_size, *window.kernel):
        line = y * window.stride[0] + v * window.dilation[0] - window.padding[0]
        column = x * window.stride[1] + u * window.dilation[1] - window.padding[1]
        if 0 <= line < window.size[0] and 0 <= column < window.size[1]:
            made[y, x, v, u] = picture[line, column]
    return made.reshape(window.out_tokens, *window.kernel, -1)


@pytest.mark.parametrize("window", WINDOWS)
def test_patches_are_the_pixels_under_the_kernel(window: Window) -> None:
    values = np.random.default_rng(1).integers(-128, 128, (window.tokens, 3))
    assert (window.patches(values, -7) == by_hand(window, values, -7)).all()
    both = np.stack([values, values[::-1]])
    assert (window.patches(both, 5)[1] == by_hand(window, values[::-1], 5)).all()


@pytest.mark.parametrize("window", WINDOWS)
def test_rows_of_the_picture_that_rows_of_the_result_need(window: Window) -> None:
    numbered = np.repeat(np.arange(window.size[0]), window.size[1])[:, None]
    patches = window.patches(numbered, -1).reshape(*window.out_size, -1)
    for first in range(window.out_size[0]):
        for count in range(1, window.out_size[0] - first + 1):
            seen = set(patches[first : first + count].ravel().tolist()) - {-1}
            top, rows = window.rows(first, count)
            assert seen <= set(range(top, top + rows))
            # No row more than the span of those that are seen, but for gaps of a dilation at the borders.
            assert not seen or rows <= max(seen) - min(seen) + window.reach[0]


@pytest.mark.parametrize("window", WINDOWS)
def test_an_arrangement_makes_the_same_patches_of_an_image(window: Window) -> None:
    image = np.random.default_rng(2).integers(-9, 9, (2, 3, *window.size)).astype(np.float64)
    pixels = image.transpose(0, 2, 3, 1).reshape(2, window.tokens, 3)
    want = np.moveaxis(window.patches(pixels, 0), -1, -3).reshape(2, window.out_tokens, -1)
    made = Arrangement.of_patches(3, window)
    assert (made.rows(image) == want).all()
    assert Arrangement.from_dict(made.to_dict()) == made


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (Window((4, 4), (0, 3)), "kernel of 0 by 3"),
        (Window((4, 4), (3, 3), (0, 1)), "stride of 0 by 1"),
        (Window((4, 4), (3, 3), padding=(-1, 0, 0, 0)), "padding"),
        (Window((4, 2), (3, 3)), "use a larger image"),
        (Window((4, 4), (3, 3), dilation=(2, 2)), "covers 5 by 5"),
    ],
)
def test_what_is_no_window_is_said(window: Window, says: str) -> None:
    assert says in (window.fault() or "")


def test_padding_as_tensorflow_has_it() -> None:
    assert same_padding((224, 224), (3, 3), (2, 2)) == (0, 0, 1, 1)
    assert same_padding((7, 8), (5, 3), (1, 2)) == (2, 0, 2, 1)
    for size, kernel, step in ((10, 3, 2), (11, 3, 2), (7, 5, 3), (5, 1, 1)):
        padding = same_padding((size, size), (kernel, kernel), (step, step))
        window = Window((size, size), (kernel, kernel), (step, step), padding)
        assert window.out_size == (-(-size // step),) * 2
    assert around((1, 2)) == (1, 2, 1, 2)
