"""The `prism` command: imports tables, trains, helps, and tells in one line what went wrong."""

import itertools
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from catalog.dataset import load
from catalog.readers.known_sets import known_sets
from ranker.als import AlsRanker
from service.cli.main import app

ITEMS = """isbn,name,genres,published,secret
1,Emma,Romance|Classics,1815,
2,Dune,Science Fiction,1965,
3,,Classics,1900,
4,Diary,,,true
"""
RATINGS = """reader,isbn,stars,when
ann,1,5,2020-01-01
ann,2,4,2020-01-02
bob,2,2,2020-01-03
bob,9,4,2020-01-04
bob,1,many,2020-01-05
,1,3,2020-01-06
cat,4,4,soon
dan,4,5,2020-01-07
"""
Prism = Callable[..., str]
MAPPING = (
    "--user reader --item isbn --value stars --timestamp when --title name --categories genres "
    "--year published --hidden secret --liking 3.5 --loved 4.5 --noun book,books"
).split()


@pytest.fixture
def prism(prism: Callable[..., tuple[str, str]]) -> Prism:
    """Return a function that runs `prism` and returns all that it says."""
    return lambda *arguments, **options: "".join(prism(*arguments, **options))


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """Write the two small tables, and return where."""
    ratings, books = tmp_path / "ratings.csv", tmp_path / "books.csv"
    ratings.write_text(RATINGS)
    books.write_text(ITEMS)
    return ratings, books


