"""Forms: how Facts become prompts and labels targets, and that every text comes back as it was."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_facts import hostile_facts

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item
from models.language.grounded import explain
from models.prism.forms.choice import form_named
from models.prism.forms.protocol import Form, FormName

HEAT = Item(
    id="1",
    title="Heat",
    year=1995,
    categories=("Crime",),
    attributes={"director": "Michael Mann"},
    description="A thief and the detective who hunts him.",
)
FACTS = Facts(
    noun=Noun(one="film", many="films"),
    item=HEAT,
    evidence=(Evidence(id="2", title="Ronin", year=1998, categories=("Crime",), liking="loved"),),
    evidence_kind="contribution",
    popularity="well_liked",
)
LABEL = "Fans of “Ronin” will recognise the thieves of “Heat” (1995)."
TITLES, VERBATIM = form_named("titles"), form_named("verbatim")
forms = st.sampled_from(get_args(FormName)).map(form_named)


def two_called(title: str) -> Facts:
    """Return Facts whose evidence is called as the item."""
    other = Evidence(id="2", title=title, year=1986, liking="loved")
    item = Item(id="1", title=title, year=1995)
    return Facts(item=item, evidence=(other,), evidence_kind="contribution")


def test_titles_alone_are_placeholders() -> None:
    assert next(TITLES.prompts(FACTS)) == (
        "film “0” | year 1995 | Crime | director Michael Mann | A thief and the detective who "
        "hunts him. || contribution || loved “1” | year 1998 | Crime || well liked"
    )
    target = TITLES.target(LABEL, FACTS)
    assert target == "Fans of “1” will recognise the thieves of “0” (1995)."
    assert TITLES.text(target, FACTS) == LABEL


def test_verbatim_has_the_titles_themselves() -> None:
    assert next(VERBATIM.prompts(FACTS)).startswith("film “Heat” | year 1995 | Crime")
    assert VERBATIM.target(LABEL, FACTS) == VERBATIM.text(LABEL, FACTS) == LABEL


@pytest.mark.parametrize("label", ["Like “Collateral”, try “Heat”.", "A “must-see”: “Heat”."])
def test_a_label_that_quotes_what_is_no_title_of_the_facts_is_none(label: str) -> None:
    assert TITLES.target(label, FACTS) is None


def test_of_two_with_one_title_the_year_tells_which() -> None:
    facts = two_called("Heat")
    label = "You loved “Heat” (1986), so try “Heat” (1995)."
    assert TITLES.target(label, facts) == "You loved “1” (1986), so try “0” (1995)."
    assert TITLES.target("You loved “Heat”.", facts) is None


def test_a_placeholder_for_nothing_makes_no_text() -> None:
    assert TITLES.text("You loved “2”, so try “0”.", FACTS) == ""


@settings(max_examples=40)
@given(forms, hostile_facts())
def test_what_the_grammar_says_comes_back_whatever_the_titles(form: Form, facts: Facts) -> None:
    text = explain(facts)
    target = form.target(text, facts)
    if target is not None:
        assert form.text(target, facts) == text
    titles = [entity.title for entity in (facts.item, *facts.evidence)]
    assert target is not None or len(set(titles)) < len(titles)


@settings(max_examples=40)
@given(forms, hostile_facts())
def test_prompts_are_single_lines_that_never_grow(form: Form, facts: Facts) -> None:
    prompts = list(form.prompts(facts))
    assert not any("\n" in prompt for prompt in prompts)
    lengths = [len(prompt) for prompt in prompts]
    assert lengths == sorted(lengths, reverse=True)
    assert len(prompts) > 1


def test_descriptions_go_first_and_those_of_the_evidence_before_the_items_own() -> None:
    entry = FACTS.evidence[0].model_copy(update={"description": "Five strangers, one case."})
    whole, without, few, bare, *_ = TITLES.prompts(FACTS.model_copy(update={"evidence": (entry,)}))
    assert "Five strangers" in whole
    assert "Five strangers" not in without
    assert "A thief" in without
    assert "A thief" in few
    assert "A thief" not in bare
    assert "Michael Mann" in bare


def test_of_a_long_cast_three_stay_before_the_items_own_description_goes() -> None:
    item = FACTS.item.model_copy(update={"attributes": {"cast": ("A", "B", "C", "D")}})
    prompts = list(TITLES.prompts(FACTS.model_copy(update={"item": item})))
    assert "cast A, B, C, D" in prompts[0]
    [*_, few] = (prompt for prompt in prompts if "A thief" in prompt)
    assert "cast A, B, C |" in few
