# amaranth: UnusedElaboratable=no
"""Conversion to Verilog: names of ports, and the same text every time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.hdl import Const, Module, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.verilog import to_verilog

ROOT = Path(__file__).parents[2]


class Adder(wiring.Component):
    """Two streams in an array and one of a structure, a bus of members, a constant READY."""

    def __init__(self) -> None:
        pair = data.StructLayout({"low": signed(5), "high": unsigned(3)})
        super().__init__(
            {
                "i": In(stream.Signature(pair, always_ready=True)),
                "o": Out(stream.Signature(signed(9))).array(2),
                "s_axil": In(wiring.Signature({"awaddr": Out(8), "awready": In(1)})),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = Signal(9)
        m.d.sync += total.eq(self.i.p.low + self.i.p.high)
        m.d.comb += [self.o[0].payload.eq(total), self.o[1].payload.eq(-total), self.s_axil.awready.eq(1)]
        m.d.comb += [self.o[0].valid.eq(self.i.valid), self.o[1].valid.eq(self.s_axil.awaddr.any())]
        return m


def test_ports_are_called_after_their_paths():
    text = to_verilog(Adder(), "adder")
    ports = re.search(r"^module adder\((.*?)\);", text, re.MULTILINE | re.DOTALL)[1]
    streams = ["o_0_payload", "o_0_ready", "o_0_valid", "o_1_payload", "o_1_ready", "o_1_valid"]
    wanted = ["clk", "rst", "i_payload", "i_valid", "s_axil_awaddr", "s_axil_awready", *streams]
    assert sorted(ports.replace(",", " ").split()) == sorted(wanted)
    assert re.search(r"input \[7:0\] i_payload;", text)
    assert re.search(r"output \[8:0\] o_1_payload;", text)


def test_text_is_the_same_every_time_and_in_every_process():
    texts = {to_verilog(Adder(), "adder") for _ in range(2)}
    program = "import runpy, sys; from hw.verilog import to_verilog; g = runpy.run_path(sys.argv[1]); "
    program += "sys.stdout.write(to_verilog(g['Adder'](), 'adder'))"
    command = [sys.executable, "-c", program, __file__]
    texts.add(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert len(texts) == 1
    text = texts.pop()
    assert str(ROOT) not in text
    assert "src =" not in text


class Clash(wiring.Component):
    """Two paths that join to the same name."""

    def __init__(self, **members: wiring.Member) -> None:
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        return Module()


@pytest.mark.parametrize(
    ("members", "port"),
    [({"a_b": In(1), "a": In(wiring.Signature({"b": In(1)}))}, "a_b"), ({"clk": In(1)}, "clk")],
)
def test_two_ports_of_one_name_are_refused(members, port):
    with pytest.raises(PointwiseError, match=f"two ports of clash would be called {port}"):
        to_verilog(Clash(**members), "clash")


def test_constant_ready_is_a_constant():
    assert isinstance(Adder().i.ready, Const)
