"""The whole system from host bytes to a result: UART, bridge, SDRAM, core; through the command."""

import socket
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

from hw.contract.config import PRESETS
from hw.contract.errors import PointwiseError
from hw.contract.files import write_file
from model.compiler import compile_network, write
from model.compiler.random_network import random_image, random_network
from model.integer.network import run
from sim.board.device import Board, Description, connect
from sim.board.session import read_inputs, read_program
from sim.board.simulated import build_board, running, statistics
from sim.cli import main

CONFIG = PRESETS["tiny"]
SEED = 3


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A folder as pointwise compile writes it, and the result that the integer model gives."""
    folder = tmp_path_factory.mktemp("program")
    network = random_network(SEED)
    compiled = compile_network(network, CONFIG)
    image = random_image(network, SEED)
    write(compiled, folder)
    write_file(folder / "input.bin", compiled.pack_input(image))
    return folder, run(network, image)[network.layers[-1].name]


@pytest.mark.slow
def test_from_host_bytes_to_the_result(program, tmp_path, capsys):
    folder, expected = program
    board = build_board(CONFIG, optimise="-O1")
    log = tmp_path / "board.log"
    with running(board, log) as terminal:
        reached = ["--system", str(board.description.parent), "--uart", terminal]
        assert main(["board", "run", *reached, "--image", str(folder)]) == 1
        assert "no image is on the board" in capsys.readouterr().err
        assert main(["board", "load", *reached, "--image", str(folder)]) == 0
        assert "read back as they were sent, 0 faults" in " ".join(capsys.readouterr().out.split())
        assert main(["board", "run", *reached, "--image", str(folder)]) == 0
        assert "cycles" in capsys.readouterr().out
        assert main(["board", "status", *reached]) == 0
        assert "done" in capsys.readouterr().out

        description = Description.read(board.description)
        link = connect(description, terminal, None)
        device, files = Board(description, link), read_program(folder, CONFIG)
        ((_, block),) = read_inputs(files, None)
        outcome, output = device.run(block, files.output_bytes, seconds=10)
        assert np.array_equal(files.logits(output), expected)
        assert sum(outcome.causes.values()) == outcome.cycles
        link.close()

        server, port = _server(terminal, description.baud)
        try:
            device = Board(description, connect(description, None, f"localhost:{port}"))
            device.check_alive()
            assert device.status()["state"] == "done"
        finally:
            server.kill()
            server.wait()
    counted = statistics(log)
    assert counted["refreshes"] > 0 < counted["activates"]


@pytest.mark.slow
def test_a_chip_that_is_driven_too_fast_is_told(tmp_path):
    board = build_board(CONFIG, optimise="-O1")
    description = Description.read(board.description)
    fast = ["+sdram_clock_ps=4000"]
    with pytest.raises(PointwiseError, match="SDRAM CHECK: tR"):
        with running(board, tmp_path / "board.log", plusargs=fast) as terminal:
            device = Board(description, connect(description, terminal, None))
            device.bring_up()
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


def test_a_network_for_another_core_is_refused(program, tmp_path):
    with pytest.raises(PointwiseError, match="another core"):
        read_program(program[0], PRESETS["ecp5"])
    with pytest.raises(PointwiseError, match="cannot be read"):
        read_program(tmp_path, CONFIG)
    files = read_program(program[0], CONFIG)
    (tmp_path / "short.bin").write_bytes(b"1")
    with pytest.raises(PointwiseError, match="has 1 bytes"):
        list(read_inputs(files, [tmp_path / "short.bin"]))
