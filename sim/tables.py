"""Tables in Markdown of what the code says: the contract, latencies of the units, and measured runs."""

import ast
import dataclasses
import enum
import gc
import inspect
import io
import itertools
import json
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hw.contract import isa
from hw.contract.config import PRESETS, CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.image import Header
from hw.contract.registers import ERROR_TEXT, Cause, Error, Register

from .fpga import tables as boards

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
"""Reports of ``pointwise sim`` that the table of results is made from, in the order of their names; and of
``pointwise bitstream``."""
BITSTREAM = "bitstream_ulx3s_85f.json"
WANTED = (("micro", (16, 16)), ("deit_tiny", (16, 16)), ("deit_small", (16, 16)), ("deit_base", (16, 16)))
"""Runs that have a row even while nobody has measured them."""
SAMPLE = "micro_16x16.json"
"""The report that README.md shows as what ``make sim`` prints."""
METHODS = "methods_deit_small.json"
"""What ``pointwise ablation`` recorded, for the table of methods."""
MISSING = "not measured yet"


# Reading the code -------------------------------------------------------------------------------------------


def member_docs(cls: type) -> dict[str, str]:
    """The strings that stand below the assignments in the body of a class, by the name assigned."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    found = {}
    for pair in itertools.pairwise(tree.body):
        match pair:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split()).rstrip(".")
    return found


def attribute_docs(cls: type, names: Iterable[str]) -> dict[str, str]:
    """What the ``Attributes`` of a docstring say of each name; where names share a text, the first has it.

    Raises:
        PointwiseError: a name is not explained.
    """
    names = list(names)
    section = inspect.getdoc(cls).partition("Attributes:\n")[2]
    text = " ".join(section.split())
    known = "|".join(sorted(names, key=len, reverse=True))
    heads = list(re.finditer(rf"(?:^|(?<=[.;] ))((?:{known})(?:, (?:{known}))*): ", text))
    found: dict[str, str] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        group = head[1].split(", ")
        meaning = text[head.end() : following.start() if following else None].strip().rstrip(".;")
        if len(group) > 1:
            meaning = f"with {', '.join(f'``{name}``' for name in group[1:])}: {meaning}"
        found[group[0]] = meaning
        found |= dict.fromkeys(group[1:], f"see ``{group[0]}``")
    missing = [name for name in names if name not in found]
    if missing:
        raise PointwiseError(f"the docstring of {cls.__name__} does not explain {missing[0]}; add it there")
    return found


def markdown(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; ``code`` of reStructuredText becomes `code`."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    cells = ([str(cell).replace("``", "`").replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


# The tables -------------------------------------------------------------------------------------------------


def members(cls: type[enum.IntEnum]) -> str:
    """Members of an enumeration with their values and what is said of them."""
    docs = member_docs(cls)
    if not docs:
        return markdown(("value", "name"), ((m.value, f"``{m.name}``") for m in cls))
    rows = ((m.value, f"``{m.name}``", docs.get(m.name, "")) for m in cls)
    return markdown(("value", "name", "meaning"), rows)


def fields(layout: tuple[tuple[str, int], ...], cls: type) -> str:
    """An instruction's fields: word, bits in that word, and meaning."""
    docs = attribute_docs(cls, [field.name for field in dataclasses.fields(cls)])
    rows, position = [], 0
    for name, width in layout:
        word, low = divmod(position, 32)
        position += width
        last = (position - 1) // 32
        bits = f"{low + width - 1}:{low}" if width > 1 else str(low)
        if last > word:
            word, bits = f"{word}–{last}", "all"
        shown = "reserved, 0" if name.startswith("reserved") else docs.get(name, "")
        rows.append((word, bits, "" if name.startswith("reserved") else f"``{name}``", shown))
    return markdown(("word", "bits", "field", "meaning"), rows)


def header() -> str:
    """The sixteen words of the image's header."""
    names = [field.name for field in dataclasses.fields(Header)]
    docs = attribute_docs(Header, names)
    rows = [(0, "``magic``", "``MAGIC``, the letters PWSE"), (1, "``version``", "``VERSION``")]
    rows += [(index, f"``{name}``", docs[name]) for index, name in enumerate(names, 2)]
    rows.append((f"{len(rows)}–15", "", "0"))
    return markdown(("word", "field", "meaning"), rows)


