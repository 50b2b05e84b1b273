"""The documents name every setting that there is, with its true default."""

import re
from pathlib import Path

import pytest

from service.settings import Settings

OPERATING = Path(__file__).resolve().parent.parent / "docs" / "operating.md"
DOCUMENTED = dict(
    re.findall(r"^\| `(PRISM_\w+)` \| *([^|]*?) *\|", OPERATING.read_text("utf-8"), re.MULTILINE)
)


def test_every_setting_is_documented_and_nothing_else_is_said_to_be_one() -> None:
    assert DOCUMENTED.keys() == {f"PRISM_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_without_its_variable_is_as_with_the_documented_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"PRISM_{name.upper()}"
    monkeypatch.delenv(variable, raising=False)
    without = getattr(Settings(), name)
    if DOCUMENTED[variable]:
        monkeypatch.setenv(variable, DOCUMENTED[variable])
        assert getattr(Settings(), name) == without
    else:
        assert without is None
