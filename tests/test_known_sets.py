"""Known data sets: small files in the layout of each, with its known damage, by one command."""

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.dataset import Dataset, load
from catalog.readers.known_sets import KnownSet, find_known, known_sets
from catalog.tables import DatasetError
from catalog.types import Item

Import = Callable[..., tuple[Dataset, str]]
FLAGS = "|".join("1" if n in {5, 8} else "0" for n in range(19))
BX = '"Image-URL-S";"Image-URL-M";"Image-URL-L"'


@pytest.fixture
def imported(tmp_path: Path, prism: Callable[..., tuple[str, str]]) -> Import:
    """Return a function that imports files by the name of their data set, as one command does."""

    def run(name: str, files: dict[str, str | bytes], zipped: str = "") -> tuple[Dataset, str]:
        place = tmp_path / "raw"
        place.mkdir()
        for file, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (place / file).write_bytes(gzip.compress(data) if file.endswith(".gz") else data)
        if zipped:
            packed = tmp_path / f"{zipped}.zip"
            with zipfile.ZipFile(packed, "w") as archive:
                for file in files:
                    archive.write(place / file, f"{zipped}/{file}")
            place = packed
        told = prism("data", "import", name, place, "--data", tmp_path / "data")[1]
        dataset = load(tmp_path / "data")
        assert dataset.info.name == name
        assert "Terms: " in (tmp_path / "data" / "CARD.md").read_text()
        return dataset, told

    return run


def jsonl(*records: dict[str, object]) -> str:
    """Return JSON lines."""
    return "".join(f"{json.dumps(record)}\n" for record in records)


def items(dataset: Dataset) -> list[Item]:
    """Return every item."""
    return [dataset.item(n) for n in range(len(dataset.item_ids))]


class TestMovieLens:
    def test_100k(self, imported: Import) -> None:
        films = f"1|Toy Story (1995)|01-Jan-1995||http://x|{FLAGS}\n267|unknown||||{FLAGS}\n"
        films += f"543|Misérables, Les (1995)|01-Jan-1995||http://y|{FLAGS}\n"
        dataset, _ = imported(
            "movielens",
            {
                "u.data": "196\t1\t3\t881250949\n186\t543\t5\t891717742\n",
                "u.item": films.encode("latin-1"),
                "u.user": "196|49|M|writer|55105\n",
                "u.genre": "unknown|0\nAction|1\n",
            },
            zipped="ml-100k",
        )
        toy, unknown, miserables = items(dataset)
        assert (toy.title, toy.year, toy.categories) == ("Toy Story", 1995, ("Comedy", "Drama"))
        assert (unknown.title, unknown.year) == ("unknown", None)
        assert miserables.title == "Les Misérables"
        assert dataset.info.liking_threshold == 3.5

    @pytest.mark.parametrize("encoding", ["latin-1", "utf-8"], ids=["1M", "10M"])
    def test_1m_and_10m(self, imported: Import, encoding: str) -> None:
        dataset, told = imported(
            "movielens",
            {
                "ratings.dat": "1::661::5::978300760\n2::914::3.5::978301968\n1::9::1::978301968\n",
                "movies.dat": (
                    "661::James: Peach, The (Pêche) (1996)::Animation|Children's\n"
                    "914::My Fair Lady (1964)::Musical\n"
                ).encode(encoding),
            },
        )
        assert [film.title for film in items(dataset)] == ["The James: Peach", "My Fair Lady"]
        assert items(dataset)[0].categories == ("Animation", "Children's")
        assert "1 rejected: the item is not among the usable items (line 3)" in told

    def test_20m_to_32m_and_latest(self, imported: Import) -> None:
        dataset, _ = imported(
            "movielens",
            {
                "ratings.csv": "userId,movieId,rating,timestamp\n"
                "1,1,4.0,964982703\n1,2,0.5,964982224\n",
                "movies.csv": "movieId,title,genres\n"
                '1,"American President, The (1995)",Comedy|Drama\n'
                "2,Nobody (2015),(no genres listed)\n",
                "tags.csv": "userId,movieId,tag,timestamp\n",
                "links.csv": "movieId,imdbId,tmdbId\n",
                "README.txt": "about it",
            },
            zipped="ml-latest-small",
        )
        president, nobody = items(dataset)
        assert (president.title, president.year) == ("The American President", 1995)
        assert nobody.categories == ()
        assert dataset.likings(dataset.history("1").values) == [None, "liked"]


