"""What simulators share is made once for each setting, with a make that is only pretended."""

from pathlib import Path

import pytest

from pointwise.sim.runtime import provide_headers, provide_library

CLASSES = "VM_TRACE = {trace}\nVM_PARALLEL_BUILDS = {parallel}\nVM_GLOBAL_FAST += \\\n{names}\n"


class Model:
    """The folder of a model, and what its make was asked for."""

    def __init__(self, folder: Path, *names: str, trace: int = 0, parallel: int = 0) -> None:
        self.folder = folder
        self.asked: list[str] = []
        folder.mkdir()
        listed = "".join(f"  {name} \\\n" for name in names)
        text = CLASSES.format(trace=trace, parallel=parallel, names=listed)
        (folder / "Vtop_classes.mk").write_text(text)
        (folder / "Vtop__pch.h").write_text('#include "verilated.h"\n#include "Vtop.h"\n')

    def make(self, arguments: list[str]) -> None:
        self.asked += arguments
        for name in arguments:
            if "=" not in name:
                (self.folder / name).write_text(name)

    def objects(self) -> set[str]:
        return {file.name for file in self.folder.glob("*.o")}


def test_the_library_is_compiled_once_for_each_setting(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = Model(tmp_path / "first", "verilated", "verilated_vpi")
    provide_library(first.folder, store, ["-j2"], first.make)
    assert first.asked == ["verilated.o", "verilated_vpi.o"]
    # How a model is split into files does not matter to the library; a further part of it is added.
    second = Model(tmp_path / "second", "verilated", "verilated_vpi", "verilated_threads", parallel=1)
    provide_library(second.folder, store, ["-j2"], second.make)
    assert second.asked == ["verilated_threads.o"]
    assert second.objects() == {"verilated.o", "verilated_vpi.o", "verilated_threads.o"}
    for title, flags, trace in (("waves", ["-j2"], 1), ("machine", ["-j2 CXX=clang++"], 0)):
        other = Model(tmp_path / title, "verilated", trace=trace)
        provide_library(other.folder, store, flags, other.make)
        assert other.asked == ["verilated.o"], title


def test_headers_are_precompiled_once_for_each_setting(tmp_path: Path) -> None:
    store = tmp_path / "store"
    model = Model(tmp_path / "model")
    variables = provide_headers(model.folder, store, ["-j2"], "-O1", model.make)
    made = [name for name in model.asked if name.endswith(".gch")]
    assert [Path(name).name for name in made] == ["headers.h.fast.gch", "headers.h.slow.gch"]
    assert '#include "verilated.h"' in Path(made[0]).with_suffix("").read_text()
    assert "Vtop.h" not in Path(made[0]).with_suffix("").read_text()
    assert not Path(made[0]).with_name("headers.h").exists(), "makes would compile it again in a copy"
    fast = next(variable for variable in variables if variable.startswith("OPT_FAST="))
    assert fast.startswith("OPT_FAST=-O1 ")
    assert made[0].removesuffix(".gch") in fast
    model.asked.clear()
    assert provide_headers(model.folder, store, ["-j2"], "-O1", model.make) == variables
    assert model.asked == []
    assert provide_headers(model.folder, store, ["-j2"], "-O0", model.make) != variables
    assert len(model.asked) == 3


def test_headers_that_were_interrupted_are_made_again(tmp_path: Path) -> None:
    model = Model(tmp_path / "model")

    def interrupted(arguments: list[str]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        provide_headers(model.folder, tmp_path / "store", [], "-O1", interrupted)
    provide_headers(model.folder, tmp_path / "store", [], "-O1", model.make)
    assert len(model.asked) == 3
