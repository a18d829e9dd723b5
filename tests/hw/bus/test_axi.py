"""The buses look in Verilog as design tools expect them."""

import re

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.axi import Axi4, AxiLite, connect_half
from pointwise.hw.bus.reader import AxiReader
from pointwise.hw.bus.writer import AxiWriter
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.control.axilite import AxiLiteSlave
from pointwise.hw.verilog import to_verilog

CONFIG = CoreConfig(axi_data_width=64, axi_addr_width=40)
ADDRESS = {"id": 1, "addr": 40, "len": 8, "size": 3, "burst": 2, "lock": 1, "cache": 4, "prot": 3, "qos": 4}
OUTPUTS = {f"m_axi_a{way}{name}": width for way in "rw" for name, width in (ADDRESS | {"valid": 1}).items()}
OUTPUTS |= {"m_axi_wdata": 64, "m_axi_wstrb": 8, "m_axi_wlast": 1, "m_axi_wvalid": 1}
OUTPUTS |= {"m_axi_rready": 1, "m_axi_bready": 1}
INPUTS = {"m_axi_arready": 1, "m_axi_awready": 1, "m_axi_wready": 1}
INPUTS |= {"m_axi_rid": 1, "m_axi_rdata": 64, "m_axi_rresp": 2, "m_axi_rlast": 1, "m_axi_rvalid": 1}
INPUTS |= {"m_axi_bid": 1, "m_axi_bresp": 2, "m_axi_bvalid": 1}
OUTPUTS |= {"s_axil_awready": 1, "s_axil_wready": 1, "s_axil_bresp": 2, "s_axil_bvalid": 1}
OUTPUTS |= {"s_axil_arready": 1, "s_axil_rdata": 32, "s_axil_rresp": 2, "s_axil_rvalid": 1}
INPUTS |= {"s_axil_awaddr": 8, "s_axil_awprot": 3, "s_axil_awvalid": 1}
INPUTS |= {"s_axil_araddr": 8, "s_axil_arprot": 3, "s_axil_arvalid": 1}
INPUTS |= {"s_axil_wdata": 32, "s_axil_wstrb": 4, "s_axil_wvalid": 1, "s_axil_bready": 1, "s_axil_rready": 1}


class Buses(wiring.Component):
    """Both masters on one port and a slave."""

    m_axi: Out(Axi4(64, 40))
    s_axil: In(AxiLite())

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.reader = reader = AxiReader(CONFIG, [32])
        m.submodules.writer = writer = AxiWriter(CONFIG)
        m.submodules.slave = slave = AxiLiteSlave()
        connect_half(m, reader.axi, self.m_axi)
        connect_half(m, writer.axi, self.m_axi)
        wiring.connect(m, wiring.flipped(self.s_axil), slave.axi)
        return m


def test_ports_have_the_names_widths_and_directions_of_the_specification():
    verilog = to_verilog(Buses(), "buses")
    top = re.search(r"^module buses\(.*?^endmodule", verilog, re.MULTILINE | re.DOTALL)[0]
    found = {"input": {}, "output": {}}
    for direction, high, name in re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);$", top, re.MULTILINE):
        found[direction][name] = int(high or 0) + 1
    assert found["output"] == OUTPUTS
    assert found["input"] == INPUTS | {"clk": 1, "rst": 1}
