"""The check on Facts that know only that something was used: played, read, bought.

You played “Portal”, so we suggest “Half-Life”.     passes
You loved “Portal”, so we suggest “Half-Life”.      nobody knows
"""

from typing import get_args

import pytest

from catalog.facts import Evidence, EvidenceKind, Facts, Noun, Verb
from catalog.types import Item
from models.faithfulness import check
from models.language.grounded import STYLES, explain

NOUN = Noun(one="video game", many="video games")


def facts(verb: Verb = "played", kind: EvidenceKind = "contribution", used: int = 1) -> Facts:
    """Return Facts of so many games that were used, and one that was loved."""
    entries = [
        Evidence(id=f"u{n}", title=f"Portal {'I' * n}V", categories=("Puzzle",), liking="used")
        for n in range(used)
    ]
    loved = Evidence(id="l", title="Myst", categories=("Puzzle",), liking="loved")
    item = Item(id="i", title="Half-Life", categories=("Shooter",), year=1998)
    return Facts(
        noun=NOUN, item=item, evidence=(*entries, loved), evidence_kind=kind, verb=verb
    )  # fmt: skip


@pytest.mark.parametrize("verb", get_args(Verb))
@pytest.mark.parametrize("kind", ["contribution", "recent"])
@pytest.mark.parametrize("used", [1, 2])
def test_what_the_grammar_says_of_use_passes(verb: Verb, kind: EvidenceKind, used: int) -> None:
    about = facts(verb, kind, used)
    for style in range(STYLES):
        text = explain(about, style)
        assert check(text, about).passed, text
        assert verb in text


@pytest.mark.parametrize(
    "text",
    [
        "You loved “Portal V”, so we suggest “Half-Life”.",
        "You liked “Portal V”, so we suggest “Half-Life”.",
        "You enjoyed “Portal V” and “Myst”, so we suggest “Half-Life”.",
        "Your fondness for “Portal V” led us to “Half-Life”.",
        "You bought “Portal V”, so we suggest “Half-Life”.",
        "You watched “Portal V”, so we suggest “Half-Life”.",
        "You played “Half-Life”, so we suggest “Portal V”.",
        "You played “Half-Life”. We suggest “Half-Life”.",
        "“Half-Life”, which you played, led us to “Portal V”.",
        "“Portal V” and “Half-Life”, both of which you played, led us to “Half-Life”.",
        "You recently played “Portal V”; we suggest “Half-Life” next.",
        "You played and loved “Portal V”, so we suggest “Half-Life”.",
    ],
)
def test_more_than_use_does_not_pass(text: str) -> None:
    assert not check(text, facts()).passed


def test_whether_it_was_liked_is_not_known_and_so_not_contradicted() -> None:
    for text in ("You loved “Portal V”.", "You liked “Portal V”.", "You enjoyed “Portal V” most."):
        assert check(f"{text} Try “Half-Life”.", facts(), "factual").passed


def test_what_was_loved_was_played_too() -> None:
    assert check("You played “Myst”, so we suggest “Half-Life”, a shooter.", facts()).passed
