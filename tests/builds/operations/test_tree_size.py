from __future__ import annotations

from pathlib import Path

from builds.operations.diagnostics import tree_size


def test_the_files_at_every_depth_count_and_what_is_gone_does_not(tmp_path: Path) -> None:
    (tmp_path / "of this size").write_bytes(b"12345")
    deep = tmp_path / "one" / "two"
    deep.mkdir(parents=True)
    (deep / "and this").write_bytes(b"123")
    (deep / "gone").symlink_to(tmp_path / "nowhere")
    (deep / "round").symlink_to(tmp_path, target_is_directory=True)
    assert tree_size(tmp_path) == 8
    assert tree_size(tmp_path / "nowhere") == 0
