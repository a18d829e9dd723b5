"""A core whose simulator counts: what a run meets is counted, and what it does not meet is not."""

import pytest

from pointwise.hw.contract.registers import Error
from pointwise.sim.build import COVERAGE
from pointwise.sim.cover import cover_points, read_counts
from pointwise.sim.cover.report import report
from pointwise.sim.cover.workload import parts, refusals
from pointwise.sim.hostile.programs import CONFIG


@pytest.mark.slow
def test_a_refusal_is_counted_where_it_was_seen(tmp_path, monkeypatch):
    monkeypatch.setenv(COVERAGE, str(tmp_path))
    dict(refusals())[Error.SHAPE.name]()
    found = report(read_counts(tmp_path.glob("*.dat")), cover_points(CONFIG))
    errors, fields = (
        next(row for row in found["points"] if row["name"] == name) for name in ("errors", "fields")
    )
    left = set(errors["not_met"])
    assert f"{Error.SHAPE.name} in CHECK" not in left
    assert {f"{Error.MAGIC.name} in CHECK", f"{Error.OPERAND.name} in RUN"} <= left
    # A network without a fault runs behind it, whose instructions are judged.
    assert "CONV.divide greatest" not in fields["not_met"]
    assert "CONV.k greatest" in fields["not_met"]
    assert (
        sum(row["met"] for row in found["lines"].values())
        / sum(row["all"] for row in found["lines"].values())
        > 0.5
    )


@pytest.mark.slow
def test_crowded_programs_meet_what_networks_rarely_do(tmp_path, monkeypatch):
    monkeypatch.setenv(COVERAGE, str(tmp_path))
    dict(parts(1))["crowded programs 0"]()
    found = report(read_counts(tmp_path.glob("*.dat")), cover_points(CONFIG))
    causes, banks = (
        set(next(row for row in found["points"] if row["name"] == name)["not_met"])
        for name in ("causes", "banks")
    )
    assert not {"SHORT after DEPEND", "BANK after OUTPUT", "OUTPUT after IDLE"} & causes
    assert not {name for name in banks if "STORE" not in name}
