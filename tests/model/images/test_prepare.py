"""Images are prepared as the library of each family does it."""

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.described import from_huggingface
from pointwise.model.images.prepare import UnreadableImageError, cropped, prepare, resized
from pointwise.model.images.preprocessing import Preprocessing, authors, plain, timm


def picture(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Something between noise and a gradient, so that every filter and every shift shows."""
    rng = np.random.default_rng(seed)
    channels = len(Image.new(mode, (1, 1)).getbands())
    smooth = np.linspace(0, 150, width)[None, :, None] + np.linspace(0, 50, height)[:, None, None]
    values = (smooth + rng.integers(0, 56, (height, width, channels))).astype(np.uint8)
    return Image.fromarray(values.squeeze(), mode) if channels == 1 else Image.fromarray(values)


@pytest.mark.parametrize("shape", [(60, 45), (45, 61), (31, 31), (200, 33)])
@pytest.mark.parametrize(
    ("processor", "values"),
    [
        (ViTImageProcessorPil, {"size": {"height": 32, "width": 32}}),
        (
            DeiTImageProcessorPil,
            {"size": {"height": 37, "width": 37}, "crop_size": {"height": 32, "width": 32}},
        ),
        (DeiTImageProcessorPil, {"size": {"shortest_edge": 37}, "crop_size": 32, "resample": 2}),
        (ViTImageProcessorPil, {"size": 32, "image_mean": [0.485, 0.456, 0.406], "resample": 0}),
        (ViTImageProcessorPil, {"size": 32, "do_normalize": False, "rescale_factor": 0.01}),
        (DeiTImageProcessorPil, {"do_resize": False, "crop_size": 32}),
    ],
)
def test_hugging_face_prepares_the_same(tmp_path: Path, processor, values, shape) -> None:
    picture(*shape).save(tmp_path / "a.png")
    theirs = processor(**values)
    expected = theirs(Image.open(tmp_path / "a.png"), return_tensors="np")["pixel_values"][0]
    described = from_huggingface(theirs.to_dict(), 32, "here")
    assert described == from_huggingface(
        {"image_processor_type": processor.__name__, **values}, 32, "here"
    ), "what a file leaves out is as in the library"
    assert np.abs(prepare(tmp_path / "a.png", described) - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("shape", "resize", "expected"),
    [
        ((500, 375), 256, (341, 256)),
        ((375, 500), 256, (256, 341)),
        ((100, 100), 248, (248, 248)),
        ((333, 500), 248, (248, 372)),
        ((333, 500), (40, 30), (30, 40)),
        ((333, 500), None, (333, 500)),
    ],
)
def test_shorter_side_is_exact_and_the_longer_one_is_cut_off(shape, resize, expected) -> None:
    assert resized(picture(*shape), resize, "bicubic").size == expected


@pytest.mark.parametrize("excess", range(12))
def test_crop_of_torchvision_rounds_to_even(excess: int) -> None:
    """`int(round((width - crop) / 2.0))` there, which Python rounds to even."""
    pixels = np.arange(4 + excess, dtype=np.uint8)[None].repeat(4, 0)
    image = Image.fromarray(pixels)
    assert np.asarray(cropped(image, 4, False))[0, 0] == [0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6][excess]
    assert np.asarray(cropped(image, 4, True))[0, 0] == excess // 2


def test_beyond_a_small_image_it_is_black() -> None:
    image = Image.fromarray(np.full((3, 2), 9, np.uint8))
    assert np.asarray(cropped(image, 5, False)).tolist() == ([[0] * 5] + [[0, 9, 9, 0, 0]] * 3 + [[0] * 5])


@pytest.mark.parametrize("wide", [500, 526])
@pytest.mark.parametrize("family", [authors, timm])
def test_evaluation_of_imagenet(tmp_path: Path, family, wide: int) -> None:
    """The three steps written out: 256 or 248 bicubic, the middle 224, ImageNet's normalisation.

    Of 526 pixels the half of an odd border is rounded up.
    """
    image = picture(wide, 375)
    image.save(tmp_path / "a.png")
    short = 256 if family is authors else 248
    width = int(short * wide / 375)
    small = image.resize((width, short), Image.Resampling.BICUBIC)
    left, top = round((width - 224) / 2), round((short - 224) / 2)
    pixels = np.asarray(small)[top : top + 224, left : left + 224].transpose(2, 0, 1) / 255
    mean, std = ([[[v]] for v in values] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    result = prepare(tmp_path / "a.png", family(224))
    assert (result.dtype, result.shape) == (np.float32, (3, 224, 224))
    assert np.abs(result - (pixels - np.array(mean)) / np.array(std)).max() < 1e-6


def grey_of(tmp_path: Path, image: Image.Image, name: str = "a.png", colours: int = 1) -> np.ndarray:
    image.save(tmp_path / name)
    size = image.width
    return np.round((prepare(tmp_path / name, plain(size, colours)) + 1) * 127.5).astype(int)


def test_grey_becomes_three_colours_and_colours_grey(tmp_path: Path) -> None:
    grey = picture(8, 8, "L")
    three = grey_of(tmp_path, grey, colours=3)
    assert (three == np.asarray(grey)).all()
    colour = picture(8, 8)
    assert (grey_of(tmp_path, colour) == np.asarray(colour.convert("L"))).all()


def test_transparency_and_palettes_lose_nothing_but_transparency(tmp_path: Path) -> None:
    image = picture(8, 8, "RGBA")
    assert (grey_of(tmp_path, image, colours=3) == np.asarray(image)[:, :, :3].transpose(2, 0, 1)).all()
    palette = picture(8, 8).quantize(16)
    expected = np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    assert (grey_of(tmp_path, palette, "b.gif", 3) == expected).all()


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1040
    expected = np.round(deep / 65535 * 255)
    assert (grey_of(tmp_path, Image.fromarray(deep)) == expected).all()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("a.jpg", cut),
        ("a.png", cut),
        ("a.png", lambda path: path.write_bytes(b"")),
        ("a.png", lambda path: path.write_text("not an image")),
        ("a.png", lambda path: path.unlink()),
        ("a.tiff", lambda path: Image.fromarray(np.ones((9, 9), np.float32)).save(path)),
        ("a.tiff", lambda path: Image.fromarray(np.full((9, 9), 70000, np.int32)).save(path)),
    ],
)
def test_image_that_cannot_be_read_is_told_by_name(tmp_path: Path, name: str, spoil) -> None:
    picture(40, 40).save(tmp_path / name)
    assert prepare(tmp_path / name, plain(8)).shape == (3, 8, 8)
    spoil(tmp_path / name)
    with pytest.raises(UnreadableImageError, match=rf"The image .*{name} cannot be read"):
        prepare(tmp_path / name, plain(8))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EIO, "Input/output error"), r"a\.png cannot be read, .* \(Input/output error\)"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_failure_of_the_machine_is_no_unreadable_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    picture(8, 8).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(PointwiseError, match=words) as told:
        prepare(tmp_path / "a.png", plain(8))
    assert not isinstance(told.value, UnreadableImageError)


def test_other_numbers_of_colours_are_told(tmp_path: Path) -> None:
    picture(8, 8).save(tmp_path / "a.png")
    with pytest.raises(PointwiseError, match="Images of 2 colours cannot be made") as told:
        prepare(tmp_path / "a.png", Preprocessing(8, 8, mean=(0.5, 0.5), std=(1, 1)))
    assert not isinstance(told.value, UnreadableImageError)
