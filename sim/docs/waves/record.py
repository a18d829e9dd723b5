"""Records the timing diagrams of docs/integration.md: a small core runs a program of a few rows."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pointwise.hw.bus.axi import Axi4, AxiLite
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES, Header, align, seal, shape_word
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Dma, End, Space
from pointwise.hw.package.files import TOP, core_text
from pointwise.sim.bench import bench

from .wavejson import Row, Samples, diagram

CORE = CoreConfig(
    rows=4,
    cols=4,
    max_tokens=16,
    act_kib=1,
    act_banks=1,
    res_kib=1,
    axi_data_width=64,
    axi_burst=4,
    stream_beats=16,
)
"""The core of the diagrams: its bursts are short."""
WORDS = 16
"""Of the activation SRAM that the program loads and stores again."""
LATENCY = 6
"""Cycles after which the memory answers."""
PAGE = 4096
RESPONSES = ("OKAY", "EXOKAY", "SLVERR", "DECERR")


def image() -> bytes:
    """A program that brings some words in and writes them out."""
    size = WORDS * CORE.act_word_bytes
    program = [
        Dma(False, Space.ACTIVATION, Base.INPUT, 0, 0, 0, 0, 1, WORDS),
        Dma(True, Space.ACTIVATION, Base.OUTPUT, 0, 0, 0, 0, 1, WORDS, wait_dma=1),
        End(),
    ]
    length = HEADER_BYTES + len(program) * INSTRUCTION_BYTES + TRAILER_BYTES
    header = Header(shape_word(CORE), length, HEADER_BYTES, len(program), 1, WORDS, 0, size, size)
    return seal(header.encode() + b"".join(instruction.encode() for instruction in program))


def simulate() -> tuple[dict[str, list[int | None]], list[int]]:
    """Values of every port in every cycle, and the cycles in which the two runs begin."""
    ports = ["rst", "irq", *(f"m_axi_{name}" for name in Axi4(64, 32).members)]
    ports += [f"s_axil_{name}" for name in AxiLite().members]
    size = WORDS * CORE.act_word_bytes
    code = image()
    given = bytes(range(1, size + 1))
    first_input = align(len(code), PAGE)
    windows = [(0, len(code)), (first_input, size), (first_input + PAGE, size)]
    with tempfile.TemporaryDirectory() as folder:
        memory, notes = Path(folder, "memory.bin"), Path(folder, "notes.json")
        memory.write_bytes(code.ljust(first_input, b"\0") + given.ljust(2 * PAGE, b"\0"))
        bench(
            [core_text(CORE)],
            TOP,
            Path(__file__).with_name("bench_waves.py"),
            config={
                "ports": ports,
                "memory": str(memory),
                "windows": windows,
                "latency": LATENCY,
                "bad": (first_input, first_input + size),
                "notes": str(notes),
            },
        )
        found = json.loads(notes.read_text())
    after = bytes.fromhex(found["memory"])
    if after[windows[2][0] : windows[2][0] + size] != given:
        raise AssertionError("the core that was recorded did not do what its program says")
    return found["samples"], found["begins"]


def record() -> dict[str, str]:
    """The diagrams as WaveJSON, by name."""
    samples, (good, bad) = simulate()
    return {name: cut(name, samples, good, bad) for name in DIAGRAMS}


def cut(name: str, samples: Samples, good: int, bad: int) -> str:
    """One diagram of the recorded cycles; ``good`` and ``bad`` are those in which the two runs begin."""
    title, groups, place = DIAGRAMS[name]
    return diagram(title, groups, samples, place(samples, good, bad))


def first(samples: Samples, port: str, start: int, value: int = 1) -> int:
    """The first cycle from ``start`` on in which a port has a value."""
    return samples[port].index(value, start)


def _start(samples: Samples, good: int, bad: int) -> range:
    return range(first(samples, "s_axil_awvalid", good) - 1, first(samples, "m_axi_arvalid", good) + 3)


def _read(samples: Samples, good: int, bad: int) -> range:
    """The header: the burst that every run begins with."""
    begin = first(samples, "m_axi_arvalid", good)
    return range(begin - 1, first(samples, "m_axi_rlast", first(samples, "m_axi_rvalid", begin)) + 6)


def _write(samples: Samples, good: int, bad: int) -> range:
    begin = first(samples, "m_axi_awvalid", good)
    return range(begin - 1, first(samples, "irq", begin) + 1)


def _interrupt(samples: Samples, good: int, bad: int) -> range:
    begin = first(samples, "irq", good)
    return range(begin - 3, first(samples, "irq", begin, 0) + 2)


def _error(samples: Samples, good: int, bad: int) -> range:
    fault = first(samples, "m_axi_rresp", bad, RESPONSES.index("SLVERR"))
    return range(fault - LATENCY - 1, first(samples, "irq", fault) + 8)


_WRITES = [
    Row("s_axil_awvalid"),
    Row("s_axil_awready"),
    Row("s_axil_awaddr", "s_axil_awvalid", 2),
    Row("s_axil_wvalid"),
    Row("s_axil_wready"),
    Row("s_axil_wdata", "s_axil_wvalid"),
    Row("s_axil_bvalid"),
    Row("s_axil_bready"),
]
_READS = [
    Row("s_axil_arvalid"),
    Row("s_axil_arready"),
    Row("s_axil_araddr", "s_axil_arvalid", 2),
    Row("s_axil_rvalid"),
    Row("s_axil_rready"),
    Row("s_axil_rdata", "s_axil_rvalid", 4),
]
_FETCH = [
    Row("m_axi_arvalid"),
    Row("m_axi_arready"),
    Row("m_axi_araddr", "m_axi_arvalid", 4),
    Row("m_axi_arlen", "m_axi_arvalid"),
]
_BEATS = [Row("m_axi_rvalid"), Row("m_axi_rready"), Row("m_axi_rlast")]
_RESPONSE = Row("m_axi_rresp", "m_axi_rvalid", words=RESPONSES)
_STORE = [
    Row("m_axi_awvalid"),
    Row("m_axi_awready"),
    Row("m_axi_awaddr", "m_axi_awvalid", 4),
    Row("m_axi_awlen", "m_axi_awvalid"),
    Row("m_axi_wvalid"),
    Row("m_axi_wready"),
    Row("m_axi_wlast"),
    Row("m_axi_bvalid"),
    Row("m_axi_bready"),
]
_IRQ = {"": [Row("irq")]}

DIAGRAMS: Mapping[str, tuple[str, Mapping[str, list[Row]], Callable[[Samples, int, int], range]]] = {
    "start": ("A start: 3 to CONTROL (0x18)", {"s_axil": _WRITES, "m_axi": _FETCH}, _start),
    "read": (
        "Reads: the 64 bytes of an image's header, in two bursts",
        {"m_axi": [*_FETCH, *_BEATS, _RESPONSE]},
        _read,
    ),
    "write": ("Writes: a row of two bursts, and the end of the run", {"m_axi": _STORE, **_IRQ}, _write),
    "interrupt": (
        "An interrupt: STATUS (0x1c) is read, 1 goes to INTERRUPT (0x20)",
        {**_IRQ, "s_axil": [*_READS, *_WRITES]},
        _interrupt,
    ),
    "error": (
        "A read that is answered with an error",
        {"m_axi": [*_FETCH, *_BEATS, _RESPONSE], **_IRQ},
        _error,
    ),
}
"""Title, rows, and which cycles."""
