"""Files as people have them: each kind is read rightly, or refused with the likely cure."""

import gzip
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import odd_files
import pytest
from hypothesis import given, settings
from odd_files import OddFile, Style

from catalog.dataset import Dataset, build
from catalog.readers.importer import import_table, read_tables
from catalog.readers.layouts import Layout
from catalog.readers.plan import Columns, Plan, Tidying
from catalog.readers.report import Report
from catalog.readers.sources import find
from catalog.tables import DatasetError, DatasetInfo
from catalog.text import clean_title

RATINGS = DatasetInfo(name="films", feedback="ratings", liking_threshold=3.5)
EVENTS = DatasetInfo(name="films", feedback="events")
LOG = "user_id,item_id,value\nann,1,5\nbob,2,3\nann,2,4\n"
BY_NAME = Columns(value="value")
FILMS = "item_id,title\n1,Heat\n2,Her\n"


class Read:
    """What came of two files: the Dataset, the report, and what was said before."""

    def __init__(self, dataset: Dataset, report: Report, told: list[str]) -> None:
        self.dataset, self.report, self.told = dataset, report, told

    def titles(self) -> dict[str, str]:
        """Return every item's title."""
        return {
            item_id: self.dataset.item(n).title for n, item_id in enumerate(self.dataset.item_ids)
        }


