"""Importing tables: what they may look like, and what happens to rows that cannot be used."""

import csv
import io
import tempfile
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.dataset import Dataset, load
from catalog.readers.importer import import_table, read_tables
from catalog.readers.plan import Columns, Plan
from catalog.readers.report import Place, Report
from catalog.readers.sources import find
from catalog.tables import DatasetError, DatasetInfo
from catalog.types import Item

RATINGS = DatasetInfo(name="ratings", liking_threshold=3.5)
PURCHASES = DatasetInfo(name="purchases")
COLUMNS = Columns(
    value="value", timestamp="time", times="seconds", categories="genres", year="year"
)

ITEMS = "item_id,title,genres,year\n1,Heat,Crime|Thriller,1995\n2,Her,,\n"
INTERACTIONS = "user_id,item_id,value,time\nann,1,5,100\nbob,2,3,50\nann,2,4,90\n"

WIDTH = "the row is not CSV, or has more or fewer cells than the header"
BAD_USER = "the user id is empty, too long or has control characters"
BAD_ITEM = "the item is not among the usable items"
BAD_VALUE = "the value is not a finite number"
BAD_TIME = "the timestamp is neither Unix seconds nor ISO 8601"


class Importer(Protocol):
    """Imports two files, given as text, bytes or the columns of a Parquet table."""

    def __call__(
        self,
        interactions: str | bytes | dict[str, Any] = ...,
        items: str | bytes | dict[str, Any] = ...,
        columns: Columns = ...,
        info: DatasetInfo = ...,
        suffix: str = ...,
        **plan: Any,
    ) -> tuple[Dataset, Report]: ...


