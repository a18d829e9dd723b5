"""Where the words of an on-chip memory lie in its banks."""

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import data

from pointwise.hw.contract.config import CoreConfig

from .primitives import ceil_log2


class BankedAddress(data.StructLayout):
    """Where a word lies in a memory of ``words`` words in ``banks`` equal banks by the high address.

    The users of a memory find the place of a word before the register that their request waits in, so that
    nothing but the choice among them is left for the cycle in which it is granted.

    Fields:
        bank: which; inside: address in it.
    """

    def __init__(self, words: int, banks: int) -> None:
        self.words, self.banks = words, banks
        self.bank_words = words // banks
        super().__init__({"bank": unsigned(ceil_log2(banks)), "inside": unsigned(ceil_log2(self.bank_words))})

    def decode(self, m: Module, address: Value, name: str) -> data.View:
        """The place of an address, of which only the bits count that ``words`` needs.

        Borders are compared in the high bits, in which they differ.
        """
        place = Signal(self, name=f"{name}_place")
        low_bits = (self.bank_words & -self.bank_words).bit_length() - 1
        low, high = address[:low_bits], address[low_bits : max(low_bits, ceil_log2(self.words))]
        m.d.comb += place.inside.eq(Cat(low, high))
        for index in range(1, self.banks):
            border = index * self.bank_words >> low_bits
            with m.If(high >= border):
                m.d.comb += [place.bank.eq(index), place.inside.eq(Cat(low, high - border))]
        return place

    def address(self, place: int) -> int:
        """The address of a place, given as the number that its bits make."""
        inside = self["inside"].offset
        return (place & (1 << inside) - 1) * self.bank_words + (place >> inside)


def act_address(config: CoreConfig) -> BankedAddress:
    """Those of the activation SRAM."""
    return BankedAddress(config.act_words, config.act_banks)


def res_address(config: CoreConfig) -> BankedAddress:
    """Those of the residual SRAM."""
    return BankedAddress(config.res_words, 1)
