"""The timeline of a run: exact sums, of its first input alone."""

import pytest

from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.sim.system.run import run_core
from pointwise.sim.system.timeline import parse
from tests.sim.system.cores import SHAPES, simulator

TEXT = """\
span 7 9 3 2 0 0 0 0 5
done 15
span 14 20 6 0 1 0 0 1 4
span 22 22 1 0 0 1 0 0 0
done 25
done 29
span -1 -1 0 0 0 0 0 0 6
end 30
"""


def test_idle_cycles_are_charged_to_the_convolution_that_was_missing() -> None:
    timeline = parse(TEXT)
    assert (timeline.start, timeline.end, timeline.cycles) == (5, 6, 30)
    assert [(span.first, span.last, span.done) for span in timeline.spans] == [
        (7, 9, 15),
        (14, 20, 25),
        (22, 22, 29),
    ]
    assert [span.cycles for span in timeline.spans] == [5, 12, 2]
    assert [span.causes[Cause.IDLE] for span in timeline.spans] == [0, 4, 0]
    assert [span.causes[Cause.STREAM] for span in timeline.spans] == [3, 6, 1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("end 30\n", ""),
        TEXT.replace("done 25\n", ""),
        TEXT.replace("end 30", "end 31"),
        TEXT.replace("span 7 9 3", "span 7 9"),
        TEXT.replace("done", "begun"),
    ],
)
def test_a_damaged_timeline_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a timeline"):
        parse(text)


def test_every_cycle_of_the_first_input_is_accounted_for() -> None:
    network = random_network(3)
    compiled = compile_network(network, SHAPES["4x4"])
    block = compiled.pack_input(random_image(network, 3))
    result = run_core(simulator("4x4"), compiled, [block, block], plusargs={"stall_ar": 300}, timeline=True)
    image, timeline = result.images[0], result.timeline
    assert timeline.cycles == image.cycles
    for cause in Cause:
        found = sum(span.causes[cause] for span in timeline.spans)
        found += timeline.start + timeline.end if cause is Cause.IDLE else 0
        assert found == image.causes[cause], cause.name
    fields = [line["fields"] for line in compiled.manifest["instructions"] if line["opcode"] == "CONV"]
    assert len(timeline.spans) == len(fields)
    config = SHAPES["4x4"]
    before = -1
    for span, conv in zip(timeline.spans, fields, strict=True):
        tiles = -(-conv["k"] // config.rows) * -(-conv["n"] // config.cols)
        assert span.causes[Cause.STREAM] == conv["tokens"] * tiles
        assert before < span.first <= span.last < span.done <= image.cycles
        before = span.last


def test_no_timeline_unless_asked_for() -> None:
    network = random_network(3)
    compiled = compile_network(network, SHAPES["4x4"])
    assert (
        run_core(simulator("4x4"), compiled, [compiled.pack_input(random_image(network, 3))]).timeline is None
    )
