"""Folders and lists of images: which, in which order, and what they show."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.find import find_images
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import plain
from pointwise.model.images.sample import sample


def draw(path: Path, grey: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), grey).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("rose/b.png", "rose/a.JPEG", "rose/more/c.bmp", "daisy/z.png", "iris/a.webp"):
        draw(tmp_path / "set" / name)
    for other in ("notes.txt", "rose/readme.md", "rose/.hidden.png", ".git/x.png", "loose.png"):
        path = tmp_path / "set" / other
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path / "set"


def test_folder_of_classes(folder: Path) -> None:
    images = find_images(folder)
    names = ["daisy/z.png", "iris/a.webp", "rose/a.JPEG", "rose/b.png", "rose/more/c.bmp"]
    assert [file.name for file in images.files] == names
    assert all(file.path == folder / file.name for file in images.files)
    assert images.categories == ("daisy", "iris", "rose")
    assert images.labels(3).tolist() == [0, 1, 2, 2, 2]


def test_classes_go_by_name_where_the_network_has_names(folder: Path) -> None:
    images = find_images(folder)
    assert images.labels(3, ("rose", "iris", "daisy")).tolist() == [2, 1, 0, 0, 0]
    assert images.labels(5, ("a", "rose", "b", "iris", "daisy")).tolist() == [4, 3, 1, 1, 1]
    assert images.labels(3, ("some", "thing", "else")).tolist() == [0, 1, 2, 2, 2]
    with pytest.raises(PointwiseError, match=r"holds 3 classes \(daisy …\), but the network has 5"):
        images.labels(5, ("a", "b", "c", "d", "e"))


def test_names_of_which_only_some_are_the_networks_are_told(folder: Path) -> None:
    """By their order all would be numbered wrongly, without a word."""
    words = r"does not have \(daisy, iris\) beside others that it has; name them .* \(Daisy, Iris, rose\)"
    with pytest.raises(PointwiseError, match=words):
        find_images(folder).labels(3, ("Daisy", "Iris", "rose"))


@pytest.mark.parametrize(("link", "target"), [("rose/loop", "."), ("rose/more/up", "../.."), ("loop", ".")])
def test_links_that_lead_back_give_no_image_twice(folder: Path, link: str, target: str) -> None:
    before = [file.name for file in find_images(folder).files]
    (folder / link).symlink_to(target)
    assert [file.name for file in find_images(folder).files] == before


def test_links_elsewhere_are_followed_once_and_hidden_folders_are_left_out(folder: Path) -> None:
    before = [file.name for file in find_images(folder).files]
    draw(folder / "rose/.ipynb_checkpoints/b-checkpoint.png")
    draw(folder.parent / "elsewhere/new.png")
    for link in ("iris/others", "iris/same"):
        (folder / link).symlink_to("../../elsewhere")
    assert [file.name for file in find_images(folder).files] == sorted([*before, "iris/others/new.png"])


def test_plain_folder_shows_nobody_knows_what(tmp_path: Path) -> None:
    draw(tmp_path / "b.png")
    draw(tmp_path / "a.png")
    images = find_images(tmp_path)
    assert [file.name for file in images.files] == ["a.png", "b.png"]
    assert images.labels(7) is None


@pytest.mark.parametrize(
    ("text", "names", "labels"),
    [
        ("a.png 2\nb/c.jpg 0\n\n", ["a.png", "b/c.jpg"], [2, 0]),
        ("a.png,2\nb c.jpg, 1\n", ["a.png", "b c.jpg"], [2, 1]),
        ("my dog.png 1\n/tmp/x.png\t0", ["my dog.png", "/tmp/x.png"], [1, 0]),
        ("a.png rose\nb.png,daisy\nc.png iris", ["a.png", "b.png", "c.png"], [2, 0, 1]),
        ("a.png\nmy dog.png\n", ["a.png", "my dog.png"], None),
    ],
)
def test_list(tmp_path: Path, text: str, names: list[str], labels: list[int] | None) -> None:
    (tmp_path / "list.txt").write_text(text)
    images = find_images(tmp_path / "list.txt")
    assert [file.name for file in images.files] == names
    assert [file.path for file in images.files] == [tmp_path / name for name in names]
    found = images.labels(3)
    assert (found if found is None else found.tolist()) == labels


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.png 1\nb.doc 2", r"Line 2 of .*list\.txt names no image"),
        ("a.png 1\na.png 1", r"Line 2 of .* names a\.png a second time"),
        ("a.png 1\nb.png", "1 of the 2 images .* have a class"),
        ("\n", "holds no images"),
    ],
)
def test_garbled_list_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(PointwiseError, match=words):
        find_images(tmp_path / "list.txt")


def test_list_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa.png 1\r\nb.png 0\r\n")
    assert [file.name for file in find_images(tmp_path / "list.txt").files] == ["a.png", "b.png"]


def test_class_beyond_the_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.png 3")
    with pytest.raises(PointwiseError, match="gives the class 3, but the network has the classes 0 to 2"):
        find_images(tmp_path / "list.txt").labels(3)


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match="There are no images at"):
        find_images(tmp_path / "none")
    with pytest.raises(PointwiseError, match="holds no images"):
        find_images(tmp_path)
    draw(tmp_path / "a.png")
    with pytest.raises(PointwiseError, match="cannot be read as text"):
        find_images(tmp_path / "a.png")


def test_a_part_has_images_of_all_classes(folder: Path) -> None:
    images = find_images(folder)
    assert [file.name for file in images.first(2).files] == ["daisy/z.png", "rose/a.JPEG"]
    assert images.first(1).categories == images.categories == ("daisy", "iris", "rose")
    assert images.first(2).labels(3).tolist() == [0, 2]
    assert images.first(None) is images.first(5) is images.first(9) is images
    with pytest.raises(PointwiseError, match="0 images were asked for"):
        images.first(0)


def test_sample_is_random_repeatable_and_leaves_out_what_cannot_be_read(tmp_path: Path) -> None:
    for index in range(12):
        draw(tmp_path / f"{index:02}.png", 10 * index)
    (tmp_path / "05.png").write_text("no image")
    images, preprocessing = find_images(tmp_path), plain(4, 1)
    calls = []
    everything, unreadable = sample(images, preprocessing, 99, progress=lambda *done: calls.append(done))
    assert unreadable == ("05.png",)
    assert calls[-1] == (11, 12)
    assert {round((image[0, 0, 0] + 1) * 12.75) for image in everything} == set(range(12)) - {5}
    few, _ = sample(images, preprocessing, 3)
    assert np.array_equal(few, everything[:3]), "the same seed"
    assert not np.array_equal(few, sample(images, preprocessing, 3, seed=1)[0])
    assert not np.array_equal(few[0], prepare(tmp_path / "00.png", preprocessing)), "not in order"


def test_nothing_readable_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(PointwiseError, match=r"None of the 1 images .* can be read \(a\.png …\)"):
        sample(find_images(tmp_path), plain(4), 2)
    with pytest.raises(PointwiseError, match="0 images were asked for"):
        sample(find_images(tmp_path), plain(4), 0)