Reader = Callable[..., Read]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Return a function that reads an interactions file and an items file, by name and content."""

    def run(
        log: str | bytes = LOG,
        films: str | bytes | None = FILMS,
        columns: Columns = BY_NAME,
        info: DatasetInfo = RATINGS,
        *,
        names: tuple[str, str] = ("log.csv", "films.csv"),
        **plan: Any,
    ) -> Read:
        paths = []
        for name, content in zip(names, (log, films), strict=True):
            if content is not None:
                paths.append(tmp_path / name)
                data = content.encode() if isinstance(content, str) else content
                paths[-1].write_bytes(data)
        told: list[str] = []
        sources = [find(path) for path in paths]
        made = Plan(info=info, columns=columns, **plan)
        tables, report = read_tables(made, *sources, tell=told.append)
        return Read(build(info, *tables), report, told)

    return run


class TestSeparators:
    def test_movielens_100k_is_tabs_and_bars_without_a_header_and_with_flags(
        self, read: Reader
    ) -> None:
        flags = "|".join("1" if n in {5, 8} else "0" for n in range(19))
        films = (
            f"1|Crumb (1994)|01-Jan-1994||http://x|{flags}\n2|Amélie (2001)|||http://y|{flags}\n"
        )
        got = read(
            "196\t1\t3\t881250949\n186\t2\t5\t891717742\n",
            films.encode("latin-1"),
            Columns(
                user="1", item="2", id="1", value="3", timestamp="4", title="2", year="3",
                flags=("11:Comedy", "14:Drama"),
            ),
            names=("u.data", "u.item"),
            tidying=Tidying(years=True),
        )  # fmt: skip
        assert got.titles() == {"1": "Crumb", "2": "Amélie"}
        assert got.dataset.item(0).categories == ("Comedy", "Drama")
        assert [got.dataset.item(n).year for n in range(2)] == [1994, 2001]
        assert got.dataset.user_ids == ["196", "186"]
        assert "tabs" in got.told[0]
        assert "no header" in got.told[0]
        assert "“|” between cells" in got.told[1]
        assert "windows-1252" in got.told[1]

    def test_movielens_1m_has_two_colons(self, read: Reader) -> None:
        got = read(
            "1::1193::5::978300760\n2::661::3::978302109\n",
            "1193::One Flew: Over (1975)::Drama\n661::Peach, James::Children's|Musical\n",
            Columns(
                user="1", item="2", id="1", value="3", timestamp="4", title="2", categories="3"
            ),
            names=("ratings.dat", "movies.dat"),
        )
        assert got.titles() == {"1193": "One Flew: Over (1975)", "661": "Peach, James"}
        assert got.dataset.item(1).categories == ("Children's", "Musical")

    @pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
    def test_the_separator_is_that_which_finds_the_columns(
        self, read: Reader, delimiter: str
    ) -> None:
        log, films = (text.replace(",", delimiter) for text in (LOG, FILMS))
        got = read(log, films, names=("log.txt", "films.dat"))
        assert got.report.kept == {"items": 2, "interactions": 3}

    def test_spaces_around_the_names_and_cells_of_a_header_are_none_of_theirs(
        self, read: Reader
    ) -> None:
        got = read(films='item_id, title\n1, Heat\n2, "Her, again"\n')
        assert got.titles() == {"1": "Heat", "2": "Her, again"}

    def test_a_file_without_a_header_that_was_named_by_words_says_what_to_do(
        self, read: Reader
    ) -> None:
        with pytest.raises(DatasetError, match="say --no-header and name columns by number"):
            read("ann,1,5\nbob,2,3\n")

    def test_a_column_that_is_spelled_otherwise_is_suggested(self, read: Reader) -> None:
        with pytest.raises(DatasetError, match="perhaps 'userId', 'Item-ID' is meant"):
            read(LOG.replace("user_id", "userId").replace("item_id", "Item-ID"))


class TestContainers:
    @pytest.mark.parametrize("style", ["gz", "bz2", "xz", "zst", "zip"])
    def test_a_packed_file_is_known_by_its_first_bytes(self, tmp_path: Path, style: str) -> None:
        packing = Style("text", ",", 0, True, "utf-8", "\n", style, "s", "whole")
        packed = tmp_path / "log.whatever"
        packed.write_bytes(odd_files._packed(LOG.encode(), packing, tmp_path))
        (tmp_path / "films.csv").write_text(FILMS)
        plan = Plan(info=RATINGS, columns=Columns(value="value"))
        _, report = read_tables(plan, find(packed), find(tmp_path / "films.csv"))
        assert report.kept["interactions"] == 3

    def test_several_files_and_folders_are_one_table_and_rows_are_told_by_file(
        self, tmp_path: Path
    ) -> None:
        folder = tmp_path / "parts"
        folder.mkdir()
        (folder / "a.csv").write_text("user_id,item_id,value\nann,1,5\nann,1,x\n")
        (folder / "b.csv").write_bytes(gzip.compress(b"value,item_id,user_id\n4,2,bob\n"))
        (folder / "README.md").write_text("about them")
        (tmp_path / "films.csv").write_text(FILMS)
        plan = Plan(info=RATINGS, columns=Columns(value="value"))
        for where in (folder, str(folder / "*.csv")):
            _, report = read_tables(plan, find(where), find(tmp_path / "films.csv"))
            assert report.kept["interactions"] == 2
            assert list(report.lines.values()) == [["a.csv:3"]]

    def test_a_member_of_an_archive_is_named_by_a_path(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "ml.zip", "w") as archive:
            archive.writestr("ml/log.csv", LOG)
            archive.writestr("ml/films.csv", FILMS)
        plan = Plan(info=RATINGS, columns=Columns(value="value"))
        archive_path = tmp_path / "ml.zip"
        sources = [find(archive_path / name) for name in ("ml/log.csv", "films.csv")]
        assert read_tables(plan, *sources)[1].kept["items"] == 2
        with pytest.raises(DatasetError, match=r"ml.zip holds ml/films.csv, ml/log.csv: name one"):
            find(archive_path)

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"SQLite format 3\0" + b"\1" * 50, "is an SQLite database: export it as one of CSV"),
            (b"\x80\x04\x95abc", "is a pickle, which is never read"),
            (b"\x07\x00\x01\x02binary", "is neither text, JSON lines nor Parquet"),
            (gzip.compress(LOG.encode())[:30], "damaged or cut short"),
            (b"", "the file is empty"),
        ],
        ids=["sqlite", "pickle", "binary", "cut", "empty"],
    )
    def test_what_cannot_be_read_is_called_by_its_name(
        self, read: Reader, content: bytes, what: str
    ) -> None:
        with pytest.raises(DatasetError, match=f"log.csv:? {what}"):
            read(content)

    def test_json_lines_have_cells_of_any_type(self, read: Reader) -> None:
        got = read(
            '{"user_id": "ann", "item_id": 1, "value": 5}\n{"user_id": "bob", "item_id": 2.0, '
            '"value": "4"}\nbroken {\n{"user_id": "eve", "item_id": [1], "value": 5}\n',
            '{"item_id": 1, "title": "Heat", "genres": ["Crime", "Noir"]}\n'
            '{"item_id": 2, "title": "Her", "genres": [{"id": 3, "name": "Drama"}]}\n',
            Columns(value="value", categories="genres"),
            names=("log.jsonl", "films.json"),
        )
        assert got.dataset.item_ids == ["1", "2"]
        assert got.dataset.item(0).categories == ("Crime", "Noir")
        assert got.dataset.item(1).categories == ("Drama",)
        assert got.report.kept["interactions"] == 2
        assert got.report.lines == {
            ("interactions", "the line is no JSON object"): [3],
            ("interactions", "the item is not among the usable items"): [4],
        }

    def test_pythons_dicts_are_read_as_data_and_never_run(
        self, read: Reader, tmp_path: Path
    ) -> None:
        evil = f"{{u'user_id': __import__('os').system('touch {tmp_path}/evil')}}\n"
        got = read(
            "{u'user_id': u'ann', u'item_id': '1', u'value': 5}\n" + evil, names=("a.json", "b.csv")
        )
        assert got.report.kept["interactions"] == 1
        assert got.report.lines == {("interactions", "the line is no JSON object"): [2]}
        assert not (tmp_path / "evil").exists()


class TestEncodings:
    def test_latin_letters_are_guessed_and_said_and_users_stay_apart(self, read: Reader) -> None:
        got = read("user_id,item_id,value\nJosé,1,5\nJosè,2,4\n".encode("latin-1"))
        assert got.dataset.user_ids == ["José", "Josè"]
        assert "windows-1252" in got.told[0]
        assert "--encoding to change it" in got.told[0]

    def test_a_byte_beyond_the_sample_that_is_no_utf8_stops_the_import(self, read: Reader) -> None:
        log = LOG.encode() + b"ann,1,5\n" * 40_000 + b"Jos\xe9,1,5\n"
        with pytest.raises(DatasetError) as refused:
            read(log)
        assert str(refused.value) == (
            "log.csv: line 40005 is not UTF-8: say --encoding windows-1252 if it reads "
            "“José,1,5”, or --encoding utf-8 to reject such rows"
        )
        got = read(log, interactions=Layout(encoding="utf-8"))
        assert got.report.lines == {("interactions", "the row is not UTF-8"): [40005]}

    def test_damaged_utf8_is_not_taken_for_another_encoding(self, read: Reader) -> None:
        with pytest.raises(DatasetError, match="line 3 is not UTF-8"):
            read("user_id,item_id,value\nJosé,1,5\n".encode() + b"Jos\xe8,2,4\n")

    def test_utf16_is_known_by_its_mark(self, read: Reader) -> None:
        got = read(LOG.encode("utf-16"), FILMS.replace("Her", "Amélie – 東").encode("utf-16"))
        assert got.titles() == {"1": "Heat", "2": "Amélie – 東"}


class TestQuotes:
    def test_tabs_have_no_quotes(self, read: Reader) -> None:
        got = read(
            'u1\ta1\t"Weird Al" Yankovic\t7\nu1\ta2\t7" Single\t3\nu2\ta3\t"Heroes"\t1\n',
            None,
            Columns(user="1", item="2", title="3", value="4"),
            DatasetInfo(name="plays", feedback="counts"),
            names=("plays.tsv", ""),
        )
        assert got.titles() == {"a1": "'Weird Al' Yankovic", "a2": "7' Single", "a3": "'Heroes'"}
        assert got.report.kept == {"items": 3, "interactions": 3}
        assert "no quotes" in got.told[0]

    def test_tabs_with_quotes_where_only_quotes_make_sense_of_them(self, read: Reader) -> None:
        films = 'item_id\ttitle\n1\t"Tab\tbed"\n2\t"He said ""hi"""\n'
        got = read(films=films, names=("log.csv", "films.tsv"))
        assert got.titles() == {"1": "Tab bed", "2": "He said 'hi'"}

    def test_an_open_quote_swallows_no_rows_in_silence(self, read: Reader) -> None:
        films = 'item_id,title,year\n1,"Heat,1995\n3,Up,2009\n4,It,2017\n2,Her,"\n5,Ed,1994\n'
        got = read(LOG + "ann,5,4\n", films, Columns(value="value", year="year"))
        assert got.dataset.item_ids == ["5"]
        [((_, reason), lines)] = [one for one in got.report.lines.items() if one[0][0] == "items"]
        assert reason.endswith("perhaps its quote was never closed")
        assert lines == [2, 3, 4, 5]

    def test_backslashes_before_quotes_may_be_told(self, read: Reader) -> None:
        films = 'item_id;title\n"1";"The \\"Best\\"; ever"\n"2";"Her"\n'
        got = read(films=films, items=Layout(escape=True))
        assert got.titles() == {"1": "The 'Best'; ever", "2": "Her"}


