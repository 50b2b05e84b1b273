"""Datasets: what is refused, what becomes of repeats, and what survives the way to disk."""

import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog.dataset import Dataset, build, load, save
from catalog.facts import Noun
from catalog.files import new_folder
from catalog.tables import ITEMS_SCHEMA, DatasetError, DatasetInfo, item_of, item_row
from catalog.types import Item

Tables = Callable[..., tuple[pa.Table, pa.Table]]
SmallDataset = Callable[..., Dataset]

RATINGS = DatasetInfo(
    name="ratings",
    noun=Noun(one="film", many="films"),
    liking_threshold=3.5,
    loved_threshold=4.5,
    source="a test",
)
PURCHASES = DatasetInfo(name="purchases")
HEAT = Item(
    id="heat",
    title="Heat",
    categories=("Crime", "Thriller"),
    year=1995,
    attributes={
        "length": 170, "rating": "15", "number": "#9", "quote": "'tis", "loss": -3,
        "cast": ("Al Pacino", '["De Niro"]', "Val Kilmer, Jr."), "parts": (2, "2b", "#3"),
        "list": '["a"]',
    },
    description="A thief and the detective who hunts him.",
)  # fmt: skip
HER = Item(id="her", title="Her")
TWO_USERS = [("ann", "heat", 5.0), ("bob", "her", 2.0), ("ann", "her", 4.0)]

_TEXTS = st.text(min_size=1, max_size=6)
_VALUES = st.integers(-(10**12), 10**12) | _TEXTS | st.sampled_from(['["a"]', "#1"])


@pytest.fixture
def saved(tmp_path: Path, tables: Tables) -> Path:
    """Return a dataset folder."""
    folder = tmp_path / "films"
    save(folder, RATINGS, *tables(TWO_USERS, items=[HEAT, HER], hidden={"her"}), "# Films\n")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def flipped(whole: bytes, position: int) -> bytes:
    """Return bytes of which one is another."""
    return whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :]


def rows(dataset: Dataset, user_id: str) -> list[tuple[str, float, int]]:
    """Return a user's history as (item, value, timestamp) rows."""
    history = dataset.history(user_id)
    assert len(history) == len(history.item_ids) == len(history.values)
    return list(
        zip(history.item_ids, history.values.tolist(), history.timestamps.tolist(), strict=True)
    )


