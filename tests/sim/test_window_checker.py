"""The checker of windows: it fires for every burst that is not in one, by a beat already, and no other."""

import pytest

PARAMETERS = {"DATA_WIDTH": 64, "ADDR_WIDTH": 34}
WINDOWS = ((0x1000, 0x100), (0xFFFFF000, 0x1000), (0x3000, 0x80))
REST = {"windows": sum((size << 32 | base) << 64 * number for number, (base, size) in enumerate(WINDOWS))}


def burst(channel: str, address: int, beats: int) -> list[dict[str, int]]:
    return [{}, {f"{channel}addr": address, f"{channel}len": beats - 1, f"{channel}valid": 1}]


GOOD = {
    "all of the image": burst("ar", 0x1000, 32),
    "the last beat of the image": burst("ar", 0x10F8, 1),
    "the last beat of memory": burst("ar", 0xFFFFFFF8, 1),
    "the output is read": burst("ar", 0x3000, 16),
    "and written": burst("aw", 0x3078, 1),
    "in reset": [step | {"rst": 1} for step in burst("aw", 0, 1)],
    "not valid": [{"araddr": 0x8000, "awaddr": 0x8000}],
}
BAD = {
    "AR_WINDOW: before it": burst("ar", 0xFF8, 1),
    "AR_WINDOW: a beat too long": burst("ar", 0x10C0, 9),
    "AR_WINDOW: behind memory": burst("ar", 1 << 32, 1),
    "AW_WINDOW: the image": burst("aw", 0x1000, 1),
    "AW_WINDOW: the input": burst("aw", 0xFFFFF000, 1),
    "AW_WINDOW: a beat too long": burst("aw", 0x3000, 17),
    "AW_WINDOW: begins before": burst("aw", 0x2FF8, 2),
}


@pytest.fixture(scope="module")
def played(play):
    return play("window_checker", GOOD | BAD, REST, PARAMETERS, axi_check="report")


@pytest.mark.parametrize("case", GOOD)
def test_what_lies_in_a_window_is_left_alone(case, played):
    assert played[case].rules == ()


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_is_told(case, played):
    assert played[case].rules == (case.partition(":")[0],)
