"""The faithfulness check, held against texts known to be true and texts known to be false."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from corruptions import KINDS
from hypothesis import given, settings
from hypothesis import strategies as st
from random_facts import anything, hostile_facts, random_facts

from catalog.dataset import Dataset
from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item
from models.faithfulness import check
from models.language.grounded import explain

EACH = 20
"""Of so many clean texts one is corrupted, by each kind; by half as many at least."""

Clean = tuple[str, Facts]


@pytest.fixture(scope="module")
def catalogue(demo: Dataset) -> list[Item]:
    return [demo.item(position) for position in range(len(demo.item_ids))]


@pytest.fixture(scope="module", params=[1200, pytest.param(6000, marks=pytest.mark.long)])
def clean(request: pytest.FixtureRequest, catalogue: list[Item]) -> list[Clean]:
    rng = random.Random(20251116)
    found = [random_facts(rng, catalogue=catalogue) for _ in range(request.param)]
    return [(explain(facts), facts) for facts in found]


# ---------------------------------------------------------------------- by the thousand


def test_every_grounded_text_passes(clean: list[Clean]) -> None:
    flagged = [
        f"{text}\n    {verdict.failures()}"
        for text, facts in clean
        if not (verdict := check(text, facts, policy="strict")).passed
    ]
    assert not flagged, f"{len(flagged)} of {len(clean)}, such as\n" + "\n".join(flagged[:5])


def test_at_most_one_corrupted_text_in_a_hundred_passes_whatever_its_kind(
    clean: list[Clean], catalogue: Sequence[Item]
) -> None:
    rng, each = random.Random(1), len(clean) // EACH
    made: Counter[str] = Counter()
    caught_by_factual: Counter[str] = Counter()
    missed: defaultdict[str, list[str]] = defaultdict(list)
    for text, facts in clean:
        for kind, corrupt in KINDS.items():
            enough = made[kind] >= each
            corrupted = None if enough else corrupt(text, facts, rng, catalogue)
            if corrupted is None:
                continue
            assert corrupted != text, f"{kind} changed nothing in {text}"
            made[kind] += 1
            verdict = check(corrupted, facts, policy="strict")
            if verdict.passed:
                missed[kind].append(corrupted)
            caught_by_factual[kind] += verdict.outcome == "contradicted"
    assert min(made[kind] for kind in KINDS) >= each / 2
    table = [f"\n{'kind':27}{'texts':>6}{'missed':>8}{'caught by factual':>19}"]
    for kind, n in made.items():
        factual = caught_by_factual[kind] / n
        table.append(f"{kind:27}{n:6}{len(missed[kind]):8}{factual:19.0%}")
    print("\n".join(table))  # noqa: T201
    too_many = {k: texts[:5] for k, texts in missed.items() if len(texts) > made[k] / 100}
    assert not too_many, "\n".join(f"{k}: {t}" for k, texts in too_many.items() for t in texts)


@pytest.mark.parametrize(
    "noun", ["list", "reason", "series", "place", "part", "one", "love", "well"]
)
def test_a_noun_may_be_one_of_our_own_words(noun: str, clean: list[Clean]) -> None:
    for _, facts in clean[:200]:
        renamed = facts.model_copy(update={"noun": Noun(one=noun, many=f"{noun}s")})
        assert check(explain(renamed), renamed).passed, explain(renamed)


# ---------------------------------------------------------------------- hostile Facts and texts


@given(hostile_facts())
def test_grounded_text_of_hostile_facts_passes(facts: Facts) -> None:
    text = explain(facts)
    assert check(text, facts, policy="strict").failures() == [], text


@settings(max_examples=30)  # of 60 texts each
@given(hostile_facts(), st.data())
def test_no_text_whatever_breaks_the_check(facts: Facts, data: st.DataObject) -> None:
    tokens = re.findall(r"\w+|\W", explain(facts))
    shuffled = data.draw(st.lists(st.sampled_from(tokens) | anything, max_size=40))
    prefixes = ["".join(tokens[:n]) for n in range(len(tokens))]
    for text in ("".join(shuffled), *prefixes):
        for claim in check(text, facts, policy="factual").claims:
            assert 0 <= claim.start <= claim.end <= len(text)


# ---------------------------------------------------------------------- by hand

_HEAT = Item(
    id="1",
    title="Heat",
    categories=("Action", "Crime", "Thriller"),
    year=1995,
    attributes={"director": "Michael Mann"},
)
_CASINO = Evidence(id="2", title="Casino", categories=("Crime", "Drama"), year=1995, liking="loved")
_GODFATHER = Evidence(
    id="3", title="The Godfather", categories=("Crime", "Drama"), year=1972, liking="liked"
)
_FILMS = Noun(one="film", many="films")
FACTS = {
    "because": Facts(
        noun=_FILMS,
        item=_HEAT,
        evidence=(_CASINO, _GODFATHER),
        evidence_kind="contribution",
        popularity="well_liked",
    ),
    "recent": Facts(noun=_FILMS, item=_HEAT, evidence=(_CASINO,), evidence_kind="recent"),
    "none": Facts(noun=_FILMS, item=_HEAT),
    "remake": Facts(
        noun=_FILMS,
        item=_HEAT,
        evidence=(
            Evidence(id="5", title="Heat", categories=("Drama",), year=1986, liking="liked"),
        ),
        evidence_kind="contribution",
    ),
    "tags": Facts(
        noun=_FILMS, item=Item(id="1", title="Heat", categories=("1995", "1990s"), year=1995)
    ),
    "romance": Facts(
        noun=_FILMS, item=Item(id="4", title="Emma", categories=("Comedy", "Romance"))
    ),
}

TRUE = {
    "because": """
