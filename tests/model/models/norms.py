"""Weights and batch norms of modules that are put together for tests: not those of the start."""

from torch import nn


def lively(net: nn.Module) -> nn.Module:
    """Draw weights that keep the power of what goes through, and batch norms that do something."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5)
        if isinstance(module, nn.BatchNorm2d):
            for part in (module.bias, module.running_mean):
                nn.init.normal_(part, 0, 0.2)
            for part in (module.weight, module.running_var):
                nn.init.uniform_(part, 0.5, 1.5)
    return net
