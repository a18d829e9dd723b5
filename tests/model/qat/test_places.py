"""Where quantisers go, and which layers are the first and the last."""

from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph.passes import fold_norms
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.models.mobilenet import mobilenet_v1
from pointwise.model.models.resnet import resnet
from pointwise.model.qat.places import calibrated_alike, edges, places, weighted
from pointwise.model.quantise.convert import layer_names
from pointwise.model.train_pictures import trained_state

SIZE = (28, 28)


def test_of_a_deit_norms_contexts_and_functions(checkpoint) -> None:
    graph = fold_norms(DeiTNetwork.of(checkpoint, "deit").graph)
    found = {place.name: place.least for place in places(graph)}
    blocks = [
        f"blocks.{index}.{part}"
        for index in range(2)
        for part in ("norm1", "attn.context", "norm2", "mlp.act")
    ]
    assert list(found) == [*blocks, "norm"]
    assert {found[name] for name in blocks if name.endswith("act")} == {-0.16997}
    assert {least for name, least in found.items() if not name.endswith("act")} == {None}
    assert {"patch_embed", "head", "head_dist"} == edges(graph) & {op.name for op in weighted(graph)}


def test_of_convolutions_their_clamps_but_not_those_of_sums() -> None:
    graph = fold_clamps(resnet(trained_state("resnet20"), SIZE, "resnet20").graph)
    found = [place.name for place in places(graph)]
    assert found[:2] == ["conv1", "layer1.0.conv1"] and "layer1.0.add" not in found
    assert len(found) == 10
    assert {"conv1", "fc"} == edges(graph) & {op.name for op in weighted(graph)}
    mobile = fold_clamps(mobilenet_v1(trained_state("mobilenet_v1_quarter"), SIZE, "m").graph)
    # The mean reads the last one, which no weight does.
    assert len(list(places(mobile))) == len(list(weighted(mobile))) - 2


def test_what_nobody_trains_has_one_step_for_all_channels(checkpoint) -> None:
    graph = fold_norms(DeiTNetwork.of(checkpoint, "deit").graph)
    recipe = calibrated_alike(graph, set())
    recipe.check_names(layer_names(graph))
    assert recipe["blocks.1.norm2"].factors == "none" and recipe["norm"].factors == "none"
    assert (recipe["blocks.0.attn.o"].granularity, recipe["blocks.0.attn.o"].equalise) == ("tensor", False)
    assert recipe["blocks.0.attn.q"].granularity == "channel", "no weight reads queries"
    assert calibrated_alike(graph, {place.name for place in places(graph)}).layers == ()
    pictured = fold_clamps(resnet(trained_state("resnet20"), SIZE, "resnet20").graph)
    recipe = calibrated_alike(pictured, {"conv1"})
    recipe.check_names(layer_names(pictured))
    assert recipe["layer1.0.add"].granularity == "tensor" and recipe["conv1"].granularity == "channel"