def registers() -> str:
    """The register map."""
    docs = member_docs(Register)
    rows = [(r.value, f"``{r.name}``", docs.get(r.name, "RO")) for r in Register if r is not Register.CAUSES]
    for cause in Cause:
        meaning = f"cycles that went to ``{cause.name}``"
        rows.append((Register.CAUSES + 4 * cause, f"``CAUSES`` + {4 * cause}", meaning))
    rows = [(f"``{address:#04x}``", *rest) for address, *rest in rows]
    return markdown(("address", "register", "meaning"), rows)


def errors() -> str:
    """Error codes."""
    rows = ((error.value, f"``{error.name}``", ERROR_TEXT[error]) for error in Error)
    return markdown(("code", "name", "what it says"), rows)


def configuration() -> str:
    """Parameters of a core, with defaults."""
    parameters = dataclasses.fields(CoreConfig)
    docs = attribute_docs(CoreConfig, [field.name for field in parameters])
    rows = ((f"``{field.name}``", field.default, docs[field.name]) for field in parameters)
    return markdown(("parameter", "default", "meaning"), rows)


def presets() -> str:
    """The named configurations, with what derives from them."""
    names = ("rows", "cols", "post_lanes", "max_tokens", "act_kib", "act_banks", "res_kib", "axi_data_width")
    rows = [(f"``{key}``", *(getattr(config, name) for name in names)) for key, config in PRESETS.items()]
    return markdown(("preset", *(f"``{name}``" for name in names)), rows)


