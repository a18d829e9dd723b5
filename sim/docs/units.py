"""The table of latencies, from the components themselves."""

import gc
import warnings

from hw.contract.config import PRESETS, CoreConfig

from .markdown import markdown


def latencies() -> str:
    """Latency in cycles of each unit of the datapath, for every preset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # components that are made to be asked, not to be built
        columns = [units(config) for config in PRESETS.values()]
        gc.collect()
    rows = [
        (name, f"``hw/engine/{place}.py``", *(column[name][1] for column in columns))
        for name, (place, _) in columns[0].items()
    ]
    shapes = (f"{config.rows}×{config.cols}" for config in PRESETS.values())
    return markdown(("from … to", "file", *shapes), rows)


def units(config: CoreConfig) -> dict[str, tuple[str, int]]:
    """Module of ``hw.engine`` and latency in cycles of each unit of a core."""
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
