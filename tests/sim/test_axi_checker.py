"""The AXI4 checker: each rule fires, alone, for a script that breaks it, and none for good traffic."""

import pytest

from pointwise.sim.bench import BenchFailure

PARAMETERS = {"DATA_WIDTH": 64, "ADDR_WIDTH": 32, "ID_WIDTH": 2, "OUTSTANDING": 4}
LIMIT = 0x8010
REST = {"arsize": 3, "awsize": 3, "arburst": 1, "awburst": 1, "wstrb": 255}

CLEAN: dict[str, int] = {}  # a cycle in which nothing happens
AR, AW = {"arvalid": 1, "arready": 1}, {"awvalid": 1, "awready": 1}
W, LAST = {"wvalid": 1, "wready": 1}, {"wvalid": 1, "wready": 1, "wlast": 1}
R, RL = {"rvalid": 1, "rready": 1}, {"rvalid": 1, "rready": 1, "rlast": 1}
B = {"bvalid": 1, "bready": 1}

CHANNELS = {  # what makes an item legal, the item, and other values for every part of its payload
    "AR": ([], {"arvalid": 1}, {"arid": 1, "araddr": 64, "arlen": 1, "arsize": 2, "arburst": 2}),
    "AW": ([], {"awvalid": 1}, {"awid": 1, "awaddr": 64, "awlen": 1, "awsize": 2, "awburst": 2}),
    "W": ([AW], {"wvalid": 1, "wlast": 1}, {"wdata": 1 << 63, "wstrb": 254}),
    "R": ([AR], {"rvalid": 1, "rlast": 1}, {"rid": 1, "rdata": 1, "rlast": 0, "rresp": 2}),
    "B": ([AW, LAST], {"bvalid": 1}, {"bid": 1, "bresp": 2}),
}

CASES: dict[str, list[dict[str, int]]] = {}  # "<rule>: <how>" to the script
for channel, (before, item, payload) in CHANNELS.items():
    ready = {f"{channel.lower()}ready": 1}
    CASES[f"{channel}_STABLE: VALID falls"] = [CLEAN, *before, item, CLEAN]
    CASES[f"{channel}_STABLE: VALID falls later"] = [CLEAN, *before, item, item, CLEAN]
    for name, other in payload.items():
        changed = item | ready | {name: other}
        CASES[f"{channel}_STABLE: {name} changes"] = [CLEAN, *before, item, item, changed]
    CASES[f"{channel}_RESET: in reset"] = [item | {"rst": 1}]
for channel in ("AR", "AW", "W"):
    item = CHANNELS[channel][1] | {f"{channel.lower()}ready": 1}
    CASES[f"{channel}_RESET: at the first edge after reset"] = [item]
CASES["W_STABLE: wlast changes"] = [CLEAN, AW | {"awlen": 1}, {"wvalid": 1, "wlast": 1}, W, LAST]
for a, taken in (("ar", AR), ("aw", AW)):
    up = a.upper()
    shown = {f"{a}valid": 1, f"{a}burst": 2}
    CASES |= {
        f"{up}_BURST: FIXED": [CLEAN, taken | {f"{a}burst": 0}],
        f"{up}_BURST: WRAP, told once while it waits": [CLEAN, shown, shown, shown | taken],
        f"{up}_SIZE: half a beat": [CLEAN, taken | {f"{a}size": 2}],
        f"{up}_SIZE: two beats": [CLEAN, taken | {f"{a}size": 4}],
        f"{up}_ALIGN: half a beat": [CLEAN, taken | {f"{a}addr": 4}],
        f"{up}_4K: two beats at the end": [CLEAN, taken | {f"{a}addr": 0x2FF8, f"{a}len": 1}],
        f"{up}_LIMIT: the first byte": [CLEAN, taken | {f"{a}addr": LIMIT}],
        f"{up}_LIMIT: the last beat": [CLEAN, taken | {f"{a}addr": LIMIT - 8, f"{a}len": 1}],
        f"{up}_LIMIT: the end of the address space": [CLEAN, taken | {f"{a}addr": 0xFFFFFFF8}],
        f"{up}_COUNT: a fifth": [CLEAN, *[taken] * 5],
    }
