"""The form of ``manifest.json``: what every field is and means.

``docs/manifest.md`` and the JSON schema beside it are made of these classes.
"""

from dataclasses import fields
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, create_model

from pointwise.hw.contract import isa
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.docstrings import attribute_docs
from pointwise.hw.contract.form import Form
from pointwise.hw.contract.image import ALIGNMENT

from .layout import DTYPES

Format = Literal[1]
"""Raised when a field changes its meaning."""
FORMAT: int = get_args(Format)[0]

Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]
Word = Annotated[int, Field(ge=0, lt=1 << 32)]
Offset = Annotated[int, Field(ge=0, lt=1 << 32, multiple_of=ALIGNMENT)]
Shape = Annotated[list[Size], Field(min_length=2, max_length=2)]
if TYPE_CHECKING:
    Dtype = str
else:
    Dtype = Literal[tuple(DTYPES)]


class Part(Form):
    """An object of the manifest; the string below a field is its meaning."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Image(Part):
    """``image.bin``, which belongs to this manifest."""

    bytes: Offset
    """length of the file, a multiple of 64"""
    crc32: Word
    """CRC-32 of all of it but the trailer, as the trailer holds it"""


class Block(Part):
    """Some tokens of a tensor in DRAM."""

    offset: Offset
    """bytes from the base of the input or output block, a multiple of 64"""
    tokens: Size
    """tokens that are stored"""
    channels: Size
    """channels of each"""
    dtype: Dtype
    """type of an element, little-endian"""
    row_stride: Annotated[int, Field(ge=1, lt=1 << 32)]
    """bytes from word w of a token to word w + 1 of the same token"""
    size: Offset
    """bytes that the block takes, a multiple of 64"""
    one_run: bool
    """words follow one another without a gap, and one row of a DMA instruction moves them all"""
    first_token: Count
    """which token of the tensor the first one is"""


class Input(Part):
    """The input block, at ``INPUT_BASE``."""

    name: str
    """of the tensor"""
    shape: Shape
    """tokens and channels; rows of class tokens are zeros, and those in front of the first block in none"""
    dtype: Literal["int8", "uint8"]
    """type of an element"""
    scale: float
    """real value of one step, in normalised pixels (the mean over the colours; ``info.input`` has each)"""
    offset: float
    """real value of the integer 0, likewise"""
    bytes: Offset
    """size of the block"""
    blocks: Annotated[list[Block], Field(min_length=1)]
    """where its tokens lie"""


class OutputTensor(Part):
    """A tensor of the output block."""

    name: str
    """of the network's result, or of the layer that made it"""
    layer: bool
    """false: the network's result, which is the first; true: with trace, what a layer made"""
    tensor: str | None = None
    """of a layer: the tensor that it writes"""
    shape: Shape
    """tokens and channels"""
    first_token: Count = 0
    """of a layer: which token of the tensor the first one is"""
    dtype: Dtype
    """type of an element"""
    scale: float
    """real value of one step"""
    zero_point: int
    """integer that stands for zero"""
    blocks: Annotated[list[Block], Field(min_length=1)]
    """where its tokens lie, one block after the other"""


class Output(Part):
    """The output block, at ``OUTPUT_BASE``."""

    bytes: Offset
    """size of the block, with the room behind the results in which buffers wait"""
    tensors: Annotated[list[OutputTensor], Field(min_length=1)]
    """the network's result first"""


class Memory(Part):
    """What the network takes of a memory on chip."""

    words: Count
    """up to the highest used"""
    alive: Count
    """used at once, at most"""
    available: Count
    """that the core has"""
    word_bytes: Size
    """of one word on chip"""


class Memories(Part):
    """Both memories on chip."""

    activation: Memory
    """int8"""
    residual: Memory
    """int16"""


class Region(Part):
    """A part of the image."""

    offset: Offset
    """bytes from the image's start"""
    bytes: Count
    """its length"""
    what: str
    """what it holds, for people"""


