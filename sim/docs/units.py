"""The table of latencies, from the components themselves."""

import gc
import warnings

from pointwise.hw.contract.config import PRESETS, CoreConfig

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
    """Module of ``pointwise.hw.engine`` and latency in cycles of each unit of a core."""
    from pointwise.hw.contract.timing import READ_LATENCY
    from pointwise.hw.engine.accumulator import Accumulator
    from pointwise.hw.engine.array import SystolicArray
    from pointwise.hw.engine.denominator import Denominator
    from pointwise.hw.engine.epilogue import WRITE, Epilogue
    from pointwise.hw.engine.interpolation import PiecewiseLinearReciprocal
    from pointwise.hw.engine.layernorm import LayerNormStatistics
    from pointwise.hw.engine.prologue import Prologue
    from pointwise.hw.engine.requantise import Requantise
    from pointwise.hw.engine.row_max import RowMax
    from pointwise.hw.engine.token_sums import TokenSums

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
        "integer → reciprocal, 1/√": ("interpolation", PiecewiseLinearReciprocal.LATENCY),
    }
