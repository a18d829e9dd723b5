"""Cycles by layer and by kind: sums, names, exact parts."""

import pytest

from pointwise.hw.contract.registers import Cause
from pointwise.sim.reporting.layers import PARTS, by_kind, by_layer, kind_of, parts, timeline_dict
from pointwise.sim.system.timeline import Span, Timeline

MANIFEST = {
    "instructions": [
        {"opcode": "LOAD", "name": "load image"},
        {"opcode": "CONV", "name": "blocks.0.attn.q.0", "macs": 40},
        {"opcode": "CONV", "name": "blocks.0.attn.q.0", "macs": 31},
        {"opcode": "CONV", "name": "blocks.0.attn.q.1", "macs": 71},
        {"opcode": "CONV", "name": "head", "macs": 7},
        {"opcode": "END", "name": "end"},
    ]
}
ARRAY = [3, 6]


def span(stream: int, tile: int, idle: int) -> Span:
    causes = dict.fromkeys(Cause, 0) | {Cause.STREAM: stream, Cause.TILE: tile, Cause.IDLE: idle}
    return Span(0, 1, 2, causes)


TIMELINE = Timeline(4, (span(5, 2, 0), span(4, 1, 1), span(9, 0, 0), span(1, 8, 2)), 3, 40)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("blocks.3.attn.q.0", "attn.q"),
        ("blocks.11.mlp.fc1", "mlp.fc1"),
        ("patch_embed", "patch_embed"),
        ("head", "head"),
        ("blocks.3", "blocks"),
        ("7", "7"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_layers_are_sums_of_their_convolutions() -> None:
    layers = by_layer(timeline_dict(MANIFEST, TIMELINE), ARRAY)
    assert [entry["name"] for entry in layers] == ["blocks.0.attn.q.0", "blocks.0.attn.q.1", "head"]
    assert [entry["macs"] for entry in layers] == [71, 71, 7]
    assert [entry["cycles"] for entry in layers] == [13, 9, 11]
    assert layers[0]["causes"] == dict.fromkeys(layers[0]["causes"], 0) | {"stream": 9, "tile": 3, "idle": 1}
    assert sum(entry["cycles"] for entry in layers) + TIMELINE.start + TIMELINE.end == TIMELINE.cycles
    for entry in layers:
        assert entry["macs"] + entry["edge_macs"] == 18 * entry["causes"]["stream"]
        assert entry["share"] == entry["cycles"] / 40
        assert entry["utilisation"] == entry["macs"] / (18 * entry["cycles"])
        assert list(parts(entry)) == list(PARTS)
        assert sum(parts(entry).values()) == pytest.approx(entry["cycles"])


def test_kinds_are_sums_of_layers() -> None:
    layers = by_layer(timeline_dict(MANIFEST, TIMELINE), ARRAY)
    kinds = by_kind(layers, TIMELINE.cycles, ARRAY)
    assert [(entry["kind"], entry["macs"], entry["cycles"]) for entry in kinds] == [
        ("attn.q", 142, 22),
        ("head", 7, 11),
    ]


def test_a_timeline_of_another_program_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        timeline_dict(MANIFEST, Timeline(4, TIMELINE.spans[:3], 3, 29))
