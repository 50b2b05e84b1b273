"""Raw texts: kept row by row, never asked twice, written by one process at a time."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_fixtures import facts_folder, rows_of, some_facts

from catalog.facts import Facts
from catalog.facts_file import Sample, write_facts
from models.faithfulness.texts import TextWithFacts
from models.language.grounded import explain
from models.oracle.grounded import GroundedOracle
from models.oracle.protocol import Asked, Failure, OracleError, Outcome, Tokens
from models.oracle.stored import StoredOracle
from models.oracle.texts import Part, Shard
from models.oracle.write import Order, Writing

Prism = Callable[..., tuple[str, str]]


class Moody(GroundedOracle):
    """Fails for every `n`-th of its requests."""

    def __init__(self, n: int) -> None:
        self._n = n

    def write(self, requests: Iterable[Asked], stop: Event) -> Iterator[tuple[Asked, Outcome]]:
        for number, (request, answer) in enumerate(super().write(requests, stop), 1):
            failed = Failure("moody", lost=Tokens(7, 1))
            yield request, failed if number % self._n == 0 else answer


def fill(order: Order, oracle: GroundedOracle | StoredOracle) -> list[Outcome]:
    with Writing(order, oracle) as writing:
        return list(writing.run(Event()))


def digests(texts: Path) -> Counter[str]:
    return Counter(row["digest"] for row in rows_of(texts) if "text" in row)


def test_every_row_is_what_the_check_reads_and_says_where_it_comes_from(tmp_path: Path) -> None:
    facts = facts_folder(tmp_path, 20)
    fill(Order(facts, tmp_path / "texts"), GroundedOracle())
    rows = rows_of(tmp_path / "texts")
    assert len(rows) == 20
    for row in rows:
        read = TextWithFacts.model_validate(row)
        assert read.text == explain(read.facts)
        assert row["digest"] == read.facts.digest().hex()
        assert (row["oracle"], row["sample"], row["split"]) == ("grounded", 0, "train")


def test_more_samples_and_more_facts_are_added_to_what_is_there(tmp_path: Path) -> None:
    facts, texts = facts_folder(tmp_path, 20, shard_rows=7), tmp_path / "texts"
    assert len(fill(Order(facts, texts, limit=5), GroundedOracle())) == 5
    assert len(fill(Order(facts, texts), GroundedOracle())) == 15
    assert len(fill(Order(facts, texts, samples=3), GroundedOracle())) == 40
    assert fill(Order(facts, texts, samples=3), GroundedOracle()) == []
    assert set(digests(texts).values()) == {3}


def test_equal_facts_are_asked_once(tmp_path: Path) -> None:
    one = Sample(some_facts(1)[0], "train", unseen=False, page=0)
    write_facts(tmp_path / "facts", [one] * 5)
    assert len(fill(Order(tmp_path / "facts", tmp_path / "texts"), GroundedOracle())) == 1


def test_only_the_rows_that_are_meant_are_written(tmp_path: Path) -> None:
    facts = some_facts(6)
    samples = [Sample(one, "test" if n < 2 else "train", False, n) for n, one in enumerate(facts)]
    write_facts(tmp_path / "facts", samples)
    counts = {
        rows: len(fill(Order(tmp_path / "facts", tmp_path / rows, rows=rows), GroundedOracle()))
        for rows in ("train", "test", "all")
    }
    assert counts == {"train": 4, "test": 2, "all": 6}


def test_a_failure_is_kept_and_asked_again(tmp_path: Path) -> None:
    facts, texts = facts_folder(tmp_path, 9), tmp_path / "texts"
    fill(Order(facts, texts), Moody(3))
    failures = [row for row in rows_of(texts) if "error" in row]
    assert len(failures) == 3
    assert failures[0]["error"] == "moody"
    assert failures[0]["lost"] == {"prompt": 7, "text": 1}
    assert len(fill(Order(facts, texts), GroundedOracle())) == 3
    assert set(digests(texts).values()) == {1}
    assert len(digests(texts)) == 9


def test_a_run_that_only_fails_ends_and_says_why(tmp_path: Path) -> None:
    facts, texts = facts_folder(tmp_path, 60), tmp_path / "texts"
    with pytest.raises(OracleError, match="25 failures in a row; the last: moody"):
        fill(Order(facts, texts), Moody(1))
    assert len(rows_of(texts)) == 25


@pytest.mark.parametrize("cut", [1, 2, 300, 1500])
def test_a_torn_last_line_is_dropped_and_written_again(tmp_path: Path, cut: int) -> None:
    facts, texts = facts_folder(tmp_path, 4), tmp_path / "texts"
    fill(Order(facts, texts), GroundedOracle())
    shard = texts / "texts-1-of-1.jsonl"
    shard.write_bytes(shard.read_bytes()[:-cut])
    fill(Order(facts, texts), GroundedOracle())
    assert set(digests(texts).values()) == {1}
    assert len(digests(texts)) == 4


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    facts, texts = facts_folder(tmp_path, 3), tmp_path / "texts"
    fill(Order(facts, texts), GroundedOracle())
    shard = texts / "texts-1-of-1.jsonl"
    lines = shard.read_text().splitlines()
    shard.write_text("\n".join([lines[0], lines[1][:20], lines[2], ""]))
    with pytest.raises(OracleError, match="line 2 is damaged"):
        fill(Order(facts, texts), GroundedOracle())


class TestParts:
    @given(number=st.integers(1, 9), digest=st.binary(min_size=32, max_size=32))
    def test_every_facts_are_of_one_part(self, number: int, digest: bytes) -> None:
        assert sum(Part(part, number).holds(digest) for part in range(1, number + 1)) == 1

    def test_parts_make_the_whole(self, tmp_path: Path) -> None:
        facts, texts = facts_folder(tmp_path, 30), tmp_path / "texts"
        for number in (1, 2, 3):
            fill(Order(facts, texts, part=Part(number, 3)), GroundedOracle())
        assert len(list(texts.glob("*.jsonl"))) == 3
        assert len(digests(texts)) == sum(digests(texts).values()) == 30
        assert fill(Order(facts, texts, part=Part(2, 2)), GroundedOracle()) == []

    @pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "-1/4"])
    def test_what_is_no_part_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no part"):
            Part.parse(text)

    def test_two_do_not_write_one_shard_nor_parts_of_another_number(self, tmp_path: Path) -> None:
        with Shard(tmp_path, Part(1, 2)), Shard(tmp_path, Part(2, 2)):
            with pytest.raises(OracleError, match="another process writes"):
                Shard(tmp_path, Part(1, 2))
            with pytest.raises(OracleError, match="other parts than 3"):
                Shard(tmp_path, Part(1, 3))
        Shard(tmp_path, Part(1, 3)).close()


class TestStored:
    def stored(self, folder: Path, *rows: dict[str, object]) -> StoredOracle:
        file = folder / "stored.jsonl"
        file.write_text("\n".join(json.dumps(row) for row in rows))
        return StoredOracle(file)

    def test_texts_are_found_by_digest_or_by_facts(self, tmp_path: Path) -> None:
        facts = facts_folder(tmp_path, 3)
        one, other, _ = some_facts(3)
        oracle = self.stored(
            tmp_path,
            {"facts": one.model_dump(), "text": "by Facts"},
            {"digest": other.digest().hex(), "text": "by digest"},
            {"digest": other.digest().hex(), "text": "a second"},
        )
        fill(Order(facts, tmp_path / "texts", samples=2), oracle)
        rows = {(Facts.model_validate(row["facts"]).digest(), row["sample"]): row["text"]
                for row in rows_of(tmp_path / "texts")}  # fmt: skip
        assert rows == {
            (one.digest(), 0): "by Facts",
            (other.digest(), 0): "by digest",
            (other.digest(), 1): "a second",
        }

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"text": "of nothing"}, "line 1: the line: .*neither facts nor digest"),
            ({"digest": "12", "text": "x"}, "line 1: digest: "),
            ({"facts": {"item": {"id": "1"}}, "text": "x"}, "line 1: facts.item.title: "),
        ],
    )
    def test_a_line_that_says_not_what_for_is_named(
        self, row: dict[str, object], message: str, tmp_path: Path
    ) -> None:
        order = Order(facts_folder(tmp_path, 1), tmp_path / "texts")
        with pytest.raises(OracleError, match=message):
            fill(order, self.stored(tmp_path, row))


class TestTheCommand:
    def test_it_tells_what_was_there_and_what_came(self, prism: Prism, tmp_path: Path) -> None:
        facts, texts = facts_folder(tmp_path, 12), tmp_path / "texts"
        prism("write", facts, texts, "--oracle", "grounded", "--limit", "5")
        _, told = prism("write", facts, texts, "--oracle", "grounded")
        assert "5 texts are there, 7 are left" in told
        assert f"{texts}: 7 texts, " in told

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--oracle", "openai"], "needs --model"),
            (["--oracle", "stored"], "needs --model"),
            (["--oracle", "grounded", "--shard", "3/2"], "is no part such as"),
            (["--oracle", "hf", "--samples", "2"], "give --temperature"),
            (["--oracle", "openai", "--model", "m", "--budget-money", "3"], "needs --price"),
        ],
    )
    def test_options_that_make_no_sense_are_refused(
        self, prism: Prism, arguments: list[str], message: str, tmp_path: Path
    ) -> None:
        _, told = prism("write", tmp_path, tmp_path / "texts", *arguments, status=2)
        assert message in told.replace("\n", " ")
