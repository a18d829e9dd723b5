"""Input and output blocks of a compiled network, by its manifest alone (as in ``manifest.json``)."""

from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError

from .layout import DTYPES, DramBlock, pack_block, unpack_block


def pack_input(manifest: dict[str, Any], image: np.ndarray) -> bytes:
    """The bytes that the core reads at INPUT_BASE.

    Args:
        image: integers of int8 range, of the shape that the manifest's input has.

    Raises:
        PointwiseError: another shape, or values out of range.
    """
    entry = manifest["input"]
    image = np.asarray(image)
    if list(image.shape) != entry["shape"]:
        raise PointwiseError(
            f"the input has shape {image.shape}, the network was compiled for {tuple(entry['shape'])}"
        )
    if not np.issubdtype(image.dtype, np.integer) or image.min() < -128 or image.max() > 127:
        raise PointwiseError("the input must hold integers from -128 to 127; quantise the image first")
    first = min(block["first_token"] for block in entry["blocks"])
    if image[:first].any():
        raise PointwiseError(
            f"the first rows of the input, {first} of them, are room for class tokens, and must be zero; put "
            "what is to be seen into the rows behind them"
        )
    config = CoreConfig.from_dict(manifest["config"])
    data = bytearray(entry["bytes"])
    for values in entry["blocks"]:
        block = DramBlock(**values)
        rows = image[block.first_token : block.first_token + block.tokens]
        data[block.offset : block.offset + block.size] = pack_block(rows, block, config)
    return bytes(data)


def read_output(manifest: dict[str, Any], data: bytes) -> dict[str, np.ndarray]:
    """Arrays by name: the network's output, and in a traced program the tokens that each layer made.

    Args:
        data: what the core wrote at OUTPUT_BASE.

    Raises:
        PointwiseError: ``data`` is shorter than the output block.
    """
    entry = manifest["output"]
    if len(data) < entry["bytes"]:
        raise PointwiseError(
            f"the output has {len(data)} bytes, the program writes {entry['bytes']}; read them all"
        )
    config = CoreConfig.from_dict(manifest["config"])
    arrays = {}
    for tensor in entry["tensors"]:
        blocks = [DramBlock(**block) for block in tensor["blocks"]]
        whole = np.zeros(tensor["shape"], DTYPES[tensor["dtype"]])
        covered = np.zeros(len(whole), bool)
        first = tensor.get("first_token", blocks[0].first_token)
        for block in blocks:
            rows = slice(block.first_token - first, block.first_token - first + block.tokens)
            whole[rows] = unpack_block(data, block, config)
            covered[rows] = True
        if not covered.all():
            raise AssertionError(f"the blocks of {tensor['name']} do not cover its tokens")
        arrays[tensor["name"]] = whole
    return arrays
