"""The whole system from host bytes to a result: UART, bridge, SDRAM, core; through the command."""

import socket
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

from pointwise.hw.contract.config import PRESETS
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.model.compiler import compile_network, write
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.graph import run
from pointwise.sim.board.description import Description
from pointwise.sim.board.device import Board, memory_of
from pointwise.sim.board.link import connect
from pointwise.sim.board.session import read_inputs, read_program
from pointwise.sim.board.simulated import build_board, running, statistics
from pointwise.sim.cli import main

CONFIG = PRESETS["tiny"]
SEED = 3


def compiled(folder, seed):
    """A folder as pointwise compile writes it, and the result that the integer model gives."""
    network = random_network(seed)
    program = compile_network(network, CONFIG)
    image = random_image(network, seed)
    write(program, folder)
    write_file(folder / "input.bin", program.pack_input(image))
    return folder, run(network, image)[network.output]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A compiled network."""
    return compiled(tmp_path_factory.mktemp("program"), SEED)


@pytest.mark.slow
def test_from_host_bytes_to_the_result(program, tmp_path, capsys):
    folder, _ = program
    board = build_board(CONFIG, optimise="-O1")
    log = tmp_path / "board.log"
    with running(board, log) as simulation:
        terminal = simulation.terminal
        reached = ["--system", str(board.description.parent), "--uart", terminal]
        assert main(["board", "run", *reached, "--compiled", str(folder)]) == 1
        assert "no image is on the board" in capsys.readouterr().err
        assert main(["board", "load", *reached, "--compiled", str(folder)]) == 0
        assert "read back as they were sent, 0 faults" in " ".join(capsys.readouterr().out.split())
        assert main(["board", "run", *reached, "--compiled", str(folder)]) == 0
        assert "cycles" in capsys.readouterr().out
        other, wanted = compiled(tmp_path / "other", SEED + 1)
        assert main(["board", "run", *reached, "--compiled", str(other)]) == 1
        assert "another image is on the board" in capsys.readouterr().err
        # The memory is brought up a second time, in use as it is.
        assert main(["board", "load", *reached, "--compiled", str(other)]) == 0
        assert main(["board", "status", *reached]) == 0
        assert "done" in capsys.readouterr().out

        description = Description.read(board.description)
        link = connect(description, terminal, None)
        device, files = Board(description, link), read_program(other, CONFIG)
        ((_, block),) = read_inputs(files, None)
        outcome, output = device.run(files.image, block, files.output_bytes, seconds=10)
        assert np.array_equal(files.logits(output), wanted)
        assert sum(outcome.causes.values()) == outcome.cycles
        link.close()

        server, port = _server(terminal, description.baud)
        try:
            device = Board(description, connect(description, None, f"localhost:{port}"))
            device.check_alive()
            assert device.core.status()["state"] == "done"
        finally:
            server.kill()
            server.wait()
    counted = statistics(log)
    assert counted["refreshes"] > 0 < counted["activates"]


@pytest.mark.slow
def test_what_is_in_the_memory_already_is_run(program, tmp_path, capsys):
    folder, expected = program
    files = read_program(folder, CONFIG)
    ((_, block),) = read_inputs(files, None)
    memory = tmp_path / "sdram.bin"
    write_file(memory, memory_of(files.image, block))
    board = build_board(CONFIG, optimise="-O1")
    with running(board, tmp_path / "board.log", memory) as simulation:
        reached = ["--system", str(board.description.parent), "--uart", simulation.terminal, "--no-send"]
        assert main(["board", "load", *reached, "--compiled", str(folder)]) == 0
        assert main(["board", "run", *reached, "--compiled", str(folder)]) == 0
        assert f"{int(expected.max()):,}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_chip_that_is_driven_too_fast_is_told(tmp_path):
    board = build_board(CONFIG, optimise="-O1")
    description = Description.read(board.description)
    fast = ["+sdram_clock_ps=4000"]
    with pytest.raises(PointwiseError, match="SDRAM CHECK: tR"):
        with running(board, tmp_path / "board.log", plusargs=fast) as simulation:
            device = Board(description, connect(description, simulation.terminal, None))
            device.bring_up(seconds=1)
            device.bus.write(description.sdram_base, bytes(64))


def _server(terminal, baud):
    """LiteX's own server on the same line, once it listens, and its port."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-u", "-m", "litex.tools.litex_server", "--uart", "--uart-port", terminal]
    command += ["--uart-baudrate", str(baud), "--bind-port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    # It tells its port before it listens there, so only trying shows when it does.
    for _ in range(600):
        with suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
            return server, port
        time.sleep(0.1)
    server.kill()
    raise AssertionError("litex_server did not start")