CASES |= {
    "W_LAST: early": [CLEAN, AW | {"awlen": 2}, W, LAST],
    "W_LAST: missing": [CLEAN, AW | {"awlen": 1}, W, W],
    "W_LAST: early, in the cycle of the address": [CLEAN, AW | LAST | {"awlen": 1}],
    "W_LAST: sent ahead, too few beats": [CLEAN, W, LAST, AW | {"awlen": 2}],
    "W_LAST: sent ahead, too many beats": [CLEAN, W, W, LAST, AW | {"awlen": 1}],
    "W_LAST: half sent ahead, too many beats": [CLEAN, W, W, AW | {"awlen": 1}],
    "W_LAST: half sent ahead, missing": [CLEAN, W, AW | {"awlen": 1}, W],
    "R_LAST: early": [CLEAN, AR | {"arlen": 1}, RL],
    "R_LAST: missing": [CLEAN, AR | {"arlen": 1}, R, R],
    "R_ORPHAN: nothing was asked": [CLEAN, RL],
    "R_ORPHAN: in the cycle of its address": [CLEAN, AR | RL],
    "R_ORPHAN: one beat more": [CLEAN, AR, RL, RL],
    "R_ID: another": [CLEAN, AR | {"arid": 2}, RL | {"rid": 1}],
    "R_ID: out of order": [CLEAN, AR | {"arid": 2}, AR | {"arid": 1}, RL | {"rid": 2}, RL | {"rid": 3}],
    "R_RESP: EXOKAY": [CLEAN, AR, RL | {"rresp": 1}],
    "R_UNINIT: read before written": [CLEAN, AR, RL | {"r_uninit": 1}],
    "B_ORPHAN: nothing was asked": [CLEAN, B],
    "B_ORPHAN: no data": [CLEAN, AW, B],
    "B_ORPHAN: no last beat": [CLEAN, AW | {"awlen": 1}, W, B],
    "B_ORPHAN: no address": [CLEAN, LAST, B],
    "B_ORPHAN: in the cycle of the last beat": [CLEAN, AW, LAST | B],
    "B_ORPHAN: a second response": [CLEAN, AW, LAST, B, B],
    "B_ID: another": [CLEAN, AW | {"awid": 1}, LAST, B],
    "B_RESP: EXOKAY": [CLEAN, AW, LAST, B | {"bresp": 1}],
}

AW_1, AW_2, B_1, B_2 = AW | {"awid": 1}, AW | {"awid": 2, "awlen": 1}, B | {"bid": 1}, B | {"bid": 2}
R_WAITS = {"rvalid": 1, "rlast": 1, "rdata": 9}
GOOD = {
    "a read and a write": [CLEAN, AR | AW, RL | LAST, B],
    "waiting": [CLEAN, *[{"arvalid": 1}] * 3, AR, R_WAITS, R_WAITS, R_WAITS | R],
    "data ahead of its address": [CLEAN, W, LAST, AW | {"awlen": 1}, B],
    "data half ahead of its address": [CLEAN, W, AW | {"awlen": 2}, W, LAST, B],
    "data and address together": [CLEAN, AW | LAST, B],
    "two write bursts ahead": [CLEAN, LAST, W, LAST, AW_1, AW_2 | B_1, B_2],
    "back to back": [CLEAN, AR | {"arlen": 1}, AR | R | {"arid": 3}, RL, RL | {"rid": 3}],
    "four open, and a fifth when one is done": [CLEAN, *[AR] * 4, RL, AR, *[RL] * 4],
    "up to the border of 4096": [CLEAN, AR | {"araddr": 0x7800, "arlen": 255}, *[R] * 255, RL],
    "up to the limit": [CLEAN, AR | {"araddr": LIMIT - 16, "arlen": 1}, R, RL],
    "errors are no violations": [CLEAN, AR | AW, RL | {"rresp": 2} | LAST, B | {"bresp": 3}],
    "reset forgets": [CLEAN, AR, AW | {"awlen": 1}, W, {"rst": 1}, CLEAN, AR | AW, RL | LAST, B],
}
OPEN = {
    "AR": [CLEAN, AR],
    "AW and W": [CLEAN, AW, LAST],
    "W": [CLEAN, LAST],
    "half of W": [CLEAN, W],
    "AW": [CLEAN, AW],
}


@pytest.fixture(scope="module")
def played(play):
    scripts = CASES | GOOD | OPEN
    return play("axi_checker", scripts, REST, PARAMETERS, limit=f"{LIMIT:x}", axi_check="report")


@pytest.mark.parametrize("case", CASES)
def test_rule_fires_alone(case, played):
    assert played[case].rules == (case.partition(":")[0],)


@pytest.mark.parametrize("name", GOOD)
def test_good_traffic_is_left_alone(name, played):
    assert played[name].rules == ()
    assert played[name].idle


@pytest.mark.parametrize("name", OPEN)
def test_is_not_idle_while_something_is_open(name, played):
    assert played[name].rules == ()
    assert not played[name].idle


def test_uninitialised_reads_may_be_allowed(play):
    script = {"x": [CLEAN, AR, RL | {"r_uninit": 1}]}
    assert play("axi_checker", script, REST, PARAMETERS, allow_uninit=True)["x"].rules == ()


def test_stops_the_simulation_and_fails_the_bench(play):
    script = {"x": [CLEAN, AR | {"araddr": 4}, *[CLEAN] * 9]}
    line = "AXI CHECK: AR_ALIGN at cycle 3: axi: burst of 1 beats at 4 is not at a multiple of 8 bytes"
    with pytest.raises(BenchFailure, match=f"{line}(.|\n)*the simulation ended prematurely"):
        play("axi_checker", script, REST, PARAMETERS)
