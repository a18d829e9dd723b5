"""Whether operations in this order find what they need: values that are changed in place, and statistics."""

from collections.abc import Sequence

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Input

from .op import Accumulate, AddScaled, EngineOp, Keys, Normalise, Plain, RowMax, TokenSums, Values


def check_order(graph: Graph, ops: Sequence[EngineOp]) -> None:
    """Check what the order of the operations decides.

    Raises:
        PointwiseError: a value is read after it was added to, or statistics of LayerNorm are those of another
            value by the time they are read.
    """
    changed: dict[str, str] = {}
    statistics: str | None = None
    for op in ops:
        stationary = (op.stationary.value,) if isinstance(op.stationary, Keys | Values) else ()
        added, scaled = op.stage(Accumulate), op.stage(AddScaled)
        reads = (*op.streamed, *stationary, *(stage.value for stage in (added, scaled) if stage))
        for name in reads:
            if name in changed:
                raise PointwiseError(
                    f"{op.name} reads {name}, which {changed[name]} has added to by then; read the sum, or "
                    "let it come earlier"
                )
        if isinstance(op.prologue, Normalise) and statistics != op.streamed[0]:
            raise PointwiseError(
                f"{op.name} normalises {op.streamed[0]}, but the statistics at hand are "
                f"{f'of {statistics}' if statistics else 'of nothing'}: the core keeps those of one value "
                "at a time; let what reads it follow what makes it"
            )
        kept = op.stage(TokenSums) is not None or op.stage(RowMax) is not None
        if op.first and kept and not isinstance(op.prologue, Plain):
            raise PointwiseError(
                f"{op.name} reads what is kept of tokens from token {op.first} on, and keeps such of its own "
                "from token 0; one instruction has one first token"
            )
        if added is not None:
            if added.value == graph.output or isinstance(graph[added.value], Input):
                raise PointwiseError(f"{op.name} adds to {added.value}, which must stay as it is")
            changed[added.value] = op.name
        if op.stage(TokenSums) is not None:
            statistics = op.output