class TestAmazon:
    def test_2023(self, imported: Import) -> None:
        dataset, _ = imported(
            "amazon",
            {
                "All_Beauty.jsonl.gz": jsonl(
                    {
                        "rating": 5.0,
                        "title": "Great",
                        "asin": "B0",
                        "parent_asin": "B1",
                        "user_id": "AE",
                        "timestamp": 1588687728923,
                    }
                ),
                "meta_All_Beauty.jsonl.gz": jsonl(
                    {
                        "main_category": "All Beauty",
                        "title": "Salt &amp; Sea",
                        "store": "Herb",
                        "categories": [],
                        "description": [],
                        "parent_asin": "B1",
                    },
                    {"title": "", "store": None, "categories": ["A"], "parent_asin": "B2"},
                ),
            },
        )
        [item] = items(dataset)
        assert (item.title, item.attributes) == ("Salt & Sea", {"store": "Herb"})
        assert dataset.timestamps.tolist() == [1588687728]

    def test_2018(self, imported: Import) -> None:
        meta = (
            '{"category": ["Music", "Pop"], "description": ["One.", "Two."], "title": "A &amp; B", '
            '"brand": "Sony", "asin": "0001"}\n'
        )
        dataset, told = imported(
            "amazon",
            {
                "Digital_Music.json": '{"overall": 5.0, "verified": true, "reviewerID": "A1", '
                '"asin": "0001", "unixReviewTime": 1387670400}\n',
                "meta_Digital_Music.json": meta * 2,
            },
        )
        [item] = items(dataset)
        assert item.categories == ("Music", "Pop")
        assert item.description == "One. Two."
        assert item.attributes == {"brand": "Sony"}
        assert "the id occurred before (line 2)" in told


class TestGoodreads:
    def test_book_graph(self, imported: Import) -> None:
        added = "Thu Aug 17 15:15:28 -0700 2017"
        dataset, told = imported(
            "goodreads",
            {
                "goodreads_interactions_poetry.json.gz": jsonl(
                    {"user_id": "88", "book_id": "65", "rating": 5, "date_added": added},
                    {"user_id": "88", "book_id": "65", "rating": 0, "date_added": added},
                ),
                "goodreads_books_poetry.json.gz": jsonl(
                    {
                        "book_id": "65",
                        "title": "Odes (Poems, #1)",
                        "publication_year": "",
                        "title_without_series": "Odes",
                        "publisher": "Faber",
                        "description": "",
                    }
                ),
                "goodreads_book_genres_initial.json.gz": jsonl(
                    {"book_id": "65", "genres": {"poetry": 12, "history, biography": 30}}
                ),
            },
        )
        [book] = items(dataset)
        assert book.title == "Odes"
        assert book.categories == ("history", "biography", "poetry")
        assert dataset.timestamps.tolist() == [1503008128]
        assert "1 ignored: no judgement (0) (line 2)" in told

    def test_goodbooks_10k(self, imported: Import) -> None:
        dataset, _ = imported(
            "goodreads",
            {
                "ratings.csv": "user_id,book_id,rating\n1,258,5\n2,258,4\n",
                "books.csv": "book_id,authors,original_publication_year,title\n"
                '258,"Carlos Ruiz Zafón, Lucia Graves",2001.0,The Shadow of the Wind\n',
                "tags.csv": "tag_id,tag_name\n",
            },
        )
        [book] = items(dataset)
        assert book.year == 2001
        assert book.attributes == {"author": ("Carlos Ruiz Zafón", "Lucia Graves")}


class TestLastFm:
    def test_360k_has_titles_in_quotes_and_no_ids_for_some(self, imported: Import) -> None:
        dataset, _ = imported(
            "lastfm",
            {
                "usersha1-artmbid-artname-plays.tsv": "00a\t3bd7\tbetty blowtorch\t2137\n"
                '00a\t\t"weird al" yankovic\t3\n00b\t3bd7\tbetty blowtorch\t1\n00b\t\tx\t0\n',
            },
        )
        assert [item.title for item in items(dataset)] == [
            "betty blowtorch", "'weird al' yankovic", "x",
        ]  # fmt: skip
        assert dataset.likings(dataset.history("00a").values) == ["loved", "used"]

    def test_1k_counts_plays(self, imported: Import) -> None:
        row = "user_1\t2009-05-04T23:08:57Z\tf1b1\tDeep Dish\t\tFuck Me Im Famous\n"
        dataset, told = imported(
            "lastfm", {"userid-timestamp-artid-artname-traid-traname.tsv": row * 3}
        )
        assert dataset.values.tolist() == [3.0]
        assert "2 repeat a user and an item: their values are added up" in told

    def test_hetrec(self, imported: Import) -> None:
        dataset, _ = imported(
            "lastfm",
            {
                "user_artists.dat": "userID\tartistID\tweight\n2\t51\t13883\n2\t52\t11690\n",
                "artists.dat": "id\tname\turl\tpictureURL\n51\tDuran Duran\thttp://a\thttp://b\n"
                '52\t"Morcheeba" \thttp://c\t\n',
                "tags.dat": "tagID\ttagValue\n1\tmetal\n",
            },
        )
        assert [item.title for item in items(dataset)] == ["Duran Duran", "'Morcheeba'"]


