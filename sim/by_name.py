"""Convolutional networks by name, quantised, with images to run: trained where they are, else made up."""

from collections.abc import Callable

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.models.made_up import PICTURES, made_up, made_up_images
from pointwise.sim.trained import TRAINED, Trained, trained
from pointwise.sim.workload import CALIBRATION_SEED, SYNTHETIC_CALIBRATION, Workload

BATCH = 4
"""Images at a time: the patches of a large one take some 15 MB."""


def named_workload(
    name: str | None,
    count: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] = lambda text: None,
    every: bool = False,
) -> Workload | None:
    """A network of ``TRAINED`` or ``PICTURES`` with images; None where the name is another one's.

    A trained one whose package is not installed gets made-up weights, which ``note`` is told, where it has
    any.

    Args:
        count: of images to run; 1 unless given. progress: of the calibration.
        note: told what is worth saying.
        every: unless ``count`` is given, all images that a trained network has.

    Raises:
        PointwiseError: no image was asked for, or more than there are; or a network is not installed that
            there is trained alone.
    """
    if name not in PICTURES and name not in TRAINED:
        return None
    if count is not None and count < 1:
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    try:
        found = trained(name)
    except PointwiseError as error:
        if name not in PICTURES:
            raise
        note(f"{name} has made-up weights: {error}")
        found = None
    if found is not None:
        return _trained_workload(str(name), found, count or (len(found.images) if every else 1), progress)
    network = made_up(str(name))
    calibration = made_up_images(network, SYNTHETIC_CALIBRATION, CALIBRATION_SEED)
    integers = pw.quantise(pw.calibrate(network, calibration, batch=BATCH, progress=progress))
    return Workload(str(name), network, integers, made_up_images(network, count or 1).numpy(), None)


def _trained_workload(
    name: str, found: Trained, count: int, progress: Callable[[int, int], None] | None
) -> Workload:
    if count > len(found.images):
        raise PointwiseError(f"{count} images were asked for, but {name} has {len(found.images)}")
    integers = pw.quantise(pw.calibrate(found.source, found.calibration, batch=BATCH, progress=progress))
    return Workload(name, found.source, integers, found.images[:count], found.labels[:count])