class TestImportingTables:
    def test_two_tables_become_a_dataset_and_every_bad_row_is_told(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        folder = tmp_path / "data" / "books"
        told = prism("data", "import", "table", *tables, "--data", folder, *MAPPING).splitlines()
        dataset = load(folder)
        as_csv = (
            "read as text with “,” between cells, a header, quotes, utf-8 "
            "(say --delimiter, --no-header, --no-quotes or --encoding to change it)"
        )
        assert told == [
            f"ratings.csv: {as_csv}",
            f"books.csv: {as_csv}",
            "times: Unix seconds or ISO 8601: 2020-01-01 is 2020-01-01 00:00:00 UTC "
            "(say --times to change it)",
            "items: 3 rows kept",
            "interactions: 4 rows kept",
            "items: 1 rejected: title: is empty (line 4)",
            "interactions: 1 rejected: the user id is empty, too long or has control characters "
            "(line 7)",
            "interactions: 1 rejected: the item is not among the usable items (line 5)",
            "interactions: 1 rejected: the value is not a finite number (line 6)",
            "interactions: 1 rejected: the timestamp is neither Unix seconds nor ISO 8601 (line 8)",
            f"{folder}: 3 users, 3 items, 4 interactions, 3 of them likings",
        ]
        assert dataset.info.name == "books"
        assert dataset.info.noun.many == "books"
        assert dataset.item(0).model_dump() == {
            "id": "1",
            "title": "Emma",
            "categories": ("Romance", "Classics"),
            "year": 1815,
            "attributes": {},
            "description": None,
        }
        assert dataset.history("ann").item_ids == ["1", "2"]
        assert dataset.hidden.tolist() == [False, False, True]

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ("--value stars", "what does 'stars' mean? It is 2 to 5"),
            ("--value stars --feedback ratings", "--liking 4 (75% of the sample"),
            ("--value stars --feedback events", "--feedback events has no --value"),
            ("--feedback ratings", "--feedback ratings needs --value"),
            ("--value stars --feedback counts --liking 4", "counts have no liking threshold"),
            ("--value stars --liking 4 --loved 90%", "only counts have a quantile"),
            ("--tidy commas", "--tidy 'commas': only articles, years, entities, alternatives"),
            ("--verb ate", "--verb 'ate'"),
            ("--times soon", "--times 'soon': is neither seconds"),
            ("--split author=;", "--split: 'author' is no attribute; there is none"),
            (
                "--attribute stars:author --split author",
                "--split: what separates the values of 'author'",
            ),
            ("--encoding klingon", "--encoding 'klingon': is no encoding"),
        ],
    )
    def test_what_a_value_means_is_asked_for_and_wrong_options_are_named(
        self, prism: Prism, tmp_path: Path, options: str, told: str
    ) -> None:
        log = tmp_path / "log.csv"
        log.write_text("user_id,item_id,stars\nann,1,5\nann,2,4\nbob,1,4\nbob,2,2\n")
        arguments = ("data", "import", "table", log, "--data", tmp_path / "x", *options.split())
        said = prism(*arguments, status=2)
        assert told in " ".join(said.replace("│", " ").split())
        assert not (tmp_path / "x").exists()

    def test_a_second_import_takes_the_place_of_the_first(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        folder = tmp_path / "books"
        arguments = ("data", "import", "table", *tables, "--data", folder, *MAPPING)
        prism(*arguments)
        tables[0].write_text("reader,isbn,stars,when\nzoe,1,5,2020-01-01\n")
        prism(*arguments)
        assert load(folder).user_ids == ["zoe"]

    def test_without_a_usable_row_nothing_is_written_and_it_says_why(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        tables[0].write_text("reader,isbn,stars,when\nann,9,5,2020-01-01\n")
        folder = tmp_path / "books"
        told = prism("data", "import", "table", *tables, "--data", folder, *MAPPING, status=1)
        assert "error: no usable row:" in told
        assert "the item is not among the usable items (line 2)" in told
        assert not folder.exists()

    def test_a_column_that_is_not_there_is_named(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        told = prism("data", "import", "table", *tables, "--data", tmp_path / "x", status=1)
        assert told.startswith("error: ")
        assert "item_id" in told or "user_id" in told

    def test_a_file_that_is_not_there_is_named(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        told = prism(
            "data", "import", "table", tmp_path / "no.csv", tables[1], "--data", tmp_path, status=1
        )
        assert told == f"error: {tmp_path / 'no.csv'}: no such file\n"

    def test_a_noun_that_no_sentence_could_hold_is_refused(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        command = ("data", "import", "table", *tables, "--data", tmp_path / "x")
        told = prism(*command, "--noun", "<b>,books", status=2)
        assert "--noun '<b>': not 2 to 32 lower-case letters, spaces or hyphens" in told
        told = prism(*command, "--noun", "we suggest,books", status=2)
        assert "--noun 'we suggest': is what an item is called, such as film" in told
        told = prism(*command, "--attribute", "Expansion?", status=2)
        assert "--attribute 'expansion?': not 2 to 32 lower-case letters" in told


class TestDescribing:
    def test_a_dataset_is_shown_in_figures_and_sentences(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        folder = tmp_path / "books"
        prism("data", "import", "table", *tables, "--data", folder, *MAPPING)
        told = prism("data", "describe", folder)
        words = [" ".join(line.replace("│", " ").split()) for line in told.splitlines()]
        assert "books: 3 users, 3 items, 4 interactions" in words
        assert "categories 66.7%" in words
        assert {"loved 2", "liked 1", "nothing, as a dislike 1"} <= set(words)
        sentences = [line for line in words if line.startswith("- ")]
        assert sentences
        assert all("“" in sentence for sentence in sentences)

    def test_attributes_of_one_and_of_several_values_are_counted(
        self, prism: Prism, tables: tuple[Path, Path], tmp_path: Path
    ) -> None:
        rows = ["isbn,name,by,code", "1,Emma,Jane Austen,7", "2,Dune,\"['A', 'B']\",8", "3,Odes,,9"]
        tables[1].write_text("\n".join(rows))
        command = ("data", "import", "table", *tables, "--data", tmp_path / "books")
        mapping = "--user reader --item isbn --value stars --liking 3.5 --title name"
        prism(*command, *mapping.split(), "--attribute", "by:author", "--attribute", "code")
        words = " ".join(prism("data", "describe", tmp_path / "books").replace("│", " ").split())
        assert "author 66.7% 100%" in words
        assert "code 100.0% 0%" in words  # nobody likes a book for its number


class TestTrainingTheRanker:
    @pytest.fixture
    def books(self, prism: Prism, tmp_path: Path) -> Path:
        """Return a dataset of two tastes, of sixty readers and thirty books."""
        rng = random.Random(0)
        rows = []
        for reader, book in itertools.product(range(60), range(30)):
            if rng.random() < 0.4:
                stars = 5 if reader % 2 == book % 2 else 1
                rows.append(f"{reader},{book},{stars},{10**9 + rng.randrange(10**8)}")
        (tmp_path / "log.csv").write_text("\n".join(["reader,isbn,stars,when", *rows]))
        (tmp_path / "books.csv").write_text(
            "\n".join(["isbn,name", *[f"{n},Book {n}" for n in range(30)]])
        )
        prism(
            *("data", "import", "table", tmp_path / "log.csv", tmp_path / "books.csv"),
            *("--data", tmp_path / "books", "--user", "reader", "--item", "isbn"),
            *("--value", "stars", "--timestamp", "when", "--title", "name", "--liking", "3"),
        )
        return tmp_path / "books"

    def test_it_shows_its_quality_beside_popularity_and_writes_a_snapshot(
        self, prism: Prism, books: Path, tmp_path: Path
    ) -> None:
        snapshot = tmp_path / "ranker"
        told = prism("train-ranker", "--data", books, "--snapshot", snapshot, "--factors", "4")
        for word in ("NDCG@10", "Recall@20", "coverage", "popularity", "als", "difference"):
            assert told.count(word) >= 2, told  # one table for each split
        ranker = AlsRanker.load(snapshot)
        assert told.splitlines()[-1] == f"{snapshot}: als {ranker.version}, 4 factors"
        about = json.loads((snapshot / "snapshot.json").read_text())["about"]
        assert (about["dataset"], about["data"]) == ("books", load(books).fingerprint)
        assert about["quality"].keys() == {"last liking of each user", "last 20% of each user"}

        again = prism("train-ranker", "--data", books, "--snapshot", snapshot, "--factors", "4")
        assert again == told
        assert AlsRanker.load(snapshot).version == ranker.version

    def test_it_says_plainly_where_it_is_not_better_than_popularity(
        self, prism: Prism, tmp_path: Path
    ) -> None:
        """Readers and books that never meet again: nothing can be learned."""
        rows = [
            f"{n},{book},5,{10**9 + n}" for n in range(40) for book in ("hit", 2 * n, 2 * n + 1)
        ]
        (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,stars,when", *rows]))
        prism(
            *("data", "import", "table", tmp_path / "log.csv", "--data", tmp_path / "books"),
            *("--value", "stars", "--timestamp", "when", "--liking", "3"),
        )
        told = prism(
            *("train-ranker", "--data", tmp_path / "books", "--snapshot", tmp_path / "ranker"),
            *("--factors", "2", "--tune", "2"),
        )
        last = told.splitlines()[-1]
        assert "than popularity on the last liking of each user: NDCG@10 " in last
        assert last.endswith("serve what most like: PRISM_RANKER=popularity prism serve")
        assert "validation split" in told

    def test_measuring_may_be_left_out(self, prism: Prism, books: Path, tmp_path: Path) -> None:
        snapshot = tmp_path / "ranker"
        told = prism("train-ranker", "--data", books, "--snapshot", snapshot, "--no-check")
        assert "NDCG" not in told
        assert AlsRanker.load(snapshot).config.factors == 32

    def test_settings_may_come_from_the_environment(
        self, prism: Prism, books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PRISM_DATA", str(books))
        monkeypatch.setenv("PRISM_SNAPSHOT", str(tmp_path / "elsewhere"))
        prism("train-ranker", "--no-check", "--iterations", "1")
        assert AlsRanker.load(tmp_path / "elsewhere").config.iterations == 1

    def test_without_data_it_says_how_to_get_some(self, prism: Prism, tmp_path: Path) -> None:
        told = prism("train-ranker", "--data", tmp_path, status=1)
        assert told.splitlines() == [
            f"error: {tmp_path} is no dataset folder: it has no dataset.json",
            "Run: prism data import demo, or prism data import table for your own",
        ]

    @pytest.mark.parametrize(
        ("option", "value"),
        [("--factors", "0"), ("--regularization", "-1"), ("--alpha", "-1"), ("--seed", "x")],
    )
    def test_a_wrong_option_is_named(
        self, prism: Prism, books: Path, tmp_path: Path, option: str, value: str
    ) -> None:
        told = prism("train-ranker", "--data", books, option, value, status=2)
        assert option.removeprefix("--") in told


class TestServing:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PRISM_PORT", "80000"),
            ("PRISM_MAX_K", "zero"),
            ("PRISM_RANKER", "oracle"),
            ("PRISM_POLICY", "lax"),
            ("PRISM_CACHE_BYTES", "-1"),
            ("PRISM_LOG_LEVEL", "loud"),
        ],
    )
    def test_a_wrong_setting_is_named(
        self, prism: Prism, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        told = prism("serve", status=2)
        assert "Invalid value" in told
        assert name in told


KNOWN = [known.name for known in known_sets()]
COMMANDS = [
    ("prism", []),
    ("prism data", ["data"]),
    ("prism data describe", ["data", "describe"]),
    ("prism data import", ["data", "import"]),
    ("prism data import demo", ["data", "import", "demo"]),
    ("prism data import table", ["data", "import", "table"]),
    *((f"prism data import {known}", ["data", "import", known]) for known in KNOWN),
    ("prism train-ranker", ["train-ranker"]),
    ("prism serve", ["serve"]),
    ("prism gateway", ["gateway"]),
    ("prism ranker", ["ranker"]),
    ("prism worker", ["worker"]),
    ("prism ready", ["ready"]),
    ("prism api-key", ["api-key"]),
    ("prism models", ["models"]),
    ("prism dead-letters", ["dead-letters"]),
    ("prism dead-letters list", ["dead-letters", "list"]),
    ("prism dead-letters replay", ["dead-letters", "replay"]),
    ("prism dead-letters drop", ["dead-letters", "drop"]),
    ("prism facts", ["facts"]),
    ("prism label", ["label"]),
    ("prism check", ["check"]),
    ("prism write", ["write"]),
    ("prism distill", ["distill"]),
    ("prism evaluate", ["evaluate"]),
    ("prism evaluate-evidence", ["evaluate-evidence"]),
]


class TestHelp:
    @pytest.mark.parametrize(("name", "arguments"), COMMANDS, ids=[name for name, _ in COMMANDS])
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_every_command_explains_itself(
        self, name: str, arguments: list[str], flag: str
    ) -> None:
        result = CliRunner().invoke(app, [*arguments, flag], prog_name="prism")
        assert result.exit_code == 0
        assert f"Usage: {name}" in result.output
        assert len(result.output.splitlines()) > 5

    def test_no_command_is_left_out_here(self) -> None:
        def walk(command: object, path: tuple[str, ...]) -> list[str]:
            commands = getattr(command, "commands", {})
            below = [name for c, inner in commands.items() for name in walk(inner, (*path, c))]
            return [" ".join(path), *below]

        found = walk(typer.main.get_command(app), ("prism",))
        assert sorted(found) == sorted(name for name, _ in COMMANDS)

    def test_a_command_that_is_none_is_named(self, prism: Prism) -> None:
        assert "No such command 'recommend'" in prism("recommend", status=2)


def test_it_is_installed_as_a_command(tmp_path: Path) -> None:
    prism = Path(sys.executable).with_name("prism")
    done = subprocess.run(
        [prism, "train-ranker", "--data", tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {tmp_path} is no dataset folder")
