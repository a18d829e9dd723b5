"""The part of an instruction that each unit keeps: the fields that name it in the table of the contract."""

from amaranth.hdl import unsigned
from amaranth.lib import data

from pointwise.hw.contract.isa import CONV_FIELDS, Unit


def part(unit: Unit) -> data.StructLayout:
    """The fields of a CONV that a unit keeps."""
    return data.StructLayout({f.name: unsigned(f.width) for f in CONV_FIELDS if unit in f.units})


CONV = data.StructLayout({field.name: unsigned(field.width) for field in CONV_FIELDS})
"""A whole CONV."""
LOADER, STREAMER, EPILOGUE = part(Unit.LOADER), part(Unit.STREAMER), part(Unit.EPILOGUE)