Because you loved “Casino” and liked “The Godfather”, we suggest “Heat”.
You loved “Casino” and enjoyed “The Godfather”. “Heat” is another crime film.
“Heat”, a 1995 crime thriller, may be for you, because you loved “Casino”.
You loved “Casino”, so here is “Heat”, a thriller from the 1990s.
You loved “Casino” and liked “The Godfather”, so here is “Heat”. All three are crime films.
“Heat” is on your list because you loved “Casino”. Its director is ‘Michael Mann’.
“Heat” follows from your love of “Casino”, along with your liking for “The Godfather”.
We picked “Heat” for you because you loved “Casino”. It is well liked here.
“The Godfather”, which you liked, led to “Heat”, a 1995 action film.
Since you enjoyed “The Godfather”, here is “Heat”. Like “The Godfather”, it is a crime film.
You loved “Casino”, so “Heat” may suit you. Both came out in the 1990s.
Why “Heat”? Because you loved “Casino” and liked “The Godfather”. It is a crime thriller.
""",
    "recent": """
You recently loved “Casino”. Here is “Heat”, a 1995 crime thriller.
“Heat” may be next. Lately you loved “Casino”.
You recently loved “Casino”; “Heat”, an action film, is next.
""",
    "none": """
Here is “Heat”, an action and crime film from 1995.
You may like “Heat”. It is a thriller from the 1990s.
“Heat” may be one to start with. Its director is ‘Michael Mann’.
""",
    "remake": """
You liked “Heat” (1986), so here is “Heat”, a thriller from the 1990s.
You liked “Heat”, a drama, so here is “Heat”, a thriller.
""",
    "tags": """
Here is “Heat”, a 1995 film listed under ‘1995’.
“Heat”, a film from the 1990s listed under ‘1990s’ and ‘1995’, may suit you.
""",
    "romance": """
Here is “Emma”, a romantic comedy.
Here is “Emma”, a romance.
""",
}
FALSE = {
    "because": """