class TestOnDisk:
    def test_a_dataset_comes_back_as_it_was_saved(self, saved: Path) -> None:
        dataset = load(saved)
        assert dataset.info == RATINGS
        assert [dataset.item(i) for i in range(2)] == [HEAT, HER]
        assert dataset.item_ids == ["heat", "her"]
        assert dataset.hidden.tolist() == [False, True]
        assert rows(dataset, "ann") == [("heat", 5.0, 0), ("her", 4.0, 2)]
        assert rows(dataset, "bob") == [("her", 2.0, 1)]
        assert sorted(contents(saved)) == [
            "CARD.md",
            "dataset.json",
            "interactions.parquet",
            "items.parquet",
        ]

    def test_saving_returns_what_loading_will(self, tmp_path: Path, tables: Tables) -> None:
        dataset = save(tmp_path / "new" / "films", RATINGS, *tables(TWO_USERS), "")
        assert load(tmp_path / "new" / "films").fingerprint == dataset.fingerprint

    def test_attributes_keep_their_types_and_their_order_is_that_of_their_names(
        self, saved: Path
    ) -> None:
        attributes = load(saved).item(0).attributes
        assert list(attributes.items()) == [
            ("cast", ("Al Pacino", "['De Niro']", "Val Kilmer, Jr.")),
            ("length", 170),
            ("list", "['a']"),
            ("loss", -3),
            ("number", "#9"),
            ("parts", (2, "2b", "#3")),
            ("quote", "'tis"),
            ("rating", "15"),
        ]

    def test_a_folder_from_before_descriptions_is_read(self, saved: Path) -> None:
        file = saved / "items.parquet"
        items = pq.read_table(file).drop_columns(["description"])
        pq.write_table(items, file, write_page_checksum=True)
        assert load(saved).item(0) == HEAT.model_copy(update={"description": None})

    def test_a_folder_from_before_several_values_is_read(self, saved: Path) -> None:
        file = saved / "items.parquet"
        items = pq.read_table(file)
        written = [[("cast", "'[Al Pacino"), ("length", "#170"), ("loss", "#-3")], []]
        column = pa.array(written, ITEMS_SCHEMA.field("attributes").type)
        pq.write_table(items.set_column(4, "attributes", column), file, write_page_checksum=True)
        assert load(saved).item(0).attributes == {"cast": "[Al Pacino", "length": 170, "loss": -3}
        assert load(saved).item(1).attributes == {}

    @given(
        st.dictionaries(
            st.from_regex("[a-z]{2,8}", fullmatch=True),
            _VALUES | st.lists(_VALUES, min_size=1, max_size=4),
            max_size=3,
        )
    )
    def test_any_attributes_that_an_item_may_have_come_back(
        self, attributes: dict[str, object]
    ) -> None:
        try:
            item = Item.model_validate({"id": "1", "title": "x", "attributes": attributes})
        except ValidationError:
            return
        [row] = pa.Table.from_pylist([item_row(item)], schema=ITEMS_SCHEMA).to_pylist()
        read = item_of(row)
        assert read == item
        assert read.model_dump_json() == item.model_dump_json()

    def test_an_item_is_built_once(self, saved: Path) -> None:
        dataset = load(saved)
        assert dataset.item(1) is dataset.item(1)

    def test_the_place_of_a_dataset_adds_nothing_to_it(self, saved: Path, tmp_path: Path) -> None:
        saved = saved.rename(tmp_path / "country=france")
        assert load(saved).item_ids == ["heat", "her"]

    @pytest.mark.parametrize("change", ["cut short", "overwritten", "deleted"])
    def test_what_happens_to_its_files_later_does_not_change_it(
        self, saved: Path, change: str
    ) -> None:
        dataset = load(saved)
        for file in ("items.parquet", "interactions.parquet"):
            size = (saved / file).stat().st_size
            if change == "deleted":
                (saved / file).unlink()
            else:
                with (saved / file).open("r+b") as opened:
                    opened.truncate(0)
                    opened.write(b"" if change == "cut short" else b"\xff" * size)
        assert [dataset.item(i) for i in range(2)] == [HEAT, HER]
        assert rows(dataset, "ann") == [("heat", 5.0, 0), ("her", 4.0, 2)]

    def test_it_is_read_of_one_state_while_others_take_its_place(
        self, tmp_path: Path, tables: Tables
    ) -> None:
        """Each of them has items and interactions that fit its own name only."""
        stop, folder = threading.Event(), tmp_path / "films"

        def write(name: str) -> None:
            log = [(f"{name}{n}", "heat", 5.0) for n in range(200)]
            item = Item(id="heat", title=name)
            save(folder, DatasetInfo(name=name), *tables(log, items=[item]), name)

        def write_on() -> None:
            while not stop.is_set():
                write("ann")
                write("bob")

        write("ann")
        writer = threading.Thread(target=write_on)
        writer.start()
        try:
            for _ in range(40):
                dataset = load(folder)
                assert dataset.item(0).title == dataset.info.name
                assert dataset.user_ids[0].startswith(dataset.info.name)
        finally:
            stop.set()
            writer.join()

    def test_one_whose_replacement_was_killed_half_way_is_found_again(self, saved: Path) -> None:
        work = saved.with_name(f".{saved.name}.abcdefgh.work")
        work.mkdir()
        saved.rename(work / "old")
        assert load(saved).item_ids == ["heat", "her"]

    def test_an_unknown_user_is_a_key_error(self, saved: Path) -> None:
        with pytest.raises(KeyError):
            load(saved).history("zoe")


