"""The documents say what the code does: every setting has its row, with its default."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from service.settings import Settings

OPERATING = (Path(__file__).parent.parent / "docs" / "operating.md").read_text("utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default_and_meaning(name: str) -> None:
    field = Settings.model_fields[name]
    default = field.default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    shown = "" if default is None else str(default).lower() if default is False else str(default)
    shown = f" {shown} " if shown else " "
    assert f"| `PRISM_{name.upper()}` |{shown}| {field.description} |" in OPERATING