def write(path: Path, content: str | bytes | dict[str, Any]) -> Path:
    """Write a file as it would come from outside, and return its path."""
    if isinstance(content, dict):
        path = path.with_suffix(".parquet")
        pq.write_table(pa.table(content), path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def imported(tmp_path: Path) -> Importer:
    """Return an `Importer` into this test's own folder."""

    def run(
        interactions: str | bytes | dict[str, Any] = INTERACTIONS,
        items: str | bytes | dict[str, Any] = ITEMS,
        columns: Columns = COLUMNS,
        info: DatasetInfo = RATINGS,
        suffix: str = ".csv",
        **plan: Any,
    ) -> tuple[Dataset, Report]:
        return import_table(
            tmp_path / "dataset",
            Plan(info=info, columns=columns, **plan),
            find(write(tmp_path / f"interactions{suffix}", interactions)),
            find(write(tmp_path / f"items{suffix}", items)),
        )

    return run


def refusals(report: Report) -> dict[tuple[str, str], list[Place]]:
    """Return the lines of every rejection, after checking that none is missing."""
    for reason, lines in report.lines.items():
        assert len(lines) == min(report.rejected[reason], 5)
    assert report.lines.keys() == report.rejected.keys()
    assert not report.left_out
    return report.lines


class TestFormats:
    def test_a_csv_becomes_a_dataset_on_disk(self, imported: Importer, tmp_path: Path) -> None:
        dataset, report = imported()
        assert dataset.item(0) == Item(
            id="1", title="Heat", categories=("Crime", "Thriller"), year=1995
        )
        assert dataset.item(1) == Item(id="2", title="Her")
        assert dataset.history("ann").item_ids == ["2", "1"]
        assert dataset.history("ann").values.tolist() == [4.0, 5.0]
        assert dataset.history("ann").timestamps.tolist() == [90, 100]
        assert report.kept == {"items": 2, "interactions": 3}
        assert not report.rejected
        assert load(tmp_path / "dataset").fingerprint == dataset.fingerprint
        assert "interactions.csv" in (tmp_path / "dataset" / "CARD.md").read_text()

    def test_csv_tsv_and_parquet_of_the_same_rows_are_the_same_dataset(
        self, imported: Importer
    ) -> None:
        from_csv, _ = imported()
        from_tsv, _ = imported(
            INTERACTIONS.replace(",", "\t"), ITEMS.replace(",", "\t"), suffix=".tsv"
        )
        from_parquet, _ = imported(
            {
                "user_id": ["ann", "bob", "ann"],
                "item_id": [1, 2, 2],
                "value": [5.0, 3.0, 4.0],
                "time": pa.array([100, 50, 90], pa.timestamp("s")),
            },
            {
                "item_id": [1, 2],
                "title": ["Heat", "Her"],
                "genres": [["Crime", "Thriller"], None],
                "year": [1995, None],
            },
        )
        for other in (from_tsv, from_parquet):
            assert other.fingerprint == from_csv.fingerprint
            assert [other.item(i) for i in range(2)] == [from_csv.item(i) for i in range(2)]

    def test_a_quoted_cell_may_span_lines(self, imported: Importer) -> None:
        items = 'item_id,title,genres,year\n1,"Two\nlines, and a ""quote""","A\n|B",1995\n2,Her,,\n'
        dataset, report = imported(items=items)
        assert dataset.item(0).title == "Two lines, and a 'quote'"
        assert dataset.item(0).categories == ("A", "B")
        assert not report.rejected

    def test_a_byte_order_mark_is_no_part_of_the_first_column(self, imported: Importer) -> None:
        _, report = imported(b"\xef\xbb\xbf" + INTERACTIONS.encode())
        assert report.kept["interactions"] == 3

    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_lines_end_as_on_any_system_and_blank_ones_are_no_rows(
        self, imported: Importer, newline: str
    ) -> None:
        text = INTERACTIONS.replace("\nbob", "\n\nbob") + "bob,nope,1,1"
        _, report = imported(text.replace("\n", newline))
        assert report.kept["interactions"] == 3
        assert refusals(report) == {("interactions", BAD_ITEM): [6]}

    def test_columns_may_have_any_names_and_any_order(self, imported: Importer) -> None:
        dataset, _ = imported(
            "stars,film,who,extra\n5,tt1,ann,x\n2,tt1,bob,y\n",
            "name,film\nHeat,tt1\n",
            Columns(user="who", item="film", value="stars", title="name"),
        )
        assert dataset.item(0) == Item(id="tt1", title="Heat")
        assert dataset.history("bob").values.tolist() == [2.0]

    def test_progress_sees_every_row_of_both_tables(self, tmp_path: Path) -> None:
        seen: dict[str, list[tuple[int, float]]] = {"items": [], "interactions": []}
        import_table(
            tmp_path / "dataset",
            Plan(info=RATINGS, columns=COLUMNS),
            find(write(tmp_path / "interactions.csv", INTERACTIONS)),
            find(write(tmp_path / "items.csv", ITEMS)),
            progress=lambda table, rows, share: seen[table].append((rows, share)),
        )
        assert {table: heard[-1] for table, heard in seen.items()} == {
            "items": (2, 1.0),
            "interactions": (3, 1.0),
        }


class TestCells:
    def test_ids_and_titles_stored_as_numbers_are_their_digits(self, imported: Importer) -> None:
        big = 2**53 + 1
        columns = Columns(value="value")
        dataset, report = imported(
            {"user_id": [7, 8, 8], "item_id": [318.0, 12.0, 7.5], "value": [5, 5, 5]},
            {"item_id": ["318", "12", "7.5"], "title": [300.0, 7.5, 1e3]},
            columns,
        )
        assert dataset.user_ids == ["7", "8"]
        assert [dataset.item(i).title for i in range(3)] == ["300", "7.5", "1000"]
        assert not report.rejected
        exact, _ = imported(
            {"user_id": [Decimal(318)], "item_id": [big], "value": [Decimal("4.5")]},
            {"item_id": [big], "title": ["Long"]},
            columns,
        )
        assert exact.item_ids == [str(big)]
        assert exact.user_ids == ["318"]
        assert exact.values.tolist() == [4.5]

    @pytest.mark.parametrize(
        ("cell", "seconds"),
        [
            ("978300760", 978300760),
            ("978300760.9", 978300760),
            ("-1", -1),
            ("9.7e8", 970000000),
            ("2000-12-31T22:12:40Z", 978300760),
            ("2000-12-31 22:12:40", 978300760),
            ("2000-12-31T23:12:40+01:00", 978300760),
            ("2001-01-01", 978307200),
        ],
    )
    def test_timestamps_are_unix_seconds_or_iso_8601(
        self, imported: Importer, cell: str, seconds: int
    ) -> None:
        dataset, _ = imported(f"user_id,item_id,value,time\nann,1,5,{cell}\n")
        assert dataset.history("ann").timestamps.tolist() == [seconds]

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2000, 12, 31, tzinfo=UTC),
            datetime(2000, 12, 31),
            date(2000, 12, 31),
            pa.scalar(978220800123456789, pa.timestamp("ns", "Europe/Paris")),
        ],
        ids=["UTC", "naive", "date", "nanoseconds with a zone"],
    )
    def test_timestamps_of_a_parquet_file_may_be_dates(
        self, imported: Importer, moment: object
    ) -> None:
        dataset, _ = imported(
            {"user_id": ["ann"], "item_id": ["1"], "value": [5], "time": pa.array([moment])}
        )
        assert dataset.history("ann").timestamps.tolist() == [978220800]

    def test_without_a_timestamp_the_order_of_the_rows_is_that_of_time(
        self, imported: Importer
    ) -> None:
        dataset, _ = imported(columns=COLUMNS.model_copy(update={"timestamp": None}))
        assert dataset.history("ann").item_ids == ["1", "2"]

    def test_without_a_value_every_row_counts_one(self, imported: Importer) -> None:
        dataset, _ = imported(
            INTERACTIONS + "ann,1,0,120\n",
            columns=COLUMNS.model_copy(update={"value": None}),
            info=PURCHASES,
        )
        assert dataset.history("ann").item_ids == ["2", "1"]
        assert dataset.history("ann").values.tolist() == [1.0, 2.0]

    def test_a_value_may_be_a_yes_or_no(self, imported: Importer) -> None:
        dataset, report = imported(
            {
                "user_id": ["ann", "ann"],
                "item_id": ["1", "2"],
                "value": [True, False],
                "time": [1, 2],
            },
            info=DatasetInfo(name="thumbs", liking_threshold=1),
        )
        assert dataset.history("ann").values.tolist() == [1.0, 0.0]
        assert not report.rejected

    @pytest.mark.parametrize(
        ("cells", "hidden"),
        [
            (["true", "FALSE"], [True, False]),
            (["1", "0"], [True, False]),
            (["yes", ""], [True, False]),
            ([True, None], [True, False]),
            ([0.0, 1.0], [False, True]),
        ],
    )
    def test_a_hidden_column_marks_items(
        self, imported: Importer, cells: list[object], hidden: list[bool]
    ) -> None:
        dataset, _ = imported(
            items={"item_id": ["1", "2"], "title": ["Heat", "Her"], "secret": cells},
            columns=Columns(value="value", timestamp="time", times="seconds", hidden="secret"),
        )
        assert dataset.hidden.tolist() == hidden

    def test_attributes_keep_whole_numbers_whole_and_text_text(self, imported: Importer) -> None:
        dataset, _ = imported(
            items={
                "item_id": ["1", "2"],
                "title": ["Heat", "Her"],
                "Run_Time": [170, None],
                "score": [8.0, 7.5],
                "age": ["15", ""],
            },
            columns=Columns(
                value="value",
                timestamp="time",
                times="seconds",
                attributes=("Run_Time", "score", "age"),
            ),
        )
        assert dataset.item(0).attributes == {"run time": 170, "score": 8, "age": "15"}
        assert dataset.item(1).attributes == {"score": "7.5"}
        assert [type(value) for value in dataset.item(0).attributes.values()] == [str, int, int]

    @pytest.mark.parametrize("nothing", ["n/a", "[Unknown]", "-", "(none)", " NULL ", "NaN"])
    def test_a_placeholder_is_no_attribute(self, imported: Importer, nothing: str) -> None:
        dataset, _ = imported(
            items={"item_id": ["1"], "title": ["Unknown"], "maker": [nothing]},
            columns=Columns(
                value="value", timestamp="time", times="seconds", attributes=("maker",)
            ),
        )
        assert dataset.item(0) == Item(id="1", title="Unknown")

    @pytest.mark.parametrize(
        ("cell", "told"),
        [
            (["Zoe", "Ann"], ("Zoe", "Ann")),
            (["Zoe"], "Zoe"),
            (["Zoe", None, " ", "ZOE", "Ann"], ("Zoe", "Ann")),
            (["Zoe", "\u200b", "Ann"], ("Zoe", "Ann")),
            ([], None),
            ('["Zoe", "Ann"]', ("Zoe", "Ann")),
            ("['Zoe', \"d'Ann\"]", ("Zoe", "d'Ann")),
            ('[{"id": 7, "name": "Zoe"}, {"id": 8, "name": "Ann"}]', ("Zoe", "Ann")),
            ("William Broyles, Jr.", "William Broyles, Jr."),
            ("Zoe|Ann", "Zoe|Ann"),
        ],
    )
    def test_a_list_is_several_values_and_a_plain_text_is_one(
        self, imported: Importer, cell: object, told: object
    ) -> None:
        dataset, _ = imported(
            items={"item_id": ["1"], "title": ["Heat"], "writer": [cell]},
            columns=Columns(attributes=("writer",)),
        )
        assert dataset.item(0).attributes == ({"writer": told} if told else {})

    def test_a_text_is_several_values_where_its_separator_is_told(self, imported: Importer) -> None:
        dataset, _ = imported(
            items={"item_id": ["1"], "title": ["Heat"], "by": ["Zoe; Ann"], "maker": ["A; B"]},
            columns=Columns(attributes=("by:writer", "maker"), separators={"writer": "; "}),
        )
        assert dataset.item(0).attributes == {"writer": ("Zoe", "Ann"), "maker": "A; B"}

    def test_numbers_of_a_list_stay_numbers(self, imported: Importer) -> None:
        dataset, _ = imported(
            items={"item_id": ["1"], "title": ["Go"], "players": [[2.0, 4.0]]},
            columns=Columns(attributes=("players",)),
        )
        assert dataset.item(0).attributes == {"players": (2, 4)}

    def test_more_than_sixteen_values_are_counted_and_the_first_stay(
        self, imported: Importer
    ) -> None:
        cast = [f"Actor {n}" for n in range(17)]
        dataset, report = imported(
            items={"item_id": ["1", "2"], "title": ["Heat", "Her"], "cast": [cast, cast[:16]]},
            columns=Columns(attributes=("cast",)),
        )
        assert dataset.item(0).values("cast") == dataset.item(1).values("cast") == tuple(cast[:16])
        assert report.left_out == {("items", "cast: values beyond the first 16"): 1}

    def test_several_rows_of_a_details_table_are_several_values(self, tmp_path: Path) -> None:
        written = '{"item_id": "1", "by": ["Zoe", "Ann"]}\n{"item_id": "1", "by": "Bob"}\n'
        dataset, _ = import_table(
            tmp_path / "dataset",
            Plan(info=RATINGS, columns=Columns(value="value", attributes=("by:author",))),
            find(write(tmp_path / "interactions.csv", INTERACTIONS)),
            find(write(tmp_path / "items.csv", ITEMS)),
            find(write(tmp_path / "authors.jsonl", written + '{"item_id": "2", "by": "Cy"}\n')),
        )
        assert dataset.item(0).attributes == {"author": ("Zoe", "Ann", "Bob")}
        assert dataset.item(1).attributes == {"author": "Cy"}

    def test_a_number_too_long_to_count_with_is_text(self, imported: Importer) -> None:
        dataset, _ = imported(
            items={"item_id": ["1", "2"], "title": ["Heat", "Her"], "isbn": [9780000000002, 12]},
            columns=Columns(value="value", timestamp="time", times="seconds", attributes=("isbn",)),
        )
        assert dataset.item(0).attributes == {"isbn": "9780000000002"}
        assert dataset.item(1).attributes == {"isbn": 12}

    def test_categories_are_a_list_or_one_separated_text(self, imported: Importer) -> None:
        items = {"item_id": ["1", "2"], "title": ["Heat", "Her"]}
        columns = Columns(
            value="value", timestamp="time", times="seconds", categories="genres", separator=", "
        )
        text, _ = imported(items={**items, "genres": ["Crime, Sci-Fi|Noir", " "]}, columns=columns)
        assert text.item(0).categories == ("Crime", "Sci-Fi|Noir")
        assert text.item(1).categories == ()
        lists, _ = imported(items={**items, "genres": [["Crime", None, " "], []]}, columns=columns)
        assert lists.item(0).categories == ("Crime",)
        numbers, _ = imported(items={**items, "genres": [12, None]}, columns=columns)
        assert numbers.item(0).categories == ("12",)

    def test_descriptions_are_cut_at_a_word_and_may_be_missing(self, imported: Importer) -> None:
        items = f'item_id,title,about\n1,Heat,"{"A “heist”, told well. " * 50}"\n2,Her,\n'
        dataset, report = imported(items=items, columns=Columns(description="about"))
        told, nothing = dataset.item(0).description, dataset.item(1).description
        assert told is not None
        assert told.startswith("A 'heist', told well. A 'heist'")
        assert 580 < len(told) <= 600
        assert told.endswith("…")
        assert nothing is None
        assert not report.left_out

    def test_text_stored_as_bytes_is_text(self, imported: Importer) -> None:
        dataset, report = imported(
            {"user_id": [b"ann"], "item_id": [b"1"], "value": [5], "time": [1]},
            {
                "item_id": [b"1"],
                "title": ['"Amélie"'.encode()],
                "genres": [b"A|B"],
                "year": [b"2001"],
            },
        )
        assert dataset.item(0) == Item(id="1", title="'Amélie'", categories=("A", "B"), year=2001)
        assert not report.rejected


