"""A float DeiT and calibration images to an integer network."""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from hw.contract.errors import PointwiseError
from model.checkpoints import check_state
from model.deit import DeiT
from model.graph import Graph, Op, Quantisation
from model.graph.ops import Add, Constant, Input, LayerNorm, Linear, Slice
from model.integer.requantise import requantise
from model.integer.rounding import INT16
from model.networks import DeiTConfig

from .attention import Attention, attention_ops
from .inputs import PixelScales, pixel_scales
from .mlp import Mlp, mlp_ops
from .norm import NormPlan, plan_norm
from .observe import observe
from .recipe import Recipe
from .records import Observations
from .rounding import REMAINING
from .scales import norm_constants
from .trained import Trained, WeightGrid
from .weights import QuantisedRows, quantise_rows

RESIDUAL_HEADROOM = 1.5
"""The residual stream covers this times its calibrated range: 16 bits have the room for it."""
LOGIT_HEADROOM = 2.0
"""The same for the logits; two heads are added there."""
INPUT, RESIDUAL, LOGITS = "image", "x", "logits"


def quantise(
    state_dict: Mapping[str, Tensor],
    config: DeiTConfig,
    calibration_images: np.ndarray | Tensor,
    *,
    name: str = "deit",
    recipe: Recipe | None = None,
    batch: int = 16,
    trained: Trained | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Graph:
    """Turn a float DeiT into an integer network.

    Args:
        state_dict: the checkpoint's tensors, see ``model.checkpoints``. config: its network.
        calibration_images: (B, colours, S, S) real, normalised as the network takes them; about 100.
        name: of the result, for reports.
        recipe: how each layer is quantised; the best we know unless given.
        batch: images at a time through the float network.
        trained: what training has fixed already (``model.qat``).
        progress: called with (images done, images in all) during calibration.

    Raises:
        PointwiseError: the checkpoint or the images do not fit the network, something is not finite or has no
            range, or a factor does not fit the hardware.
    """
    recipe = recipe or Recipe()
    recipe.check_names(layer_names(config))
    if batch < 1:
        raise PointwiseError(f"The calibration batch is {batch}, but it must be at least 1.")
    state = check_state(state_dict, config, "to be quantised")
    seen = observe(DeiT.from_state(config, state), calibration_images, recipe, batch, progress)
    return build(name, config, state, seen, recipe, trained)


def build(
    name: str,
    config: DeiTConfig,
    state: Mapping[str, Tensor],
    seen: Observations,
    recipe: Recipe,
    trained: Trained | None = None,
) -> Graph:
    """Turn what calibration saw into an integer network: the second half of ``quantise``.

    Args:
        seen: of a recipe with the same range methods and granularity, see ``model.quantise.observe``.
    """
    return _Builder(name, config, dict(state), seen, recipe, trained or Trained()).build()


def parts_of(linear: str) -> list[str]:
    """The names in a recipe of a linear layer of the float network: three for queries, keys and values."""
    return [f"{linear[:-3]}{part}" for part in "qkv"] if linear.endswith(".qkv") else [linear]


def layer_names(config: DeiTConfig) -> list[str]:
    """The names that a recipe's patterns are matched with, in the order of execution."""
    parts = ["norm1", *(f"attn.{part}" for part in ("q", "k", "v", "s", "o", "proj")), "norm2"]
    parts += ["mlp.fc1", "mlp.fc2"]
    blocks = [f"blocks.{index}.{part}" for index in range(config.depth) for part in parts]
    return ["image", "patch_embed", *blocks, "norm", "head", *(["head_dist"] if config.distilled else [])]


class _Builder:
    """Holds what every layer of one network needs."""

    def __init__(
        self,
        name: str,
        config: DeiTConfig,
        state: dict[str, Tensor],
        seen: Observations,
        recipe: Recipe,
        trained: Trained,
    ) -> None:
        self.name, self.config, self.seen, self.recipe = name, config, seen, recipe
        self.trained = trained
        self.state = {key: tensor.double().numpy() for key, tensor in state.items()}
        self.residual_scale = float(seen["residual"].largest()[0]) * RESIDUAL_HEADROOM / INT16[1]

    def build(self) -> Graph:
        config = self.config
        pixels = pixel_scales(self.seen["pixels"], self.seen.grids)
        self.plans = {norm: self._plan(norm) for norm in self._norms()}
        self.stream = Quantisation(self.residual_scale)
        embed = self._patch_embed(pixels)
        channels = [np.repeat(part, config.patch**2) for part in (pixels.scale, pixels.offset)]
        given = Input(
            INPUT,
            shape=(config.tokens, config.patch_dim),
            zero_rows=config.prefix_tokens,
            quantisation=Quantisation(channels[0], 0, channels[1]),
        )
        start = Constant(RESIDUAL, values=self._residual_init(embed), quantisation=self.stream)
        ops: list[Op] = [given, start, embed, self._add("patch_embed", RESIDUAL)]
        for index in range(config.depth):
            block = f"blocks.{index}"
            for norm, part in (("norm1", "attn"), ("norm2", "mlp")):
                ops += self._branch(block, f"{block}.{norm}", part, ops[-1].name)
        ops += self._heads(ops[-1].name)
        return Graph(
            name=self.name,
            ops=tuple(ops),
            output=ops[-1].name,
            info={
                "config": config.to_dict(),
                "recipe": self.recipe.to_dict(),
                "calibration_images": self.seen.images,
                "input": {
                    "patch": config.patch,
                    "image_size": config.image_size,
                    "in_channels": config.in_channels,
                    "scale": pixels.scale.tolist(),
                    "offset": pixels.offset.tolist(),
                },
            },
        )

    def _add(self, name: str, residual: str) -> Add:
        return Add(f"{name}.add", (residual, name), quantisation=self.stream)

    def _normalise(self, norm: str, residual: str) -> LayerNorm:
        """The operator of a LayerNorm."""
        plan = self.plans[norm]
        constants = norm_constants(
            self.config.dim, plan.step, self.residual_scale, self.config.norm_eps, norm
        )
        return LayerNorm(norm, (residual,), constants, plan.shift, quantisation=Quantisation(plan.scale))

    def _branch(self, block: str, norm: str, part: str, residual: str) -> list[Op]:
        """Attention or feed-forward of a block, from its LayerNorm to its residual addition."""
        rest = (self.plans[norm], self.seen, norm, residual, self.residual_scale, self.recipe)
        if part == "attn":
            ops = attention_ops(self._attention(block), *rest)
        else:
            ops = mlp_ops(self._mlp(block), *rest)
        return [self._normalise(norm, residual), *ops]

    def _norms(self) -> list[str]:
        """The LayerNorms, in the order in which they are met."""
        blocks = [f"blocks.{index}.norm{part}" for index in range(self.config.depth) for part in (1, 2)]
        return [*blocks, "norm"]

    def _linear(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return self.state[f"{name}.weight"], self.state[f"{name}.bias"]

    def _grid(self, name: str) -> WeightGrid | None:
        return self.trained.weights.get(name)

    def _folded(self, norm: str, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Weight and bias of the linear layer ``name`` for x̂: γ and β of the LayerNorm folded in."""
        weight, bias = self._linear(name)
        gamma, beta = self._linear(norm)
        return weight * gamma, bias + weight @ beta

    def _consumers(self, norm: str) -> list[str]:
        """The linear layers that read a LayerNorm."""
        if norm == "norm":
            return ["head", "head_dist"] if self.config.distilled else ["head"]
        block, part = norm.rsplit(".", 1)
        return [f"{block}.attn.qkv" if part == "norm1" else f"{block}.mlp.fc1"]

    def _plan(self, norm: str) -> NormPlan:
        consumers = [self._folded(norm, name)[0] for name in self._consumers(norm)]
        readers = [name for name in self._consumers(norm) for name in parts_of(name)]
        remaining = max(REMAINING.get(self.recipe[name].rounding, 1.0) for name in readers)
        step = self.trained.steps.get(norm)
        return plan_norm(self.seen[norm], consumers, self.recipe[norm], step, remaining)

    def _patch_embed(self, pixels: PixelScales) -> Linear:
        """Patch embedding, with the offset of the pixels in its bias."""
        weight, bias = self._linear("patch_embed.proj")
        weight = weight.reshape(self.config.dim, -1)
        scale, offset = (np.repeat(part, self.config.patch**2) for part in (pixels.scale, pixels.offset))
        rows = quantise_rows(
            weight * scale,
            bias + weight @ offset,
            self.residual_scale,
            "patch_embed",
            self.seen["patches"].moments(scale, offset),
            how=self.recipe["patch_embed"],
            grid=self._grid("patch_embed.proj"),
        )
        return Linear("patch_embed", (INPUT,), **vars(rows), dtype="int16", quantisation=self.stream)

    def _residual_init(self, embed: Linear) -> np.ndarray:
        """Position embeddings, and in the first rows the class tokens.

        Those rows of the input are zero, to which the patch embedding adds what its bias alone gives. It is
        subtracted here, integer from integer, so that the class tokens start exactly.
        """
        prefix = self.config.prefix_tokens
        tokens = [self.state["cls_token"][0]]
        if self.config.distilled:
            tokens.append(self.state["dist_token"][0])
        start = self.state["pos_embed"][0].copy()
        start[:prefix] += np.concatenate(tokens)
        rounded = np.floor(start / self.residual_scale + 0.5).astype(np.int64)
        zeros = np.zeros((1, len(embed.bias)), np.int64)
        rounded[:prefix] -= requantise(zeros, embed.bias, embed.mult, embed.shift, INT16)
        if rounded.min() < INT16[0] or rounded.max() > INT16[1]:
            raise PointwiseError(
                "The position embeddings or class tokens exceed twice the range of the residual stream; "
                "check the checkpoint."
            )
        return rounded.astype(np.int16)

    def _attention(self, block: str) -> Attention:
        weight, bias = self._folded(f"{block}.norm1", f"{block}.attn.qkv")
        proj, proj_bias = self._linear(f"{block}.attn.proj")
        grid = self._grid(f"{block}.attn.qkv")
        thirds = [slice(third * self.config.dim, (third + 1) * self.config.dim) for third in range(3)]
        return Attention(
            name=f"{block}.attn",
            heads=self.config.heads,
            tokens=self.config.tokens,
            weights=dict(zip("qkv", np.split(weight, 3), strict=True)),
            biases=dict(zip("qkv", np.split(bias, 3), strict=True)),
            proj=proj,
            proj_bias=proj_bias,
            grids={
                **{letter: grid and grid[third] for letter, third in zip("qkv", thirds, strict=True)},
                "proj": self._grid(f"{block}.attn.proj"),
            },
            context_step=self.trained.steps.get(f"{block}.attn.context"),
        )

    def _mlp(self, block: str) -> Mlp:
        fc1, fc2 = self._folded(f"{block}.norm2", f"{block}.mlp.fc1"), self._linear(f"{block}.mlp.fc2")
        grids = self._grid(f"{block}.mlp.fc1"), self._grid(f"{block}.mlp.fc2")
        return Mlp(f"{block}.mlp", *fc1, *fc2, *grids, self.trained.steps.get(f"{block}.mlp.act"))

    def _heads(self, residual: str) -> list[Op]:
        """The classifier on the class token; a distilled network's second one is added to it."""
        names, norm = self._consumers("norm"), self.plans["norm"]
        scale = float(self.seen["logits"].largest()[0]) * LOGIT_HEADROOM / INT16[1]
        ops: list[Op] = [self._normalise("norm", residual)]
        for token, name in enumerate(names):
            weight, bias = self._folded("norm", name)
            weight, bias = weight / len(names), bias / len(names)
            rows: QuantisedRows = quantise_rows(
                weight * norm.scale,
                bias,
                scale,
                name,
                norm.moments,
                how=self.recipe[name],
                grid=self._grid(name),
            )
            chosen = Slice(f"{name}.token", ("norm",), token, 1, quantisation=ops[0].quantisation)
            logits = Linear(
                name, (chosen.name,), **vars(rows), dtype="int16", quantisation=Quantisation(scale)
            )
            ops += [chosen, logits]
        if len(names) > 1:
            ops.append(Add(LOGITS, tuple(names), quantisation=Quantisation(scale)))
        return ops
