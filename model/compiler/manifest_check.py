"""Whether a file is the manifest of an image: its form, its blocks, and the image beside it."""

from typing import Any

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import FormError
from pointwise.hw.contract.image import Header, checksum
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.stream import tiles

from .layout import word_bytes
from .manifest_form import Input, Manifest, OutputTensor


def check_manifest(values: Any) -> Manifest:
    """Check what ``manifest.json`` holds: its form, and that its blocks lie where it says.

    Raises:
        FormError: something is missing, of another kind or does not fit the rest.
    """
    manifest = Manifest.of(values)
    try:
        config = CoreConfig.from_dict(values["config"])
    except PointwiseError as error:
        raise FormError(f"says that {error}") from error
    for place, tensor, size in [
        ("input", manifest.input, manifest.input.bytes),
        *(
            (f"output.tensors[{index}]", tensor, manifest.output.bytes)
            for index, tensor in enumerate(manifest.output.tensors)
        ),
    ]:
        _check_blocks(place, tensor, size, config)
    return manifest


def _check_blocks(place: str, tensor: Input | OutputTensor, size: int, config: CoreConfig) -> None:
    """See that blocks cover the tokens of a tensor, in their order, and lie inside ``size`` bytes."""
    tokens, channels = tensor.shape
    there = 0
    first = tensor.blocks[0].first_token
    for index, block in enumerate(tensor.blocks):
        where = f"{place}.blocks[{index}]"
        if (block.channels, block.dtype) != (channels, tensor.dtype):
            raise FormError(
                f"says that {where} has {block.channels} channels of {block.dtype}, but {channels} of "
                f"{tensor.dtype} were expected"
            )
        if block.first_token != first + there:
            raise FormError(f"says {where}.first_token {block.first_token}, but {first + there} was expected")
        there += block.tokens
        space = Space.RESIDUAL if block.dtype == "int16" else Space.ACTIVATION
        words = tiles(block.channels, config.rows)
        row = block.tokens * word_bytes(space, config)
        if block.row_stride < row or block.size < words * block.row_stride:
            raise FormError(
                f"says that {where} takes {block.size} bytes, {block.row_stride} a row, which is less than "
                f"{words} rows of {row} bytes"
            )
        if block.offset + block.size > size:
            raise FormError(f"says that {where} ends at byte {block.offset + block.size} of {size}")
    if isinstance(tensor, Input):  # tokens in front are zeros, which the core puts in
        tokens -= first
    if there != tokens:
        raise FormError(f"says that {place} has {tokens} tokens, but its blocks hold {there}")


def check_image(manifest: Manifest, image: bytes) -> None:
    """See that an image, sound in itself (``pointwise.hw.contract.image.check``), is the manifest's own.

    Raises:
        FormError: it is another one.
    """
    header = Header.decode(image)
    for name, said, found in (
        ("image.bytes", manifest.image.bytes, len(image)),
        ("image.crc32", manifest.image.crc32, checksum(image)),
        ("input.bytes", manifest.input.bytes, header.input_bytes),
        ("output.bytes", manifest.output.bytes, header.output_bytes),
        ("instructions", len(manifest.instructions), header.program_length),
    ):
        if said != found:
            raise FormError(f"says {name} {said}, but the image beside it has {found}")
