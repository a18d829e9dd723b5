"""Networks by name without weights, all that an estimate wants of them: no numbers, no images."""

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler.shapes import Shape
from pointwise.model.estimate import weightless
from pointwise.model.graph import Graph
from pointwise.model.networks import NETWORKS


def named_weightless(name: str) -> Graph:
    """The network that ``named_workload`` or a checkpoint of that name would give, without numbers.

    Raises:
        PointwiseError: there is no network of that name.
    """
    if name in NETWORKS:
        return weightless(Shape.of(NETWORKS[name]), name)
    # Other networks are put together of torch's tensors, whose import takes longer than all the rest.
    from pointwise.model.estimate.weightless_graph import weightless_graph
    from pointwise.model.models.made_up import PICTURES, made_up
    from pointwise.model.models.vision import VISION, vision_transformer
    from pointwise.sim.trained import HANDWRITING, of_handwriting

    if name in HANDWRITING and (name not in PICTURES or _handwriting_is_there()):
        return weightless_graph(of_handwriting(name).graph)
    if name in PICTURES:
        return weightless_graph(made_up(name, None).graph)
    if name in VISION:
        return weightless_graph(vision_transformer(VISION[name], name).graph)
    names = sorted({*NETWORKS, *PICTURES, *HANDWRITING, *VISION})
    raise PointwiseError(f"There is no network {name!r}; choose one of {', '.join(names)}.")


def _handwriting_is_there() -> bool:
    """Whether a name that both have means the trained network."""
    from pointwise.model import handwriting

    try:
        return handwriting.path().is_file()
    except PointwiseError:
        return False
