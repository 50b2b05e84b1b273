"""Facts files: written whole, read back equal, and honest about what was set aside."""

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from random_facts import random_facts

from catalog.dataset import Dataset
from catalog.facts_file import FactsFileError, Sample, read_facts, shards, write_facts
from catalog.types import Item
from ranker.als import AlsConfig, fit
from ranker.sampling import sample_facts

HEAT = Item(id="1", title="Heat", categories=("Action", "Crime"), year=1995)


def samples(count: int) -> list[Sample]:
    rng = random.Random(1)
    return [
        Sample(
            random_facts(rng, catalogue=[HEAT]), "train" if n % 3 else "test", n % 2 == 0, n // 10
        )
        for n in range(count)
    ]


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    rows = samples(25)
    assert write_facts(tmp_path / "facts", iter(rows), shard_rows=10) == 25
    found = shards(tmp_path / "facts")
    assert [path.name for path in found] == [f"facts-0000{n}.parquet" for n in range(3)]
    for split in ("train", "test"):
        expected = [row for row in rows if row.split == split]
        assert [row for path in found for row in read_facts(path, split)] == expected


def test_facts_files_are_replaced_whole(tmp_path: Path) -> None:
    write_facts(tmp_path / "facts", samples(25), shard_rows=10)

    def breaks() -> Iterator[Sample]:
        yield from samples(12)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_facts(tmp_path / "facts", breaks(), shard_rows=10)
    assert len(shards(tmp_path / "facts")) == 3
    write_facts(tmp_path / "facts", samples(5), shard_rows=10)
    assert len(shards(tmp_path / "facts")) == 1


def test_a_folder_with_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not replaced"):
        write_facts(tmp_path, samples(3))
    assert (tmp_path / "diary.txt").read_text() == "mine"


def test_a_folder_without_facts_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FactsFileError, match=r"no facts-\*\.parquet"):
        shards(tmp_path)


def test_another_table_is_refused_with_the_missing_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"facts": ["{}"]}), tmp_path / "facts-00000.parquet")
    with pytest.raises(FactsFileError, match="page, split, unseen"):
        read_facts(tmp_path / "facts-00000.parquet", "test")


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    write_facts(tmp_path / "facts", samples(3))
    [shard] = shards(tmp_path / "facts")
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(FactsFileError, match=r"facts-00000\.parquet is damaged"):
        read_facts(shard, "test")


def test_a_folder_whose_replacement_was_killed_half_way_is_found_again(tmp_path: Path) -> None:
    work = tmp_path / ".facts.abcdefgh.work"
    write_facts(work / "old", samples(3))
    assert [shard.parent for shard in shards(tmp_path / "facts")] == [tmp_path / "facts"]


@pytest.fixture(scope="module")
def sampled(demo: Dataset) -> list[Sample]:
    return list(sample_facts(demo, fit(demo, AlsConfig()), parts=1, k=10, seed=4))


def test_no_title_that_is_set_aside_appears_in_training(sampled: list[Sample]) -> None:
    aside = {row.facts.item.id for row in sampled if row.unseen}
    training = [row.facts for row in sampled if row.split == "train"]
    assert len(aside) > 100
    named = {entity.id for facts in training for entity in (facts.item, *facts.evidence)}
    assert not aside & named


def test_a_tenth_of_the_users_is_held_out_with_seen_and_unseen_items(
    demo: Dataset, sampled: list[Sample]
) -> None:
    test = [row for row in sampled if row.split == "test"]
    users = len(demo.user_ids) // 10
    assert len(test) == users * 20
    assert sum(row.unseen for row in test) == users * 10


def test_a_page_is_what_was_recommended_together(sampled: list[Sample]) -> None:
    pages: dict[int, list[Sample]] = {}
    for row in sampled:
        pages.setdefault(row.page, []).append(row)
    for rows in pages.values():
        assert len(rows) <= 10
        assert len({row.facts.item.id for row in rows}) == len(rows)
        assert len({(row.split, row.unseen) for row in rows}) == 1


def test_equal_seeds_give_equal_samples(demo: Dataset, sampled: list[Sample]) -> None:
    ranker = fit(demo, AlsConfig())
    again = sample_facts(demo, ranker, parts=1, k=10, seed=4)
    assert [next(again) for _ in range(200)] == sampled[:200]
    other = sample_facts(demo, ranker, parts=1, k=10, seed=5)
    assert [next(other) for _ in range(200)] != sampled[:200]