class TestAtomicWriting:
    def test_a_save_that_fails_half_way_leaves_the_old_folder_as_it_was(
        self, saved: Path, tables: Tables
    ) -> None:
        before = contents(saved.parent)
        unwritable = "a lone surrogate: \ud800"
        with pytest.raises(UnicodeEncodeError):
            save(saved, PURCHASES, *tables([("eve", "up", 1.0)]), unwritable)
        assert contents(saved.parent) == before
        assert list(saved.parent.iterdir()) == [saved]

    def test_a_save_that_fails_half_way_leaves_nothing_where_nothing_was(
        self, tmp_path: Path, tables: Tables
    ) -> None:
        with pytest.raises(UnicodeEncodeError):
            save(tmp_path / "films", RATINGS, *tables(TWO_USERS), "\ud800")
        assert list(tmp_path.iterdir()) == []

    def test_a_dataset_that_is_refused_touches_nothing(self, saved: Path, tables: Tables) -> None:
        before = contents(saved.parent)
        with pytest.raises(DatasetError):
            save(saved, RATINGS, *tables([]), "")
        assert contents(saved.parent) == before

    def test_a_new_folder_replaces_the_old_one_whole(self, saved: Path, tables: Tables) -> None:
        (saved / "stray.txt").write_text("from before")
        save(saved, PURCHASES, *tables([("eve", "up", 1.0)]), "")
        assert load(saved).user_ids == ["eve"]
        assert not (saved / "stray.txt").exists()
        assert list(saved.parent.iterdir()) == [saved]

    def test_a_folder_to_be_kept_is_never_replaced(self, saved: Path) -> None:
        before = contents(saved.parent)
        with (
            pytest.raises(FileExistsError, match="films holds other things"),
            new_folder(saved, "other.json"),
        ):
            pytest.fail("the folder must not be offered")
        assert contents(saved.parent) == before

    def test_an_interrupted_write_leaves_the_old_folder_as_it_was(self, saved: Path) -> None:
        before = contents(saved.parent)
        with pytest.raises(KeyboardInterrupt), new_folder(saved, "dataset.json") as work:
            (work / "items.parquet").write_bytes(b"half of it")
            raise KeyboardInterrupt
        assert contents(saved.parent) == before
        assert list(saved.parent.iterdir()) == [saved]

    def test_a_write_that_loses_its_folder_leaves_the_old_one_as_it_was(self, saved: Path) -> None:
        before = contents(saved)
        with pytest.raises(FileNotFoundError), new_folder(saved, "dataset.json") as work:
            work.rmdir()
        assert contents(saved) == before


