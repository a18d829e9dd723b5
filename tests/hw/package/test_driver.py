"""The C driver on a simulated core, and its Linux program on an emulated one."""

import json
import mmap
import struct
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.errors import Refused
from pointwise.hw.contract.image import align
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import ERROR_TEXT, Error, Register
from pointwise.hw.package.files import package
from pointwise.hw.package.register_map import Access, mask, register_map
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.emulator import Emulator
from pointwise.model.graph import run
from pointwise.sim import bench
from pointwise.sim.system.turns import Memory
from tests.hw.package.c_compiler import compile_c, driver_library
from tests.hw.package.driver import NO_CORE, NO_IMAGE, OTHER_VERSION, Driver
from tests.sim.system.cores import SHAPES, simulator

SHAPE, SEED = "4x4", 2
CONFIG = SHAPES[SHAPE]
HERE = Path(__file__).parent
PAGE = 4096
DOORBELL = PAGE - 4
DONE, FAILED = 2, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a core, without its Verilog, which these tests do not read."""
    path = tmp_path_factory.mktemp("core")
    for name, text in package(CONFIG, "").items():
        (path / name).write_text(text)
    return path


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return driver_library(tmp_path_factory.mktemp("library") / "driver.so", folder)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_network(random_network(SEED), CONFIG)


def block(compiled: Compiled, seed: int = SEED) -> bytes:
    return compiled.pack_input(random_image(random_network(SEED), seed))


def damaged(image: bytes) -> bytes:
    """The image with a bit in its middle turned round."""
    changed = bytearray(image)
    changed[len(image) // 2] ^= 1
    return bytes(changed)


def test_the_driver_needs_no_library_and_c_plus_plus_takes_its_header(folder: Path, tmp_path: Path) -> None:
    compile_c(tmp_path / "driver.o", folder, [folder / "pointwise.c"], "-c", "-ffreestanding")
    source = tmp_path / "user.cpp"
    source.write_text('#include "pointwise.h"\nint main() { return pointwise_text(0) == nullptr; }\n')
    command = ["g++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", str(folder)]
    subprocess.run([*command, str(source), str(tmp_path / "driver.o"), "-o", str(tmp_path / "a")], check=True)
    subprocess.run([str(tmp_path / "a")], check=True)


@pytest.mark.slow
def test_the_driver_runs_the_core_in_simulation(library: Path, compiled: Compiled, tmp_path: Path) -> None:
    memory = Memory()
    image, bad = memory.place(compiled.image), memory.place(damaged(compiled.image))
    size = compiled.manifest["output"]["bytes"]
    windows = [image, memory.place(block(compiled)), memory.place(bytes(size))]
    (tmp_path / "memory.bin").write_bytes(memory.data)
    end = len(memory.data)
    bench.run(
        simulator(SHAPE),
        HERE / "bench_driver.py",
        plusargs={
            "mem_bytes": end,
            "limit": f"{end:x}",
            "image": tmp_path / "memory.bin",
            "dump": tmp_path / "dump.bin",
            "latency": 9,
        },
        config={
            "library": str(library),
            "notes": str(tmp_path / "notes.json"),
            "windows": windows,
            "damaged": bad,
            "registers": {
                entry.name: (
                    entry.address,
                    entry.reset,
                    mask(field for field in entry.fields if field.access is Access.READ_WRITE),
                )
                for entry in register_map(CONFIG)
            },
            "core": {
                "rows": CONFIG.rows,
                "columns": CONFIG.cols,
                "lanes": CONFIG.post_lanes,
                "bus_bytes": CONFIG.bus_bytes,
                "max_tokens": CONFIG.max_tokens,
                "act_words": CONFIG.act_words,
                "res_words": CONFIG.res_words,
            },
        },
    )
    network = random_network(SEED)
    found = compiled.read_output((tmp_path / "dump.bin").read_bytes()[:size])[network.output]
    assert np.array_equal(found, run(network, random_image(network, SEED))[network.output])
    told = json.loads((tmp_path / "notes.json").read_text())
    assert told[: len(Error)] == [ERROR_TEXT[error] for error in Error]
    assert len(set(told)) == len(told)


def test_what_is_no_core_or_no_image_is_told(library: Path, compiled: Compiled) -> None:
    registers = {entry.address: entry.reset for entry in register_map(CONFIG)}
    driver = Driver(library, lambda address: registers[address], registers.__setitem__)
    assert driver.open() == 0
    registers[Register.VERSION] += 1
    assert driver.open() == OTHER_VERSION
    registers[Register.MAGIC] = 0xFFFFFFFF
    assert driver.open() == NO_CORE
    assert "no Pointwise core" in driver.text(NO_CORE)
    assert "does not know" in driver.text(99)

    code, image = driver.image(compiled.image)
    sizes = (len(compiled.image), len(block(compiled)), compiled.manifest["output"]["bytes"])
    assert (code, image.bytes, image.input_bytes, image.output_bytes) == (0, *sizes)
    other = bytearray(compiled.image)
    other[4] += 1
    for wrong in (compiled.image[:63], compiled.image[:-1], bytes(64), bytes(other)):
        assert driver.image(wrong)[0] == NO_IMAGE


class EmulatedCore:
    """Answers a core's registers in a mapped file, with the emulator behind them.

    Args:
        registers, memory: files. base: address of the memory for the core.
    """

    def __init__(self, registers: Path, memory: Path, base: int) -> None:
        self.registers, self.memory, self.base = map_file(registers), map_file(memory), base
        for entry in register_map(CONFIG):
            self.set(entry.address, entry.reset)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.serve)

    def get(self, address: int) -> int:
        return struct.unpack_from("<I", self.registers, address)[0]

    def set(self, address: int, value: int) -> None:
        struct.pack_into("<I", self.registers, address, value)

    def serve(self) -> None:
        while not self.stop.wait(0.001):
            if self.get(DOORBELL):
                self.run() if self.get(Register.CONTROL) & 1 else None
                self.set(DOORBELL, 0)

    def run(self) -> None:
        first = {base: self.get(Register[f"{base.name}_BASE"]) - self.base for base in Base}
        size = {base: self.get(Register[f"{base.name}_BYTES"]) for base in Base}
        image, given = (self.memory[first[b] : first[b] + size[b]] for b in (Base.IMAGE, Base.INPUT))
        try:
            output = Emulator(image, CONFIG).run(given)
        except Refused as refused:
            self.set(Register.STATUS, FAILED | refused.error << 8)
            return
        assert len(output) == size[Base.OUTPUT]
        self.memory[first[Base.OUTPUT] : first[Base.OUTPUT] + len(output)] = output
        self.set(Register.STATUS, DONE)
        self.set(Register.CYCLES, 1234)

    def __enter__(self) -> "EmulatedCore":
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        self.thread.join()


def map_file(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


BASE = 0x10000000


@pytest.fixture
def linux(folder: Path, compiled: Compiled, tmp_path: Path) -> Path:
    """A folder with the Linux program, files in place of its devices, an image and two inputs."""
    sources = [folder / "pointwise_linux.c", folder / "pointwise.c"]
    compile_c(tmp_path / "for_devices", folder, sources)
    compile_c(
        tmp_path / "program",
        folder,
        [*sources, HERE / "doorbell.c"],
        "-DPOINTWISE_OWN_ACCESS",
        "-D_GNU_SOURCE",
    )
    (tmp_path / "image.bin").write_bytes(compiled.image)
    (tmp_path / "inputs.bin").write_bytes(block(compiled, 1) + block(compiled, 2))
    size = align(len(compiled.image), PAGE) + align(len(block(compiled)), PAGE)
    (tmp_path / "memory").write_bytes(bytes(size + align(compiled.manifest["output"]["bytes"], PAGE)))
    (tmp_path / "registers").write_bytes(bytes(2 * PAGE))
    return tmp_path


def execute(linux: Path, *, registers: str = "registers", program: str = "program"):
    words = [registers, "memory", hex(BASE), "image.bin", "inputs.bin", "outputs.bin"]
    return subprocess.run([linux / program, *words], cwd=linux, capture_output=True, text=True, timeout=60)


def test_the_linux_program_runs_every_input(linux: Path, compiled: Compiled) -> None:
    with EmulatedCore(linux / "registers", linux / "memory", BASE):
        done = execute(linux, registers="registers@0x0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "input 0: 1234 cycles\ninput 1: 1234 cycles\n"
    expected = [Emulator(compiled.image, CONFIG).run(block(compiled, seed)) for seed in (1, 2)]
    assert (linux / "outputs.bin").read_bytes() == b"".join(expected)


def test_the_linux_program_says_what_is_wrong(linux: Path, compiled: Compiled) -> None:
    done = execute(linux, program="for_devices")
    assert (done.returncode, done.stderr) == (1, "registers: no Pointwise core answers at this address\n")
    done = execute(linux, registers="none")
    assert (done.returncode, done.stderr) == (1, "none: No such file or directory\n")
    (linux / "inputs.bin").write_bytes(block(compiled)[:-1])
    assert "inputs.bin: holds no whole number of input blocks" in execute(linux).stderr
    (linux / "inputs.bin").write_bytes(block(compiled))
    (linux / "image.bin").write_bytes(damaged(compiled.image))
    with EmulatedCore(linux / "registers", linux / "memory", BASE):
        done = execute(linux)
    assert done.returncode == 1
    assert done.stderr.endswith(f"the core stopped: {ERROR_TEXT[Error.CHECKSUM]}\n")
