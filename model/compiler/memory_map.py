"""The memory map of a compiled network for people: rows of text, and tables for the terminal."""

from typing import Any

from rich.table import Table

DRAM_COLUMNS = ("offset", "bytes", "what")
CHIP_COLUMNS = ("memory", "words", "tensor", "shape", "type", "instructions")
OVERVIEW_COLUMNS = ("region", "used", "available")


def overview_rows(manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """What the network takes of each memory (on chip: at once), under ``OVERVIEW_COLUMNS``."""
    rows = []
    for name, memory in manifest["memory"].items():
        used, there = (memory[key] * memory["word_bytes"] / 1024 for key in ("alive", "available"))
        rows.append((f"{name} SRAM", f"{used:.1f} KiB", f"{there:.1f} KiB"))
    for name in ("image", "input", "output"):
        rows.append((f"DRAM, {name}", f"{manifest[name]['bytes']:,} bytes", ""))
    return rows


def dram_rows(manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """The memory image from its start, under ``DRAM_COLUMNS``."""
    return [(f"{e['offset']:#010x}", f"{e['bytes']:,}", e["what"]) for e in manifest["dram"]]


def chip_rows(manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """Every tensor on chip by memory and first instruction, under ``CHIP_COLUMNS``."""
    tensors = sorted(manifest["tensors"], key=lambda e: (e["memory"], e["first_instruction"], e["base"]))
    return [
        (
            e["memory"],
            f"{e['base']}–{e['base'] + e['words'] - 1}",
            e["name"],
            "×".join(str(size) for size in e["shape"]),
            e["dtype"],
            f"{e['first_instruction']}–{e['last_instruction']}",
        )
        for e in tensors
    ]


def memory_map(manifest: dict[str, Any]) -> list[Table]:
    """The three maps as tables that ``rich`` prints."""
    sections = (
        ("Memory", OVERVIEW_COLUMNS, overview_rows(manifest)),
        ("On chip", CHIP_COLUMNS, chip_rows(manifest)),
        ("Memory image", DRAM_COLUMNS, dram_rows(manifest)),
    )
    tables = []
    for title, columns, rows in sections:
        table = Table(title=f"{title}: {manifest['network']}", title_justify="left")
        for column in columns:
            right = column in ("words", "bytes", "used", "available")
            table.add_column(column, justify="right" if right else "left")
        for row in rows:
            table.add_row(*row)
        tables.append(table)
    return tables
