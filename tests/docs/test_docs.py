"""The documents say what is there: tables, links, paths, commands and programs in them."""

import importlib
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer

from pointwise.hw.contract.config import PRESETS
from pointwise.hw.contract.image import MAGIC, VERSION
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import NETWORKS
from pointwise.model.quantise import Recipe
from pointwise.model.quantise.convert import layer_names
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.cli import entry
from pointwise.sim.docs import documents as docs
from pointwise.sim.docs.documents import ROOT, documents, renewed
from pointwise.sim.docs.units import units

DOCUMENTS = [pytest.param(path, id=path.name) for path in documents()]
GENERATED = {"image.bin", "image.hex", "manifest.json", "config.json", "report.json", "timeline.json"} | {
    "quantisation.json",
    "board.json",
    "input.bin",
    "output.bin",
    "manifest.schema.json",
    "pointwise_aresetn.v",
    "vectors.json",
}
"""File names in the documents that are no files of the project: what commands write …"""
BROUGHT = {
    "mine.py",
    "my.safetensors",
    "my_net.py",
    "mine.onnx",
    "mine_int8.safetensors",
    "my.pth",
    "my_int8.safetensors",
    "my_w4.safetensors",
    "my_recipe.toml",
    "deit_tiny.safetensors",
    "tiny_int8.safetensors",
    "flowers.safetensors",
}
"""… and what users bring."""
FILE = re.compile(r"[\w./-]+\.(?:py|md|svg|sv|v|vlt|json|toml|txt|safetensors|bin|hex)")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^|\n)\n((?: {4}.*\n)+)")
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"([A-Z_]+)=")


def read(path: Path) -> str:
    """A document without its text output and pictures in characters, which are no code."""
    return FENCE.sub(lambda match: "" if match[1] == "text" else match[0], path.read_text())


def spans(text: str) -> list[str]:
    """Code inside of sentences."""
    return SPAN.findall(FENCE.sub("", text))


def lines(text: str) -> Iterator[str]:
    """Lines of code: spans, and the lines of blocks."""
    yield from spans(text)
    for block in [match[2] for match in FENCE.finditer(text)] + INDENTED.findall(FENCE.sub("", text)):
        yield from (line.strip() for line in block.splitlines())


def words(line: str) -> list[str]:
    """A command line as a shell sees it, without the comment."""
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def headings(text: str) -> set[str]:
    """The anchors of a document."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def options_of(command: str) -> set[str]:
    """The options that a subcommand of ``pointwise`` takes."""
    application = typer.Typer()
    application.command(command)(importlib.import_module(f"pointwise.sim.cli.{command}").command)
    made = typer.main.get_command(application)
    return {name for parameter in made.params for name in [*parameter.opts, *parameter.secondary_opts]}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_tables_are_what_the_code_says(path: Path) -> None:
    text = path.read_text()
    assert renewed(text) == text, f"{path.name} is out of date; run python -m pointwise.sim.docs"


def test_pictures_of_timing_diagrams_are_drawn() -> None:
    pytest.importorskip("wavedrom", reason="install the extra dev for WaveDrom")
    pictures = {path: make for path, make in docs.products().items() if path.parent.name == "waves"}
    assert len(pictures) == len(list((ROOT / "docs" / "waves").glob("*.svg"))) > 0
    for path, make in pictures.items():
        assert path.read_text() == make(), f"{path.name} is out of date; run python -m pointwise.sim.docs"


def test_the_schema_is_what_the_code_says() -> None:
    assert docs.SCHEMA.read_text() == docs.schema_text(), "run python -m pointwise.sim.docs"


def test_the_picture_of_the_array_is_drawn() -> None:
    path = ROOT / "docs" / "wavefront.svg"
    assert path.read_text() == docs.products()[path](), "run python -m pointwise.sim.docs"
    ElementTree.fromstring(path.read_text())


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(FENCE.sub("", path.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        where = (path.parent / file).resolve() if file else path
        assert where.exists(), f"{path.name} links to {target}, which is not there"
        if anchor:
            assert anchor in headings(where.read_text()), f"{path.name}: {target} is no heading there"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_paths_exist(path: Path) -> None:
    roots = {child.name for child in ROOT.iterdir()} - {"build", ".venv"}
    for line in lines(read(path)):
        for word in words(line):
            name = word.strip("(),;:\"'")
            first, _, rest = name.partition("/")
            is_path = (rest and first in roots) or (FILE.fullmatch(name) and first != "build")
            if is_path and name not in GENERATED | BROUGHT:
                assert (ROOT / name).exists(), f"{path.name} names {name}, which is not there"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_targets_of_make_exist(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for line in lines(read(path)):
        program, *given = words(line) or [""]
        if program != "make":
            continue
        variables = [match[1] for word in given if (match := VARIABLE.match(word))]
        for word in given:
            assert VARIABLE.match(word) or word in targets, f"{path.name}: there is no make {word}"
        for name in variables:
            assert re.search(rf"\b{name}\b", makefile), f"{path.name}: make knows no variable {name}"
        if given and given[0] in entry.COMMANDS:
            passed_on = set(variables) - {"ARGS", "JOBS", "PYTHON"}
            options = {f"--{name.lower().replace('_', '-')}" for name in passed_on}
            unknown = options - options_of(given[0])
            assert not unknown, f"{path.name}: pointwise {given[0]} lacks {unknown}"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_subcommands_and_options_exist(path: Path) -> None:
    for line in lines(read(path)):
        program, *given = words(line) or [""]
        if Path(program).name != "pointwise" or not given:
            continue
        command = given[0]
        if command.startswith("-"):
            assert command in ("--help", "-h", "--version"), f"{path.name}: {line}"
            continue
        assert command in entry.COMMANDS, f"{path.name}: there is no pointwise {command}"
        module = f"pointwise.sim.cli.{command}"
        assert importlib.util.find_spec(module), f"{path.name}: no pointwise {command} yet"
        unknown = {word.partition("=")[0] for word in given if word.startswith("--")} - options_of(command)
        assert not unknown, f"{path.name}: pointwise {command} lacks {unknown}"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_names_in_the_code_exist(path: Path) -> None:
    for line in lines(read(path)):
        if match := re.search(r"python -m ([\w.]+)", line):
            assert importlib.util.find_spec(match[1]), f"{path.name}: there is no module {match[1]}"
    for span in spans(read(path)):
        if match := re.fullmatch(r"((?:hw|model|sim)(?:\.\w+)+)(?:\(.*\))?", span):
            assert resolves(match[1]), f"{path.name}: there is no {match[1]}"


def resolves(name: str) -> bool:
    """Whether a dotted name is a module or something in one, however deep."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False