class TestIds:
    def test_a_point_in_one_table_is_no_other_item(self, read: Reader) -> None:
        got = read(LOG.replace(",1,", ",1.0,").replace(",2,", ",2.0,"))
        assert got.report.kept["interactions"] == 3
        assert "item ids: 318.0 is 318 (say --no-whole-ids to keep the point)" in got.told

    def test_the_id_may_have_another_name_in_each_table(self, read: Reader) -> None:
        got = read(films="isbn,title\n1,Heat\n2,Her\n", columns=Columns(value="value", id="isbn"))
        assert got.report.kept["interactions"] == 3

    @pytest.mark.parametrize(
        ("films", "cure"),
        [
            ("item_id,title\n0001,Heat\n0002,Her\n", "one of the tables has zeros in front"),
            ("item_id,title\ntt001,Heat\ntt002,Her\n", "has letters in front"),
            ("item_id,title\nx,Heat\ny,Her\n", "say --item and --id with the columns that"),
        ],
    )
    def test_ids_that_never_meet_are_an_error_that_says_why(
        self, read: Reader, films: str, cure: str
    ) -> None:
        with pytest.raises(DatasetError, match=f"the ids of the two tables never meet.*{cure}"):
            read(films=films)


class TestShapes:
    def test_interactions_alone_tell_their_items(self, read: Reader) -> None:
        got = read(LOG, None, Columns(value="value", title=None))
        assert got.titles() == {"1": "1", "2": "2"}
        named = read(
            "user_id,item_id,value,artist\nann,1,5,Björk\nbob,2,4,Air\neve,1,3,Björk\n",
            None,
            Columns(value="value", title="artist"),
        )
        assert named.titles() == {"1": "Björk", "2": "Air"}
        assert named.report.rows("interactions") == 3

    def test_a_third_table_has_more_of_an_item(self, tmp_path: Path) -> None:
        (tmp_path / "log.csv").write_text(LOG)
        (tmp_path / "films.csv").write_text(FILMS)
        (tmp_path / "genres.csv").write_text("item_id,genre\n1,Crime\n1,Noir\n2,Drama\n")
        plan = Plan(info=RATINGS, columns=Columns(value="value", categories="genre"))
        tables, _ = read_tables(
            plan, *(find(tmp_path / name) for name in ("log.csv", "films.csv", "genres.csv"))
        )
        dataset = build(RATINGS, *tables)
        assert dataset.item(0).categories == ("Crime", "Noir")
        assert dataset.item(1).categories == ("Drama",)

    @pytest.mark.parametrize(
        ("cell", "categories"),
        [
            ("['Crime', 'Noir']", ("Crime", "Noir")),
            ('[{"id": 1, "name": "Crime"}, {"id": 2, "name": "Noir"}]', ("Crime", "Noir")),
            ("[]", ()),
            ("[Crime", ("[Crime",)),
            ("(no genres listed)", ()),
            ("Crime|N/A", ("Crime",)),
        ],
    )
    def test_a_list_may_be_written_in_a_cell(
        self, read: Reader, cell: str, categories: tuple[str, ...]
    ) -> None:
        quoted = cell.replace('"', '""')
        films = f'item_id,title,genres\n1,Heat,"{quoted}"\n2,Her,\n'
        got = read(films=films, columns=Columns(value="value", categories="genres"))
        assert got.dataset.item(0).categories == categories

    def test_only_some_kinds_of_event_may_count(self, read: Reader) -> None:
        got = read(
            "user_id,item_id,what\nann,1,play\nann,2,view\nbob,2,buy\n",
            columns=Columns(where="what", events=("play", "buy")),
            info=EVENTS,
        )
        assert got.report.kept["interactions"] == 2
        assert got.report.ignored == {("interactions", "another what than asked for"): 1}
        assert got.report.rows("interactions") == 3