def test_book_crossing_has_semicolons_backslashes_and_zeros(imported: Import) -> None:
    books = (
        f'"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";{BX}\n'
        '"0195153448";"Classical &amp; New; \\"Old\\"";"Mark Möre";"2002";"Oxford";"a";"b";"c"\n'
        '"0789466953";"DK Readers";"2000";"DK Publishing Inc";"http://x";"a";"b";""\n'
        '"034545104X";"Flesh Tones";"N/A";"0";"Ballantine";"a";"b";"c"\n'
    )
    dataset, told = imported(
        "book-crossing",
        {
            "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n'
            '"276726";"0195153448";"5"\n"276727";"0195153448";"9"\n',
            "BX-Books.csv": books.encode("windows-1252"),
            "BX-Users.csv": '"User-ID";"Location";"Age"\n',
        },
    )
    classical, readers, flesh = items(dataset)
    assert classical.title == "Classical & New; 'Old'"
    assert classical.attributes == {"author": "Mark Möre", "publisher": "Oxford"}
    assert (readers.year, flesh.year, flesh.attributes) == (None, None, {"publisher": "Ballantine"})
    assert "1 ignored: no judgement (0) (line 2)" in told
    assert dataset.likings(dataset.history("276726").values) == [None]


class TestSteam:
    def test_200k_counts_hours_and_not_purchases(self, imported: Import) -> None:
        dataset, told = imported(
            "steam",
            {
                "steam-200k.csv": "151603712,The Elder Scrolls V Skyrim,purchase,1.0,0\n"
                "151603712,The Elder Scrolls V Skyrim,play,273.0,0\n"
                '151603712,"Warhammer, 40,000",play,0.1,0\n',
            },
        )
        assert dataset.values.tolist() == [273.0, 0.1]
        assert [item.title for item in items(dataset)][1] == "Warhammer, 40,000"
        assert "1 ignored: another 3 than asked for (line 1)" in told

    def test_reviews_are_pythons_dicts(self, imported: Import) -> None:
        dataset, _ = imported(
            "steam",
            {
                "steam_reviews.json.gz": "{u'username': u'Chaos \"Syren\"', u'hours': 4.1, "
                "u'product_id': u'725280', u'date': u'2017-12-17', u'early_access': False}\n",
                "steam_games.json.gz": "{u'genres': [u'Action', u'Indie'], u'id': u'725280', "
                "u'app_name': u'Lost Summoner', u'release_date': u'2018-01-04'}\n"
                "{u'app_name': u'No id'}\n",
            },
        )
        [game] = items(dataset)
        assert (game.title, game.year, game.categories) == (
            "Lost Summoner", 2018, ("Action", "Indie"),
        )  # fmt: skip
        assert dataset.user_ids == ['Chaos "Syren"']


def test_yelp(imported: Import) -> None:
    dataset, _ = imported(
        "yelp",
        {
            "yelp_academic_dataset_review.json": jsonl(
                {
                    "user_id": "u",
                    "business_id": "b",
                    "stars": 4.0,
                    "text": "x",
                    "date": "2018-07-07 22:09:11",
                }
            ),
            "yelp_academic_dataset_business.json": jsonl(
                {
                    "business_id": "b",
                    "name": "Chez Éric",
                    "city": "Reno",
                    "categories": "Cafes, Food",
                },
                {"business_id": "c", "name": "Bar", "city": "Reno", "categories": None},
            ),
        },
    )
    assert [place.title for place in items(dataset)] == ["Chez Éric", "Bar"]
    assert items(dataset)[0].categories == ("Cafes", "Food")
    assert items(dataset)[0].attributes == {"city": "Reno"}


class TestDescriptions:
    @pytest.mark.parametrize("known", known_sets(), ids=lambda known: known.name)
    def test_each_names_its_source_and_its_layouts_are_plans(self, known: KnownSet) -> None:
        assert "/" in known.layout_source
        for layout in known.layouts:
            assert known.plan(layout).info.name == known.name

    def test_a_folder_of_something_else_is_told_what_is_needed(self, tmp_path: Path) -> None:
        [yelp] = [known for known in known_sets() if known.name == "yelp"]
        with pytest.raises(
            DatasetError, match=r"no yelp there; it needs \*review.json\* and \*business.json\*"
        ):
            find_known(yelp, tmp_path)
