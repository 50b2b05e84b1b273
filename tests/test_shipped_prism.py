"""The Prism that comes with the code: it really generates, and is held to the Facts.

`pytest -s` prints the figures.
"""

import random
import re
from collections.abc import Iterator, Sequence
from itertools import chain, takewhile
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from other_worlds import WORLDS, facts_of
from service_fixtures import fitted

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.facts_file import Sample
from catalog.types import Item
from models.distillation.evaluate import Share, bare, measure, written
from models.faithfulness import check
from models.prism.engines.choice import SHIPPED
from models.prism.engines.ctranslate2_engine import CTranslate2Engine
from models.prism.writer import Writer
from ranker.sampling import sample_facts

pytestmark = pytest.mark.slow
_USERS = 7
T = TypeVar("T", bound=Item)


def set_aside(demo: Dataset) -> Iterator[Sample]:
    """Yield a page of seen and one of unseen titles for each user that was set aside."""
    rows = sample_facts(demo, fitted(demo), parts=1)
    return (row for row in rows if row.split == "test")


@pytest.fixture(scope="module")
def held_out(demo: Dataset) -> list[Sample]:
    """Return the pages of the first of those users: what is tested of them shows in few."""
    rows = set_aside(demo)
    first = next(rows)
    others = takewhile(lambda row: row.page < first.page + 2 * _USERS, rows)
    return [first, *others]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="module")
def engine(cache: Path) -> CTranslate2Engine:
    return CTranslate2Engine(SHIPPED, cache)


@pytest.fixture(scope="module")
def texts(engine: CTranslate2Engine, held_out: list[Sample]) -> list[str]:
    return written(engine, (row.facts for row in held_out))


def faithful(texts: Sequence[str], facts: Sequence[Facts]) -> float:
    return float(np.mean([check(t, f).passed for t, f in zip(texts, facts, strict=True)]))


def equal(first: Sequence[str], second: Sequence[str]) -> float:
    return float(np.mean([a == b for a, b in zip(first, second, strict=True)]))


def test_raw_texts_on_held_out_users_are_faithful_whole_and_varied(
    held_out: list[Sample], texts: list[str]
) -> None:
    assert len(held_out) >= 2 * _USERS * 15
    _check_quality(held_out, texts)


@pytest.mark.long
def test_so_are_those_on_every_user_that_was_set_aside(
    demo: Dataset, engine: CTranslate2Engine
) -> None:
    every_row = list(set_aside(demo))
    assert len(every_row) >= 2000
    _check_quality(every_row, written(engine, (row.facts for row in every_row)))


def _check_quality(rows: Sequence[Sample], texts: Sequence[str]) -> None:
    unseen = [n for n, row in enumerate(rows) if row.unseen]
    assert len(unseen) == len(rows) / 2
    every = measure(rows, texts)
    new = measure([rows[n] for n in unseen], [texts[n] for n in unseen])
    print(f"\nraw, strict: all {every.strict}, unseen titles {new.strict}")  # noqa: T201
    assert every.strict.count >= 0.97 * every.strict.total
    assert new.strict.count >= 0.95 * new.strict.total
    assert every.names_evidence.count >= 0.95 * every.names_evidence.total
    assert every.whole.count >= 0.999 * every.whole.total
    assert every.patterns >= 8


def test_int8_writes_what_fp32_writes(
    held_out: list[Sample], texts: list[str], cache: Path
) -> None:
    facts, texts = [row.facts for row in held_out[::2]], texts[::2]
    exact = written(CTranslate2Engine(SHIPPED, cache, "float32", 1), facts)
    print(f"\nint8 equal to fp32: {equal(texts, exact):.1%}")  # noqa: T201
    assert equal(texts, exact) >= 0.95
    assert abs(faithful(texts, facts) - faithful(exact, facts)) <= 0.01


def test_a_text_does_not_depend_on_what_is_written_beside_it(
    held_out: list[Sample], texts: list[str], engine: CTranslate2Engine
) -> None:
    rng = random.Random(5)
    order = rng.sample(range(len(held_out)), 200)
    batches = []
    while order:
        size = rng.choice([1, 2, 3, 10, 33])
        batches.append(order[:size])
        order = order[size:]
    again = chain.from_iterable(engine.write([held_out[n].facts for n in ns]) for ns in batches)
    share = equal(list(again), [texts[n] for n in chain.from_iterable(batches)])
    print(f"\nequal in other batches: {share:.1%}")  # noqa: T201
    assert share >= 0.99


def test_of_another_world_what_is_served_is_faithful(
    engine: CTranslate2Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    def remembered(batch: Sequence[Facts]) -> list[str]:
        texts[:] = write(batch)
        return texts.copy()

    write = engine.write
    monkeypatch.setattr(engine, "write", remembered)
    writer = Writer(engine, "strict")
    print()  # noqa: T201
    for name, world in WORLDS.items():
        facts = facts_of(world, 60)
        served = writer.write(facts)
        raw = [check(text, one).passed for text, one in zip(texts, facts, strict=True)]
        print(f"raw, strict, {name}: {Share(sum(raw), len(raw))}")  # noqa: T201
        assert all(check(w.text, f).passed for w, f in zip(served, facts, strict=True))
        assert [w.source == "prism" for w in served] == raw
        assert sum(raw) >= 0.9 * len(raw)


def test_where_one_category_is_all_that_is_known_it_is_told_well(
    held_out: list[Sample], engine: CTranslate2Engine
) -> None:
    facts = [_of_one_category(row.facts) for row in held_out if row.facts.item.categories]
    texts = written(engine, facts)
    passed = [check(text, one).passed for text, one in zip(texts, facts, strict=True)]
    print(f"\nraw, strict, a category and nothing else: {Share(sum(passed), len(passed))}")  # noqa: T201
    assert sum(passed) >= 0.95 * len(passed)
    plain = [bare(text, one) for text, one in zip(texts, facts, strict=True)]
    assert not [text for text in plain if re.search(r"\b(\w+) \1\b", text)]


def _of_one_category(facts: Facts) -> Facts:
    def left(entity: T) -> T:
        nothing_else: dict[str, object] = {
            "categories": entity.categories[:1],
            "year": None,
            "attributes": {},
        }
        return entity.model_copy(update=nothing_else)

    told = {"item": left(facts.item), "evidence": tuple(map(left, facts.evidence))}
    return facts.model_copy(update={**told, "popularity": None})


def test_it_is_small_enough_to_be_shipped() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 20 * 2**20
