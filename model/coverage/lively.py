"""Random weights under which everything in a network matters."""

import torch
from torch import Tensor, nn

STILL = 1e-3
"""Tensors that spread less hardly differ from one number: such as zeros, ones, LayerScale's 10⁻⁵."""


def enliven(module: nn.Module, images: Tensor, seed: int) -> None:
    """Change what fresh weights leave out: biases, LayerScale, class tokens, the statistics of batch norms.

    Libraries begin with biases of 0 and branches that are scaled to nearly nothing; a network in which these
    were forgotten would have the same logits.

    Args:
        module: changed in place, and left in inference mode. images: what the statistics are taken of,
            (B, colours, rows, columns). seed: of the numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.std(correction=0) < STILL:
                spread = 0.1 * torch.randn(parameter.shape, generator=generator)
                # Factors stay positive, and are about 1 whatever they were.
                centre = 0.0 if parameter.abs().max() == 0 or parameter.dim() > 1 else 1.0
                parameter.copy_(centre + spread)
        norms = [one for one in module.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
        for norm in norms:
            norm.momentum = 1.0  # the statistics of this batch, and nothing of what was there
        if norms:
            module.train()
            for one in module.modules():
                if isinstance(one, nn.Dropout):
                    one.eval()
            module(images)
    module.eval()
