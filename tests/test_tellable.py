"""Which attributes and categories a text tells: none that says nothing, or that is no English."""

import re

import pytest

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item, Values
from models.faithfulness import check
from models.language.grounded import STYLES, explain

HOTEL = Noun(one="hotel", many="hotels")


def texts(attributes: dict[str, Values], *, shared: bool, category: str = "") -> str:
    """Return the texts of all styles, which pass the check, as one."""
    item = Item(
        id="1",
        title="Sacher",
        attributes=attributes,
        categories=(category,) if category else (),
    )
    imperial = Evidence(id="2", title="Imperial", attributes=attributes, liking="loved")
    facts = Facts(noun=HOTEL, item=item)
    if shared:
        facts = Facts(noun=HOTEL, item=item, evidence=(imperial,), evidence_kind="contribution")
    found = [explain(facts, style) for style in range(STYLES)]
    assert [check(text, facts).failures() for text in found] == [[]] * len(found)
    return "\n".join(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("artist", "Various Artists"), ("author", "Unknown"), ("publisher", "-"), ("brand", "n/a"),
        ("director", "[unknown]"), ("company", "Various"), ("label", "TBA"),  # nobody
        ("isbn", "9780141439587"), ("product id", "x"), ("cover image", "x"),  # only a number
        ("source", "https://example.org/a"), ("contact", "me@example.org"),
        ("vegan", "yes"), ("in stock", "true"), ("multiplayer", "No"),  # of an adjective
        ("set in", "Paris"), ("best for", "families"), ("founded", 1891), ("released", "1994"),
        ("stars", 5), ("star", "4.5"), ("author", 7), ("award", 3), ("hosts", ("Ada", 2)),
        ("awards", "Hugo Award Nominee"), ("awards", ("Emmy", "Nominated for 3 Oscars")),
        ("award", "Won 2 Oscars. Another 5 wins"), ("language", "en"), ("country", "DE"),
    ],
)  # fmt: skip
def test_what_says_nothing_is_not_told(name: str, value: Values) -> None:
    told = [*(value if isinstance(value, tuple) else (value,)), name]
    for shared in (False, True):
        found = texts({name: value}, shared=shared)
        assert not any(re.search(rf"\b{re.escape(str(word))}(?!\w)", found) for word in told)


@pytest.mark.parametrize("category", ["Hotels", "hotel", "N/A", "Other", "(no genres listed)"])
def test_a_category_that_says_nothing_is_not_told(category: str) -> None:
    assert "listed" not in texts({}, shared=False, category=category)
    assert "‘Spa’" in texts({}, shared=False, category="Spa")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("series", "The Lord of the Rings", "part of the Lord of the Rings series"),
        ("series", "Discworld Series", "part of the Discworld series"),
        ("saga", "Twilight", "part of the Twilight series"),
        ("album", 1989, "from the album ‘1989’"),
        ("band", "311", "by ‘311’"),
        ("award", "Booker Prize", "won the Booker Prize"),
        ("award", "Emmy", "won an Emmy"),
        ("awards", ("2 Oscars", "a Grammy"), "won 2 Oscars and a Grammy"),
        ("winery", "Antinori", "made by Antinori"),
        ("architect", "Gottfried Semper", "designed by Gottfried Semper"),
        ("network", "HBO", "on HBO"),
        ("country", "US", "from the US"),
    ],
)
def test_what_is_known_is_told_in_its_own_words(name: str, value: Values, told: str) -> None:
    assert told in texts({name: value}, shared=False)
    assert told in texts({name: value}, shared=True)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("city", "Vienna", "It is in Vienna, as is “Imperial”."),
        ("cuisine", "Thai", "It serves Thai cuisine, as does “Imperial”."),
        ("label", "Blue Note", "It has the same label as “Imperial”: ‘Blue Note’."),
    ],
)
def test_a_reason_that_is_shared_ends_every_text(name: str, value: str, told: str) -> None:
    dull: dict[str, Values] = {"language": "German", "price": 90, "size": "M"}
    for beside in ({}, dull):
        found = texts({**beside, name: value}, shared=True).splitlines()
        assert all(text.endswith(told) for text in found)


@pytest.mark.parametrize(("name", "value"), [("size", "M"), ("price", "$12"), ("rating", 4)])
def test_what_many_share_need_not_be_told(name: str, value: Values) -> None:
    found = texts({name: value}, shared=True).splitlines()
    assert any(str(value) not in text for text in found)


def test_a_nomination_is_not_won() -> None:
    item = Item(id="1", title="Sacher", attributes={"award": ("Hugo Award Nominee", "Nebula")})
    facts = Facts(noun=HOTEL, item=item)
    assert check("Try “Sacher”. It won the Nebula.", facts).passed
    for policy in ("strict", "factual"):
        assert not check("Try “Sacher”. It won the Hugo Award Nominee.", facts, policy).passed