class TestBadRows:
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("1,Heat again,,", "the id occurred before"),
            (",No id,,", "id: is empty"),
            ("3,,,", "title: is empty"),
            ("3, \u200b,,", "title: is empty"),
            (f"{'x' * 129},Long id,,", "id: String should have at most 128 characters"),
            ("a\x07b,Bell,,", "id: Value error, an id may not contain control characters"),
            ("3,Short", WIDTH),
            ("3,Long,,,,", WIDTH),
            ('3,"Quote" within,,', WIDTH),
        ],
        ids=lambda value: value[:30],
    )
    def test_a_bad_item_is_located(self, imported: Importer, row: str, reason: str) -> None:
        dataset, report = imported(items=f"{ITEMS}{row}\n4,Good,,\n")
        assert dataset.item_ids == ["1", "2", "4"]
        ((table, found), lines), *others = refusals(report).items()
        assert (table, lines, others) == ("items", [4], [])
        assert found.startswith(reason)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("3,Soon,A,soon", "year: Input should be a valid integer"),
            ("3,Half,A,1995.5", "year: Input should be a valid integer"),
            ("3,Far,A,30000", "year: Input should be less than or equal to 2999"),
            (
                f"3,Many,{'|'.join(map(str, range(17)))},1995",
                "categories: those beyond the first 16",
            ),
        ],
    )
    def test_a_bad_detail_costs_the_detail_and_is_located(
        self, imported: Importer, row: str, reason: str
    ) -> None:
        dataset, report = imported(items=f"{ITEMS}{row}\n4,Good,,\n")
        assert dataset.item_ids == ["1", "2", "3", "4"]
        item, sixteen = dataset.item(2), tuple(map(str, range(16)))
        assert (item.categories, item.year) in ((("A",), None), (sixteen, 1995))
        assert not report.rejected
        [((table, found), count)] = report.left_out.items()
        assert (table, count, report.lines[table, found]) == ("items", 1, [4])
        assert found.startswith(reason)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (",1,5,1", BAD_USER),
            ("a\x07b,1,5,1", BAD_USER),
            (f"{'x' * 129},1,5,1", BAD_USER),
            ("ann,99,5,1", BAD_ITEM),
            ("ann,,5,1", BAD_ITEM),
            ("ann,1,many,1", BAD_VALUE),
            ("ann,1,,1", BAD_VALUE),
            ("ann,1,nan,1", BAD_VALUE),
            ("ann,1,-inf,1", BAD_VALUE),
            ("ann,1,5,", BAD_TIME),
            ("ann,1,5,yesterday", BAD_TIME),
            ("ann,1,5,nan", BAD_TIME),
            ("ann,1,5,inf", BAD_TIME),
            ("ann,1,5,1e30", BAD_TIME),
            ("ann,1,5,978300760000", BAD_TIME),
            ("ann,1,5", WIDTH),
            ("ann,1,5,1,1", WIDTH),
        ],
        ids=lambda value: value[:30],
    )
    def test_a_bad_interaction_is_located(self, imported: Importer, row: str, reason: str) -> None:
        _, report = imported(f"{INTERACTIONS}{row}\nbob,1,5,60\n")
        assert refusals(report) == {("interactions", reason): [5]}
        assert report.kept == {"items": 2, "interactions": 4}

    @pytest.mark.parametrize("value", ["0", "-2"])
    def test_a_purchase_of_nothing_is_no_purchase(self, imported: Importer, value: str) -> None:
        _, report = imported(f"{INTERACTIONS}ann,1,{value},1\n", info=PURCHASES)
        assert refusals(report) == {("interactions", "the value is not positive"): [5]}

    def test_the_interactions_of_a_bad_item_are_bad_too(self, imported: Importer) -> None:
        _, report = imported(items=ITEMS.replace("Her", ""))
        assert refusals(report) == {
            ("items", "title: is empty"): [3],
            ("interactions", BAD_ITEM): [3, 4],
        }

    @pytest.mark.parametrize(
        ("column", "cells", "reason"),
        [
            ("user_id", [["ann"], ["bob"]], BAD_USER),
            ("user_id", [{"name": "ann"}, None], BAD_USER),
            ("item_id", [["1"], ["2"]], BAD_ITEM),
            ("value", [["5"], None], BAD_VALUE),
            ("value", [datetime(2000, 1, 1), None], BAD_VALUE),
            ("time", [["5"], None], BAD_TIME),
            ("time", [2.0**70, -1e15], BAD_TIME),
        ],
        ids=["lists", "records", "items", "values", "dates", "times", "ages"],
    )
    def test_cells_of_a_type_that_makes_no_sense_are_bad_rows(
        self, imported: Importer, column: str, cells: list[object], reason: str
    ) -> None:
        columns: dict[str, Any] = {
            "user_id": ["ann", "bob"], "item_id": ["1", "2"], "value": [5, 4], "time": [1, 2],
        }  # fmt: skip
        with pytest.raises(DatasetError, match=f"2 rejected: {reason}"):
            imported({**columns, column: cells})

    def test_a_row_is_located_by_its_first_line(self, imported: Importer) -> None:
        items = f'{ITEMS}3,"two\nlines",,soon\n4,,,\n'
        _, report = imported(items=items)
        lines = {reason.partition(":")[0]: at for (_, reason), at in report.lines.items()}
        assert lines == {"year": [4], "title": [6]}

    def test_a_quote_that_never_closes_swallows_no_row_in_silence(self, imported: Importer) -> None:
        _, report = imported(items=f'{ITEMS}3,x,y,"never closed\n4,Lost,,\n5,Lost too,,\n')
        assert report.kept["items"] == 2
        assert refusals(report) == {("items", WIDTH): [4, 5, 6]}

    def test_parquet_rows_are_numbered_from_one(self, imported: Importer) -> None:
        _, report = imported(
            {"user_id": ["ann", None], "item_id": ["1", "1"], "value": [5, 5], "time": [1, 2]}
        )
        assert refusals(report) == {("interactions", BAD_USER): [2]}

    def test_the_summary_tells_counts_reasons_and_the_first_lines(self, imported: Importer) -> None:
        _, report = imported(
            INTERACTIONS + "ann,99,5,1\n" * 7 + "ann,1,x,1\n", f"{ITEMS}3,Soon,,soon\n"
        )
        assert report.summary() == [
            "items: 3 rows kept",
            "interactions: 3 rows kept",
            f"interactions: 7 rejected: {BAD_ITEM} (line 5, 6, 7, 8, 9, …)",
            f"interactions: 1 rejected: {BAD_VALUE} (line 12)",
            "items: 1 kept without year: Input should be a valid integer (line 4)",
        ]


