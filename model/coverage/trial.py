"""Trying one architecture: from the library's module to the emulator, and what came of each step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

import pointwise as pw
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.emulator import Emulator
from pointwise.model.frontends import FloatNetwork, GraphNetwork
from pointwise.model.graph import Graph, run, run_float
from pointwise.model.parallel import one_thread
from pointwise.model.quantise import LayerConfig, Recipe, patchify

from .catalogue import Entry
from .lively import enliven

STEPS = ("loads", "equal", "quantises", "compiles", "emulates")
"""What is asked of an architecture, in order; after the first no the others are not tried."""
CLOSE, EXACT = 1e-4, 1e-9
"""Of the largest logit: what logits may differ by; and what they may in float64, where rounding alone makes
more of a deep network in float32."""
IMAGES = 3
"""Made-up ones: the logits of all are compared, all but the last calibrate, the last is run in integers."""
CORE = CoreConfig(rows=16, cols=16, max_tokens=1024, act_kib=16384, res_kib=16384)
"""With as much memory as a core can have: what is asked is whether it can be done, not where it fits."""
RECIPE = Recipe(LayerConfig(rounding="nearest", factors="range"))
"""The usual one but for what takes longest and decides nothing here."""


@dataclass(frozen=True)
class Row:
    """What came of an architecture.

    Attributes:
        key, group: of the ``Entry``. cut: whether it had two blocks and not all.
        passed: as many of ``STEPS``, from the first on.
        difference: of the logits from the library's in float32, of the largest of them; None where it did not
            load.
        refused: the sentence of the refusal, or what went wrong; None where all steps passed.
        fault: it was no refusal but an error of ours: other logits, other integers, another exception.
        pixels: height and width of an image. parameters: of what was tried. seconds: that it took.
    """

    key: str
    group: str
    cut: bool
    passed: int
    difference: float | None
    refused: str | None
    fault: bool
    pixels: str
    parameters: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class _Wrong(Exception):
    """A result that should have been another: an error of ours."""


def tried(entry: Entry, seed: int = 0) -> Row:
    """Try an architecture, with one thread; nothing of it is kept.

    Args:
        seed: of its weights and images.

    Raises:
        PointwiseError: its library is not installed.
    """
    started, at = time.monotonic(), _Trial(seed)
    with one_thread():
        torch.manual_seed(seed)
        module, shape = entry.build()
        refused, fault = at.all_of(module, shape, entry.name)
    return Row(
        key=entry.key,
        group=entry.group,
        cut=entry.cut,
        passed=at.passed,
        difference=at.difference,
        refused=refused,
        fault=fault,
        pixels=f"{shape[1]}×{shape[2]}",
        parameters=sum(one.numel() for one in module.parameters()),
        seconds=round(time.monotonic() - started, 1),
    )


class _Trial:
    """The steps of one architecture.

    Attributes:
        passed, difference: as in ``Row``, so far.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.passed, self.difference = seed, 0, None

    def all_of(self, module: torch.nn.Module, shape: tuple[int, ...], name: str) -> tuple[str | None, bool]:
        """Take the steps; returns what ended them, and whether that was an error of ours."""
        try:
            images = torch.randn(IMAGES, *shape, generator=torch.Generator().manual_seed(self.seed + 1))
            enliven(module, images, self.seed)
            with self._step():
                source = pw.load(module, images[:1], name=name)
            with self._step():
                self._compare(module, source, images)
            with self._step():
                integers = pw.quantise(pw.calibrate(source, images[:-1], recipe=RECIPE, batch=1))
            with self._step():
                compiled = pw.compile(integers, CORE)
            with self._step():
                _emulate(compiled, integers, images[-1:].numpy())
        except PointwiseError as error:
            return str(error), False
        except Exception as error:
            return f"{type(error).__name__}: {error}".removeprefix("_Wrong: "), True
        return None, False

    @contextmanager
    def _step(self) -> Iterator[None]:
        yield
        self.passed += 1

    def _compare(self, module: torch.nn.Module, source: FloatNetwork, images: torch.Tensor) -> None:
        with torch.inference_mode():
            wanted = module(images).flatten(1).double().numpy()
        self.difference = _apart(source.results(images), wanted)
        if not self.difference <= CLOSE and not _apart(*_in_float64(module, source, images)) <= EXACT:
            raise _Wrong(f"the logits differ by {self.difference:.1e} of the largest")


def _apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, of the largest number that is wanted."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def _in_float64(
    module: torch.nn.Module, source: FloatNetwork, images: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Our logits and the library's, (images, logits), where rounding hides nothing; the module stays so."""
    graph = source.graph
    assert isinstance(source, GraphNetwork)  # as modules become
    rows = torch.from_numpy(source.arrangement.rows(images.numpy()))
    with torch.inference_mode():
        wanted = module.double()(images.double()).flatten(1).numpy()
        found = run_float(graph, rows, {graph.output})[graph.output].flatten(1).numpy()
    return found, wanted


def _emulate(compiled: pw.Compiled, integers: Graph, image: np.ndarray) -> None:
    rows = patchify(integers, image)[0]
    output = Emulator(compiled.image, compiled.config).run(compiled.pack_input(rows))
    found = compiled.read_output(output)[integers.output]
    wanted = run(integers, rows, {integers.output})[integers.output]
    if not np.array_equal(found, wanted):
        raise _Wrong(f"{np.count_nonzero(found != wanted)} of {wanted.size} results differ")
