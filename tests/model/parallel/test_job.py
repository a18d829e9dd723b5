"""Names by content."""

from pathlib import Path

from pointwise.model.parallel.job import file_digest, tree


def test_a_folder_is_its_files_but_for_what_python_compiled(tmp_path: Path) -> None:
    (tmp_path / "b" / "__pycache__").mkdir(parents=True)
    (tmp_path / "b" / "one.py").write_text("1")
    (tmp_path / "a.py").write_text("2")
    before = file_digest(tmp_path)
    (tmp_path / "b" / "__pycache__" / "one.pyc").write_text("3")
    assert [name for name, _ in tree(tmp_path)] == ["a.py", "b/one.py"]
    assert file_digest(tmp_path) == before
    (tmp_path / "b" / "one.py").rename(tmp_path / "b" / "two.py")
    renamed = file_digest(tmp_path)
    (tmp_path / "b" / "two.py").write_text("4")
    assert len({before, renamed, file_digest(tmp_path)}) == 3
