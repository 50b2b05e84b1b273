"""The Prism's prompt: all that it may say, and nothing a title could break."""

import random

from random_facts import random_facts

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item
from models.prompts import prism_prompt

FILM = Noun(one="film", many="films")
HEAT = Item(id="1", title="Heat", categories=("Action", "Crime"), year=1995)


def loved(title: str, **details: object) -> Evidence:
    return Evidence.model_validate({"id": title, "title": title, "liking": "loved", **details})


def test_a_prompt_holds_the_item_and_what_was_liked() -> None:
    facts = Facts(
        noun=FILM,
        item=HEAT,
        evidence=(loved("Fargo", year=1996, categories=("Crime", "Drama")),),
        evidence_kind="contribution",
        popularity="favourite",
    )
    assert prism_prompt(facts, style=7) == (
        "7 contribution | film, films | “Heat” 1995 Action Crime | loved “Fargo” 1996 Crime Drama"
        " | all Crime 1990s | favourite"
    )


def test_a_prompt_tells_what_only_some_of_the_evidence_shares() -> None:
    facts = Facts(
        noun=FILM,
        item=HEAT,
        evidence=(
            loved("Fargo", categories=("Crime", "Drama")),
            loved("Speed", categories=("Action", "Drama")),
        ),
        evidence_kind="contribution",
    )
    assert prism_prompt(facts, style=7).endswith(
        " | also “Fargo” Crime | also “Speed” Action | they Drama"
    )


def test_a_sequel_is_told_as_one_of_a_series() -> None:
    facts = Facts(
        noun=FILM,
        item=Item(id="2", title="Toy Story 2", year=1999),
        evidence=(loved("Toy Story", year=1995),),
        evidence_kind="contribution",
    )
    assert prism_prompt(facts, style=0).endswith(" | all 1990s series")


def test_attributes_and_unknown_categories_are_quoted_as_in_the_text() -> None:
    facts = Facts(
        noun=Noun(one="book", many="books"),
        item=Item(
            id="1", title="Emma", categories=("Regency",), attributes={"author": "Jane Austen"}
        ),
        evidence=(loved("Persuasion", attributes={"author": "Jane Austen"}),),
        evidence_kind="contribution",
    )
    prompt = prism_prompt(facts, style=1)
    assert "“Emma” ‘Regency’ author ‘Jane Austen’" in prompt
    assert prompt.endswith("all same author")


def test_equal_titles_are_told_apart_by_their_years() -> None:
    facts = Facts(item=HEAT, evidence=(loved("Heat", year=1986),), evidence_kind="similar")
    prompt = prism_prompt(facts, style=1)
    assert "“Heat” (1995)" in prompt
    assert "“Heat” (1986)" in prompt


def test_every_title_stands_whole_in_every_prompt() -> None:
    rng = random.Random(5)
    for _ in range(500):
        facts = random_facts(rng, catalogue=[HEAT])
        prompt = prism_prompt(facts)
        for entity in (facts.item, *facts.evidence):
            assert f"“{entity.title}”" in prompt


def test_equal_facts_have_equal_prompts_and_the_style_is_their_own() -> None:
    facts = random_facts(random.Random(3), catalogue=[HEAT])
    assert prism_prompt(facts) == prism_prompt(Facts.model_validate_json(facts.model_dump_json()))
    assert len({prism_prompt(facts, style) for style in range(64)}) == 64
