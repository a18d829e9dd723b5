"""Colours and hatches of what cycles went to: eyes of any kind tell them apart, and so does a grey print."""

COLOURS = {
    "useful": "#0072B2",
    "edge": "#56B4E9",
    "depend": "#D55E00",
    "tile": "#E69F00",
    "short": "#F0E442",
    "output": "#CC79A7",
    "bank": "#009E73",
    "idle": "#999999",
}
"""Okabe and Ito's palette."""
HATCHES = {
    "edge": ("////", "45deg"),
    "depend": ("xx", "45deg, -45deg"),
    "output": ("\\\\\\\\", "-45deg"),
    "bank": ("----", "0deg"),
    "idle": ("||||", "90deg"),
}
"""Of colours that are about as dark as another one: matplotlib's name, and the angles of lines in CSS. Those
without a hatch differ in how dark they are."""
INK = "#00000080"
"""Of the hatches."""


def hatch(part: str) -> str:
    """The hatch of a part for matplotlib."""
    return HATCHES.get(part, ("", ""))[0]


def fill(part: str) -> str:
    """Colour and hatch of a part as a background of CSS."""
    angles = HATCHES.get(part, ("", ""))[1]
    lines = [
        f"repeating-linear-gradient({angle},{INK} 0 1px,transparent 1px 5px)"
        for angle in angles.split(", ")
        if angle
    ]
    return ",".join([*lines, COLOURS[part]])
