"""A DeiT with quantisers in it: the network that is trained aware of quantisation.

What is quantised is what the core's array multiplies. γ and β of every LayerNorm are therefore folded into
the linear layers behind it first, and stay 1 and 0.
"""

from collections.abc import Callable, Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pointwise.model.deit import DeiT
from pointwise.model.quantise.gelu import LEAST
from pointwise.model.quantise.inputs import PixelScales

from .base import Quantiser, check_paths, error_context
from .prune import Pruner

EMBED = "patch_embed.proj"
ACTIVATION_BITS = 8
"""What the core's activation memory holds."""

QuantiserClass = Callable[..., Quantiser]


class WeightPath(nn.Module):
    """What becomes of a weight before it is used: pruned, then quantised.

    Attributes:
        columns: what one step of each input channel is worth against the others, (K,): the integers are those
            of weight · columns.
    """

    columns: Tensor

    def __init__(self, quantiser: Quantiser, pruner: Pruner | None, columns: Tensor) -> None:
        super().__init__()
        self.quantiser, self.pruner = quantiser, pruner
        self.register_buffer("columns", columns)

    def prepared(self, weight: Tensor) -> Tensor:
        """The values (N, K) that the quantiser rounds."""
        rows = (weight if self.pruner is None else self.pruner(weight)).flatten(1)
        return rows * self.columns

    def forward(self, weight: Tensor) -> Tensor:
        return (self.quantiser(self.prepared(weight)) / self.columns).reshape(weight.shape)


def parametrisation(module: nn.Module) -> parametrize.ParametrizationList:
    """What stands for the weight of a layer that has been quantised."""
    found = cast(nn.ModuleDict, module.parametrizations)["weight"]
    return cast(parametrize.ParametrizationList, found)


class QuantisedDeiT(nn.Module):
    """A DeiT whose weights and activations are rounded as it runs: images to logits, as ``DeiT``.

    Attributes:
        net: the DeiT, with a parametrisation on every weight.
        activations: quantisers of activations by record name (see ``model.quantise.observe``), with ``/`` for
            the dots: the output of every LayerNorm, the context of every attention, the output of every GELU.
    """

    def __init__(self, net: DeiT) -> None:
        super().__init__()
        self.net = net
        self.activations = nn.ModuleDict()
        fold_norms(net)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images)

    def linears(self) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
        """The layers with a weight that the array multiplies, by name."""
        for name, module in self.net.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                yield name, module

    def paths(self) -> Iterator[tuple[str, nn.Module, WeightPath]]:
        """The linear layers whose weights are quantised: name, layer and path."""
        for name, module in self.linears():
            if parametrize.is_parametrized(module, "weight"):
                path = parametrisation(module)[0]
                assert isinstance(path, WeightPath)
                yield name, module, path

    def attach_weights(
        self, quantiser: QuantiserClass, bits: dict[str, int], pruner: Pruner | None, pixels: PixelScales
    ) -> None:
        """Put a quantiser, and a pruner if there is one, on every weight.

        Args:
            bits: of each linear layer by name. pixels: scales of the input's colours.

        Raises:
            PointwiseError: the quantiser fails, or its two paths do not agree.
        """
        for name, module in list(self.linears()):
            weight = module.weight.detach()
            columns = torch.ones(weight[0].numel())
            if name == EMBED:
                columns = torch.from_numpy(pixels.scale / pixels.scale.max()).float()
                columns = columns.repeat_interleave(weight[0, 0].numel())
            where = f"the weights of {name}"
            with error_context(quantiser, where):
                path = WeightPath(quantiser(bits[name], len(weight)), pruner, columns)
                path.quantiser.initialise(path.prepared(weight))
                check_paths(path.quantiser, path.prepared(weight), where)
            parametrize.register_parametrization(module, "weight", path)

    def attach_activations(self, quantiser: QuantiserClass, images: Tensor) -> None:
        """Put a quantiser on every activation that is streamed into a trained weight.

        Args:
            images: (B, colours, S, S), the first values that the quantisers see.

        Raises:
            PointwiseError: the quantiser fails, or its two paths do not agree.
        """
        net = self.net
        places: list[tuple[str, nn.Module, bool, float | None]] = []
        for index, block in enumerate(net.blocks):
            name = f"blocks.{index}"
            places += [
                (f"{name}.norm1", block.norm1, True, None),
                (f"{name}.attn.context", block.attn.proj, False, None),
                (f"{name}.norm2", block.norm2, True, None),
                (f"{name}.mlp.act", block.mlp.act, True, LEAST),
            ]
        places.append(("norm", net.norm, True, None))
        for name, module, output, least in places:
            where = f"the activations {name}"
            with error_context(quantiser, where):
                one = quantiser(ACTIVATION_BITS, 1, least)
            self.activations[name.replace(".", "/")] = one
            path = _ActivationPath(one, where)
            if output:
                module.register_forward_hook(lambda _module, _inputs, values, path=path: path(values))
            else:
                module.register_forward_pre_hook(lambda _module, inputs, path=path: (path(inputs[0]),))
        with torch.no_grad():
            net(images)


class _ActivationPath:
    """Hands values to a quantiser; the first ones that come by start it, and check it."""

    def __init__(self, quantiser: Quantiser, where: str) -> None:
        self.quantiser, self.where, self.started = quantiser, where, False

    def __call__(self, values: Tensor) -> Tensor:
        if not self.started:
            with error_context(type(self.quantiser), self.where):
                self.quantiser.initialise(self.quantiser.rows(values))
                check_paths(self.quantiser, values, self.where)
            self.started = True
        return self.quantiser(values)


@torch.no_grad()
def fold_norms(net: DeiT) -> None:
    """Fold γ and β of every LayerNorm into the linear layers behind it; the network computes the same."""
    pairs = [(net.norm, [net.head, *([net.head_dist] if net.config.distilled else [])])]
    for block in net.blocks:
        pairs += [(block.norm1, [block.attn.qkv]), (block.norm2, [block.mlp.fc1])]
    for norm, linears in pairs:
        for linear in linears:
            linear.bias.add_(linear.weight @ norm.bias)
            linear.weight.mul_(norm.weight)
        norm.weight.fill_(1.0).requires_grad_(False)
        norm.bias.fill_(0.0).requires_grad_(False)
