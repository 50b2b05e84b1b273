"""Versions of prompt, grammar and check are raised when what they make changes; see golden.py."""

import pytest
from golden import GOLDEN, made, written


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_made_changes_only_with_its_version(name: str) -> None:
    before, now = written(name), made(name)
    how = f"raise the version of {name}, then run .venv/bin/python tests/golden.py"
    changed = [f"{b}\n  is now\n{n}" for b, n in zip(before, now, strict=False) if b != n]
    assert before == now, f"{how}; {len(changed)} lines differ, such as\n{changed[:1]}"
