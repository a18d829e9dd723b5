"""The AXI4-Lite checker: each rule fires, alone, for a script that breaks it, and none for good traffic."""

import pytest

PARAMETERS = {"ADDR_WIDTH": 8}
REST = {"wstrb": 15}

CLEAN: dict[str, int] = {}  # a cycle in which nothing happens
AR, AW, W = {"arvalid": 1, "arready": 1}, {"awvalid": 1, "awready": 1}, {"wvalid": 1, "wready": 1}
R, B = {"rvalid": 1, "rready": 1}, {"bvalid": 1, "bready": 1}

CHANNELS = {  # what makes an item legal, the item, and other values for every part of its payload
    "AR": ([], {"arvalid": 1}, {"araddr": 4}),
    "AW": ([], {"awvalid": 1}, {"awaddr": 4}),
    "W": ([], {"wvalid": 1}, {"wdata": 1, "wstrb": 1}),
    "R": ([AR], {"rvalid": 1}, {"rdata": 1, "rresp": 2}),
    "B": ([AW, W], {"bvalid": 1}, {"bresp": 2}),
}

CASES: dict[str, list[dict[str, int]]] = {}  # "<rule>: <how>" to the script
for channel, (before, item, payload) in CHANNELS.items():
    ready = {f"{channel.lower()}ready": 1}
    CASES[f"AXIL_{channel}_STABLE: VALID falls"] = [CLEAN, *before, item, CLEAN]
    for name, other in payload.items():
        CASES[f"AXIL_{channel}_STABLE: {name} changes"] = [CLEAN, *before, item, item | {name: other} | ready]
    CASES[f"AXIL_{channel}_RESET: in reset"] = [item | {"rst": 1}]
CASES |= {
    "AXIL_AR_ALIGN: a half word": [CLEAN, AR | {"araddr": 2}],
    "AXIL_AW_ALIGN: a byte": [CLEAN, AW | {"awaddr": 5}],
    "AXIL_R_ORPHAN: nothing was asked": [CLEAN, R],
    "AXIL_R_ORPHAN: in the cycle of its address": [CLEAN, AR | R],
    "AXIL_R_ORPHAN: a second": [CLEAN, AR, R, R],
    "AXIL_B_ORPHAN: no data": [CLEAN, AW, B],
    "AXIL_B_ORPHAN: no address": [CLEAN, W, B],
    "AXIL_B_ORPHAN: in the cycle of its data": [CLEAN, AW, W | B],
    "AXIL_B_ORPHAN: a second": [CLEAN, AW | W, B, B],
    "AXIL_R_RESP: EXOKAY": [CLEAN, AR, R | {"rresp": 1}],
    "AXIL_B_RESP: EXOKAY": [CLEAN, AW | W, B | {"bresp": 1}],
}

GOOD = {
    "a read": [CLEAN, {"arvalid": 1}, AR, CLEAN, {"rvalid": 1}, R],
    "address first": [CLEAN, AW, CLEAN, W, B],
    "data first": [CLEAN, W, CLEAN, AW, B],
    "together": [CLEAN, AW | W | AR, B | R],
    "several open": [CLEAN, AW | AR, W | AW | AR, W | R, R | B, B],
    "reset forgets": [CLEAN, AW | AR, {"rst": 1}, CLEAN, AW | W, B],
}
OPEN = {"AR": [CLEAN, AR], "AW and W": [CLEAN, AW, W], "W": [CLEAN, W], "AW": [CLEAN, AW]}


@pytest.fixture(scope="module")
def played(play):
    return play("axil_checker", CASES | GOOD | OPEN, REST, PARAMETERS, axi_check="report")


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
