"""What ties an item to a history: people and series are told, and nothing beside them."""

import itertools
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from random_facts import hostile_facts

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item, Liking
from models.faithfulness import check
from models.language.grounded import STYLES, explain
from models.language.relations import known_names
from models.language.ties import tie_of, worth_telling
from models.language.values import is_name

FILM = Noun(one="film", many="films")
APOLLO: dict[str, str | list[str]] = {
    "director": "Ron Howard",
    "writer": ["Al Reinert", "William Broyles, Jr."],
    "cast": ["Tom Hanks", "Kevin Bacon", "Gary Sinise"],
}


def entry(title: str, liking: Liking = "loved", **details: object) -> Evidence:
    return Evidence.model_validate({"id": title, "title": title, "liking": liking, **details})


def facts(attributes: Mapping[str, object], *evidence: Evidence, noun: Noun = FILM) -> Facts:
    item = Item.model_validate(
        {"id": "0", "title": "Apollo 13", "year": 1995, "categories": ["Drama"]}
        | {"attributes": attributes}
    )
    kind = "contribution" if evidence else "none"
    return Facts(noun=noun, item=item, evidence=evidence, evidence_kind=kind)


GUMP = entry("Forrest Gump", attributes={"cast": ["Gary Sinise", "Tom Hanks", "Sally Field"]})
BACKDRAFT = entry("Backdraft", "liked", attributes={"director": "Ron Howard"}, categories=["Drama"])
HEAT = entry("Heat", categories=["Drama"], attributes={"director": "Michael Mann"})


def texts(told: Facts, styles: int = STYLES) -> list[str]:
    """Return the text in so many styles, after checking it."""
    found = [explain(told, style) for style in range(styles)]
    assert all(check(text, told).passed for text in found)
    return found


# ---------------------------------------------------------------------- what is told


def test_who_is_in_both_is_told_and_no_genre_or_year_beside_it() -> None:
    for text in texts(facts(APOLLO, GUMP)):
        assert "Tom Hanks and Gary Sinise" in text
        assert "drama" not in text
        assert "1995" not in text


def test_who_directed_both_is_told_before_who_is_in_both() -> None:
    for text in texts(facts(APOLLO, GUMP, BACKDRAFT)):
        assert "Ron Howard" in text
        assert "“Backdraft”" in text
        assert "Hanks" not in text
        assert "Gump" not in text  # more reasons persuade no better


def test_the_same_people_who_wrote_and_directed_are_named_once() -> None:
    fargo = {"director": ["Joel Coen", "Ethan Coen"], "writer": ["Ethan Coen", "Joel Coen"]}
    told = facts(fargo, entry("Blood Simple", attributes=fargo))
    for text in texts(told):
        assert text.count("Joel Coen and Ethan Coen") == 1
    assert any("written and directed by Joel Coen" in text for text in texts(told))


def test_of_what_two_share_the_one_that_most_share_is_told() -> None:
    others = [entry(f"Film {n}", attributes={"cast": ["Kevin Bacon"]}) for n in (1, 2)]
    tie = tie_of(facts(APOLLO, GUMP, *others))
    assert tie and tie.predicate
    assert tie.predicate.value == "Kevin Bacon"
    assert [one.title for one in tie.entries] == ["Film 1", "Film 2"]


def test_a_series_is_told_before_any_person() -> None:
    first = {"author": "Ann Leckie", "series": "Imperial Radch"}
    book = Noun(one="book", many="books")
    told = facts(first, entry("Ancillary Sword", attributes=first), noun=book)
    assert all("Imperial Radch" in text and "Leckie" not in text for text in texts(told))


def test_without_a_tie_genres_are_shared_and_people_are_told_of_the_item() -> None:
    told = texts(facts(APOLLO, HEAT))
    assert any("both are dramas" in text.casefold() for text in told)
    people = ("Ron Howard", "Al Reinert", "Tom Hanks")
    assert any(person in text for text in told for person in people)
    assert not any("Michael Mann" in text for text in told)


@pytest.mark.parametrize("shared", ["language", "country", "award", "platform"])
def test_what_many_share_is_no_tie(shared: str) -> None:
    assert tie_of(facts({shared: "French"}, entry("Amélie", attributes={shared: "French"}))) is None