class TestTimes:
    @pytest.mark.parametrize(
        ("cells", "seconds"),
        [
            (["1586445693", "1586445694"], 1586445693),
            (["1586445693499", "1586445693500"], 1586445693),
            (["2019-10-01 00:00:00 UTC", "2019-10-01 00:00:01 UTC"], 1569888000),
            (["11/12/2019 2:14:46 PM", "11/13/2019 2:14:46 AM"], 1573568086),
            (["12/11/2019 14:14:46", "13/11/2019 02:14:46"], 1573568086),
            (["20180920", "20180921"], 1537401600),
            (["Thu Mar 22 13:20:21 -0700 2012", "Thu Mar 22 13:20:21 -0700 2012"], 1332447621),
        ],
        ids=["seconds", "milliseconds", "UTC", "month first", "day first", "days", "weekday"],
    )
    def test_the_form_is_guessed_and_said(
        self, read: Reader, cells: list[str], seconds: int
    ) -> None:
        first, second = cells
        got = read(
            f"user_id,item_id,when\nann,1,{first}\nbob,2,{second}\n",
            columns=Columns(timestamp="when"),
            info=EVENTS,
        )
        assert got.dataset.history("ann").timestamps.tolist() == [seconds]
        [told] = [line for line in got.told if line.startswith("times:")]
        assert first in told

    def test_times_before_1990_are_an_error_that_names_the_cure(self, read: Reader) -> None:
        log = "user_id,item_id,when\nann,1,20189999\nbob,2,1000\n"
        columns = Columns(timestamp="when")
        with pytest.raises(DatasetError, match="would lie in 1970: say --times with what they are"):
            read(log, columns=columns, info=EVENTS)
        told = columns.model_copy(update={"times": "seconds"})
        assert read(log, columns=told, info=EVENTS).report.kept["interactions"] == 2

    def test_one_early_time_among_others_costs_its_row(self, read: Reader) -> None:
        log = "user_id,item_id,when\n" + "ann,1,1586445693\nbob,2,1586445693\n" * 10 + "eve,1,0\n"
        got = read(log, columns=Columns(timestamp="when"), info=EVENTS)
        reason = "the time lies before 1990: say --times if that is right"
        assert got.report.lines == {("interactions", reason): [22]}

    def test_a_form_of_ones_own_may_be_told(self, read: Reader) -> None:
        log = "user_id,item_id,when\nann,1,2019w40\n"
        with pytest.raises(DatasetError, match="of no form that is known: say --times"):
            read(log, columns=Columns(timestamp="when"), info=EVENTS)
        columns = Columns(timestamp="when", times="%Yw%W")
        assert read(log, columns=columns, info=EVENTS).report.kept["interactions"] == 1


