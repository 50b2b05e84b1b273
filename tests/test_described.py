"""The policy `described` on true texts of an open language, and on the same recombined.

`python -m pytest -s tests/test_described.py` prints the table of `docs/faithfulness-measured.md`.
"""

from collections import Counter

import pytest
from described_texts import false_texts, true_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.facts import Facts
from models.distillation.evaluate import Share
from models.faithfulness import check
from models.faithfulness.describing.lemmas import lemmas


def test_most_true_texts_pass() -> None:
    passed = [check(told["text"], facts, "described").passed for told, facts in true_texts()]
    print(f"\n{'true':27} pass {Share(sum(passed), len(passed))}")  # noqa: T201
    assert sum(passed) >= 0.75 * len(passed)


def test_hardly_any_recombined_text_passes() -> None:
    texts = false_texts()
    strays = [(kind, text) for kind, text, f in texts if check(text, f, "described").passed]
    missed = Counter(kind for kind, _ in strays)
    for kind, count in Counter(kind for kind, _, _ in texts).items():
        print(f"{kind:27} pass {Share(missed[kind], count)}")  # noqa: T201
    assert len(texts) >= 250
    assert len(strays) <= 0.02 * len(texts), strays


def test_what_passes_is_contradicted_by_nothing_and_what_strict_reads_passes() -> None:
    for text, facts in [(told["text"], facts) for told, facts in true_texts()]:
        passed = check(text, facts, "described").passed
        assert passed or not check(text, facts, "strict").passed
        assert not passed or check(text, facts, "factual").passed


FACTS = Facts.model_validate(
    {
        "noun": {"one": "film", "many": "films"},
        "item": {
            "id": "1", "title": "Heat", "categories": ["Crime"], "year": 1995,
            "attributes": {"director": "Michael Mann", "runtime": 170},
            "description": "A retired detective hunts three clever thieves. It is never funny. "
            "Families with a dog enjoy this gripping film. The food is delicious.",
        },
        "evidence": [
            {"id": "2", "title": "Ronin", "liking": "liked", "description": "Spies chase a case."}
        ],
        "evidence_kind": "recent",
    }
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "“Heat” follows a detective hunting three thieves.",
        "This film, directed by Michael Mann, runs 170 minutes and has delicious food.",
        "“Heat” is a gripping 1995 crime film, and it is never funny.",
        "If you liked “Ronin”, in which spies chase a case, the thieves of “Heat” may suit you.",
    ],
)
def test_words_of_the_description_in_another_order_pass(text: str) -> None:
    assert check(text, FACTS, "described").failures() == []


@pytest.mark.parametrize(
    ("text", "word", "why"),
    [
        ("“Heat” follows clever thieves who hunt a detective.", "hunt", "thieves … hunt"),
        ("“Heat” follows four thieves.", "four", "not in the description of “Heat”"),
        ("“Heat” has spies.", "spies", "not in the description of “Heat”"),
        ("“Heat” is a funny film.", "funny", "turned round"),
        ("“Heat” has a dog.", "dog", "turned round"),
        ("“Heat” has families.", "families", "turned round"),
        ("“Heat” has food that is the most delicious.", "most", "not in the description"),
        ("“Heat” is not a gripping film.", "film", "not known"),
        ("You loved the spies of “Ronin”, so try “Heat”.", "loved", "not loved in the history"),
        ("You enjoy the thieves of “Heat”.", "enjoy", "what is liked is not known"),
        ("“Heat” has thieves because you liked “Ronin”.", "because", "no cause"),
        ("“Heat” follows three clever thieves who.", "who", "breaks off"),
    ],
)
def test_a_word_that_is_not_supported_is_named_and_why(text: str, word: str, why: str) -> None:
    verdict = check(text, FACTS, "described")
    assert verdict.outcome != "supported"
    assert any(text[c.start : c.end] == word and why in c.why for c in verdict.failures()), (
        verdict.failures()
    )


PEOPLE = Facts.model_validate(
    {
        "item": {
            "id": "1", "title": "Heat", "description": "A retired detective hunts clever thieves.",
            "attributes": {
                "director": "Michael Mann", "writers": ["Ann Lee", "Bob Roe"],
                "cast": ["Al Pacino", "Robert De Niro"], "awards": "2 Oscars",
            },
        },
        "evidence": [{"id": "2", "title": "Ronin", "liking": "loved",
                      "attributes": {"cast": ["Robert De Niro", "Jean Reno"]}}],
        "evidence_kind": "contribution",
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("“Heat” follows thieves, directed by Michael Mann.", ("Michael Mann", "Al Pacino")),
        ("“Heat”, written by Ann Lee and Bob Roe, has thieves.", ("Bob Roe", "Michael Mann")),
        ("“Heat” follows thieves, with Al Pacino in its cast.", ("Al Pacino", "Jean Reno")),
        ("“Heat”, with Robert De Niro, follows thieves.", ("Robert De Niro", "Jean Reno")),
        ("“Heat” features Al Pacino and thieves.", ("Al Pacino", "Jean Reno")),
        ("“Heat” won 2 Oscars and follows thieves.", ("2 Oscars", "3 Oscars")),
        ("“Heat” follows a detective who hunts thieves.", ("thieves", "Al Pacino")),
    ],
)
def test_people_stand_in_their_roles(true: str, false: tuple[str, str]) -> None:
    assert check(true, PEOPLE, "described").failures() == []
    assert not check(true.replace(*false), PEOPLE, "described").passed


_PIECES = """“Heat” “Ronin” “” “ ” ‘x’ . , ; ? ( - 's n't don't it's whose who which without
    not or like has offers for the a its 3 1995 1990s 170 minutes thieves food
    crime film Michael Mann 東京""".split()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join))
def test_any_text_has_a_verdict_with_claims_inside_it(text: str) -> None:
    verdict = check(text, FACTS, "described")
    assert all(0 <= c.start <= c.end <= len(text) for c in verdict.claims)
    assert not verdict.passed or "“Heat”" in text or "the film" in text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("hunts", "hunted", True), ("stories", "story", True), ("running", "runs", True),
        ("thieves", "thief", True), ("dining", "dine", True), ("colour", "colors", True),
        ("caring", "car", False), ("bigger", "big", False), ("hunter", "hunts", False),
        ("bus", "bu", False), ("string", "str", False), ("funny", "fun", False),
    ],
)  # fmt: skip
def test_words_are_one_where_they_are_forms_of_one(one: str, other: str, same: bool) -> None:
    assert bool(lemmas(one) & lemmas(other)) is same