def latencies() -> str:
    """Latency in cycles of each unit of the datapath, for every preset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # components that are made to be asked, not to be built
        columns = [_units(config) for config in PRESETS.values()]
        gc.collect()
    rows = [
        (name, f"``hw/engine/{place}.py``", *(column[name][1] for column in columns))
        for name, (place, _) in columns[0].items()
    ]
    shapes = (f"{config.rows}×{config.cols}" for config in PRESETS.values())
    return markdown(("from … to", "file", *shapes), rows)


def _units(config: CoreConfig) -> dict[str, tuple[str, int]]:
    """Module of ``hw.engine`` and latency of each unit of a core."""
    from hw.engine.accumulator import Accumulator
    from hw.engine.array import SystolicArray
    from hw.engine.denominator import Denominator
    from hw.engine.epilogue import WRITE, Epilogue
    from hw.engine.interpolation import Interpolation
    from hw.engine.layernorm import LayerNormStatistics
    from hw.engine.prologue import Prologue
    from hw.engine.requantise import Requantise
    from hw.engine.row_max import RowMax
    from hw.engine.sram import READ_LATENCY
    from hw.engine.token_sums import TokenSums

    epilogue = Epilogue(config)
    return {
        "granted read → word": ("sram", READ_LATENCY),
        "word → array": ("prologue", Prologue.LATENCY),
        "token → sums": ("array", SystolicArray(config.rows, config.cols).latency),
        "sums → output FIFO": ("accumulator", Accumulator.LATENCY),
        "group of lanes → write": ("epilogue", WRITE),
        "… of which requantisation": ("requantise", Requantise.LATENCY),
        "last group → convolution complete": ("epilogue", epilogue.done_latency),
        "… with LayerNorm sums": ("epilogue", epilogue.settle),
        "exponentials → 1/S": ("denominator", Denominator(config).latency),
        "scores → row maximum": ("row_max", RowMax(config).latency),
        "values → Σx, Σx²": ("token_sums", TokenSums(config).latency),
        "Σx, Σx² → mean, multiplier, shift": ("layernorm", LayerNormStatistics.LATENCY),
        "integer → reciprocal, 1/√": ("interpolation", Interpolation.LATENCY),
    }


def results() -> str:
    """What was measured, a row a report."""
    paths = [path for path in sorted(RESULTS.glob("*.json")) if not path.match(boards.REPORTS)]
    reports = [json.loads(path.read_text()) for path in paths if not path.match("methods_*.json")]
    measured = {(report["network"], tuple(report["array"])) for report in reports}
    rows = [_measured(report) for report in reports]
    for network, (height, width) in WANTED:
        if (network, (height, width)) not in measured:
            rows.append((f"``{network}``", f"{height}×{width}", MISSING, *"–––––"))
    columns = ("network", "array", "memory", "tensors compared", "that differ", "cycles an image")
    return markdown((*columns, "MAC utilisation", "right, float / integer / core"), rows)


def _measured(report: dict[str, Any]) -> tuple[str, ...]:
    height, width = report["array"]
    memory = report["memory"]
    stalls = max((value for name, value in memory.items() if name.startswith("stall")), default=0)
    right = "no labels"
    if report["top1_float"] is not None:
        counts = [str(round(report[f"top1_{which}"] * report["images"])) for which in ("float", "int", "hw")]
        right = f"{' / '.join(counts)} of {report['images']}"
    return (
        f"``{report['network']}``",
        f"{height}×{width}",
        f"{report['config']['axi_data_width']} bit, {memory['latency']} cycles"
        + (f", {stalls / 10:g} % stalls" if stalls else ""),
        f"{report['tensors_compared']:,}",
        f"{report['mismatches']:,}",
        f"{report['cycles']:,}",
        f"{report['mac_utilisation']:.2%}",
        right,
    )


def sample() -> str:
    """What ``pointwise sim`` prints, of a recorded run."""
    from rich.console import Console

    from .reporting.summary import table

    console = Console(width=100, record=True, color_system=None, file=io.StringIO())
    console.print(table(json.loads((RESULTS / SAMPLE).read_text())))
    lines = (line.rstrip() for line in console.export_text().rstrip().splitlines())
    return "```text\n" + "\n".join(lines) + "\n```"


def methods() -> str:
    """What each method of quantisation buys, from a recorded run of ``pointwise ablation``."""
    from model.measure.ablation import Attempt

    from .reporting.methods import COLUMNS, read, rows

    contents = read(RESULTS / METHODS)
    shown = markdown(COLUMNS, rows([Attempt(**attempt) for attempt in contents["attempts"]]))
    images = f"{contents['calibration_images']} images to calibrate on, {contents['images']} to compare on"
    return f"{shown}\n\n`{contents['command']}`: {images}."


def recipe() -> str:
    """The keys of a recipe, with what they take and their defaults."""
    from model.quantise.recipe import CHOICES, METHOD_KEYS, WHOLE, LayerRecipe

    options = dataclasses.fields(LayerRecipe)
    docs = attribute_docs(LayerRecipe, [option.name for option in options])

    def taken(name: str) -> str:
        if name in METHOD_KEYS:
            return ", ".join(f"``{method}``" for method in METHOD_KEYS[name][0]) + ", or one of yours"
        if name in WHOLE:
            return "{} to {}".format(*WHOLE[name])
        return ", ".join(f"``{word}``" for word in CHOICES.get(name, ("true", "false")))

    defaults = ((o, str(o.default).lower() if isinstance(o.default, bool) else o.default) for o in options)
    lines = ((f"``{o.name}``", taken(o.name), f"``{default}``", docs[o.name]) for o, default in defaults)
    return markdown(("key", "takes", "default", "meaning"), lines)


TABLES: dict[str, Callable[[], str]] = {
    "opcodes": lambda: members(isa.Opcode),
    "prologues": lambda: members(isa.Prologue),
    "stationary": lambda: members(isa.Stationary),
    "spaces": lambda: members(isa.Space),
    "bases": lambda: members(isa.Base),
    "conv": lambda: fields(isa.CONV_LAYOUT, isa.Conv),
    "dma": lambda: fields(isa.DMA_LAYOUT, isa.Dma),
    "header": header,
    "registers": registers,
    "errors": errors,
    "causes": lambda: members(Cause),
    "configuration": configuration,
    "presets": presets,
    "latencies": latencies,
    "results": results,
    "bitstreams": lambda: markdown(*boards.bitstreams(RESULTS)),
    "components": lambda: markdown(*boards.components(json.loads((RESULTS / BITSTREAM).read_text()))),
    "sample": sample,
    "methods": methods,
    "recipe": recipe,
}
"""What makes each table, by its name in the documents."""
