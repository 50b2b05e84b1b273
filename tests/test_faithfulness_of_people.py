"""The check reads who made a thing, who is in it, what it won: in which role, shared by whom."""

import random
from collections import Counter

import pytest
from people_texts import FALSE, is_plain, texts, true_of
from people_worlds import FACTS, TEXTS
from random_facts import NAMES, ODD_NAMES, facts_of_people

from models.faithfulness import check

EACH = 60
"""Facts that texts are made of; several hundred false texts of each kind."""
WORLDS = {"names": NAMES, "odd names": [*ODD_NAMES, *NAMES[:4]]}


@pytest.mark.parametrize("names", WORLDS.values(), ids=WORLDS)
def test_what_is_so_passes_whatever_the_names(names: list[str]) -> None:
    rng = random.Random(3)
    for _ in range(EACH):
        facts = facts_of_people(rng, names)
        for told in true_of(facts, rng):
            assert told.is_so()
            for text in [*texts(told, rng)][:2]:
                assert check(text, facts).failures() == [], text


@pytest.mark.parametrize("names", WORLDS.values(), ids=WORLDS)
def test_nothing_false_passes_and_what_is_plainly_false_is_contradicted(names: list[str]) -> None:
    rng = random.Random(4)
    made, plain, contradicted = Counter[str](), Counter[str](), Counter[str]()
    passed = []
    for _ in range(EACH):
        facts = facts_of_people(rng, names)
        for true in true_of(facts, rng):
            for kind, make in FALSE.items():
                told = make(true, rng)
                if told is None or told.is_so():
                    continue
                text = next(texts(told, rng))
                verdict = check(text, facts)
                made[kind] += 1
                if is_plain(told, text):
                    plain[kind] += 1
                    contradicted[kind] += verdict.outcome == "contradicted"
                if verdict.passed:
                    passed.append(f"{kind}: {text}")
    table = [f"\n{'kind':45}{'texts':>6}{'contradicted of what is plain':>32}"]
    table += [f"{k:45}{n:6}{contradicted[k]:16} of {plain[k]:5}" for k, n in made.items()]
    print("\n".join(table))  # noqa: T201
    assert set(made) == set(FALSE)
    assert min(made.values()) > EACH
    assert passed == []
    for kind, n in plain.items():
        assert contradicted[kind] == n, kind


@pytest.mark.parametrize("world", FACTS)
def test_what_a_reader_would_call_true_passes_and_nothing_else(world: str) -> None:
    for line in TEXTS[world].strip().splitlines():
        failures = check(line.strip(), FACTS[world]).failures()
        assert bool(failures) == line.startswith("  "), (line, failures)
