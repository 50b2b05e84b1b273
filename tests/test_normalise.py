"""Normalising: how a language model marks titles is no part of what it says."""

import pytest
from hypothesis import given, settings
from random_facts import hostile_facts

from catalog.facts import Evidence, Facts
from catalog.types import Item
from models.distillation.normalise import normalised
from models.language.grounded import explain


def facts_of(item: str, *evidence: str) -> Facts:
    """Return Facts of these titles."""
    entries = tuple(
        Evidence(id=str(n), title=title, liking="loved") for n, title in enumerate(evidence, 1)
    )
    kind = "contribution" if evidence else "none"
    return Facts(item=Item(id="0", title=item), evidence=entries, evidence_kind=kind)


FACTS = facts_of("Heat", "The Matrix", "Schindler's List")
DUNE = facts_of("Dune: Part Two", "Dune", "It")


@pytest.mark.parametrize(
    "written, label",
    [
        ("You loved “The Matrix”, so try “Heat”.", None),
        ('You loved "The Matrix," so try "Heat."', "You loved “The Matrix”, so try “Heat”."),
        ("You loved *The Matrix*, so try **Heat**!", "You loved “The Matrix”, so try “Heat”!"),
        ("You loved the “the matrix”.", "You loved the “The Matrix”."),
        ("You loved ‘Schindler’s List’.", "You loved “Schindler's List”."),
        (
            "Fans of The Matrix and Schindler’s List.",
            "Fans of “The Matrix” and “Schindler's List”.",
        ),
        ('Explanation: "You loved The Matrix."', "You loved “The Matrix”."),
        ("Here's the explanation for you: You loved The Matrix.", "You loved “The Matrix”."),
        ("Because you\nloved The Matrix:  Heat.", "Because you loved “The Matrix”: Heat."),
        ("Feel the heat of the matrix.", None),
        ("Heat rises; the Heatwave too, as Heat-like things do.", None),
        ("You loved “The Matrix Reloaded” and “Heat 2: The Matrix”.", None),
        (
            'You loved "The Matrix Reloaded", so try "Heat".',
            'You loved "The Matrix Reloaded", so try “Heat”.',
        ),
        ("The Matrix's fans like Heat's pace.", "“The Matrix”'s fans like “Heat”'s pace."),
    ],
)
def test_titles_by_example(written: str, label: str | None) -> None:
    assert normalised(written, FACTS) == (label or written)


@pytest.mark.parametrize(
    "written, label",
    [
        ('After "Dune", see Dune: Part Two.', "After “Dune”, see “Dune: Part Two”."),
        ("It is what It was.", "It is what “It” was."),
        ("You liked *Dune: Part Two*.", "You liked “Dune: Part Two”."),
    ],
)
def test_a_title_inside_another_and_one_that_is_a_word(written: str, label: str) -> None:
    assert normalised(written, DUNE) == label


@settings(max_examples=40)
@given(hostile_facts())
def test_a_text_with_curly_quotes_is_a_label_already(facts: Facts) -> None:
    once = normalised(explain(facts), facts)
    assert normalised(once, facts) == once
    for title in (facts.item.title, *(entry.title for entry in facts.evidence)):
        assert (f"“{title}”" in explain(facts)) <= (f"“{title}”" in once)
