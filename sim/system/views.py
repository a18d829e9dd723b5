"""What wave viewers show of a core: a save file for GTKWave and commands for Surfer, beside the waves."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from vcd.gtkw import GTKWSave

from pointwise.hw.bus.axi import Resp
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Prologue
from pointwise.hw.contract.registers import Cause, Error, Register
from pointwise.hw.package.files import TOP

from .testbench import TOP as BENCH
from .testbench import core_verilog, for_waves

CORE = f"{BENCH}.core"
"""The instance of the core in its test bench."""


@dataclass(frozen=True)
class Shown:
    """A signal in a view.

    Attributes:
        path: below the core, with dots. look: of a vector, a format of GTKWave.
        words: names in place of its values, and what their file is called. alias: shown in place of the path.
    """

    path: str
    look: str = "dec"
    words: Mapping[int, str] = field(default_factory=dict)
    called: str = ""
    alias: str = ""


def _of(unit: str, *names: str, look: str = "dec") -> tuple[Shown, ...]:
    """Signals of one unit, without names for their values."""
    return tuple(Shown(f"{unit}.{name}" if unit else name, look) for name in names)


def _named(path: str, kind: type[Cause | Error | Prologue | Resp | Register]) -> Shown:
    """A signal whose values are those of an enumeration of the contract."""
    return Shown(path, "bin", {one.value: one.name for one in kind}, kind.__name__.lower())


def _bus(prefix: str, *names: str) -> tuple[Shown, ...]:
    """Ports of a bus: handshakes, addresses and data in hexadecimal, responses and registers by name."""

    def shown(name: str) -> Shown:
        port = f"{prefix}_{name}"
        if name.endswith("resp"):
            return _named(port, Resp)
        if prefix == "s_axil" and name.endswith("addr"):
            return _named(port, Register)
        return Shown(port, "hex" if name.endswith(("addr", "data", "strb")) else "dec")

    return tuple(map(shown, names))


VIEWS: Mapping[str, tuple[Shown, ...]] = {
    "run": (
        *_of("control.run", "running", "done"),
        _named("control.run.error", Error),
        *_of("control.run", "cycles"),
        *_of("program", "instruction"),
        *_of("engine", "conv__valid", "conv__ready", "conv_done", "dma_done"),
    ),
    "streamer: which words": (
        *_of("engine.streamer", "conv__tokens", "conv__k", "conv__n"),
        _named("engine.streamer.conv__prologue", Prologue),
        *_of("engine.streamer", "k_left", "n_left", "token", "requests__valid", "requests__ready"),
    ),
    "token issue: one a cycle, or why none": (
        *_of("engine.token_issue", "issue", "ends"),
        _named("engine.token_issue.cause", Cause),
    ),
    "loader: weights into the shadows": (
        *_of("engine.loader", "rows__valid", "rows__ready", "weights__row", "weights__column", "tile_ready"),
        *_of("engine", "started"),
    ),
    "prologue": (
        *_of("engine.prologue", "valid"),
        _named("engine.prologue.tag__prologue", Prologue),
        *_of("engine.prologue", "out_valid"),
        *_of("engine.prologue", "token_0", look="signed"),
    ),
    "array: its first cell, and the first column's sum": (
        *_of("engine.array", "swap"),
        *_of("engine.array", "shadow_0_0", "active_0_0", "product_0_0", look="signed"),
    ),
    "accumulators": (
        *_of("engine.accumulator", "valid", "first", "last", "token"),
        *_of("engine.accumulator", "output__valid", "output__ready_next"),
    ),
    "epilogue: results": (
        *_of("engine.epilogue", "issue", "pop", "conv_end", "conv_done"),
        *_of("engine.epilogue", "act_write__valid"),
        *_of("engine.epilogue", "act_write__place", "act_write__mask", "act_write__data", look="hex"),
        *_of("engine.epilogue", "res_write__valid"),
        *_of("engine.epilogue", "res_write__place", "res_write__data", look="hex"),
    ),
    "m_axi: reads": _bus(
        "m_axi", "arvalid", "arready", "araddr", "arlen", "rvalid", "rready", "rlast", "rdata", "rresp"
    ),
    "m_axi: writes": _bus(
        *("m_axi", "awvalid", "awready", "awaddr", "awlen", "wvalid", "wready", "wlast", "wdata", "wstrb"),
        *("bvalid", "bready", "bresp"),
    ),
    "s_axil: registers": _bus(
        *("s_axil", "awvalid", "awready", "awaddr", "wvalid", "wready", "wdata", "bvalid", "bready"),
        *("arvalid", "arready", "araddr", "rvalid", "rready", "rdata"),
    ),
    "interrupt": _of("", "irq"),
}
"""Groups of signals, from the program to the buses, in the order in which a token meets them."""


def write_views(waves: Path, config: CoreConfig) -> list[Path]:
    """Write ``.gtkw`` for GTKWave and ``.sucl`` for Surfer beside a wave file, and the names of values.

    Returns:
        What was written.
    """
    widths = declared(for_waves(core_verilog(config)))
    save, commands = waves.with_suffix(".gtkw"), waves.with_suffix(".sucl")
    lines: list[str] = []
    filters: dict[str, Path] = {}
    with save.open("w") as file:
        view = GTKWSave(file)
        view.dumpfile(str(waves))
        view.treeopen(f"{BENCH}.")
        view.treeopen(f"{CORE}.")
        view.trace(f"{BENCH}.clk")
        lines.append(f"variable_add {BENCH}.clk")
        for title, signals in VIEWS.items():
            with view.group(title):
                lines.append(f"divider_add {title}")
                for shown in signals:
                    width = widths.get(shown.path)
                    if width is None:
                        continue  # a unit that this core does not have
                    if shown.words and shown.called not in filters:
                        filters[shown.called] = _words(waves.with_name(f"{shown.called}.txt"), shown, width)
                    name = f"{CORE}.{shown.path}"
                    view.trace(
                        f"{name}[{width - 1}:0]" if width > 1 else name,
                        alias=shown.alias or None,
                        datafmt=shown.look if width > 1 else "bin",
                        translate_filter_file=str(filters[shown.called]) if shown.words else None,
                    )
                    lines.append(f"variable_add {name}")
    commands.write_text("\n".join([*lines, "zoom_fit"]) + "\n")
    return [save, commands, *filters.values()]


def _words(path: Path, shown: Shown, width: int) -> Path:
    """A file of GTKWave's: a value as it is shown, and the word for it, on each line."""
    path.write_text("".join(f"{value:0{width}b} {word}\n" for value, word in shown.words.items()))
    return path


@cache
def declared(verilog: str) -> dict[str, int]:
    """Bits of every named signal of a core, by its path below the core."""
    widths: dict[str, int] = {}
    for place, body in _instances(verilog):
        for bits, signal in re.findall(
            r"^  (?:input|output|wire|reg) (?:\[(\d+):0\] )?\\?(\w+)[ ;]", body, re.MULTILINE
        ):
            widths[f"{place}.{signal}" if place else signal] = int(bits) + 1 if bits else 1
    return widths


def _instances(verilog: str) -> Iterator[tuple[str, str]]:
    """Paths and modules of the core's instances, from the core itself on, whose path is empty."""
    found = re.findall(r"^module (\S+?) ?\((.*?)^endmodule", verilog, re.MULTILINE | re.DOTALL)
    bodies = dict(found)
    waiting = [("", bodies[TOP])]
    while waiting:
        place, body = waiting.pop()
        yield place, body
        for module, name in re.findall(r"^  (\\\S+) +\\?(\w+) +\($", body, re.MULTILINE):
            if module in bodies:
                waiting.append((f"{place}.{name}" if place else name, bodies[module]))
