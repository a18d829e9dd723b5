"""Tables for whoever puts the core into a system: ports, registers bit by bit, demands of the bus, sizes."""

import json

from pointwise.hw.bus.axi import CACHE_NORMAL, ID_BITS, PROT_DATA
from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.timing import outstanding_bursts
from pointwise.hw.package.aresetn import bus_ports
from pointwise.hw.package.register_map import WHOLE, register_map
from pointwise.sim.area.model import FITTED, area, multipliers

from .markdown import markdown
from .results import RESULTS

MEMORY_RUNS = (
    *("micro_16x16", "deit_tiny_8x8", "deit_tiny_8x16", "deit_tiny_16x16", "deit_tiny_32x32_256bit"),
    *("deit_small_16x16", "deit_base_16x16"),
)
"""Reports in docs/results that the table of traffic is made from."""
GROUPS = {
    "m_axi_aw": "addresses of writes",
    "m_axi_w": "data of writes",
    "m_axi_b": "answers to writes",
    "m_axi_ar": "addresses of reads",
    "m_axi_r": "data of reads",
    "s_axil_aw": "addresses of register writes",
    "s_axil_w": "data of register writes",
    "s_axil_b": "answers to register writes, always OKAY",
    "s_axil_ar": "addresses of register reads",
    "s_axil_r": "data of register reads, always OKAY",
}
CONSTANT = {
    "id": f"0, {ID_BITS} bit",
    "size": "log2 of the bus's bytes: whole beats",
    "burst": "1, INCR",
    "lock": "0",
    "cache": f"{CACHE_NORMAL}: normal memory, bufferable, not cached",
    "prot": f"{PROT_DATA}: data, secure, unprivileged",
    "qos": "0",
}
"""What does not change of an address channel."""
KINDS = {"lut_places": "LUT4 places", "flip_flops": "flip-flops", "block_rams": "block RAMs of 18 kbit"}


def ports() -> str:
    """Ports by channel, with the widths of the default core."""
    rows = [
        ("–", "`clk`", "in", "the one clock"),
        ("–", "`rst`", "in", "synchronous reset, active high"),
        ("–", "`irq`", "out", "interrupt, active high, a level"),
    ]
    found: dict[tuple[str, str], list[str]] = {}
    for name, direction, width in bus_ports(PRESETS["default"]):
        group = max((key for key in GROUPS if name.startswith(key)), key=len)
        words = f"`{name.removeprefix(group)}`" + (f" ({width})" if width > 1 else "")
        found.setdefault((group, direction), []).append(words)
    for (group, direction), names in found.items():
        rows.append((f"`{group}…`", ", ".join(names), direction.removesuffix("put"), GROUPS[group]))
    return markdown(("group", "ports (bits of the default core)", "direction", "what"), rows)


def constants() -> str:
    """Signals of the address channels that never change."""
    rows = ((f"`aw{name}`, `ar{name}`", value) for name, value in CONSTANT.items())
    return markdown(("signals of `m_axi`", "always"), rows)


def fields() -> str:
    """The registers bit by bit, with the reset values of the default core."""
    rows = []
    for entry in register_map(PRESETS["default"]):
        for field in entry.fields:
            bits = f"{field.low + field.width - 1}:{field.low}" if field.width > 1 else str(field.low)
            reset = (entry.reset & field.mask) >> field.low
            name = "" if field.name == WHOLE else f"`{field.name}`"
            about = field.about or entry.about
            rows.append((f"`{entry.name}`", bits, name, field.access.value, f"{reset:#x}", about))
    columns = ("register", "bits", "field", "access", "after reset", "meaning")
    return markdown(columns, rows)


def demands() -> str:
    """What a core may ask of its memory at once."""
    rows = []
    for name, config in PRESETS.items():
        burst, bursts = config.axi_burst, outstanding_bursts(config.axi_burst)
        rows.append((f"`{name}`", config.axi_data_width, burst, burst * config.bus_bytes, bursts, bursts))
    columns = ("core", "bits of a beat", "beats of a burst, at most", "bytes of it")
    return markdown((*columns, "bursts of reads outstanding, at most", "of writes"), rows)


def sizes() -> str:
    """What cores take."""
    error = json.loads(FITTED.read_text())["error"]
    rows = []
    for name, config in PRESETS.items():
        found = area(config)
        array = f"{config.rows}×{config.cols}"
        kib = config.act_kib + config.res_kib
        rows.append((f"`{name}`", array, multipliers(config), kib, *(f"{found[kind]:,}" for kind in KINDS)))
    said = [f"{heading} (± {error[kind]['largest']:.0%})" for kind, heading in KINDS.items()]
    return markdown(("core", "array", "multipliers", "SRAM, KiB", *said), rows)


def traffic() -> str:
    """What recorded runs read, and how fast."""
    rows = []
    for name in MEMORY_RUNS:
        report = json.loads((RESULTS / f"{name}.json").read_text())
        config = CoreConfig.from_dict(report["config"])
        rate = report["image_bytes"] / report["cycles"]
        rows.append(
            (
                f"`{report['network']}`",
                f"{config.rows}×{config.cols}, {config.axi_data_width} bit",
                f"{report['image_bytes'] / 2**20:.2f}",
                f"{report['cycles']:,}",
                f"{report['check_cycles']:,}",
                f"{rate:.2f} of {config.bus_bytes}",
                f"{100 * rate:.0f}",
            )
        )
    columns = ("network", "core, bus", "image, MiB", "cycles of a run", "cycles of the check")
    return markdown((*columns, "bytes of the image a cycle, of the bus's", "MB/s at 100 MHz"), rows)
