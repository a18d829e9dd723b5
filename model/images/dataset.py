"""A set of images: which there are, and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pointwise.hw.contract.errors import PointwiseError


@dataclass(frozen=True)
class ImageFile:
    """One image: its name relative to the set, where it lies, and what it shows, where that is known."""

    name: str
    path: Path
    category: str | None


@dataclass(frozen=True)
class ImageSet:
    """Images in a fixed order, each once.

    Attributes:
        root: the folder or list that they come from. files: the images.
        numbered: categories are numbers of logits, as a list may give them.
        categories: what the images show, each once, in the order of torchvision's ``ImageFolder``; where this
            is a part of a set, those of the whole set. Found in ``files`` unless given.
    """

    root: Path
    files: tuple[ImageFile, ...]
    numbered: bool = False
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.categories:
            found = {file.category for file in self.files if file.category is not None}
            object.__setattr__(self, "categories", tuple(sorted(found)))

    def __len__(self) -> int:
        return len(self.files)

    def labels(self, classes: int, class_names: Sequence[str] | None = None) -> np.ndarray | None:
        """Return the number of the logit of each image, int64, or None where nobody knows what they show.

        Categories go by name where they are among ``class_names``, and then all of them must be; where none
        is, there must be as many as the network has classes, and they go by their order.

        Args:
            classes: logits of the network. class_names: of the logits, where they are known.

        Raises:
            PointwiseError: the categories cannot be brought together with the logits.
        """
        categories = self.categories
        shown = [file.category for file in self.files if file.category is not None]
        if not categories or len(shown) < len(self.files):
            return None
        if self.numbered:
            labels = np.array([int(category) for category in shown])
            if labels.max() >= classes:
                raise PointwiseError(
                    f"{self.root} gives the class {labels.max()}, but the network has the classes 0 to "
                    f"{classes - 1}; choose another list or checkpoint."
                )
            return labels
        numbers = {name: index for index, name in enumerate(class_names or ())}
        odd = [name for name in categories if name not in numbers]
        if odd and len(odd) < len(categories):
            # By their order all would be numbered wrongly, those with a name of the network among them.
            raise PointwiseError(
                f"{self.root} holds classes that the network does not have ({_some(odd)}) beside others that "
                f"it has; name them as the network does ({_some(class_names or ())}), or leave them out."
            )
        if odd and len(categories) != classes:
            raise PointwiseError(
                f"{self.root} holds {len(categories)} classes ({categories[0]} …), but the network has "
                f"{classes}; give a folder for every class, or a list with the number of each image's class."
            )
        if odd:
            numbers = {name: index for index, name in enumerate(categories)}
        return np.array([numbers[category] for category in shown])

    def first(self, count: int | None) -> ImageSet:
        """The first ``count`` images, spread evenly over the set so that every class has its share.

        Raises:
            PointwiseError: fewer than one.
        """
        if count is None or count >= len(self):
            return self
        if count < 1:
            raise PointwiseError(f"{count} images were asked for; give at least 1")
        chosen = np.arange(count) * len(self) // count
        return replace(self, files=tuple(self.files[i] for i in chosen))


def _some(names: Sequence[str], shown: int = 5) -> str:
    """The first few names, for a message."""
    return ", ".join(names[:shown]) + (" …" if len(names) > shown else "")