class TestJudgements:
    def test_a_value_that_stands_for_none_is_ignored_and_counted(self, read: Reader) -> None:
        got = read(
            "user_id,item_id,value\nann,1,0\nann,2,9\nbob,1,-1\n",
            columns=Columns(value="value", no_judgement=(0, -1)),
        )
        assert got.report.kept["interactions"] == 1
        assert got.report.ignored == {("interactions", "no judgement (0, -1)"): 2}
        assert got.report.rows("interactions") == 3

    def test_events_are_likings_of_equal_strength_however_often(self, read: Reader) -> None:
        got = read("user_id,item_id\nann,1\nann,1\nann,2\n", columns=Columns(), info=EVENTS)
        assert got.dataset.history("ann").values.tolist() == [1.0, 1.0]


class TestTitles:
    def test_they_are_tidied_where_asked_for_and_it_is_suggested_elsewhere(
        self, read: Reader
    ) -> None:
        films = 'item_id,title\n1,"Matrix, The (1999)"\n2,Angels &amp; Demons\n3,Gintama&#039;\n'
        plain = read(films=films)
        assert plain.titles()["1"] == "Matrix, The (1999)"
        for option in ("years", "articles", "entities"):
            assert any(f"--tidy {option}" in line for line in plain.told), option
        tidy = read(films=films, tidying=Tidying(articles=True, years=True, entities=True))
        assert tidy.titles() == {"1": "The Matrix", "2": "Angels & Demons", "3": "Gintama'"}
        assert tidy.dataset.item(0).year == 1999
        assert not any("--tidy" in line for line in tidy.told)

    def test_alternatives_go_where_the_title_stays_the_only_one_of_its_year(
        self, read: Reader
    ) -> None:
        got = read(
            films='item_id,title,year\n1,"Postino, Il (The Postman)",1994\n2,Heat (x),1995\n'
            "3,Heat (y),1995\n",
            columns=Columns(value="value", year="year"),
            tidying=Tidying(articles=True, alternatives=True),
        )
        assert got.titles() == {"1": "Il Postino", "2": "Heat (x)", "3": "Heat (y)"}


