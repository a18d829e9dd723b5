"""The double path of a quantiser: fake quantisation to train by, integers to run.

After Torch2Chip (Meng et al., section 3.1): a user writes the training path only, and the integers follow
from the scale that it leaves behind.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pointwise.hw.contract.errors import PointwiseError

BITS = range(2, 9)
"""Widths that the core's int8 lanes can hold and that leave a positive and a negative integer."""
TINY = 1e-8
"""The least step: a channel of zeros must not divide by zero."""


class _Round(torch.autograd.Function):
    """⌊x + ½⌋, the rounding of the integer model, with the gradient of the identity (straight through)."""

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        return torch.floor(values + 0.5)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def round_through(values: Tensor) -> Tensor:
    """Round half up; gradients pass as if nothing had been rounded (Bengio et al., arXiv:1308.3432)."""
    return _Round.apply(values)


class Quantiser(nn.Module, ABC):
    """Real values to integers low..high of step ``scale``: value = scale · (integer − zero).

    A quantiser of your own defines ``step``, and nothing else if it rounds to the nearest. One that does more
    may override ``forward`` (the training path, which must leave the step in ``self.scale``) and ``integers``
    (the inference path); the two must agree, which is checked before a network is made of them.

    Weights are symmetric, −(2^(bits−1) − 1)..2^(bits−1) − 1, with a step for each output channel: ±127, ±7,
    and with 2 bits −1, 0 and 1. Activations have one step. They are symmetric too, or, where ``least`` is
    given, 0..2^bits − 1 with a zero point that makes ``least`` an integer.

    Attributes:
        bits, channels, least: as given. low, high: the integers' range.
        scale: (channels,) float32, the step of the training path's last call. Outside of training it stays.
    """

    scale: Tensor

    def __init__(self, bits: int, channels: int = 1, least: float | None = None) -> None:
        """Get ready.

        Args:
            bits: 2..8. channels: 1, or the rows of a weight.
            least: the smallest real value (0 or below) of a tensor whose integers are unsigned.

        Raises:
            PointwiseError: a number of bits that the core has no integers for.
        """
        super().__init__()
        if bits not in BITS:
            raise PointwiseError(
                f"A quantiser of {bits} bits was asked for, but the core takes {BITS[0]} to {BITS[-1]}; "
                "choose one of them."
            )
        self.bits, self.channels, self.least = bits, channels, least
        if least is None:
            self.high = (1 << (bits - 1)) - 1
            self.low = -self.high
        else:
            self.low, self.high = 0, (1 << bits) - 1
        self.register_buffer("scale", torch.ones(channels))

    @abstractmethod
    def step(self, rows: Tensor) -> Tensor:
        """Return the real value of one integer step.

        Args:
            rows: (channels, count) of the values to be quantised; a weight's rows, or all of an activation.

        Returns:
            (channels,) positive; may carry gradients.
        """

    def initialise(self, rows: Tensor) -> None:
        """See the first values, (channels, count), before training: where learned steps get their start."""
        self.keep(self.step(rows))

    def forward(self, values: Tensor) -> Tensor:
        """The training path: ``values`` rounded to the grid, still real numbers, with gradients.

        Args:
            values: any shape; (channels, …) where there are several channels.
        """
        rows = self.rows(values)
        step = self.keep(self.step(rows)) if self.training else self.scale
        return self.fake(rows, step).reshape(values.shape)

    @torch.no_grad()
    def integers(self, values: Tensor) -> Tensor:
        """The inference path: the integers low..high of ``values``, int64, by ``scale`` alone."""
        rows = self.rows(values)
        rounded = torch.floor(rows / self.scale[:, None] + 0.5) + self.zero(self.scale)[:, None]
        return rounded.clamp(self.low, self.high).to(torch.int64).reshape(values.shape)

    def fake(self, rows: Tensor, step: Tensor) -> Tensor:
        """Round rows (channels, count) to the grid of ``step``; gradients pass inside of its range."""
        zero = self.zero(step)[:, None]
        whole = (round_through(rows / step[:, None]) + zero).clamp(self.low, self.high)
        return (whole - zero) * step[:, None]

    def zero(self, step: Tensor) -> Tensor:
        """Return the integer that stands for 0, (channels,), for that step."""
        if self.least is None:
            return torch.zeros_like(step.detach())
        return torch.floor(-self.least / step.detach() + 0.5).clamp(max=self.high)

    def widest(self, rows: Tensor) -> Tensor:
        """Return the step, (channels,), with which the integers just hold all of ``rows``."""
        return (rows.abs().amax(dim=1) - (self.least or 0.0)) / self.high

    def keep(self, step: Tensor) -> Tensor:
        """Leave the step in ``scale`` for the inference path, and return it."""
        step = step.clamp(min=TINY)
        with torch.no_grad():
            self.scale.copy_(step)
        return step

    def rows(self, values: Tensor) -> Tensor:
        """``values`` as (channels, count)."""
        return values.reshape(self.channels, -1)


@contextmanager
def error_context(kind: Callable[..., Quantiser], where: str) -> Iterator[None]:
    """Tell what a quantiser, which may be a user's, raises on ``where`` as a PointwiseError."""
    try:
        yield
    except PointwiseError:
        raise
    except Exception as error:
        name = getattr(kind, "__name__", kind)
        raise PointwiseError(
            f"The quantiser {name} fails on {where} ({type(error).__name__}: {error}); correct it."
        ) from error


@torch.no_grad()
def check_paths(quantiser: Quantiser, values: Tensor, where: str) -> None:
    """Make sure that both paths of a quantiser say the same of ``values``.

    Args:
        where: what they are, for the message.

    Raises:
        PointwiseError: the scale is not positive and finite, an integer is out of range, or the training path
            gives other numbers than scale · (integers − zero).
    """
    name, scale = type(quantiser).__name__, quantiser.scale
    trained, integers = quantiser(values), quantiser.integers(values)
    if not bool((torch.isfinite(scale) & (scale > 0)).all()):
        raise PointwiseError(
            f"The quantiser {name} gives {where} a step that is not positive and finite; look at its step()."
        )
    if int(integers.min()) < quantiser.low or int(integers.max()) > quantiser.high:
        raise PointwiseError(
            f"The quantiser {name} gives {where} integers outside of {quantiser.low}..{quantiser.high}; "
            "clamp them in its integers()."
        )
    whole = quantiser.rows(integers) - quantiser.zero(scale)[:, None]
    meant = (whole * scale[:, None]).reshape(values.shape)
    if trained.shape != values.shape or not torch.allclose(trained, meant, rtol=1e-5, atol=1e-7):
        raise PointwiseError(
            f"The quantiser {name} trains {where} on other numbers than its scale times its integers; leave "
            "the step of forward() in self.scale, and let integers() round in the same way."
        )
