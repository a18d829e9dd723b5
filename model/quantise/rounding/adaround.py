"""AdaRound: learn for each weight whether to round it up or down."""

import numpy as np
import torch

from ..moments import ErrorMatrix

LEARNING_RATE = 1.0
REGULARISATION = 10.0
"""Both far larger than the paper's: the loss is divided by what rounding to the nearest costs, and its
gradient is exact, so that a hundredth of the paper's iterations will do."""
WARM_UP = 0.2
"""Part of the iterations without the term that drives each weight to one side."""
BETA = (20.0, 2.0)
"""The exponent of that term, from the end of the warm-up to the last iteration."""
ZETA, GAMMA = 1.1, -0.1
"""The sigmoid is stretched to this range and clipped to 0..1, so that it reaches both ends."""


def adaround(weight: np.ndarray, error: ErrorMatrix, limit: int, iterations: int) -> np.ndarray:
    """Learn the rounding of one layer by the squared error of its result.

    Nagel et al., *Up or Down? Adaptive Rounding for Post-Training Quantization*, ICML 2020, equations 21 to
    24. The error over all calibration tokens is d·G·d exactly, so that each iteration sees all of them and
    costs one product with G.
    """
    target = torch.from_numpy(weight).float()
    matrix = torch.from_numpy(error.matrix).float()
    floor = target.floor()
    # Inverse of the stretched sigmoid at the weight's fraction: learning starts from no error.
    fraction = ((target - floor) - GAMMA) / (ZETA - GAMMA)
    raw = torch.logit(fraction).requires_grad_()
    # A row's error counts against what rounding it to the nearest costs, so that one learning rate serves
    # all.
    plain = (floor + (target - floor >= 0.5)) - target
    scale = float(((plain @ matrix) * plain).sum() / plain.numel()) or 1.0
    optimiser = torch.optim.Adam([raw], lr=LEARNING_RATE)
    start = int(WARM_UP * iterations)
    for iteration in range(iterations):
        soft = (torch.sigmoid(raw) * (ZETA - GAMMA) + GAMMA).clamp(0, 1)
        wrong = floor + soft - target
        # The gradient of d·G·d by hand: half the work of building it.
        gradient = 2 * (wrong @ matrix) / scale
        loss = (gradient.detach() * soft).sum()
        if iteration >= start:
            done = (iteration - start) / max(1, iterations - start)
            beta = BETA[1] + (BETA[0] - BETA[1]) * (1 - done)
            loss = loss + REGULARISATION * (1 - (2 * soft - 1).abs().pow(beta)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    up = (torch.sigmoid(raw.detach()) >= 0.5).float()
    return (floor + up).clamp(-limit, limit).double().numpy()
