"""Checkpoints by their names on the hub, through the cache that Hugging Face's programs share."""

import re
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError

FILES = ("config.json", "preprocessor_config.json", "model*.safetensors", "model.safetensors.index.json")
"""What is fetched of a repository; pickles are not."""
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?")
_KEPT = re.compile(r"models--[^/]+--([^/]+)/snapshots/[0-9a-f]+$")
_ENDINGS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar", ".onnx")


def located(checkpoint: Path) -> Path:
    """Where a checkpoint lies: where it says, or in the cache, into which it is fetched.

    ``owner/name``, or ``owner/name@revision``, is a name on the hub where there is no such file or folder,
    nor a folder called as the owner. ``HF_ENDPOINT``, ``HF_HOME``, ``HF_TOKEN`` and ``HF_HUB_OFFLINE`` hold.

    Raises:
        PointwiseError: there is none of that name, it cannot be fetched and is not in the cache, or the
            package huggingface_hub is not installed.
    """
    found = _NAME.fullmatch(checkpoint.as_posix())
    here = checkpoint.exists() or checkpoint.parent.exists() or checkpoint.suffix.lower() in _ENDINGS
    if found is None or here:
        return checkpoint
    return Path(_fetched(found[1], found[2]))


def name_of(checkpoint: Path) -> str:
    """A short name of a checkpoint: its file's without the ending, its folder's, or that on the hub."""
    path = checkpoint.resolve()
    kept = _KEPT.search(path.as_posix())
    return kept[1] if kept else path.stem


def _fetched(name: str, revision: str | None) -> str:
    try:
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub import errors as hub
    except ModuleNotFoundError as error:
        raise PointwiseError(
            f"There is no checkpoint {name} here, and names on the hub need the package huggingface_hub; "
            "check the path, or run pip install 'pointwise[hub]'."
        ) from error
    place = f"{name}@{revision or 'main'} of {constants.ENDPOINT}"
    try:
        return str(snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
    except (hub.RepositoryNotFoundError, hub.RevisionNotFoundError) as error:
        raise PointwiseError(
            f"There is no checkpoint {name} here, and no {place} that anybody may read; check the name, or "
            "set HF_TOKEN where it is private."
        ) from error
    except (hub.HfHubHTTPError, hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled) as error:
        why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub does not answer"
        raise PointwiseError(
            f"There is no checkpoint {name} here or in the cache, and {place} cannot be fetched ({why}); "
            "check the name and the network, or give a folder."
        ) from error
