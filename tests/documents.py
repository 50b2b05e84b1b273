"""The documents as tests read them: blocks of code, commands, links, and answers with … in them.

A block says by the word after its fence what it is, and a second word names the file that it is:

    sh                 commands, run one after the other in a folder of the document's own
    console            the same with what they print
    python             run; with >>> also what comes back
    json               what the command before answers
    json texts.jsonl   a file of this name, written before the commands that follow
    diff               a change to this code
    mermaid            a picture
"""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MORE = re.compile(r"(?:(?<=[\[{])|,)\s*…\s*(?=[\]}])")


@dataclass(frozen=True)
class Block:
    """A block of code: what kind, which file it is if any, and what is in it."""

    kind: str
    file: str
    text: str


def blocks_of(document: Path) -> list[Block]:
    """Return the blocks of a document, in order."""
    found = []
    for info, text in _FENCE.findall(document.read_text("utf-8")):
        kind, _, file = info.partition(" ")
        found.append(Block(kind, file, text))
    return found


def before_blocks_of(document: Path) -> list[str]:
    """Return what stands before each block of a document, since the one before."""
    return _FENCE.split(document.read_text("utf-8"))[:-1:3]


def prose_of(document: Path) -> str:
    """Return a document without its blocks."""
    return _FENCE.sub("", document.read_text("utf-8"))


def commands_of(text: str) -> list[str]:
    """Return the commands of a block: comments left out, continued lines and open quotes joined."""
    found, begun = list[str](), ""
    for line in text.splitlines():
        begun += re.sub(r"(^|\s+)#( .*)?$", "", line)
        if begun.endswith("\\"):
            begun = begun[:-1]
        elif begun.count("'") % 2:
            begun += "\n"
        else:
            found += [" ".join(begun.split(" "))] if begun.strip() else []
            begun = ""
    return [re.sub(r" +", " ", command).strip() for command in found]


def words_of(command: str) -> tuple[dict[str, str], list[str]]:
    """Return the variables that a command sets, and its words."""
    words, variables = shlex.split(command), dict[str, str]()
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, variables[name] = words.pop(0).partition("=")
    return variables, words


def shown_json(text: str) -> Any:
    """Return an answer as a document shows it: … stands for more, and lines are broken anywhere."""
    return json.loads(_MORE.sub("", text.replace(": …", ': "…"')), strict=False)


def assert_like(shown: Any, real: Any, where: str = "") -> None:
    """Check what a document shows of an answer: no field, entry, word or number is another.

    The answer may have more fields and entries, and numbers more digits; … stands for any text.
    """
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in real, f"{where}.{name} is not there"
            assert_like(value, real[name], f"{where}.{name}")
    elif isinstance(shown, list):
        assert len(shown) <= len(real), where
        for place, value in enumerate(shown):
            assert_like(value, real[place], f"{where}.{place}")
    elif isinstance(shown, str):
        pattern = re.escape(" ".join(shown.split())).replace("…", ".*")
        assert re.fullmatch(pattern, real), f"{where} is {real!r}"
    elif isinstance(shown, float):
        assert real == pytest.approx(shown, abs=0.005), where
    else:
        assert shown == real, where


def anchors_of(document: Path) -> set[str]:
    """Return what a link may point to inside a document, as GitHub names it."""
    headings = re.findall(r"^#+ (.*)", prose_of(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).strip().replace(" ", "-") for one in headings}
