"""What goes into memory files: image and input of a compiled network, or each integer tensor by itself."""

from collections.abc import Iterator

import numpy as np

from pointwise.hw.contract.image import Header
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Activation
from pointwise.model.quantise.description import describe

from .memory import Memory

IMAGE_ALIGNMENT = 4096
"""What IMAGE_BASE and INPUT_BASE are multiples of (``pointwise.hw.contract.registers``)."""
CONSTANTS = ("input_bytes", "output_bytes", "max_tokens", "act_words", "res_words")
"""Numbers of an image's header that a program around the core needs."""


def image_memory(image: bytes, name: str, word_bits: int) -> Memory:
    """The memory image of a network.

    Args:
        image: sealed. name: of the network. word_bits: see ``Memory``.
    """
    header = Header.decode(image)
    return Memory(
        "image",
        f"Memory image of {name} for the Pointwise core.",
        np.frombuffer(image, np.uint8),
        word_bits,
        IMAGE_ALIGNMENT,
        {key: getattr(header, key) for key in CONSTANTS},
    )


def input_memory(block: bytes, name: str, word_bits: int) -> Memory:
    """An input block of a network, as ``Compiled.pack_input`` makes it.

    Args:
        name: of the network. word_bits: see ``Memory``.
    """
    values = np.frombuffer(block, np.uint8)
    return Memory("inputs", f"An input of {name}, as the core reads it.", values, word_bits, IMAGE_ALIGNMENT)


def tensor_memories(network: Graph, word_bits: int | None = None) -> Iterator[Memory]:
    """Every integer tensor of a network, called ``OPERATOR.field``.

    Weights, biases, multipliers and shifts of products, tables of activations and softmax, channel shifts of
    LayerNorms, and position embeddings, the ``values`` of a constant.

    Args:
        word_bits: see ``Memory``; None takes one element a word.
    """
    for name, values in describe(network)[0].items():
        if values.dtype.kind not in "iu":
            continue
        op = network[name.rpartition(".")[0]]
        if isinstance(op, Activation):
            values = values.astype(op.dtype)
        about = f"{name} of {network.name}, {values.dtype}."
        yield Memory(name, about, values, 8 * values.itemsize if word_bits is None else word_bits)