You loved “Casino”. It is a thriller. Try “Heat”.
You loved “Casino”. Its director is ‘Michael Mann’. Try “Heat”.
“Heat” is part of a series.
You loved “Casino”. “Heat” and “Casino” are part of the same series.
You loved “Casino”. “Heat” and “Casino” are the same.
You have “Heat”.
You made “Heat”.
You found “Heat”.
You were in “Heat”.
You may have enjoyed “Heat”.
We enjoy “Heat”.
In 1995 you loved “Casino”; try “Heat”.
“Heat” has been on your list from 1995.
“Heat” came out after “Casino”, which you loved.
“Heat” is out of place.
“Heat” has appeal.
You loved “Casino”. We suggest “Heat” and “Casino”.
You may like “Heat” and “Casino”. You loved “Casino”.
Because you loved “Casino” and liked “Goodfellas”, we suggest “Heat”.
Because you loved “Casino”, we suggest “The Heat”.
Because you loved “Casino”, we suggest “Heat 2”.
Because you loved “The Godfather”, we suggest “Heat”.
You loved “Casino” and “The Godfather”, so we suggest “Heat”.
You hated “Casino”, so we suggest “Heat”.
You loved “Heat”, so “Casino” may suit you.
You loved “Casino”, so here is “Heat”, a drama.
You loved “Casino”, a thriller, so here is “Heat”.
You loved “Casino”, so here is “Heat”, a film from 1972.
You loved “Casino”, so here is “Heat”, a film from the 1970s.
You loved “Casino”, a 1972 film, so here is “Heat”.
You loved “Casino” and liked “The Godfather”, so here is “Heat”. All three are dramas.
You loved “Casino” and liked “The Godfather”, so here is “Heat”. All four are crime films.
You loved “Casino” and liked “The Godfather”. All three came out in the 1990s. Try “Heat”.
You never loved “Casino”, so here is “Heat”.
You loved “Casino”, so “Heat” may not suit you.
You loved “Casino”, so here is “Heat”. It is not a thriller.
You loved “Casino”, so here is “Heat”. Its director is ‘Martin Scorsese’.
You loved “Casino”, so here is “Heat”. Its director is ‘Michael Mann’, the same as for “Casino”.
You loved “Casino”, so here is “Heat”. The director is the same.
You loved “Casino”, so here is “Heat”. The director is the same: ‘Michael Mann’.
Since you loved the thriller “Casino”, we suggest “Heat”.
“Heat”, listed under ‘Action’ like “Casino”, may suit you, because you loved “Casino”.
As you loved “Casino” and liked the westerns “Casino” and “The Godfather”, we suggest “Heat”.
You enjoyed the thrillers “Casino” and “The Godfather”, so we suggest “Heat”.
You enjoyed two thrillers, “Casino” and “The Godfather”, so we suggest “Heat”.
Because of your liking for thrillers like “Casino” and “The Godfather”, we suggest “Heat”.
You loved “Casino”, so here is “Heat”, with Al Pacino.
You loved “Casino” for its gripping plot, so here is “Heat”.
You loved “Casino”, so here is “Heat”, a gripping thriller.
You loved “Casino”, so here is “Heat”. Critics praise it.
You loved “Casino”, so here is “Heat”. It is one of the films that people here like most.
You loved “Casino”, so here is “Heat”. It is part of the same series as “Casino”.
You recently loved “Casino”, so here is “Heat”.
You loved “Casino” and “Heat”, so we suggest “Heat”.
You loved “Casino”, so we suggest “Heat”. You watched “Ronin”.
We loved “Casino”, so we suggest “Heat”.
You loved “Casino”, so we suggest “Heat”. “The Godfather” may suit you.
You loved “Casino” because you liked “The Godfather”. We suggest “Heat”.
Because we suggest “Heat”, you loved “Casino”.
You loved “Casino”, so we suggest “Heat”, a crime crime thriller.
You and “Heat”.
“Heat”, a 1995 crime thriller.
You loved “Casino”. “Heat”.
You loved “Casino”, so we suggest “Heat
You loved “Casino”, so we suggest
""",
    "recent": """
You recently enjoyed “Casino”, which led you to “Heat”.
Your love of “Casino” made us suggest “Heat”.
You loved “Casino”; that is the reason “Heat” is here.
“Heat” comes from your love of “Casino”.
“Heat” is on your list with your love of “Casino”.
Because you loved “Casino”, we suggest “Heat”.
You recently loved “Casino”, so here is “Heat”.
“Casino” led to “Heat”.
Why “Heat”? You recently loved “Casino”.
You recently loved “Casino”. That is why “Heat” is here.
You recently loved “Casino”. Here is “Heat”, a favourite here.
""",
    "none": """
Because you like thrillers, we suggest “Heat”.
We suggest “Heat”, because it is a thriller.
You may like “Heat”, as you liked “Casino”.
“Heat” is well liked here.
Here is “Heat”, a thriller from 1996.
Here is “Heat”. It stars Al Pacino.
""",
    "remake": """
You liked “Heat” (1986), so here is “Heat”, a thriller from the 1980s.
You liked “Heat”, a thriller, so here is “Heat”, a drama.
""",
    "tags": """
Here is “Heat”, a 1995 film listed under ‘1995’ and ‘1995’.
Here is “Heat”, a 1995 film from 1995.
""",
    "romance": """
Here is “Emma”, a romantic romance.
Here is “Emma”, a comedy comedy.
""",
}


def _cases(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(text, name) for name, lines in texts.items() for text in lines.strip().splitlines()]


@pytest.mark.parametrize(("text", "facts"), _cases(TRUE))
def test_what_a_reader_would_call_true(text: str, facts: str) -> None:
    assert check(text, FACTS[facts], policy="strict").failures() == []


@pytest.mark.parametrize(("text", "facts"), _cases(FALSE))
def test_what_a_reader_would_call_false(text: str, facts: str) -> None:
    assert not check(text, FACTS[facts], policy="strict").passed
