"""The table of a softmax's exponentials, rounded by the error of what it leads to, as weights are.

A row of attention is Σ e·v / Σ e. Each entry of the table stands for all scores of one distance below the
maximum of their row, so that what its rounding costs depends on how the values of those keys add up, and the
errors of entries with neighbouring distances may cancel. In a long row most keys lie where exponentials are
below 1 of 255: rounded each for itself they are all lost or all too large, and with a pattern of zeros and
ones their sum is kept.
"""

import numpy as np
import torch

EXP_MAX = 255
ENTRIES = 256
NEAREST = 0.5
FAINT = 0.05
"""Exponentials below this are 0 in the table."""
DIRECTIONS = 16
"""The error of a row is looked at in so many random directions of what reads the attention."""
FARTHEST = 1.0
"""How far an entry may lie from its exponential."""
SEED = 0


def exp_table(score_scale: float, threshold: float = NEAREST) -> np.ndarray:
    """Return the exponentials of d = 0..255 steps below the maximum, each rounded for itself, (256,) uint8.

    Args:
        threshold: values from this to 0.5 become 1 instead of 0.
    """
    exact = exact_exponentials(score_scale)
    return np.where(exact < NEAREST, exact >= threshold, np.floor(exact + 0.5)).astype(np.uint8)


def exact_exponentials(score_scale: float) -> np.ndarray:
    """255 · exp(−d · score_scale) for d = 0..255, (256,) float64."""
    return EXP_MAX * np.exp(-score_scale * np.arange(ENTRIES))


def table_moments(
    distance: np.ndarray, probabilities: np.ndarray, values: np.ndarray, score_scale: float
) -> np.ndarray:
    """Return G such that a table T gives attention a squared error of T·G·T, summed over the rows.

    Args:
        distance: (images, rows, T) integer steps of each score below its row's maximum, 0..255.
        probabilities: (images, rows, T) that are wanted.
        values: (images, T, d), as what reads them sees them.
        score_scale: of a step.

    Returns:
        (256, 256) float64. Where exponentials are faint it is 0.
    """
    exact = exact_exponentials(score_scale).astype(np.float32)
    used = int((exact >= FAINT).sum())
    if values.shape[-1] > DIRECTIONS:
        values = values @ directions(values.shape[-1])
    moments = np.zeros((ENTRIES, ENTRIES))
    for steps, wanted, held in zip(distance, probabilities, values, strict=True):
        sums = exact[steps].sum(axis=-1)
        rows, size = len(steps), used + 1
        # What the keys of one distance add to each row, against the row's wanted result: (d, rows, used).
        place = (np.minimum(steps, used) + size * np.arange(rows)[:, None]).ravel()
        added = np.stack(
            [
                np.bincount(place, np.tile(part, rows), rows * size).reshape(rows, size)[:, :used]
                for part in (*np.asarray(held, np.float64).T, np.ones(len(held)))
            ]
        ).astype(np.float32)
        mean = np.asarray(wanted @ held, np.float32).T
        pull = (added[:-1] - added[-1] * mean[:, :, None]) / sums[:, None]
        flat = torch.from_numpy(pull.reshape(-1, used))
        moments[:used, :used] += (flat.T @ flat).double().numpy()
    return moments


def directions(channels: int) -> np.ndarray:
    """The random directions in which so many channels are looked at, (channels, DIRECTIONS) float32."""
    drawn = np.random.default_rng(SEED).normal(0, DIRECTIONS**-0.5, (channels, DIRECTIONS))
    return drawn.astype(np.float32)


def rounded_table(score_scale: float, moments: np.ndarray) -> np.ndarray:
    """Return the table, (256,) uint8, from which no change of one entry by 1 lowers the error.

    The entry of the maximum is 255, and every other one of the two integers around its exponential, or where
    that is an integer, of its neighbours too.

    Args:
        moments: from ``table_moments``.
    """
    exact = exact_exponentials(score_scale)
    low = np.maximum(np.ceil(exact - FARTHEST), 0)
    high = np.minimum(np.floor(exact + FARTHEST), EXP_MAX)
    low[0] = high[0] = EXP_MAX
    table = np.floor(exact + 0.5)
    slope, curve = moments @ table, np.diag(moments)
    # Where scores hardly differ the error is nothing but what rounding leaves of it, of either sign.
    least = 1e-9 * max(float(table @ slope), float(curve.max()))
    while True:
        up = np.where(table < high, 2 * slope + curve, np.inf)
        down = np.where(table > low, curve - 2 * slope, np.inf)
        index, change = (up.argmin(), 1) if up.min() <= down.min() else (down.argmin(), -1)
        if min(up.min(), down.min()) >= -least:
            return table.astype(np.uint8)
        table[index] += change
        slope += change * moments[:, index]


def fitted_table(
    distance: np.ndarray,
    probabilities: np.ndarray,
    values: np.ndarray,
    score_scale: float,
    plain: np.ndarray,
) -> np.ndarray:
    """Return ``rounded_table`` of all images, or ``plain`` where it does not hold on images not looked at.

    For that it is made of every other image first, and must beat ``plain`` on those between.

    Args:
        distance, probabilities, values, score_scale: see ``table_moments``. plain: (256,) uint8.
    """
    if len(distance) < 2:
        return plain
    halves = [
        table_moments(distance[half::2], probabilities[half::2], values[half::2], score_scale)
        for half in range(2)
    ]
    trial, known = rounded_table(score_scale, halves[0]).astype(float), plain.astype(float)
    if trial @ halves[1] @ trial >= known @ halves[1] @ known:
        return plain
    return rounded_table(score_scale, halves[0] + halves[1])
