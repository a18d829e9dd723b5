"""What all simulators have in common, compiled once: Verilator's own library, and its headers.

Both are most of the compile time of a small model. They lie beside the builds, under hashes of what they
depend on, and whoever needs them first makes them while others wait.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from .locks import locked

Make = Callable[[Sequence[str]], None]
"""Runs make in the folder of a model, with further variables and targets."""

# The headers of cocotb's main program; those of a model stand in its own ``Vtop__pch.h``.
_OF_MAIN = ("<memory>", "<string>", '"verilated.h"', '"verilated_vpi.h"')


def provide_library(objects: Path, store: Path, flags: Sequence[str], make: Make) -> None:
    """Put the objects of Verilator's own library into the folder of a model.

    They depend on the settings in ``Vtop_classes.mk`` and on the flags of the machine, not on those of the
    model.

    Args:
        objects: the folder of the model, as Verilator left it.
        store: the folder of all builds.
        flags: what else the objects depend on: variables of make, tools and their versions.
        make: runs make in ``objects``.
    """
    classes = (objects / "Vtop_classes.mk").read_text()
    wanted = [f"{name}.o" for name in re.findall(r"^  (verilated\w*) \\$", classes, re.MULTILINE)]
    kept = store / f"runtime-{_hash(*_settings(classes), *flags)}"
    with locked(kept):
        kept.mkdir(exist_ok=True)
        missing = [name for name in wanted if not (kept / name).exists()]
        if missing:
            make(missing)
        for name in missing:
            shutil.copy(objects / name, kept / f"{name}.tmp")
            (kept / f"{name}.tmp").rename(kept / name)
    for name in wanted:
        if name not in missing:
            shutil.copy(kept / name, objects)


def provide_headers(objects: Path, store: Path, flags: Sequence[str], optimise: str, make: Make) -> list[str]:
    """Precompile Verilator's headers, or find them precompiled.

    Verilator's own makefile does so for each model, together with the model's header, and not at all for a
    small one. What is the same in all of them is by far the larger part.

    Args:
        objects: the folder of the model.
        store: the folder of all builds.
        flags: what else they depend on: variables of make, tools and their versions.
        optimise: what the compiler is told for the fast part of the model; the slow part has no options.
        make: runs make in ``objects``.

    Returns:
        Variables of make with which the model is compiled behind these headers.
    """
    settings = _settings((objects / "Vtop_classes.mk").read_text())
    own = re.findall(r'^#include ("verilated\w*\.h")$', (objects / "Vtop__pch.h").read_text(), re.MULTILINE)
    text = "".join(f"#include {header}\n" for header in dict.fromkeys([*_OF_MAIN, *own]))
    kept = store / f"headers-{_hash(text, optimise, *settings, *flags)}"
    header = kept / "headers.h"
    with locked(kept):
        if not (kept / "done").exists():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir()
            # A compiler that does not like what it precompiled itself reads the plain files.
            for file in (header, kept / "headers.h.fast", kept / "headers.h.slow"):
                file.write_text(f"#pragma once\n{text}")
            make([f"OPT_FAST={optimise}", f"{header}.fast.gch", f"{header}.slow.gch"])
            # In a copy of the folder it may be the newest: each make would then precompile it anew, under the
            # hands of others that read the result.
            header.unlink()
            (kept / "done").touch()
    include = {part: f"$(CFG_CXXFLAGS_PCH_I) {header}.{part}$(CFG_GCH_IF_CLANG)" for part in ("fast", "slow")}
    return [
        f"OPT_FAST={optimise} {include['fast']}",
        f"OPT_SLOW={include['slow']}",
        f"VK_PCH_H={header}",
        "VK_PCH_I_FAST=-include Vtop__pch.h",
        "VK_PCH_I_SLOW=-include Vtop__pch.h",
    ]


def _settings(classes: str) -> list[str]:
    """The switches of a model that its macros, and so all objects, depend on."""
    found = re.findall(r"^(VM_\w+) = (.*)$", classes, re.MULTILINE)
    return [f"{name}={value}" for name, value in found if name != "VM_PARALLEL_BUILDS"]


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
