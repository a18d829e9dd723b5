"""The runner of proofs: it tells what holds from what does not, and says what is missing."""

import pytest
from amaranth.hdl import Assert, Cover, Elaboratable, Module, Signal

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.formal import prove as proofs
from pointwise.sim.formal.properties import free, in_order, stable
from tests.slow import few

needs_tools = pytest.mark.skipif(bool(proofs.missing_tools()), reason=proofs.missing_tools())


class Counter(Elaboratable):
    """Counts to 3 and stays there; asserts that it stays below ``bound``, covers that it gets to ``goal``."""

    def __init__(self, bound, goal=3):
        self.bound, self.goal = bound, goal

    def elaborate(self, platform):
        m = Module()
        count = Signal(4)
        with m.If(count != 3):
            m.d.sync += count.eq(count + 1)
        m.d.comb += [Assert(count < self.bound), Cover(count == self.goal)]
        return m


class Register(Elaboratable):
    """A register between two streams, and faults that order and stability must notice."""

    def __init__(self, fault):
        self.fault = fault

    def elaborate(self, platform):
        m = Module()
        valid, data = Signal(), Signal(2)
        gives, ready, new = free(name="gives", m=m), free(name="ready", m=m), free(2, name="new", m=m)
        push, pop = Signal(), Signal()
        m.d.comb += [pop.eq(valid & ready), push.eq(gives & (~valid | (ready & (self.fault != "loses"))))]
        if self.fault == "loses":
            m.d.comb += push.eq(gives)
        with m.If(pop & (self.fault != "repeats")):
            m.d.sync += valid.eq(0)
        with m.If(push):
            m.d.sync += [valid.eq(1), data.eq(new)]
        if self.fault == "withdraws":
            with m.If(~push):
                m.d.sync += valid.eq(0)
        in_order(m, push, [new], pop, [data], capacity=1 if self.fault != "loses" else 3, name="register")
        stable(m, valid, ready, data, name="out")
        return m


@needs_tools
def test_what_holds_is_proved(tmp_path):
    proofs.prove(Counter(4), tmp_path / "proof", depth=6)


@needs_tools
@pytest.mark.parametrize(
    ("harness", "message"),
    [
        (Counter(3), "Assert failed"),
        (Counter(4, goal=5), "nreached cover"),
    ],
    ids=["false", "unreachable"],
)
def test_what_does_not_hold_is_told(tmp_path, harness, message):
    with pytest.raises(AssertionError, match=message):
        proofs.prove(harness, tmp_path / "proof", depth=6, reach=6)


@needs_tools
def test_a_register_keeps_the_order(tmp_path):
    proofs.prove(Register(""), tmp_path / "proof", depth=6)


@needs_tools
@pytest.mark.parametrize("fault", few(("loses", "repeats", "withdraws"), ("repeats",)))
def test_faults_of_a_register_are_found(tmp_path, fault):
    with pytest.raises(AssertionError, match="Assert failed"):
        proofs.prove(Register(fault), tmp_path / "proof", depth=6)


def test_missing_tools_are_told_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(proofs, "TOOLS", {"no-such-prover": "a-package"})
    with pytest.raises(PointwiseError, match=r"a-package.*extra dev"):
        proofs.prove(None, tmp_path / "proof", depth=1)