class TestLoadingRefuses:
    """Every message names the folder, the file and the cause."""

    def refusal(self, folder: Path) -> str:
        with pytest.raises(DatasetError) as refused:
            load(folder)
        message = str(refused.value)
        assert str(folder) in message
        return message

    def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        assert "no dataset.json" in self.refusal(tmp_path / "nowhere")
        assert "no dataset.json" in self.refusal(tmp_path)

    @pytest.mark.parametrize("file", ["items.parquet", "interactions.parquet"])
    def test_a_missing_table(self, saved: Path, file: str) -> None:
        (saved / file).unlink()
        assert file in self.refusal(saved)

    @pytest.mark.parametrize("file", ["items.parquet", "interactions.parquet"])
    @pytest.mark.parametrize("damage", ["empty", "text", "cut", "middle"])
    def test_a_damaged_table(self, saved: Path, file: str, damage: str) -> None:
        path = saved / file
        whole = path.read_bytes()
        damaged = {
            "empty": b"",
            "text": b"user_id,item_id\n",
            "cut": whole[: len(whole) // 2],
            "middle": whole[:4] + b"\xff" * 60 + whole[64:],
        }
        path.write_bytes(damaged[damage])
        assert file in self.refusal(saved)

    @pytest.mark.parametrize("file", ["items.parquet", "interactions.parquet"])
    def test_any_flipped_byte_that_would_change_what_is_read(self, saved: Path, file: str) -> None:
        path, good = saved / file, load(saved)
        whole = path.read_bytes()
        for position in range(0, len(whole), 7):
            path.write_bytes(flipped(whole, position))
            try:
                read = load(saved)
            except DatasetError as refused:
                assert str(saved) in str(refused)
            else:
                assert read.fingerprint == good.fingerprint
                assert read.item_table.equals(good.item_table)

    @pytest.mark.parametrize(
        ("text", "cause"),
        [
            ("{", "JSON"),
            ("[]", "object"),
            ('{"noun": {"one": "film"}}', "name"),
            ('{"name": "x", "liking_threshold": "high"}', "liking_threshold"),
            ('{"name": "x", "liking": 3}', "liking"),
            ('{"name": "x", "noun": {"one": "</s>"}}', "noun"),
        ],
    )
    def test_a_wrong_dataset_json(self, saved: Path, text: str, cause: str) -> None:
        (saved / "dataset.json").write_text(text)
        message = self.refusal(saved)
        assert "dataset.json" in message
        assert cause in message

    def test_another_tables_columns(self, saved: Path) -> None:
        shutil.copy(saved / "items.parquet", saved / "interactions.parquet")
        message = self.refusal(saved)
        assert "interactions: has columns ['id', 'title'" in message
        assert "not ['user_id', 'item_id', 'value', 'timestamp']" in message

    def test_a_column_of_another_type(self, saved: Path, tables: Tables) -> None:
        _, interactions = tables(TWO_USERS)
        wrong = interactions.set_column(2, "value", pa.array([5, 2, 4], pa.int64()))
        pq.write_table(wrong, saved / "interactions.parquet")
        assert "interactions: column value is int64, not double" in self.refusal(saved)


class TestBuildingRefuses:
    def test_an_item_id_that_occurs_twice(self, tables: Tables) -> None:
        items, interactions = tables(TWO_USERS)
        with pytest.raises(DatasetError, match="items: an id occurs twice"):
            build(RATINGS, pa.concat_tables([items, items]), interactions)

    def test_an_interaction_with_an_unknown_item(self, tables: Tables) -> None:
        _, interactions = tables([*TWO_USERS, ("bob", "alien", 5.0)])
        items, _ = tables(TWO_USERS)
        with pytest.raises(DatasetError, match="interactions: item 'alien' is not among the items"):
            build(RATINGS, items, interactions)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_value_that_is_not_a_finite_number(self, tables: Tables, value: float) -> None:
        with pytest.raises(DatasetError, match="interactions: a value is not a finite number"):
            build(RATINGS, *tables([*TWO_USERS, ("bob", "heat", value)]))

    @pytest.mark.parametrize("value", [1e30, -1e30])
    def test_a_value_that_no_sum_can_hold(self, tables: Tables, value: float) -> None:
        with pytest.raises(DatasetError, match="interactions: a value is beyond 1e"):
            build(RATINGS, *tables([*TWO_USERS, ("bob", "heat", value)]))

    @pytest.mark.parametrize("value", [0.0, -1.0])
    def test_a_count_that_is_not_positive(self, tables: Tables, value: float) -> None:
        with pytest.raises(DatasetError, match="every value must be positive"):
            build(PURCHASES, *tables([("ann", "heat", value)]))

    def test_no_interactions(self, tables: Tables) -> None:
        with pytest.raises(DatasetError, match="interactions: there are none"):
            build(RATINGS, *tables([], items=[HEAT]))

    @pytest.mark.parametrize("column", ["user_id", "item_id", "value", "timestamp"])
    def test_an_empty_cell_in_an_interaction(self, tables: Tables, column: str) -> None:
        items, interactions = tables(TWO_USERS)
        position = interactions.schema.get_field_index(column)
        holed = pa.array([None, *interactions[column].to_pylist()[1:]], interactions[column].type)
        with pytest.raises(DatasetError, match=f"interactions: column {column} has empty cells"):
            build(RATINGS, items, interactions.set_column(position, column, holed))

    def test_no_empty_year_as_many_items_have_none(self, tables: Tables) -> None:
        dataset = build(RATINGS, *tables(TWO_USERS, items=[HEAT, HER]))
        assert [dataset.item(i).year for i in range(2)] == [1995, None]


class TestRepeats:
    repeats = (
        ("ann", "heat", 5.0, 300),
        ("ann", "her", 4.0, 100),
        ("ann", "heat", 1.0, 200),
        ("ann", "her", 2.0, 100),
        ("bob", "heat", 3.0, 50),
    )

    def test_the_latest_of_several_judgements_holds(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset(self.repeats, info=RATINGS)
        assert rows(dataset, "ann") == [("her", 2.0, 100), ("heat", 5.0, 300)]
        assert rows(dataset, "bob") == [("heat", 3.0, 50)]

    def test_counts_add_up_and_carry_the_latest_time(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset(self.repeats, info=PURCHASES)
        assert rows(dataset, "ann") == [("her", 6.0, 100), ("heat", 6.0, 300)]
        assert rows(dataset, "bob") == [("heat", 3.0, 50)]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from("ab"),
                st.sampled_from("wxyz"),
                st.integers(1, 5).map(float),
                st.integers(-3, 3),
            ),
            min_size=1,
        )
    )
    def test_any_log_becomes_one_row_per_pair_in_the_order_of_time(
        self, small_dataset: SmallDataset, log: list[tuple[str, str, float, int]]
    ) -> None:
        latest: dict[tuple[str, str], tuple[str, float, int]] = {}
        total: dict[tuple[str, str], float] = {}
        for user, item, value, timestamp in log:
            total[user, item] = total.get((user, item), 0.0) + value
            if timestamp >= latest.get((user, item), ("", 0.0, timestamp))[2]:
                latest[user, item] = item, value, timestamp
        ratings, purchases = small_dataset(log), small_dataset(log, info=PURCHASES)
        for user in ratings.user_ids:
            mine = [row for pair, row in latest.items() if pair[0] == user]
            judged, counted = rows(ratings, user), rows(purchases, user)
            assert sorted(judged) == sorted(mine)
            assert sorted(counted) == sorted((item, total[user, item], t) for item, _, t in mine)
            times = [time for _, _, time in judged]
            assert times == sorted(times) == [time for _, _, time in counted]


