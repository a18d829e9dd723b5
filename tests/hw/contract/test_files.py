"""Files are written whole or not at all."""

import errno
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "image.bin"
    write_file(path, b"one")
    write_file(path, "two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["image.bin"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "image.bin"
    write_file(path, b"old")
    whole = Path.write_bytes

    def half(self: Path, data: bytes) -> int:
        whole(self, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(PointwiseError, match=r"image\.bin cannot be written \(No space left on device\)"):
        write_file(path, b"a new and longer one")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["image.bin"]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PointwiseError, match="cannot be written"):
        write_file(tmp_path / "file" / "image.bin", b"")
