"""Folders and lists of images."""

import os
from pathlib import Path
from random import Random

from PIL import Image

from pointwise.model.images.find import find_images
from pointwise.model.images.prepare import UnreadableImageError, prepare
from pointwise.model.images.preprocessing import plain

from . import mutate

_FORMATS = {
    "png": "PNG",
    "jpg": "JPEG",
    "gif": "GIF",
    "bmp": "BMP",
    "tif": "TIFF",
    "webp": "WEBP",
    "ppm": "PPM",
}


def make_images(folder: Path) -> None:
    for index, (ending, form) in enumerate(_FORMATS.items()):
        place = folder / "set" / f"c{index % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.linear_gradient("L").resize((9, 7)).convert("RGB").save(place / f"{index}.{ending}", form)
    files = sorted((folder / "set").rglob("*.*"))
    lines = [f"{path.relative_to(folder)}, {path.parent.name[1:]}" for path in files]
    (folder / "list.txt").write_text("\n".join(lines) + "\n")


def in_images(random: Random, folder: Path) -> None:
    """An image's bytes, a file's or a class's name, or a line of the list."""
    path = random.choice(sorted((folder / "set").rglob("*.*")))
    kind = random.randrange(6)
    if kind == 0:
        path.write_bytes(mutate.raw(random, path.read_bytes()))
    elif kind == 1:
        name = random.choice((b"\xff\xfe", "ü\n".encode(), b" ", b"-x", b"%s", "\u202e".encode())) + b".png"
        path.rename(path.with_name(os.fsdecode(name)))
    elif kind == 2:
        path.unlink()
        path.symlink_to(random.choice((path.parent, path, "nothing", folder)))
    elif kind == 3:
        size = random.choice(((1, 60_000), (60_000, 1), (4000, 4000)))
        Image.new("1", size).save(path.with_suffix(".png"))
    elif kind == 4:
        target = path.parent.parent / random.choice(("c\n", "..x", "c0 ", "\udcff", "c9"))
        path.parent.rename(target)
    else:
        listing = folder / "list.txt"
        lines = listing.read_text().splitlines()
        line = random.choice(
            (
                *(f"{name}.png, 1" for name in mutate.NAMES if "\n" not in name),
                *(
                    "/dev/zero.png 0",
                    f"{'../' * 30}etc/passwd.png, 1",
                    "a.png",
                    "a.png, 99999999999999999999",
                ),
                *("a.png, ²", "a.png, -1", ",", "\t", "x" * 100_000, "set/c0/0.png, ٣"),
            )
        )
        lines[random.randrange(len(lines))] = line
        if random.random() < 0.3:
            listing.write_bytes(mutate.raw(random, listing.read_bytes()))
        else:
            listing.write_bytes("\n".join(lines).encode(errors="surrogatepass"))


def read_images(folder: Path, out: Path) -> None:
    told = None
    for path in (folder / "set", folder / "list.txt"):
        images = find_images(path)
        images.labels(3, None)
        for file in images.files:
            try:
                prepare(file.path, plain(8, 3))
            except UnreadableImageError as error:
                told = error
    if told:
        raise told