# ---------------------------------------------------------------------- how it is told


def test_every_relation_is_told_in_english_that_the_check_reads() -> None:
    values = ["Ann Bo", "Cy Du", "‘x y’ z"]
    for name, count in itertools.product(known_names(), (1, 2, 3)):
        one = {name: values[:count]}
        for told in (facts(one), facts(one, entry("Heat", attributes=one))):
            assert any("Ann Bo" in text for text in texts(told, styles=12)), name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Tom Hanks", True), ("Giuseppe Tomasi di Lampedusa", True), ("William Broyles, Jr.", True),
        ("Simon & Garfunkel", True), ("Siobhán O'Hara", True), ("村上春樹", True), ("U2", True),
        ("the Wachowskis", False), ("Earth, Wind & Fire", False), ("blink-182", False),
        ("50 Cent", False), ("!!!", False), ("You", False), ("It is the best film. Heat", False),
        ("Queen (band)", False),
    ],
)  # fmt: skip
def test_names_stand_plain_and_other_values_in_quotes(name: str, plain: bool) -> None:
    assert is_name(name) is plain
    by_artist = {"artist": name}
    for text in texts(facts(by_artist, entry("Heat", attributes=by_artist))):
        assert (f"‘{name}’" in text) is not plain


@pytest.mark.parametrize(
    ("country", "told"),
    [("United States", "the United States"), ("Ukraine", "Ukraine"), ("UK", "the UK")],
)
def test_countries_have_their_article(country: str, told: str) -> None:
    assert any(f"is from {told}" in text for text in texts(facts({"country": country})))


def test_an_artist_is_somebody_and_not_it() -> None:
    artist = Noun(one="artist", many="artists")
    iceland = {"country": "Iceland"}
    found = texts(facts(iceland, entry("Björk", attributes=iceland), noun=artist))
    assert any("whom you loved" in text for text in found)
    assert not any(" it " in f" {text.casefold()}" or "which" in text for text in found)


def test_one_value_has_its_name_in_the_singular() -> None:
    found = texts(facts({"translators": "Ann Goldstein"}))
    assert any("Its translator is ‘Ann Goldstein’" in text for text in found)
    found = texts(facts({"translator": ["Ann Goldstein", "Bo"]}))
    assert any("Its translators are ‘Ann Goldstein’ and ‘Bo’" in text for text in found)


# ---------------------------------------------------------------------- what is not told


def test_of_equal_titles_that_no_year_tells_apart_one_is_not_named() -> None:
    twin = entry("Apollo 13", year=1995)
    later = entry("Apollo 13", year=2001).model_copy(update={"id": "later"})
    assert worth_telling(facts({}, twin)).evidence_kind == "none"
    assert worth_telling(facts({}, twin, HEAT)).evidence == (HEAT,)
    assert worth_telling(facts({}, later)).evidence == (later,)


def test_a_category_without_an_english_form_is_not_told_beside_one_that_has_one() -> None:
    song = Item(id="1", title="Gangnam Style", categories=("Pop", "K-Pop"))
    found = texts(Facts(noun=Noun(one="song", many="songs"), item=song))
    assert any("a pop song" in text for text in found)
    assert not any("K-Pop" in text for text in found)


@given(hostile_facts())
def test_what_is_worth_telling_stays_so(told: Facts) -> None:
    worth = worth_telling(told)
    assert worth_telling(worth) == worth
    assert all(entry in told.evidence for entry in worth.evidence)
    assert (worth.evidence_kind == "none") == (not worth.evidence)


# ---------------------------------------------------------------------- versions


def test_version_1_and_2_of_the_same_content_are_the_same() -> None:
    new = facts({"director": ["Ron Howard"]}, BACKDRAFT)
    old = Facts.model_validate({**new.model_dump(), "version": 1})
    assert old.digest() == new.digest()
    assert explain(old) == explain(new)


def test_the_order_of_values_is_part_of_the_facts() -> None:
    cast = list(APOLLO["cast"])
    random.Random(1).shuffle(cast)
    assert facts({"cast": cast}).digest() != facts({"cast": APOLLO["cast"]}).digest()
