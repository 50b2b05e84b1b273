"""What `factual` contradicts of sentences that the grammar does not read, and what it lets be."""

import pytest

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item
from models.faithfulness import check

FACTS = Facts(
    noun=Noun(one="film", many="films"),
    item=Item(
        id="1",
        title="Heat",
        categories=("Action", "Crime"),
        year=1995,
        attributes={"director": "Michael Mann", "runtime": 170},
    ),
    evidence=(
        Evidence(
            id="2",
            title="Ronin",
            categories=("Action", "Thriller"),
            year=1998,
            attributes={"director": "John Frankenheimer", "runtime": 122},
            liking="loved",
        ),
        Evidence(id="3", title="Collateral", categories=("Crime",), year=2004, liking="liked"),
    ),
    evidence_kind="contribution",
)
RECENT = FACTS.model_copy(update={"evidence_kind": "recent"})

SO = """
As a fan of “Ronin”, you should not miss “Heat”.
Not only “Ronin” but also “Collateral” brought you “Heat”.
“Ronin” as well as “Collateral” is on your shelf; why not put “Heat” there?
At 170 minutes “Heat” asks for an evening.
“Heat” was made three years before “Ronin”, which won your heart.
Three years older than “Ronin”, “Heat” still has your name on it.
“Heat” is older than both “Ronin” and “Collateral”.
Don't let “Heat” pass you by, Michael Mann isn't a stranger to you.
Michael Mann's “Heat” runs for close to three hours.
John Frankenheimer made “Ronin” three years after “Heat” came out.
Two of your favourites, one crime and one action, meet in “Heat”.
“Heat” isn't a comedy, and neither is “Ronin”.
Heat and Ronin share a shelf, don't they?
You never know: “Heat” might grow on you.
"""
NOT_SO = """
You couldn't stand “Ronin”, yet “Heat” may change your mind.
“Heat” was made five years before “Ronin”.
Three years younger than “Ronin”, “Heat” is still worth it.
“Heat” is newer than “Collateral”, whatever they say.
“Heat” isn't a crime film at all, mind you.
Remember “Heat”? You loved “Heat” back then.
You adored “Collateral”, so go and see “Heat” at once.
Martin Scorsese's “Heat” is a long one.
“Heat”, directed by Francis Ford Coppola, is waiting.
John Frankenheimer made “Heat” before he turned to other things.
So much for “Heat”; have a go at it after “Casino”, which you loved.
Why wait? We recommend “Ronin” with all our heart.
“Heat”, a gem from the seventies, is waiting.
“Heat” is shorter than “Ronin”, so there's time.
All the world says that hardly anybody here likes “Heat”, and you loved “Heat”.
"""


@pytest.mark.parametrize("text", SO.strip().splitlines())
def test_what_is_so_is_not_contradicted(text: str) -> None:
    assert check(text, FACTS, "factual").passed, check(text, FACTS, "factual").failures()


@pytest.mark.parametrize("text", NOT_SO.strip().splitlines())
def test_what_is_not_so_is(text: str) -> None:
    assert not check(text, FACTS, "factual").passed


def test_a_cause_is_contradicted_where_there_is_none() -> None:
    text = "It's because you loved “Ronin” that we thought of “Heat” at all."
    assert check(text, FACTS, "factual").passed
    assert not check(text, RECENT, "factual").passed


def test_a_text_of_any_length_is_read_in_time_that_grows_with_it_alone() -> None:
    text = "you loved “Ronin” and " * 2_000 + "“Heat”."
    assert not check(text, FACTS).passed
