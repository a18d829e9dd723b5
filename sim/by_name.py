"""Convolutional networks by name, with made-up weights: quantised, with images to run."""

from collections.abc import Callable

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.models.made_up import PICTURES, made_up, made_up_images
from pointwise.sim.workload import CALIBRATION_SEED, SYNTHETIC_CALIBRATION, Workload

BATCH = 4
"""Images at a time: the patches of a large one take some 15 MB."""


def named_workload(
    name: str | None, count: int | None = None, progress: Callable[[int, int], None] | None = None
) -> Workload | None:
    """A network of ``PICTURES`` with made-up weights and images; None where the name is another one's.

    Args:
        count: of images to run; 1 unless given. progress: of the calibration.

    Raises:
        PointwiseError: no image was asked for.
    """
    if name not in PICTURES:
        return None
    if count is not None and count < 1:
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    network = made_up(name)
    calibration = made_up_images(network, SYNTHETIC_CALIBRATION, CALIBRATION_SEED)
    integers = pw.quantise(pw.calibrate(network, calibration, batch=BATCH, progress=progress))
    return Workload(name, network, integers, made_up_images(network, count or 1).numpy(), None)
