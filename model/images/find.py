"""Finds images: in a folder of class folders, in a plain folder, or in a list."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError

from .dataset import ImageFile, ImageSet

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp", ".gif")
"""Endings of images; what else lies between them is left alone."""


def find_images(path: str | Path) -> ImageSet:
    """Find images.

    Args:
        path: a folder with a folder for each class, as ImageNet's (links to folders are followed, hidden
            ones are left out); a folder of images, of which nobody knows what they show; or a text file with
            a line for each image: its path from the file's folder, and behind a comma or a blank the number
            or the name of its class, where that is known.

    Raises:
        PointwiseError: there is nothing there, or the list is garbled or names an image twice.
    """
    path = Path(path)
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise PointwiseError(
            f"There are no images at {path}; give a folder of images or a text file that lists them."
        )
    return _listed(path)


def _is_image(path: Path) -> bool:
    """By the ending; what is inside shows when it is read."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _in_folder(root: Path) -> ImageSet:
    folders = sorted(child for child in root.iterdir() if child.is_dir() and not child.name.startswith("."))
    files = [
        ImageFile(path.relative_to(root).as_posix(), path, folder.name)
        for folder in folders
        for path in _below(folder, root)
    ]
    files = files or [ImageFile(path.name, path, None) for path in sorted(root.iterdir()) if _is_image(path)]
    if not files:
        raise PointwiseError(f"The folder {root} holds no images; give one that does.")
    return ImageSet(root, tuple(files))


def _below(folder: Path, root: Path) -> list[Path]:
    """The images of a class folder at any depth, but not those in hidden folders.

    A folder is entered once, and the whole set never, so that links that lead back give no image twice.
    """
    found, entered = [], {root.resolve()}
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = Path(parent).resolve()
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent) / name for name in names]
    return sorted(path for path in found if _is_image(path))


def _listed(listing: Path) -> ImageSet:
    try:
        # With a mark at the beginning, as Windows writes it, or without.
        lines = listing.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise PointwiseError(
            f"The list of images {listing} cannot be read as text; give a folder, or a text file with a line "
            "for each image."
        ) from error
    files, seen = [], set()
    for number, line in enumerate((line.strip() for line in lines), 1):
        if not line:
            continue
        name, category = _entry(line)
        if name is None or name in seen:
            problem = "names no image" if name is None else f"names {name} a second time"
            raise PointwiseError(
                f"Line {number} of {listing} {problem}; give a line for each image, with its path and its "
                "class."
            )
        seen.add(name)
        files.append(ImageFile(name, listing.parent / name, category))
    labelled = sum(file.category is not None for file in files)
    if not files or labelled not in (0, len(files)):
        raise PointwiseError(
            f"{labelled} of the {len(files)} images of {listing} have a class; give all of them one, or none."
            if files
            else f"The list {listing} holds no images; give a line for each image."
        )
    numbered = labelled > 0 and all(file.category.isdecimal() for file in files)
    return ImageSet(listing, tuple(files), numbered)


def _entry(line: str) -> tuple[str | None, str | None]:
    """Path and class of a line; a path may have blanks in it, and a name of a class too behind a comma."""
    if _is_image(Path(line)):
        return line, None
    for separator in (r"\s*[,\t]\s*", r"\s+"):
        for match in re.finditer(separator, line):
            if _is_image(Path(line[: match.start()])) and match.end() < len(line):
                return line[: match.start()], line[match.end() :]
    return None, None
