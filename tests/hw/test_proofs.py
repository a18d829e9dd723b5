"""All proofs: what is proved is said by the harnesses, ``formal_*.py`` beside the benches of their units."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from amaranth.hdl import Elaboratable

from pointwise.hw.contract.config import CoreConfig
from pointwise.sim.build import build_root
from pointwise.sim.formal.prove import missing_tools, prove
from tests.hw.bus.formal_gearbox import (
    InputWidthConverterProof,
    OutputWidthConverterProof,
    PacketTruncatorProof,
)
from tests.hw.bus.formal_prefetch import PrefetchProof, SelectProof
from tests.hw.bus.formal_reader import ReaderDataProof, ReaderProtocolProof
from tests.hw.bus.formal_slice import ElasticBufferProof, SliceProof
from tests.hw.bus.formal_windows import ReaderWindowProof, WriterWindowProof
from tests.hw.bus.formal_writer import WriterDataProof, WriterHaltProof, WriterProtocolProof
from tests.hw.control.formal_axilite import AxiLiteProof
from tests.hw.control.formal_windows import ControlWindowsProof
from tests.hw.engine.formal_address import AddressProof, AheadProof
from tests.hw.engine.formal_fifo import RamFifoProof
from tests.hw.engine.formal_loader import LoaderProof
from tests.hw.memory.formal_store import StorePathProof
from tests.slow import few

SMALL = CoreConfig(
    rows=2, cols=2, max_tokens=8, act_kib=1, act_banks=1, res_kib=1, axi_data_width=32, axi_burst=4
)
FOLLOWED = CoreConfig(rows=4, cols=4, axi_data_width=32, axi_addr_width=16, axi_burst=2)
"""Where data is followed: two beats make a burst, so that a transfer of few is cut into several."""


class Proof(NamedTuple):
    """A harness, and in how many cycles it holds: for ever if ``induction``, else in ``depth`` of them."""

    make: Callable[[], Elaboratable]
    depth: int
    induction: bool


PROOFS = {
    "unpacker_splits": Proof(lambda: InputWidthConverterProof(32, 8), 2, True),
    "unpacker_passes": Proof(lambda: InputWidthConverterProof(16, 16), 2, True),
    "unpacker_joins": Proof(lambda: InputWidthConverterProof(8, 32), 2, True),
    "trimmer": Proof(PacketTruncatorProof, 2, True),
    "packer_splits": Proof(lambda: OutputWidthConverterProof(32, 8), 2, True),
    "packer_passes": Proof(lambda: OutputWidthConverterProof(16, 16), 2, True),
    "packer_joins": Proof(lambda: OutputWidthConverterProof(8, 32), 2, True),
    "reader_protocol": Proof(lambda: ReaderProtocolProof(SMALL, [4, 5]), 2, True),
    "reader_protocol_long_bursts": Proof(
        lambda: ReaderProtocolProof(CoreConfig(axi_data_width=64, axi_burst=64), [64]), 2, True
    ),
    "reader_data": Proof(lambda: ReaderDataProof(FOLLOWED, [2]), 9, False),
    "reader_windows": Proof(lambda: ReaderWindowProof(FOLLOWED, [2, 3]), 2, True),
    "reader_windows_long_bursts": Proof(
        lambda: ReaderWindowProof(CoreConfig(axi_data_width=64, axi_burst=64), [64]), 2, True
    ),
    "writer_windows": Proof(lambda: WriterWindowProof(SMALL), 2, True),
    "control_windows": Proof(lambda: ControlWindowsProof(CoreConfig()), 8, True),
    "control_windows_short_addresses": Proof(
        lambda: ControlWindowsProof(CoreConfig(axi_addr_width=16)), 8, True
    ),
    "writer_protocol": Proof(lambda: WriterProtocolProof(CoreConfig()), 2, True),
    "writer_data": Proof(lambda: WriterDataProof(FOLLOWED), 9, False),
    "writer_halt": Proof(lambda: WriterHaltProof(FOLLOWED), 9, False),
    "slice": Proof(SliceProof, 2, True),
    "ping_pong": Proof(ElasticBufferProof, 2, True),
    "select": Proof(lambda: SelectProof(SMALL), 1, True),
    "prefetch": Proof(lambda: PrefetchProof(FOLLOWED), 8, False),
    "store_path_room": Proof(lambda: StorePathProof(SMALL, follow=False), 2, True),
    "store_path_words": Proof(lambda: StorePathProof(SMALL, follow=True), 12, False),
    "address": Proof(AddressProof, 2, True),
    "address_ahead": Proof(AheadProof, 3, True),
    "ram_fifo_counts": Proof(lambda: RamFifoProof(7, follow=False), 2, True),
    "ram_fifo_words": Proof(lambda: RamFifoProof(5, follow=True), 10, False),
    "loader": Proof(lambda: LoaderProof(SMALL, 8), 2, True),
    "axi_lite": Proof(AxiLiteProof, 2, True),
}


LONG = {"reader_windows", "reader_data", *(name for name in PROOFS if "long_bursts" in name)}


@pytest.mark.skipif(bool(missing_tools()), reason=missing_tools())
@pytest.mark.parametrize("name", few(PROOFS, set(PROOFS) - LONG))
def test_proof(name):
    proof = PROOFS[name]
    prove(proof.make(), build_root() / "proofs" / name, depth=proof.depth, induction=proof.induction)
