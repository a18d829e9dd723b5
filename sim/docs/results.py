"""Tables of what was measured, from the reports in docs/results."""

import io
import json
from pathlib import Path
from typing import Any

from pointwise.sim.fpga import tables as boards

from .markdown import markdown

RESULTS = Path(__file__).parents[2] / "docs" / "results"
"""Reports of ``pointwise sim`` that the table of results is made from, in the order of their names; and of
``pointwise bitstream``."""
BITSTREAM = "bitstream_ulx3s_85f.json"
WANTED = (("micro", (16, 16)), ("deit_tiny", (16, 16)), ("deit_small", (16, 16)), ("deit_base", (16, 16)))
"""Runs that have a row even while nobody has measured them."""
SAMPLE = "micro_16x16.json"
"""The report that README.md shows as what ``make sim`` prints."""
COVERAGE = "coverage.json"
"""What ``pointwise coverage`` recorded."""
EQUIVALENCE = Path("proofs", "equivalence.json")
"""What ``python -m pointwise.sim.formal.equivalence`` recorded."""
HARDWARE_COVERAGE = "hardware_coverage.json"
"""What ``python -m pointwise.sim.cover`` recorded."""
MUTATION = ("mutation_hw.json", "mutation_model.json")
"""What ``pointwise mutate`` recorded."""
SPEED = "speed.json"
"""What ``pointwise speed`` recorded."""
NO_RUNS = ("methods_*.json", "accuracy_*.json", "hostile.json", "*coverage.json", SPEED, *MUTATION)
"""Results that are no runs of a core."""
ACCURACY = ("accuracy_dinov2_small.json",)
"""What ``pointwise accuracy`` recorded."""
CLASSES = ("accuracy_efficientnet_lite0.json",)
"""The same of networks that make classes."""
METHODS = {"made-up weights": "methods_deit_small.json", "trained weights": "methods_dinov2_small.json"}
"""What ``pointwise ablation`` recorded, for the table of methods, by what it was recorded of."""
PICTURE_METHODS = ("methods_mobilenet_v1.json", "methods_resnet50.json")
"""The same of convolutional networks with made-up weights."""
MISSING = "not measured yet"


def results() -> str:
    """What was measured, a row a report."""
    paths = [path for path in sorted(RESULTS.glob("*.json")) if not path.match(boards.REPORTS)]
    reports = [json.loads(path.read_text()) for path in paths if not any(map(path.match, NO_RUNS))]
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

    from pointwise.sim.reporting.summary import table

    console = Console(width=100, record=True, color_system=None, file=io.StringIO())
    console.print(table(json.loads((RESULTS / SAMPLE).read_text())))
    lines = (line.rstrip() for line in console.export_text().rstrip().splitlines())
    return "```text\n" + "\n".join(lines) + "\n```"


def speed() -> str:
    """How many times as long as float32 integers take, from a recorded run of ``pointwise speed``."""
    from pointwise.sim.reporting.speed import read, table

    recorded = read(RESULTS / SPEED)
    columns, rows = table(recorded["rows"])
    return f"{markdown(columns, rows)}\n\n`{recorded['command']}`, {recorded['threads']} threads."


def methods() -> str:
    """What each method of quantisation buys, from recorded runs of ``pointwise ablation``."""
    return _methods([(name, what) for what, name in METHODS.items()])


def picture_methods() -> str:
    """The same of convolutional networks."""
    return _methods([(name, "made-up weights") for name in PICTURE_METHODS])


def _methods(files: list[tuple[str, str]]) -> str:
    """Recorded runs of ``pointwise ablation`` side by side: files, and what they were recorded of."""
    from pointwise.sim.reporting.methods import read

    recorded = [(what, read(RESULTS / name)) for name, what in files]
    columns, told = ["method"], []
    for what, contents in recorded:
        columns += [f"{contents['network']}, {what}", "mean of the images"]
        images = (
            f"{contents['calibration_images']} images to calibrate on, {contents['images']} to compare on"
        )
        told.append(f"`{contents['command']}`: {images}.")
    rows = [
        (
            attempts[0]["method"],
            *(f"{one[key]:.1f} dB" for one in attempts for key in ("sqnr_db", "image_sqnr_db")),
        )
        for attempts in zip(*(contents["attempts"] for _, contents in recorded), strict=True)
    ]
    return "\n\n".join([markdown(columns, rows), *told])


def accuracy() -> str:
    """What integers keep of a trained network, from recorded runs of ``pointwise accuracy``."""
    from pointwise.sim.reporting.accuracy import COLUMNS, read, rows

    shown = []
    for name in ACCURACY:
        contents = read(RESULTS / name)
        seeds = len({result["seed"] for result in contents["results"]})
        shown += [
            markdown(COLUMNS, rows(contents["results"])),
            f"`{contents['command']}`: {contents['calibration_images']} crops to calibrate on, "
            f"{contents['images']} others to measure on, {seeds} choices of crops: the mean (the worst).",
        ]
    return "\n\n".join(shown)


def classes() -> str:
    """What classes integers give beside a trained network, from recorded runs of ``pointwise accuracy``."""
    from pointwise.sim.reporting.classes import COLUMNS, read, row

    recorded = [read(RESULTS / name) for name in CLASSES]
    told = [
        f"`{one['command']}`: {one['calibration_images']} crops to calibrate on, {one['images']} of other "
        "photographs to measure on; the mean (the worst) of the choices of crops."
        for one in recorded
    ]
    rows = [row(f"`{one['network']}`", one["results"]) for one in recorded]
    return "\n\n".join([markdown(COLUMNS, rows), *told])


def bitstreams() -> str:
    """Builds for boards, a row each."""
    return markdown(*boards.bitstreams(RESULTS))


def components() -> str:
    """Resources of the ECP5 build by component."""
    return markdown(*boards.components(json.loads((RESULTS / BITSTREAM).read_text())))


def equivalence() -> str:
    """Units that synthesis was proved to leave what they were, by the part of the core that they are in."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads((RESULTS / EQUIVALENCE).read_text())["units"]:
        parts.setdefault([*row["unit"].split("."), "the core itself"][1], []).append(row)
    rows = [_proved(name, found) for name, found in parts.items()]
    rows.append(_proved("all", [row for found in parts.values() for row in found]))
    columns = ("part", "units", "proved", "pairs of signals", "proved", "first values that differ")
    return markdown((*columns, "not proved"), rows)


def _proved(name: str, units: list[dict[str, Any]]) -> tuple[str, ...]:
    left = [row for row in units if row["says"] or row["unproven"] or row["wrong_starts"]]
    pairs = sum(row["pairs"] for row in units)
    return (
        name,
        str(len(units)),
        str(len(units) - len(left)),
        f"{pairs:,}",
        f"{pairs - sum(row['unproven'] for row in units):,}",
        f"{sum(row['wrong_starts'] for row in units)} of {sum(row['starts'] for row in units):,}",
        "" if name == "all" else ", ".join(_left(row) for row in left),
    )


def _left(row: dict[str, Any]) -> str:
    unit = row["unit"].removeprefix("pointwise_core.").partition("$")[0]
    return f"``{unit}`` ({row['says'] or str(row['unproven']) + ' pairs'})"