@pytest.mark.parametrize("path", DOCUMENTS)
def test_plusargs_and_environment_variables_exist(path: Path) -> None:
    sources = "".join(file.read_text() for file in sorted((ROOT / "sim").rglob("*.sv")))
    folders = (ROOT / "sim", ROOT / "tests")
    python = "".join(file.read_text() for folder in folders for file in sorted(folder.rglob("*.py")))
    for span in spans(read(path)):
        if match := re.fullmatch(r"(\+\w+)(?:=.*)?", span):
            assert match[1] in sources, f"{path.name}: nothing knows the plusarg {match[1]}"
        if match := re.fullmatch(r"(POINTWISE_\w+|WAVES)(?:=.*)?", span):
            assert f'"{match[1]}"' in python, f"{path.name}: nothing reads {match[1]}"


@pytest.mark.parametrize("index", range(6))
def test_programs_run(index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = FENCE.findall((ROOT / "docs" / "add_a_network.md").read_text())
    assert [language for language, _ in programs] == ["python"] * 6
    monkeypatch.chdir(tmp_path)  # where programs write
    exec(compile(programs[index][1], "add_a_network.md", "exec"), {"__name__": "program"})


def test_what_other_tools_are_told_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="install the extra dev")
    text = (ROOT / "docs" / "other_tools.md").read_text()
    (program,) = [block for language, block in FENCE.findall(text) if language == "python"]
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "other_tools.md", "exec"), {"__name__": "program"})


def test_the_recipe_in_the_documents_is_one() -> None:
    text = (ROOT / "docs" / "quantisation.md").read_text()
    (example,) = [block for language, block in FENCE.findall(text) if language == "toml"]
    recipe = Recipe.from_dict(tomllib.loads(example))
    config = NETWORKS["deit_tiny"]
    recipe.check_names(layer_names(deit_graph(config, synthetic_checkpoint(config).state)))
    assert recipe["blocks.11.mlp.fc1"].weight_bits == 6
    assert recipe["blocks.0.mlp.fc1"].range == "percentile"


def test_constants_of_the_image() -> None:
    text = (ROOT / "docs" / "instruction_set.md").read_text()
    assert f"`MAGIC` is {MAGIC:#010x} and `VERSION` is {VERSION}." in text


def test_picture_is_sound_and_alone() -> None:
    text = (ROOT / "docs" / "datapath.svg").read_text()
    ElementTree.fromstring(text)
    assert "prefers-color-scheme: dark" in text
    assert set(re.findall(r"https?://[^\"\s]+", text)) == {"http://www.w3.org/2000/svg"}


def test_picture_has_the_latencies_of_the_units() -> None:
    text = (ROOT / "docs" / "datapath.svg").read_text()
    config = PRESETS["default"]
    cycles = {name: latency for name, (_, latency) in units(config).items()}
    for box, unit in (("prologue", "word → array"), ("accumulators", "sums → output FIFO")):
        assert re.search(rf">{box}</text>.*?>(\d+) cycles<", text, re.DOTALL)[1] == str(cycles[unit])
    assert f"{cycles['group of lanes → write']} cycles from a group to its write" in text
    assert cycles["token → sums"] == config.rows + config.cols + 2 and "R + C + 2 cycles" in text


def test_check_names_stale_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "README.md"
    page.write_text("<!-- table: opcodes -->\nold\n<!-- end of table -->\n")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    assert docs.main(["--check"]) == 1
    assert "README.md is out of date" in capsys.readouterr().out
    assert "old" in page.read_text()
    assert docs.main([]) == 0
    assert "| 1 | `CONV` |" in page.read_text()
    assert docs.main(["--check"]) == 0
