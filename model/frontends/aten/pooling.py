"""The largest and the mean of pixels under a window, and padding."""

from collections.abc import Callable, Sequence

from pointwise.model.frontends import pooling
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.padding import padded
from pointwise.model.frontends.pictures import Kernel, Pair, picture_size
from pointwise.model.frontends.symbol import Symbol

from .registry import translates


@translates("max_pool2d", "max_pool2d_with_indices")
def max_pool(
    build: Builder,
    x: Symbol,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> Symbol | list[Symbol]:
    window = _kernel(kernel, stride, padding, dilation)
    window = pooling.ceiled(window, picture_size(x)) if ceil_mode else window
    made = _batched(x, lambda one: pooling.max_pool(build, one, window))
    return [made] if "with_indices" in str(build.operator) else made


@translates("avg_pool2d")
def avg_pool(
    build: Builder,
    x: Symbol,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Symbol:
    window = _kernel(kernel, stride, padding)
    if ceil_mode and pooling.ceiled(window, picture_size(x)) != window:
        raise build.refused("takes means of fewer pixels at the border, as ceil_mode does; that is not known")
    return _batched(x, lambda one: pooling.avg_pool(build, one, window, divisor_override, count_include_pad))


@translates("adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def adaptive_avg_pool(build: Builder, x: Symbol, sizes: Sequence[int]) -> Symbol:
    window = pooling.adaptive_kernel(build, x, sizes)
    return _batched(x, lambda one: pooling.avg_pool(build, one, window))


@translates("adaptive_max_pool2d")
def adaptive_max_pool(build: Builder, x: Symbol, sizes: Sequence[int]) -> list[Symbol]:
    window = pooling.adaptive_kernel(build, x, sizes)
    return [_batched(x, lambda one: pooling.max_pool(build, one, window))]


@translates("constant_pad_nd")
def pad(build: Builder, x: Symbol, sizes: Sequence[int], value: float = 0.0) -> Symbol:
    left, right, top, bottom, *rest = [*sizes, 0, 0]
    if value != 0 or any(rest) or x.places.dim() not in (3, 4):
        raise build.refused("pads with something else than zeros around a picture; that is not known")
    return _batched(x, lambda one: padded(build, one, (top, left, bottom, right)))


def _kernel(
    kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int] = (1,)
) -> Kernel:
    """Of the arguments of a pooling, each one number or two; the stride is the kernel unless given."""
    down, right = _pair(padding)
    size = _pair(kernel)
    return Kernel(size, _pair(stride) if stride else size, (down, right, down, right), _pair(dilation))


def _pair(numbers: Sequence[int]) -> Pair:
    return (numbers[0], numbers[-1])


def _batched(x: Symbol, pool: Callable[[Symbol], Symbol]) -> Symbol:
    """A pooling of (1, channels, height, width), also where the batch is left out."""
    if x.places.dim() == 4:
        return pool(x)
    return pool(x.moved(lambda places: places[None])).moved(lambda places: places[0])