class TestDetails:
    def test_a_bad_detail_costs_that_detail_and_is_counted(self, read: Reader) -> None:
        many = "|".join(f"c{n}" for n in range(17))
        films = (
            "item_id,title,genres,year,Book-Author,maker\n"
            f"1,Heat,{many},1995,\"['Ann', 'N/A', 'Bob']\",?\n2,Her,Drama,soon,Zoe,Sony\n"
        )
        got = read(
            films=films,
            columns=Columns(
                value="value", categories="genres", year="year",
                attributes=("Book-Author:author", "maker"),
            ),
        )  # fmt: skip
        heat, her = got.dataset.item(0), got.dataset.item(1)
        assert heat.categories == tuple(f"c{n}" for n in range(16))
        assert heat.attributes == {"author": ("Ann", "Bob")}
        assert (heat.year, her.year) == (1995, None)
        assert her.attributes == {"author": "Zoe", "maker": "Sony"}
        assert {reason for _, reason in got.report.left_out} == {
            "categories: those beyond the first 16",
            "author: a placeholder, 'N/A'",
            "maker: a placeholder, '?'",
            "year: Input should be a valid integer",
        }
        assert not got.report.rejected

    @pytest.mark.parametrize("nothing", ["?", "N/A", "-", "NaN", "[unknown]", "\\N"])
    def test_a_placeholder_is_not_spoken(self, read: Reader, nothing: str) -> None:
        films = f"item_id,title,maker\n1,Heat,{nothing}\n2,Her,Sony\n"
        got = read(films=films, columns=Columns(value="value", attributes=("maker",)))
        assert got.dataset.item(0).attributes == {}

    def test_a_separator_that_never_occurs_while_another_does_is_told(self, read: Reader) -> None:
        films = 'item_id,title,genres\n1,Heat,"Crime, Noir"\n2,Her,"Drama, Romance"\n'
        got = read(films=films, columns=Columns(value="value", categories="genres"))
        assert any("say --separator ', '" in line for line in got.told)