class Tensor(Part):
    """A buffer on chip: a tensor, or some tokens of one."""

    name: str
    """of the buffer"""
    tensor: str
    """whose tokens it holds"""
    first_token: Count
    """which token of the tensor the first one is"""
    shape: Shape
    """tokens and channels"""
    dtype: Dtype
    """type of an element"""
    scale: float
    """real value of one step"""
    zero_point: int
    """integer that stands for zero"""
    memory: Literal["activation", "residual"]
    """where it lies"""
    base: Count
    """word of its first token"""
    words: Size
    """that it takes"""
    token_stride: Size
    """words from token to token"""
    word_stride: Size
    """words from word w of a token to word w + 1 of the same token"""
    first_instruction: Count
    """index of the instruction that writes it first"""
    last_instruction: Count
    """index of the last one that needs it"""


def _plain(name: str, about: str, kind: type, layout: tuple[tuple[str, int], ...]) -> type[Part]:
    """The form of a dataclass; ``layout``: bits of its fields."""
    widths = dict(layout)
    docs = attribute_docs(kind, [field.name for field in fields(kind)])
    forms: dict[str, Any] = {}
    for field in fields(kind):
        if field.type is bool:
            form: Any = bool
        elif isinstance(field.type, type) and issubclass(field.type, IntEnum):
            form = Literal[tuple(member.name for member in field.type)]
        else:
            bits = widths.get(field.name)
            form = Annotated[int, Field(ge=0) if bits is None else Field(ge=0, lt=1 << bits)]
        forms[field.name] = (form, Field(description=docs[field.name].replace("``", "")))
    return create_model(name, __base__=Part, __doc__=about, **forms)


Core = _plain("Core", "The core that the image is for.", CoreConfig, ())
ConvFields = _plain("ConvFields", "The fields of a CONV.", isa.Conv, isa.CONV_LAYOUT)
DmaFields = _plain("DmaFields", "The fields of a LOAD or STORE.", isa.Dma, isa.DMA_LAYOUT)


class Line(Part):
    """What every instruction has."""

    index: Count
    """place in the program"""
    name: str
    """the layer's name, or what is moved, for people"""


class ConvLine(Line):
    """A convolution."""

    opcode: Literal["CONV"]
    """kind of the instruction"""
    macs: Count
    """useful multiply-accumulates"""
    fields: ConvFields  # type: ignore[valid-type]
    """as encoded"""


class DmaLine(Line):
    """A transfer."""

    opcode: Literal["LOAD", "STORE"]
    """kind of the instruction"""
    bytes: Offset
    """size of the block in DRAM"""
    fields: DmaFields  # type: ignore[valid-type]
    """as encoded"""


class EndLine(Line):
    """The end of the program."""

    opcode: Literal["END"]
    """kind of the instruction"""


class Manifest(Part):
    """A compiled network: its image, its blocks in DRAM, its tensors on chip and its program."""

    format: Format
    """of this file"""
    network: str
    """the network's name"""
    macs: Count
    """useful multiply-accumulates of one input"""
    info: dict[str, Any]
    """what reports want to know of the network; of no meaning for a run"""
    config: Core  # type: ignore[valid-type]
    """the core that the image is for, as in ``config.json``"""
    trace: bool
    """the output holds the result of every layer"""
    image: Image
    """the file beside this one"""
    input: Input
    """what the core reads at ``INPUT_BASE``"""
    output: Output
    """what the core writes at ``OUTPUT_BASE``"""
    memory: Memories
    """what is taken of the memories on chip"""
    dram: list[Region]
    """map of the image"""
    tensors: list[Tensor]
    """every buffer on chip"""
    instructions: list[Annotated[ConvLine | DmaLine | EndLine, Field(discriminator="opcode")]]
    """the program, END last"""


def schema() -> dict[str, Any]:
    """The JSON schema of ``manifest.json``."""
    found = Manifest.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
