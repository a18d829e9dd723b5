"""The tables that documents may hold, by name."""

import functools
from collections.abc import Callable

from pointwise.hw.contract import isa
from pointwise.hw.contract.legal import CONV_RULES, DMA_RULES, HEADER_RULES
from pointwise.hw.contract.registers import Cause

from . import (
    contract,
    coverage,
    covered,
    integration,
    legal,
    manifest,
    mutants,
    netlists,
    recipe,
    reference,
    results,
    units,
    walk,
)

TABLES: dict[str, Callable[[], str]] = {
    "opcodes": lambda: contract.members(isa.Opcode),
    "prologues": lambda: contract.members(isa.Prologue),
    "stationary": lambda: contract.members(isa.StationarySource),
    "spaces": lambda: contract.members(isa.Space),
    "bases": lambda: contract.members(isa.Base),
    "conv": lambda: contract.fields(isa.CONV_LAYOUT, isa.Conv),
    "dma": lambda: contract.fields(isa.DMA_LAYOUT, isa.Dma),
    "header": contract.header,
    "legal_header": lambda: legal.rules(HEADER_RULES),
    "legal_conv": lambda: legal.rules(CONV_RULES),
    "legal_dma": lambda: legal.rules(DMA_RULES),
    "promises": legal.promises,
    "registers": contract.registers,
    "errors": contract.errors,
    "causes": lambda: contract.members(Cause),
    "configuration": contract.configuration,
    "presets": contract.presets,
    "ports": integration.ports,
    "bus_constants": integration.constants,
    "register_fields": integration.fields,
    "demands": integration.demands,
    "core_sizes": integration.sizes,
    "traffic": integration.traffic,
    "latencies": units.latencies,
    "results": results.results,
    "bitstreams": results.bitstreams,
    "components": results.components,
    "sample": results.sample,
    "speed": results.speed,
    "equivalence": results.equivalence,
    "methods": results.methods,
    "picture_methods": results.picture_methods,
    "accuracy": results.accuracy,
    "classes": results.classes,
    "hardware_coverage": covered.parts,
    "cover_points": covered.points,
    "cover_reasons": covered.reasons,
    "netlist_mutants": netlists.scores,
    "netlist_reasons": netlists.reasons,
    "mutants": mutants.scores,
    "mutants_left": mutants.left,
    "mutants_no_fault": mutants.reasons,
    "coverage": coverage.everything,
    "coverage_totals": coverage.counted,
    "coverage_refused": coverage.refused,
    "recipe": recipe.recipe,
    "api": reference.reference,
    "walk": walk.walk,
    **{f"manifest_{name}": functools.partial(manifest.table, name) for name in manifest.NAMES},
}
"""What makes each table, by its name in the documents."""
