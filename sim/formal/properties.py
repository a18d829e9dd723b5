"""What harnesses are made of: free inputs, a look inside, stable streams, order by a watched element."""

from collections.abc import Sequence

from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Fragment, Module, Mux, ShapeLike, Signal, Value
from amaranth.hdl._ast import AnySeq
from amaranth.lib import wiring

PLATFORM = "formal"
"""Elaborated for it, Amaranth's FIFOs bring the assertions that relate their pointers to their level."""


def free(shape: ShapeLike = 1, *, name: str, m: Module) -> Signal:
    """A signal that may have any value in any cycle."""
    signal = Signal(shape, name=name)
    m.d.comb += Value.cast(signal).eq(AnySeq(len(Value.cast(signal))))
    return signal


def free_inputs(m: Module, unit: wiring.Component, *, fixed: Sequence[str] = ()) -> None:
    """Let all inputs of a component have any value in any cycle, but for ``fixed``: beginnings of paths.

    Paths are joined with underscores, as in Verilog.
    """
    for path, member, value in unit.signature.flatten(unit):
        name = "_".join(map(str, path))
        if member.flow == wiring.In and not name.startswith(tuple(fixed)):
            m.d.comb += Value.cast(value).eq(AnySeq(len(Value.cast(value))))


def inside(m: Module, unit: Elaboratable, name: str = "unit") -> dict[str, Signal]:
    """Make a component a submodule, and find the signals that it and its submodules drive.

    Returns:
        The signals by path, such as ``room0`` or ``fifo0.level``, without those whose path is not unique.
        Assertions about them make a proof by induction possible; what a unit promises is asserted of its
        ports.
    """
    fragment = Fragment.get(unit, PLATFORM)
    m.submodules[name] = fragment
    found: dict[str, list[Signal]] = {}

    def collect(part: Fragment, prefix: str) -> None:
        for statements in part.statements.values():
            for signal in statements._lhs_signals():
                found.setdefault(prefix + signal.name, []).append(signal)
        for child, child_name, _ in part.subfragments:
            collect(child, f"{prefix}{child_name}.")

    collect(fragment, "")
    return {path: signals[0] for path, signals in found.items() if len(signals) == 1}


def previous(m: Module, value: Value, *, name: str, init: int = 0) -> Signal:
    """The value of the cycle before, ``init`` in the first."""
    past = Signal(len(Value.cast(value)), name=f"{name}_before", init=init)
    m.d.sync += past.eq(Value.cast(value))
    return past


def stable(
    m: Module,
    valid: Value,
    ready: Value,
    payload: Value,
    *,
    name: str,
    unless: Value | int = 0,
    assume: bool = False,
) -> None:
    """A stream offers what it offers until that is taken: ``valid`` stays, and ``payload`` does not change.

    Args:
        unless: the promise does not reach across a cycle in which this is high.
        assume: make it an assumption, for a stream that the harness drives.
    """
    held = previous(m, valid & ~ready & ~Value.cast(unless)[:1], name=f"{name}_held")
    kept = previous(m, payload, name=name)
    rule = Assume if assume else Assert
    with m.If(held):
        m.d.comb += [rule(valid), rule(Value.cast(payload) == kept)]


def in_order(
    m: Module,
    pushes: Value,
    pushed: Sequence[Value],
    pops: Value,
    popped: Sequence[Value],
    *,
    capacity: int,
    name: str,
    drop: Value | int = 0,
) -> dict[str, Signal]:
    """Elements come out as they went in: none is lost, repeated, changed or overtaken.

    One element is watched, any one and from any cycle on: ``ahead`` counts those in front of it, and when
    none is left, what comes out must be equal to it. As the choice is free, this holds of all elements.

    Args:
        pushes: how many elements go in, of ``pushed``, from the first on. pops, popped: the same on the way
            out. An element goes in at least a cycle before it comes out.
        capacity: elements that may be inside; that there are no more is asserted.
        drop: what is inside and does not come out in this cycle is given up; what goes in now is not.

    Returns:
        ``inside``, ``watching``, ``ahead`` and ``watched``, for invariants.
    """
    width = len(Value.cast(pushed[0]))
    level = Signal(range(capacity + 1), name=f"{name}_inside")
    watching = Signal(name=f"{name}_watching")
    ahead = Signal(range(capacity + 1), name=f"{name}_ahead")
    watched = Signal(width, name=f"{name}_watched")
    pick = free(name=f"{name}_pick", m=m)
    place = free(range(max(2, len(pushed))), name=f"{name}_place", m=m)

    left = Mux(drop, 0, level - pops)
    m.d.comb += [Assert(pops <= level), Assert(left + pushes <= capacity)]
    m.d.sync += level.eq(level + pushes - pops)
    with m.If(watching):
        m.d.comb += Assert(ahead < level)
        m.d.sync += ahead.eq(ahead - pops)
        for index, value in enumerate(popped):
            with m.If((pops > index) & (ahead == index)):
                m.d.comb += [Assert(Value.cast(value) == watched), Cover(watched.any())]
                m.d.sync += watching.eq(0)
    with m.Elif(pick & (place < pushes)):
        m.d.sync += [watching.eq(1), ahead.eq(left + place)]
        for index, value in enumerate(pushed):
            with m.If(place == index):
                m.d.sync += watched.eq(Value.cast(value))
    with m.If(drop):
        m.d.sync += level.eq(pushes)
        with m.If(watching):
            m.d.sync += watching.eq(0)
    return {"inside": level, "watching": watching, "ahead": ahead, "watched": watched}
