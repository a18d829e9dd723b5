"""Reports of coverage: by part of the core; what is excused is told apart from what was met all the same."""

from pointwise.sim.cover import report as module
from pointwise.sim.cover.counts import Counts
from pointwise.sim.cover.points import PointSet
from pointwise.sim.cover.report import part, report, unmet_bits

SETS = [PointSet("errors", "x", (("A", "a"), ("B", "b"), ("C", "c")))]


def counted(*times: int) -> Counts:
    counts = Counts()
    for index, often in enumerate(times):
        counts.toggles["cover_points", f"errors_0[{index}]:0->1"] = often
    return counts


def test_points_are_met_excused_or_left(monkeypatch):
    monkeypatch.setattr(module, "POINTS", {"errors": (("A", "never"), ("B", "wrongly"))})
    (row,) = report(counted(0, 4, 0), SETS)["points"]
    assert (row["all"], row["met"], row["excused"], row["not_met"], row["wrong"]) == (
        3,
        1,
        {"never": ["A"]},
        ["C"],
        1,
    )


def test_bits_and_lines_are_counted_by_part(monkeypatch):
    counts = Counts()
    for unit, bit, times in (
        ("pointwise_core__engine__array__cell", "x[0]:0->1", 1),
        ("pointwise_core__engine__array", "x[1]:0->1", 0),
        ("pointwise_core__reader", "address[31]:0->1", 0),
        ("core_tb", "clk:0->1", 9),
    ):
        counts.toggles[unit, bit] += times
    monkeypatch.setattr(module, "TOGGLES", ((r".*\.address\[31\]", "no memory is as large"),))
    rows = report(counts, [])["toggles"]
    assert rows["engine.array"] == {"all": 2, "met": 1, "excused": 0}
    assert rows["reader"] == {"all": 1, "met": 0, "excused": 1}
    assert set(unmet_bits(counts)) == {"pointwise_core__engine__array.x[1]"}


def test_parts_are_units_of_the_engine_and_the_rest_of_the_core():
    assert part("pointwise_core") == "the core itself"
    assert part("pointwise_core__dma__load__beats") == "dma"
    assert part("pointwise_core__engine__epilogue__walker") == "engine.epilogue"
    assert part("pointwise_ram__A5_D20") == "memories"
