"""The pages in a browser: on a wide and on a narrow screen, on light and on dark ground."""

import html
import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from pointwise.sim.cli import main
from pointwise.sim.reporting.colours import COLOURS, HATCHES

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LIGHT, DARK = 1, 0
"""Chromium's numbers of the schemes."""
AROUND = """<body><iframe src="page.html" width="{width}" height="800" style="border:0"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const page = frame.contentDocument, style = element => frame.contentWindow.getComputedStyle(element);
  const boxes = [...page.querySelectorAll(".wide")];
  const box = boxes.find(one => one.scrollWidth > one.clientWidth) ?? boxes[0];
  box.scrollLeft = 60;
  const cell = box.querySelector("td"), picture = page.querySelector(".picture");
  const seen = {{
    width: page.documentElement.scrollWidth,
    scrolled: boxes.filter(one => one.scrollWidth > one.clientWidth).length,
    first: Math.round(cell.getBoundingClientRect().left - box.getBoundingClientRect().left),
    tables: [...page.querySelectorAll("table")].filter(one => !one.closest(".wide")).length,
    ground: style(page.body).backgroundColor,
    text: style(page.body).color,
    note: style(page.querySelector(".note")).color,
  }};
  if (picture) {{
    const image = picture.querySelector("img");
    seen.small = image.getBoundingClientRect().width;
    picture.querySelector("input").click();
    seen.large = image.getBoundingClientRect().width;
    seen.natural = image.naturalWidth;
    seen.after = page.documentElement.scrollWidth;
  }}
  document.body.textContent = JSON.stringify(seen);
}};
</script></body>"""


@pytest.fixture(scope="module")
def pages(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a run, and that of a quantised network."""
    folder = tmp_path_factory.mktemp("pages")
    integers = folder / "n.safetensors"
    assert main(["quantise", "--out", str(integers)]) == 0
    call = ["report", str(integers), "--count", "2", "--alone", "1", "--out", str(folder / "report")]
    assert main(call) == 0
    return {"run": run / "report.html", "quantisation": folder / "report" / "quantisation.html"}


def looked_at(page: Path, folder: Path, width: int, scheme: int) -> dict:
    """What a browser says of a page."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on PATH")
    shutil.copy(page, folder / "page.html")
    (folder / "around.html").write_text(AROUND.format(width=width))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--blink-settings=preferredColorScheme={scheme}"]
    command += ["--window-size=1400,900", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run(
        [*command, (folder / "around.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(html.unescape(re.search(r"<body>(\{.*\})</body>", done.stdout)[1]))


def luminance(colour: str) -> float:
    """Of sRGB, by the formula of the Web Content Accessibility Guidelines."""
    values = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["run", "quantisation"])
@pytest.mark.parametrize("scheme", [LIGHT, DARK])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_fits_the_screen_and_can_be_read(
    pages: dict[str, Path], tmp_path: Path, width: int, scheme: int, kind: str
) -> None:
    seen = looked_at(pages[kind], tmp_path, width, scheme)
    assert seen["width"] <= width, "nothing is wider than the screen"
    assert seen["tables"] == 0, "every table has a box that scrolls"
    assert seen["first"] == 0, "the first column stays"
    if width == 1280:
        assert seen["scrolled"] == 0, "on a wide screen nothing is cut"
    dark = luminance(seen["ground"]) < 0.1
    assert dark == (scheme == DARK)
    assert contrast(seen["ground"], seen["text"]) >= 7 and contrast(seen["ground"], seen["note"]) >= 4.5
    if kind == "run":
        assert seen["small"] <= width and seen["large"] == seen["natural"] > seen["small"]
        assert seen["after"] <= width


def test_colours_are_told_apart_without_colour() -> None:
    """Those without a hatch by how dark they are, the others by it."""
    plain = {part: colour for part, colour in COLOURS.items() if part not in HATCHES}
    shades = sorted(
        luminance(f"({int(c[1:3], 16)}, {int(c[3:5], 16)}, {int(c[5:], 16)})") for c in plain.values()
    )
    assert all(after / before > 1.5 for before, after in pairwise(shades))
    assert len(set(HATCHES.values())) == len(HATCHES)