def columns_of(odd: OddFile) -> Columns:
    """Return the columns of an odd file, by name or by number."""
    names = odd_files.HEADER if odd.header else ["1", "2", "3", "4", "5"]
    return Columns(user=names[0], item=names[1], value=names[2], timestamp=names[3], title=names[4])


class TestNothingChangesInSilence:
    @settings(max_examples=60)
    @given(odd_files.styles(), odd_files.tables())
    def test_of_any_layout_every_row_is_kept_as_it_is_or_rejected(
        self, style: Style, table: list[tuple[int, int, int, str]]
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            odd = odd_files.write(Path(folder), style, table)
            plan = Plan(info=RATINGS, columns=columns_of(odd))
            (items, interactions), report = read_tables(plan, find(odd.path))
        assert report.rows("interactions") == odd.count
        assert report.kept["interactions"] == len(odd.rows)
        kept = zip(
            *(interactions[name].to_pylist() for name in interactions.column_names), strict=True
        )
        assert list(kept) == odd.rows
        told = dict(zip(items["id"].to_pylist(), items["title"].to_pylist(), strict=True))
        for item_id, title in odd.titles.items():
            assert told[item_id] == clean_title(title)

    def test_the_fast_way_and_the_careful_one_read_the_same(self, tmp_path: Path) -> None:
        """A block with one bad row is read carefully, all of it."""
        rows = "".join(f"u{n % 97},{n % 2 + 1},{n % 10 / 2}\n" for n in range(3000))
        (tmp_path / "films.csv").write_text(FILMS)
        plan = Plan(info=RATINGS, columns=Columns(value="value"))
        made = []
        for name, text in (
            ("clean", rows),
            ("dirty", f"{rows}x,1\n"),
            ("cr", rows.replace("\n", "\r")),
        ):
            (tmp_path / f"{name}.csv").write_bytes(f"user_id,item_id,value\n{text}".encode())
            sources = [find(tmp_path / f"{name}.csv"), find(tmp_path / "films.csv")]
            tables, report = read_tables(plan, *sources)
            assert report.kept["interactions"] == 3000
            made.append(build(RATINGS, *tables).fingerprint)
        assert len(set(made)) == 1


def test_the_same_dataset_of_any_format_is_equal_byte_for_byte(tmp_path: Path) -> None:
    table = [(n % 9 + 1, n % 13 + 1, n % 10 + 1, "") for n in range(60)]
    found = set()
    for n, (form, packing) in enumerate(
        [
            ("text", ""),
            ("text", "gz"),
            ("jsonl", ""),
            ("json", "zst"),
            ("parquet", ""),
            ("text", "zip"),
        ]
    ):
        folder = tmp_path / str(n)
        folder.mkdir()
        style = Style(form, ",", 0, True, "utf-8", "\n", packing, "s", "whole")
        odd = odd_files.write(folder, style, table)
        plan = Plan(info=RATINGS, columns=columns_of(odd))
        import_table(folder / "data", plan, find(odd.path), card="x")
        files = sorted(path for path in (folder / "data").iterdir())
        found.add(tuple((path.name, path.read_bytes()) for path in files))
    assert len(found) == 1