ITEM_ROWS: list[tuple[list[str], str | None]] = [
    (["NEW", "A title", "A|B", "1999"], None),
    (["NEW", "On two\r\nlines", "", ""], None),
    (["NEW", 'With "quotes", commas', "A\n|\nB", "1999.0"], None),
    (["good", "Again", "", ""], "the id occurred before"),
    (["", "On\ntwo lines", "", ""], "id: is empty"),
    (["NEW", " \r ", "", ""], "title: is empty"),
    (["NEW", "Too", "few"], WIDTH),
    (["NEW", "Too", "many", "", "\n"], WIDTH),
]
INTERACTION_ROWS: list[tuple[list[str], str | None]] = [
    (["ann", "good", "5", "1"], None),
    (["bob", " good ", "\n2.5\n", "2001-01-01"], None),
    (["two\nlines", "good", "5", "1"], BAD_USER),
    (["", "good", "5", "1"], BAD_USER),
    (["ann", "un\nknown", "5", "1"], BAD_ITEM),
    (["ann", "good", "five", "1"], BAD_VALUE),
    (["ann", "good", "5", "\r\n"], BAD_TIME),
    (["ann"], WIDTH),
    (["ann", "good", "5", "1", ""], WIDTH),
]
RowsOfOneTable = list[tuple[list[str], str | None]]


