"""Labels of the grammar: faithful texts alone, worlds like real ones, kills that cost no shard."""

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from student_fixtures import demo_samples

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.facts_file import Sample, write_facts
from catalog.types import Item
from models.distillation.invent import invented, varied
from models.distillation.label_grammar import label_with_grammar
from models.faithfulness import check
from models.language.grounded import explain
from models.prism.forms.references import References


@pytest.fixture(scope="module")
def samples(demo: Dataset) -> list[Sample]:
    return demo_samples(demo, 150)


def rows_of(folder: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for shard in sorted(folder.glob("labels-*.parquet")):
        rows += pq.read_table(shard).to_pylist()
    return rows


def test_a_label_is_a_prompt_and_a_faithful_text(samples: list[Sample], tmp_path: Path) -> None:
    write_facts(tmp_path / "facts", samples)
    [done] = label_with_grammar(tmp_path / "facts", tmp_path / "labels")
    rows = rows_of(tmp_path / "labels")
    training = sum(sample.split == "train" for sample in samples)
    assert done.kept == len(rows) > training
    for row in rows:
        facts = Facts.model_validate_json(row["facts"])
        assert row["prompt"] == next(References().prompts(facts))
        assert check(References().text(row["text"], facts), facts).passed


def test_no_label_is_made_of_a_test_row(samples: list[Sample], tmp_path: Path) -> None:
    write_facts(tmp_path / "facts", [row for row in samples if row.split == "test"])
    [done] = label_with_grammar(tmp_path / "facts", tmp_path / "labels")
    assert done.kept == done.rejected == 0


def test_a_killed_run_goes_on_with_the_first_missing_shard(
    samples: list[Sample], tmp_path: Path
) -> None:
    write_facts(tmp_path / "facts", samples, shard_rows=50)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    list(label_with_grammar(tmp_path / "facts", straight))
    next(iter(label_with_grammar(tmp_path / "facts", killed)))
    assert len(list(killed.glob("labels-*.parquet"))) == 1
    kept = [done.kept for done in label_with_grammar(tmp_path / "facts", killed)]
    assert kept == [pq.read_metadata(path).num_rows for path in sorted(straight.glob("*.parquet"))]
    assert rows_of(killed) == rows_of(straight)


def test_a_damaged_shard_is_made_again(samples: list[Sample], tmp_path: Path) -> None:
    write_facts(tmp_path / "facts", samples)
    list(label_with_grammar(tmp_path / "facts", tmp_path / "labels"))
    [shard] = (tmp_path / "labels").glob("labels-*.parquet")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-100])
    list(label_with_grammar(tmp_path / "facts", tmp_path / "labels"))
    assert shard.read_bytes() == whole


def test_labels_of_other_facts_are_not_kept(samples: list[Sample], tmp_path: Path) -> None:
    write_facts(tmp_path / "facts", samples, shard_rows=50)
    list(label_with_grammar(tmp_path / "facts", tmp_path / "labels"))
    write_facts(tmp_path / "facts", samples[100:], shard_rows=50)
    list(label_with_grammar(tmp_path / "facts", tmp_path / "labels"))
    list(label_with_grammar(tmp_path / "facts", tmp_path / "fresh"))
    assert rows_of(tmp_path / "labels") == rows_of(tmp_path / "fresh")


def test_every_grounded_text_of_a_made_up_world_is_faithful(samples: list[Sample]) -> None:
    rng = random.Random(1)
    worlds = [invented(varied(row.facts, rng), ["Night", "Heat"], rng) for row in samples]
    failed = [facts for facts in worlds if not check(explain(facts), facts).passed]
    assert not failed, explain(failed[0])


def test_made_up_worlds_have_the_shape_of_the_real_one(samples: list[Sample]) -> None:
    rng = random.Random(1)
    titles = {row.facts.item.title for row in samples}
    for row in samples:
        world = invented(row.facts, ["Zorvath", "Quillen"], rng)
        assert len(world.evidence) == len(row.facts.evidence)
        assert [e.liking for e in world.evidence] == [e.liking for e in row.facts.evidence]
        assert world.evidence_kind == row.facts.evidence_kind
        assert world.item.title not in titles


def test_some_made_up_worlds_have_many_attributes_and_some_have_titles_alone(
    samples: list[Sample],
) -> None:
    rng = random.Random(1)
    items = [invented(row.facts, ["Zorvath"], rng).item for row in samples]
    assert {0, 1, 2, 3, 8} <= {len(item.attributes) for item in items}
    assert any(not (item.categories or item.year or item.attributes) for item in items)


def test_of_an_item_with_many_categories_a_world_can_be_made_up() -> None:
    many = Item(id="1", title="Heat", categories=tuple(f"tag {n}" for n in range(16)))
    made = [invented(Facts(item=many), ["Night"], random.Random(seed)) for seed in range(50)]
    assert {0, 16} <= {len(world.item.categories) for world in made} <= set(range(17))