class TestHistories:
    def test_the_oldest_comes_first_and_rows_of_one_second_keep_their_order(
        self, small_dataset: SmallDataset
    ) -> None:
        dataset = small_dataset(
            [
                ("ann", "c", 5.0, 20),
                ("bob", "a", 5.0, 0),
                ("ann", "b", 5.0, 10),
                ("ann", "z", 5.0, 20),
                ("ann", "a", 5.0, 20),
                ("ann", "d", 5.0, -5),
            ]
        )
        assert dataset.history("ann").item_ids == ["d", "b", "c", "z", "a"]

    def test_keeping_some_interactions_keeps_every_user_and_item(
        self, small_dataset: SmallDataset
    ) -> None:
        whole = small_dataset(TWO_USERS)
        part = whole.keep(whole.values > 4.5)
        assert rows(part, "ann") == [("heat", 5.0, 0)]
        assert rows(part, "bob") == []
        assert part.item_ids == whole.item_ids
        assert rows(whole, "ann") == [("heat", 5.0, 0), ("her", 4.0, 2)]

    def test_the_matrix_holds_one_weight_per_interaction(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset(TWO_USERS)
        dense = dataset.matrix(dataset.values).toarray()
        assert dense.dtype == np.float32
        for user_id, u in dataset.user_index.items():
            for item_id, value, _ in rows(dataset, user_id):
                assert dense[u, dataset.item_index[item_id]] == value
        assert np.count_nonzero(dense) == len(TWO_USERS)


class TestLikings:
    def test_a_threshold_parts_likings_from_dislikes(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset(TWO_USERS)
        assert dataset.is_liking(np.array([3.4, 3.5, 5.0])).tolist() == [False, True, True]
        told = dataset.likings(np.array([3.4, 3.5, 4.4, 4.5]))
        assert told == [None, "liked", "liked", "loved"]

    def test_without_a_threshold_everything_was_used_and_nothing_loved(
        self, small_dataset: SmallDataset
    ) -> None:
        dataset = small_dataset(TWO_USERS, info=PURCHASES)
        assert dataset.is_liking(np.array([0.1, 9.0])).tolist() == [True, True]
        assert dataset.likings(np.array([1e6])) == ["used"]

    def test_only_likings_are_counted(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset(TWO_USERS)
        counts = {i: int(dataset.liking_counts[at]) for i, at in dataset.item_index.items()}
        assert counts == {"heat": 1, "her": 1}

    def test_the_top_percent_are_favourites_and_the_top_tenth_well_liked(
        self, small_dataset: SmallDataset
    ) -> None:
        log = [(f"u{u}", f"i{i:03}", 5.0) for i in range(200) for u in range(1 + 200 - i)]
        dataset = small_dataset(log)
        tiers = [dataset.popularity(dataset.item_index[f"i{i:03}"]) for i in range(200)]
        assert tiers == ["favourite"] * 2 + ["well_liked"] * 18 + [None] * 180

    def test_items_as_popular_as_the_last_of_a_tier_belong_to_it(
        self, small_dataset: SmallDataset
    ) -> None:
        log = [(f"u{u}", f"i{i}", 5.0) for i in range(3) for u in range(4)]
        log += [("u0", f"i{i}", 5.0) for i in range(3, 20)]
        dataset = small_dataset(log)
        tiers = [dataset.popularity(dataset.item_index[f"i{i}"]) for i in range(20)]
        assert tiers == ["favourite"] * 3 + [None] * 17

    def test_one_liker_makes_nothing_popular(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset([("ann", "heat", 5.0), ("bob", "her", 1.0), ("ann", "her", 1.0)])
        assert [dataset.popularity(i) for i in range(2)] == [None, None]


class TestFingerprint:
    def test_equal_data_have_one_fingerprint(self, small_dataset: SmallDataset) -> None:
        assert small_dataset(TWO_USERS).fingerprint == small_dataset(TWO_USERS).fingerprint

    @pytest.mark.parametrize(
        "other",
        [
            [*TWO_USERS, ("bob", "heat", 5.0)],
            [("ann", "heat", 4.5), *TWO_USERS[1:]],
            [("eve", "heat", 5.0), *TWO_USERS[1:]],
            [("ann", "heat!", 5.0), *TWO_USERS[1:]],
            [TWO_USERS[0], TWO_USERS[2], TWO_USERS[1]],
        ],
        ids=["one more", "value", "user", "item", "time"],
    )
    def test_any_change_of_an_interaction_changes_it(
        self, small_dataset: SmallDataset, other: list[tuple[str, str, float]]
    ) -> None:
        assert small_dataset(other).fingerprint != small_dataset(TWO_USERS).fingerprint
