"""The page "Bring your own data": its worked examples, run as they stand."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.dataset import load

PAGE = Path(__file__).resolve().parent.parent / "docs" / "data.md"
BLOCK = re.compile(r"<!-- (file: (?P<file>\S+)|run|says) -->\n```\w*\n(?P<text>.*?)```", re.DOTALL)


def examples() -> list[tuple[dict[str, str], str, str]]:
    """Return the files, the command and what it says, of each example."""
    found, files, command = [], {}, ""
    for block in BLOCK.finditer(PAGE.read_text("utf-8")):
        if block["file"]:
            files[block["file"]] = block["text"]
        elif block[1] == "run":
            command = block["text"].replace("\\\n", " ")
        else:
            found.append((files, command, block["text"]))
            files = {}
    return found


@pytest.mark.parametrize("example", examples(), ids=["ratings", "plays", "events"])
def test_an_example_says_what_the_page_says(
    example: tuple[dict[str, str], str, str],
    prism: Callable[..., tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files, command, says = example
    monkeypatch.chdir(tmp_path)
    for name, text in files.items():
        Path(name).write_text(text, "utf-8")
    program, *arguments = shlex.split(command)
    assert program == "prism"
    assert prism(*arguments)[1] == says


def test_the_examples_are_what_they_say(
    prism: Callable[..., tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for files, command, _ in examples():
        for name, text in files.items():
            Path(name).write_text(text, "utf-8")
        prism(*shlex.split(command)[1:])
    books, artists, shop = (load(Path(name)) for name in ("books", "artists", "shop"))
    assert books.item(2).title == "A Tale of Two Cities"
    assert books.likings(books.history("bob").values) == [None]
    assert artists.likings(artists.history("u1").values) == ["loved", "used", "used"]
    assert artists.item(0).title == "'Weird Al' Yankovic"
    assert shop.item(0).categories == ("Kitchen", "Gifts")
    assert (shop.item(0).title, shop.info.verb) == ("Salt & Pepper Mill", "bought")