def written(header: list[str], rows: RowsOfOneTable, newline: str) -> tuple[str, list[int]]:
    """Return the text of a CSV file and the line on which each row begins."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    begins = []
    for number, (cells, _) in enumerate(rows):
        begins.append(1 + text.getvalue().replace("\r\n", "\n").replace("\r", "\n").count("\n"))
        writer.writerow([f"new{number}" if cell == "NEW" else cell for cell in cells])
    return text.getvalue(), begins


class TestNothingIsLost:
    @given(
        st.lists(st.sampled_from(ITEM_ROWS), max_size=15),
        st.lists(st.sampled_from(INTERACTION_ROWS), max_size=15),
        st.sampled_from(["\n", "\r\n"]),
    )
    def test_every_row_is_kept_or_rejected_for_the_right_reason_at_the_right_line(
        self, item_rows: RowsOfOneTable, interaction_rows: RowsOfOneTable, newline: str
    ) -> None:
        item_rows = [(["good", "Good", "", ""], None), *item_rows]
        interaction_rows = [*interaction_rows, (["ann", "good", "5", "1"], None)]
        items, item_lines = written(["item_id", "title", "genres", "year"], item_rows, newline)
        interactions, interaction_lines = written(
            ["user_id", "item_id", "value", "time"], interaction_rows, newline
        )
        with tempfile.TemporaryDirectory() as folder:
            _, report = read_tables(
                Plan(info=RATINGS, columns=COLUMNS),
                find(write(Path(folder, "interactions.csv"), interactions)),
                find(write(Path(folder, "items.csv"), items)),
            )
        expected: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for table, rows, lines in (
            ("items", item_rows, item_lines),
            ("interactions", interaction_rows, interaction_lines),
        ):
            rejected = sum(n for (of, _), n in report.rejected.items() if of == table)
            assert report.kept[table] + rejected == len(rows)
            for (_, reason), line in zip(rows, lines, strict=True):
                if reason:
                    expected[table, reason].append(line)
        assert refusals(report) == {reason: lines[:5] for reason, lines in expected.items()}

    @given(
        st.lists(
            st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=6), max_size=20
        )
    )
    def test_any_rows_at_all_add_up(self, rows: list[list[str]]) -> None:
        rows = [["good", "Good", "", ""], *filter(None, rows)]
        text = io.StringIO(newline="")
        csv.writer(text).writerows([["item_id", "title", "genres", "year"], *rows])
        with tempfile.TemporaryDirectory() as folder:
            tables, report = read_tables(
                Plan(info=RATINGS, columns=COLUMNS),
                find(write(Path(folder, "interactions.csv"), INTERACTIONS + "ann,good,5,1\n")),
                find(write(Path(folder, "items.csv"), text.getvalue())),
            )
        rejected = sum(n for (table, _), n in report.rejected.items() if table == "items")
        assert report.kept["items"] + rejected == len(rows)
        assert tables[0].num_rows == report.kept["items"]


class TestUselessTables:
    def test_a_missing_column_is_named_beside_those_there_are(self, imported: Importer) -> None:
        with pytest.raises(DatasetError) as refused:
            imported(items="id,name\n1,Heat\n")
        assert str(refused.value) == (
            "items: no column 'item_id', 'title', 'genres', 'year'; there are 'id', 'name'"
        )
        with pytest.raises(
            DatasetError, match=r"interactions: no column 'time'; there are 'user_id"
        ):
            imported(interactions="user_id,item_id,value\nann,1,5\n")

    def test_a_missing_attribute_is_a_missing_column(self, imported: Importer) -> None:
        with pytest.raises(DatasetError, match="items: no column 'director'"):
            imported(columns=COLUMNS.model_copy(update={"attributes": ("director",)}))

    def test_no_usable_row_is_an_error_that_says_why(
        self, imported: Importer, tmp_path: Path
    ) -> None:
        with pytest.raises(DatasetError) as refused:
            imported("user_id,item_id,value,time\nann,99,5,1\nann,1,x,1\nbob,98,5,1\n")
        assert str(refused.value) == (
            "no usable row: items: 2 rows kept; interactions: 0 rows kept; "
            f"interactions: 2 rejected: {BAD_ITEM} (line 2, 4); "
            f"interactions: 1 rejected: {BAD_VALUE} (line 3); "
            "the ids of the two tables never meet: items have 1, 2, interactions 99, 98 "
            "(say --item and --id with the columns that hold the same ids)"
        )
        assert not (tmp_path / "dataset").exists()

    def test_a_header_without_rows_is_an_error(self, imported: Importer) -> None:
        with pytest.raises(DatasetError, match=r"no usable row: .*interactions: 0 rows kept"):
            imported("user_id,item_id,value,time\n")

    def test_an_empty_file_is_an_error(self, imported: Importer) -> None:
        with pytest.raises(DatasetError, match=r"items\.csv: the file is empty"):
            imported(items="")

    def test_a_file_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        missing = tmp_path / "nowhere.csv"
        with pytest.raises(DatasetError, match=r"nowhere\.csv: no such file"):
            find(missing)

    def test_a_header_that_is_no_csv_is_an_error(self, imported: Importer) -> None:
        with pytest.raises(DatasetError, match=r"items\.csv"):
            imported(items='item_id,"title\n1,Heat\n')

    @pytest.mark.parametrize("damage", ["cut", "middle"])
    def test_a_damaged_parquet_file_is_an_error(
        self, imported: Importer, tmp_path: Path, damage: str
    ) -> None:
        whole = write(
            tmp_path / "whole", {"item_id": ["1"], "title": ["Heat"], "genres": [""], "year": [1]}
        ).read_bytes()
        damaged = {
            "cut": whole[: len(whole) // 2],
            "middle": whole[:4] + b"\xff" * 60 + whole[64:],
        }
        with pytest.raises(DatasetError, match=r"items\.parquet: not a Parquet file"):
            imported(INTERACTIONS, damaged[damage], suffix=".parquet")
