"""AxiReader and AxiWriter on the behavioural memory, under the protocol checker."""

import random
from pathlib import Path

import pytest

from pointwise.hw.bus.reader import AxiReader
from pointwise.hw.bus.writer import AxiWriter
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import run
from pointwise.sim.build import CHECKERS, DRAM, build
from tests.hw.side_by_side import refusal
from tests.slow import few

HERE = Path(__file__).parent
BENCH = HERE / "bench_masters.py"
SHAPES = [(32, 16), (64, 1), (128, 16), (512, 64)]
STALLS = {f"stall_{channel}": 300 for channel in ("ar", "r", "aw", "w", "b")}
FAULT = 0x4A24


@pytest.fixture(
    params=few(SHAPES, SHAPES[1:3]), ids=lambda shape: f"{shape[0]}bits_{shape[1]}beats", scope="module"
)
def masters(request):
    """A function that runs one of the cocotb tests on a bus of this shape."""
    width, burst = request.param
    config = CoreConfig(axi_data_width=width, axi_burst=burst)
    depth = max(64, 2 * burst)
    sources = [
        to_verilog(AxiReader(config, [depth, depth + 1, max(2, burst)]), "reader"),
        to_verilog(AxiWriter(config), "writer"),
        *DRAM,
        *CHECKERS,
        HERE / "masters.sv",
    ]
    simulator = build(sources, "masters", parameters={"DATA_WIDTH": width})

    def go(test, tmp_path, seed=1, **plusargs):
        size = 64 * 1024
        image = tmp_path / "image.bin"
        image.write_bytes(random.Random(seed).randbytes(size))
        dump = tmp_path / "dump.bin"
        settings = {"width": width, "burst": burst, "image": str(image), "dump": str(dump)}
        settings |= {"fault": FAULT, "stall": 0.3 if "stall_ar" in plusargs else 0.0, "transfers": 60}
        plusargs = {"mem_bytes": size, "image": image, "dump": dump, "seed": seed} | plusargs
        run(simulator, BENCH, config=settings, plusargs=plusargs, testcase=test, seed=seed)

    return go


def test_random_transfers_with_random_stalls(masters, tmp_path):
    masters("^bench_masters.(reads|full_client|writes)$", tmp_path, latency=7, **STALLS)


def test_rate_and_bursts_without_stalls(masters, tmp_path):
    masters("^bench_masters.(read_bursts|read_rate|write_rate|reads|writes)$", tmp_path, latency=24)


def test_a_64_beat_fifo_hides_40_cycles(masters, tmp_path):
    masters("^bench_masters.read_rate$", tmp_path, latency=40)


@pytest.mark.parametrize(("response", "stalls"), [(2, {}), (3, STALLS)], ids=["swift", "stalled"])
def test_errors_are_told_with_the_address_of_their_burst(masters, tmp_path, stalls, response):
    faults = {"fault_read": f"{FAULT:x}", "fault_write": f"{FAULT:x}", "fault_resp": response}
    masters("^bench_masters.(read_fault|write_fault)$", tmp_path, latency=9, **faults, **stalls)


def test_a_halt_at_any_time(masters, tmp_path):
    stalls = {f"stall_{channel}": 400 for channel in ("ar", "aw", "w", "b")}
    masters("^bench_masters.halts$", tmp_path, latency=12, **stalls)


@pytest.mark.parametrize("stalls", [{}, STALLS], ids=["swift", "stalled"])
def test_what_is_outside_its_window_is_refused(masters, tmp_path, stalls):
    masters("^bench_masters.windows$", tmp_path, latency=7, **stalls)


def test_a_fifo_must_hold_a_burst():
    assert "cannot hold a burst of 16" in refusal(lambda: AxiReader(CoreConfig(), [15]))
