"""The behavioural DRAM: data, order, timing, stalls, faults, files, at several widths of the bus."""

from pathlib import Path

import numpy as np
import pytest

from pointwise.sim.bench import BenchFailure, bench
from pointwise.sim.build import CHECKERS, DRAM
from tests.slow import few

HERE = Path(__file__).parent
WIDTHS = (32, 64, 128, 256)
SOURCES = [*CHECKERS, *DRAM, HERE / "rtl_dram_tb.sv"]


def run(testcase, width=64, *, config=None, **plusargs):
    return bench(
        SOURCES,
        "dram_tb",
        HERE / "bench_axi_dram.py",
        name=f"dram_tb_{width}",
        parameters={"DATA_WIDTH": width},
        testcase=rf"\.{testcase}$",
        config=config,
        plusargs=plusargs,
    )


def hex_lines(data: bytes, width: int) -> str:
    """The $readmemh text of bytes."""
    beat = width // 8
    data += bytes(-len(data) % beat)
    return "".join(data[index : index + beat][::-1].hex() + "\n" for index in range(0, len(data), beat))


STALLS = {"stall_ar": 300, "stall_aw": 200, "stall_w": 500, "stall_r": 400, "stall_b": 100}
CONDITIONS = {
    "still": ({}, {"stall": 0, "early_data": False}),
    "slow": ({"latency": 40}, {"stall": 0, "early_data": True}),
    "stalls": ({"latency": 7, **STALLS}, {"stall": 0, "early_data": True}),
    "both": ({"latency": 3, **STALLS}, {"stall": 0.4, "early_data": True}),
}


@pytest.mark.parametrize("width", few(WIDTHS, WIDTHS[::2]))
@pytest.mark.parametrize("condition", CONDITIONS)
def test_traffic_is_as_the_model_says(width, condition, tmp_path):
    plusargs, config = CONDITIONS[condition]
    seed = width + len(condition)
    print("seed", seed)
    rng = np.random.default_rng(seed)
    binary = condition in ("still", "stalls")
    suffix = "bin" if binary else "hex"
    files = {"image": rng.bytes(3001), "inputs": rng.bytes(1777)}
    for name, data in files.items():
        (tmp_path / f"{name}.raw").write_bytes(data)
        (tmp_path / f"{name}.hex").write_text(hex_lines(data, width))
        (tmp_path / f"{name}.bin").write_bytes(data)
    config = config | {
        "seed": seed,
        "bursts": 150,
        "span": 12288,
        "mem_bytes": 65536,
        "image_base": 0x400,
        "inputs_base": 0x1800,
        "image_data": str(tmp_path / "image.raw"),
        "inputs_data": str(tmp_path / "inputs.raw"),
        "expected": str(tmp_path / "expected"),
    }
    dump = tmp_path / f"dump.{suffix}"
    result = run(
        "traffic",
        width,
        config=config,
        seed=seed,
        image=tmp_path / f"image.{suffix}",
        image_base="400",
        inputs=tmp_path / f"inputs.{suffix}",
        inputs_base="1800",
        dump=dump,
        allow_uninit=True,
        **plusargs,
    )
    assert result.violations == ()
    expected = (tmp_path / "expected").read_bytes()
    assert len(expected) == 12288
    if binary:
        assert dump.read_bytes() == expected
    else:
        assert dump.read_text() == hex_lines(expected, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("latency", [1, 20])
def test_moves_a_beat_a_cycle_in_both_directions(width, latency):
    run("throughput", width, config={"latency": latency}, latency=latency, allow_uninit=True)


@pytest.mark.parametrize("latency", [30, 100])
def test_holds_many_bursts_at_the_same_time(latency):
    run("sixteen_open", config={"latency": latency}, latency=latency, allow_uninit=True)


@pytest.mark.parametrize(("response", "read_nth", "write_nth"), [(2, 0, 0), (3, 2, 1), (2, 3, 2)])
def test_faults_strike_where_and_when_they_should(response, read_nth, write_nth):
    config = {"fault_resp": response, "read_nth": read_nth, "write_nth": write_nth, "write_target": 0x410}
    nth = {"fault_read_nth": read_nth, "fault_write_nth": write_nth}
    run(
        "faults",
        config=config,
        fault_read="80b",  # within the second beat
        fault_write="410",
        fault_resp=response,
        allow_uninit=True,
        **{name: value for name, value in nth.items() if value},
    )


@pytest.mark.parametrize("size", [4096 + 64, 65536 - 1024])
def test_ends_with_decerr(size):
    run("beyond", config={"mem_bytes": size}, mem_bytes=size)


@pytest.mark.parametrize("channel", ["ar", "r", "aw", "w", "b"])
def test_stalls_as_often_as_told_and_the_same_again(channel, tmp_path):
    def diary(permille, seed):
        config = {"channel": channel, "permille": permille, "diary": str(tmp_path / "diary")}
        run("stalls", config=config, seed=seed, **{f"stall_{channel}": permille})
        return (tmp_path / "diary").read_text()

    assert diary(500, 5) == diary(500, 5)
    assert diary(500, 5) != diary(500, 6)


def test_inputs_are_loaded_again(tmp_path):
    inputs, dump = tmp_path / "inputs.bin", tmp_path / "dump.bin"
    inputs.write_bytes(bytes(32))
    config = {"inputs": str(inputs), "dump": str(dump)}
    run("reload", config=config, inputs=inputs, inputs_base="1000", dump=dump)


@pytest.mark.parametrize(
    ("plusargs", "text", "message"),
    [
        ({"image": "absent.hex"}, None, r"\+image=absent.hex cannot be opened"),
        ({"image": "{file}"}, "12\n34\nghi\n", "line 3 is no hexadecimal number"),
        ({"inputs": "{file}", "inputs_base": "fff8"}, "12\n34\n", "does not fit a memory of 65536 bytes"),
        ({"inputs": "{file}", "inputs_base": "4"}, "12\n", r"base=4 is not a multiple of a beat, 8 bytes"),
        ({"fault_resp": 1}, None, r"\+fault_resp=1 is no error"),
        ({"stall_r": 1001}, None, r"\+stall_r=1001 is out of range"),
    ],
)
def test_says_what_is_wrong_with_its_arguments(plusargs, text, message, tmp_path):
    file = tmp_path / "file.hex"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BenchFailure, match=message):
        run("nothing", **{name: str(value).format(file=file) for name, value in plusargs.items()})


@pytest.mark.parametrize(
    ("base", "count", "dump", "message"),
    [
        (0, 64, None, "name its file with"),
        (4, 64, "d.bin", "is not of whole beats"),
        (65528, 16, "d.bin", "ends beyond the memory"),
        (0, 64, "/nowhere/d.bin", "cannot be written"),
    ],
)
def test_says_what_is_wrong_with_a_dump(base, count, dump, message):
    with pytest.raises(BenchFailure, match=message):
        run("bad_dump", config={"base": base, "bytes": count}, dump=dump)
