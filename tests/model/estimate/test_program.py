"""Networks without weights, and programs before their images, against the compiler's own."""

import dataclasses
from itertools import pairwise

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Conv
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.codegen import generate
from pointwise.model.compiler.packing import channel_shifts, pack_stream
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape, random_config, random_shape
from pointwise.model.engine import fuse
from pointwise.model.estimate import weightless
from pointwise.model.networks import NETWORKS

CONTENTS = (
    "mean_mult",
    "mean_shift",
    "norm_mult",
    "norm_shift",
    "epsilon",
    "out_unsigned",
    "table",
    "in_unsigned",
)
"""Fields that follow from the numbers in a network, which one without weights does not have."""


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("trace", [False, True])
def test_a_program_says_where_everything_of_its_image_is(seed: int, trace: bool) -> None:
    """Its length, and every offset and size, before any byte of it is made."""
    network, config = random_network(seed), random_config(seed)
    program, compiled = generate(network, config, trace), compile_network(network, config, trace)
    assert program.image_bytes == len(compiled.image)
    assert program.instructions == tuple(line.instruction for line in compiled.program)
    regions = compiled.manifest["dram"]
    assert all(a["offset"] + a["bytes"] == b["offset"] for a, b in pairwise(regions))
    for node, (offset, size) in zip(program.analysis.nodes, program.streams, strict=True):
        channels = tuple(program.analysis.tensors[key].channels for key in node.inputs)
        assert compiled.image[offset : offset + size] == pack_stream(node.op, channels, config)


@pytest.mark.parametrize("seed", range(8))
def test_weightless_network_has_the_dimensions(seed: int) -> None:
    """Without weights the instructions are those with numbers, but for what the numbers decide."""
    shape, config = random_shape(seed), random_config(seed)
    # Without weights they count as weights of 8 bits.
    network = random_network(seed, shape, weight_bits=(8,))
    shifted = [op.name for op in fuse(network) if channel_shifts(op) is not None]
    drawn = weightless(shape, shifts=[_weightless_name(name) for name in shifted])
    for ours, theirs in zip(
        generate(drawn, config).instructions, generate(network, config).instructions, strict=True
    ):
        assert type(ours) is type(theirs)
        if isinstance(ours, Conv):
            same = {name: getattr(theirs, name) for name in (*CONTENTS, "stream_offset", "stream_beats")}
            assert dataclasses.replace(ours, **same) == theirs


def _weightless_name(name: str) -> str:
    """The name without weights of a layer of ``random_network``."""
    parts = name.split(".")
    if len(parts) < 3:
        return name
    parts.insert(2, "mlp" if parts[2].startswith("fc") else "attn")
    return ".".join(parts)


@pytest.mark.parametrize("name", NETWORKS)
def test_weightless_known_networks(name: str) -> None:
    """Useful multiply-accumulates are those of the network."""
    assert weightless(Shape.of(NETWORKS[name]), name).macs == NETWORKS[name].macs


def test_no_room_is_one_sentence() -> None:
    """A network that does not fit says how much memory it needs."""
    with pytest.raises(PointwiseError, match=r"its residual SRAM has 4 KiB and \d+ KiB are needed"):
        generate(weightless(Shape.of(NETWORKS["deit_tiny"]), "deit_tiny"), CoreConfig(res_kib=4))
