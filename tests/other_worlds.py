"""Facts from catalogues the shipped Prism never saw: from books to podcasts.

Their titles have digits, punctuation and letters of other scripts. Authors, artists and makers are
left out or are attributes; which items share a category is what these catalogues would say. The
board games have four attributes, the podcasts nothing but titles.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.facts import Evidence, EvidenceKind, Facts, Noun, Popularity
from catalog.text import clean_title
from catalog.types import Item, Liking


@dataclass(frozen=True)
class World:
    """A catalogue as lines of "title | categories | year | attribute | ...", the ends left out."""

    noun: Noun
    attributes: Sequence[str]
    lines: str

    def items(self) -> list[Item]:
        """Return its items."""
        found = []
        for number, line in enumerate(self.lines.strip().splitlines()):
            cells = [cell.strip() for cell in line.split("|")]
            title, categories, year, *values = [*cells, "", ""]
            found.append(
                Item(
                    id=f"{self.noun.one}-{number}",
                    title=clean_title(title),
                    categories=tuple(filter(None, categories.split("/"))),
                    year=int(year) if year else None,
                    attributes={
                        key: int(value) if value.isdecimal() else value
                        for key, value in zip(self.attributes, values, strict=False)
                        if value
                    },
                )
            )
        return found


WORLDS = {
    "books": World(
        Noun(one="book", many="books"),
        ["author"],
        """
Nineteen Eighty-Four | Dystopia/Politics | 1949 | George Orwell
Animal Farm | Satire/Politics | 1945 | George Orwell
Brave New World | Dystopia | 1932 | Aldous Huxley
Fahrenheit 451 | Dystopia/Sci-Fi | 1953 | Ray Bradbury
Catch-22 | Satire/War | 1961 | Joseph Heller
Slaughterhouse-Five | War/Sci-Fi | 1969 | Kurt Vonnegut
Wuthering Heights | Romance/Gothic | 1847 | Emily Brontë
Emma | Romance | 1815 | Jane Austen
Pride and Prejudice | Romance | 1813 | Jane Austen
Sense and Sensibility | Romance | 1811 | Jane Austen
The Hitchhiker's Guide to the Galaxy | Sci-Fi/Comedy | 1979 | Douglas Adams
Война и мир | War/History | 1869 | Лев Толстой
Преступление и наказание | Crime | 1866 | Фёдор Достоевский
Cien años de soledad | Magical Realism | 1967 | Gabriel García Márquez
Les Misérables | History/Drama | 1862 | Victor Hugo
L'Étranger | Philosophy | 1942 | Albert Camus
Die Verwandlung | Fantasy | 1915 | Franz Kafka
雪国 | Romance | 1948 | 川端康成
ノルウェイの森 | Romance/Drama | 1987 | 村上春樹
三体 | Sci-Fi | 2008 | 刘慈欣
채식주의자 | Drama | 2007 | 한강
Ο Τελευταίος Πειρασμός | Religion | 1955 |
1Q84 | Fantasy/Mystery | 2009 | 村上春樹
84, Charing Cross Road | Letters | 1970 | Helene Hanff
The Girl with the Dragon Tattoo | Crime/Mystery | 2005 | Stieg Larsson
The Hound of the Baskervilles | Crime/Mystery | 1902 | Arthur Conan Doyle
Murder on the Orient Express | Crime/Mystery | 1934 | Agatha Christie
Who Moved My Cheese? | Business | 1998 |
A Brief History of Time | Science | 1988 | Stephen Hawking
Gödel, Escher, Bach: An Eternal Golden Braid | Science/Philosophy | 1979 |
The 7 Habits of Highly Effective People | Business/Self-Help | 1989 |
Oh, the Places You'll Go! | Children/Poetry | 1990 | Dr. Seuss
Where the Wild Things Are | Children/Fantasy | 1963 |
Beowulf | Poetry/Epic | 975 |
House of Leaves | Horror | 2000 |
It | Horror | 1986 | Stephen King
""",
    ),
    "songs": World(
        Noun(one="song", many="songs"),
        ["artist"],
        """
Bohemian Rhapsody | Rock | 1975 | Queen
99 Luftballons | Pop/New Wave | 1983 | Nena
(I Can't Get No) Satisfaction | Rock | 1965 | The Rolling Stones
Paint It, Black | Rock | 1966 | The Rolling Stones
Ob-La-Di, Ob-La-Da | Pop/Ska | 1968 | The Beatles
Help! | Rock/Pop | 1965 | The Beatles
Yesterday | Pop/Ballad | 1965 | The Beatles
Smells Like Teen Spirit | Rock/Grunge | 1991 | Nirvana
Hey Ya! | Hip-Hop/Pop | 2003 | OutKast
7 Rings | Pop/R&B | 2019 | Ariana Grande
1979 | Rock | 1996 | The Smashing Pumpkins
Blue (Da Ba Dee) | Dance | 1998 | Eiffel 65
Dancing Queen | Pop/Disco | 1976 | ABBA
Stayin' Alive | Disco | 1977 | Bee Gees
Non, je ne regrette rien | Chanson | 1960 | Édith Piaf
La Vie en rose | Chanson | 1947 | Édith Piaf
Despacito | Pop/Reggaeton | 2017 | Luis Fonsi
강남스타일 | Pop/K-Pop | 2012 | 싸이
上を向いて歩こう | Pop | 1961 | 坂本九
月亮代表我的心 | Ballad | 1977 | 邓丽君
Группа крови | Rock | 1988 | Кино
Ederlezi | Folk | 1988 | Goran Bregović
Für Elise | Classical | 1810 | Ludwig van Beethoven
Take Five | Jazz | 1959 | The Dave Brubeck Quartet
So What | Jazz | 1959 | Miles Davis
What'd I Say | Soul/R&B | 1959 | Ray Charles
Respect | Soul | 1967 | Aretha Franklin
R.E.S.P.E.C.T. (Live) | Soul | 1971 |
Jolene | Country | 1973 | Dolly Parton
9 to 5 | Country/Pop | 1980 | Dolly Parton
No Woman, No Cry | Reggae | 1974 | Bob Marley
Don't Stop 'Til You Get Enough | Disco/Soul | 1979 | Michael Jackson
Beat It | Rock/Pop | 1982 | Michael Jackson
Billie Jean | Pop/Soul | 1982 | Michael Jackson
$$$ | Hip-Hop | 2018 |
4′33″ | Experimental | 1952 | John Cage
""",
    ),
    "restaurants": World(
        Noun(one="restaurant", many="restaurants"),
        ["city"],
        """
Chez Panisse | Californian/Organic | 1971 | Berkeley
Noma | Nordic | 2003 | København
El Bulli | Molecular | 1961 | Roses
Osteria Francescana | Italian | 1995 | Modena
Da Michele | Pizza/Italian | 1870 | Napoli
Joe's Pizza | Pizza | 1975 | New York
Katz's Delicatessen | Deli/Sandwiches | 1888 | New York
In-N-Out Burger #24 | Burgers/Fast Food | 1948 | Los Angeles
Five Guys | Burgers/Fast Food | 1986 | Washington, D.C.
Pho 24 | Vietnamese/Noodles | 2003 | Hồ Chí Minh
Bánh Mì 25 | Vietnamese/Sandwiches | 2014 | Hà Nội
すきやばし次郎 | Sushi/Japanese | 1965 | 東京
一蘭 | Ramen/Japanese | 1960 | 福岡
鼎泰豐 | Dumplings/Taiwanese | 1958 | 台北
海底捞火锅 | Hot Pot | 1994 | 成都
광장시장 빈대떡 | Korean/Street Food | 1905 | 서울
Кафе Пушкинъ | Russian | 1999 | Москва
Μουσείο Μεζέ | Greek | 2004 | Αθήνα
مطعم أبو شقرا | Egyptian/Grill | 1947 | القاهرة
Café de Flore | Café/French | 1887 | Paris
Le Procope | French | 1686 | Paris
L'Ambroisie | French/Fine Dining | 1986 | Paris
Sobrino de Botín | Spanish | 1725 | Madrid
Fish & Chips @ 149 | Seafood/Fast Food | 2008 | Bridlington
The Fat Duck | Fine Dining | 1995 | Bray
Dishoom (Covent Garden) | Indian | 2010 | London
Veeraswamy | Indian | 1926 | London
St. JOHN | British | 1994 | London
Smörgåsbord & Co. | Nordic/Buffet | 2016 | Malmö
Zum Goldenen Hirschen | German | 1711 | Nürnberg
Mr. Chow | Chinese | 1968 | London
Taco Bell No. 7 | Mexican/Fast Food | 1962 | Downey
¡Que Padre! | Mexican | 2011 |
Vegan? Why Not! | Vegan | 2019 | Berlin
Bills | Brunch | 1993 | Sydney
Grill 1-2-3 | Grill/Steak | | Wien
""",
    ),
    "products": World(
        Noun(one="product", many="products"),
        ["brand"],
        """
USB-C Cable 2 m (60 W) | Cables | 2021 | Anker
65W GaN Charger | Chargers | 2022 | Anker
PowerCore 10000 mAh | Chargers/Travel | 2018 | Anker
iPhone 15 Pro Max 256GB | Phones | 2023 | Apple
iPad Air (5th generation) | Tablets | 2022 | Apple
Galaxy S24+ | Phones | 2024 | Samsung
WH-1000XM5 | Headphones/Audio | 2022 | Sony
PlayStation 5 | Consoles | 2020 | Sony
MX Master 3S | Mice/Office | 2022 | Logitech
K380 Keyboard | Keyboards/Office | 2015 | Logitech
ThinkPad X1 Carbon Gen 11 | Laptops/Office | 2023 | Lenovo
1/4" Socket Wrench Set, 46-Piece | Tools | 2016 |
WD-40 (400 ml) | Tools/Garden | 1953 | WD-40
M3×12 Screws, 100 pcs. | Tools | |
Leatherman Wave+ | Tools/Travel | 2018 | Leatherman
Moleskine Notebook A5 | Office/Paper | 1997 | Moleskine
Post-it® Notes 76×76 | Office/Paper | 1980 | 3M
LEGO Technic 42083 | Toys | 2018 | LEGO
LEGO City: Fire Station | Toys/Children | 2022 | LEGO
Rubik's Cube 3x3 | Toys/Puzzle | 1980 |
Monopoly - Édition Spéciale | Toys/Family | 2019 | Hasbro
Nespresso Vertuo | Kitchen/Coffee | 2014 | De'Longhi
Moka Express, 3 Cups | Kitchen/Coffee | 1933 | Bialetti
Le Creuset 24 cm | Kitchen | 1925 | Le Creuset
电饭煲 5L | Kitchen | 2020 | 小米
任天堂スイッチ | Consoles | 2017 | 任天堂
김치냉장고 | Kitchen | 1995 | 딤채
Электрочайник 1,7 л | Kitchen | 2019 |
Vitamin D3 + K2 (5000 IU) | Health | 2020 |
SPF 50+ Sunscreen | Health/Travel | 2021 | Nivea
No. 5 Eau de Parfum | Beauty | 1921 | Chanel
501® Original Jeans | Clothing | 1873 | Levi's
Chuck 70 Hi | Shoes/Clothing | 2013 | Converse
Air Max 90 | Shoes | 1990 | Nike
C++ Mug: "Hello, World!" | Kitchen/Gifts | |
50% Off! Mystery Box | Gifts | 2024 |
""",
    ),
    "video games": World(
        Noun(one="video game", many="video games"),
        ["developer"],
        """
Tetris | puzzle/classics | 1984 | Алексей Пажитнов
Pac-Man | arcade/maze | 1980 | ナムコ
R-Type | arcade/shooter | 1987 | Irem
NieR:Automata™ | action/role-playing/hack and slash/open world | 2017 | PlatinumGames
Half-Life 2 | shooter/sci-fi/action/story rich | 2004 | Valve
Portal 2 | puzzle/sci-fi/comedy/co-op | 2011 | Valve
Left 4 Dead 2 | shooter/horror/co-op | 2009 | Valve
The Witcher 3: Wild Hunt | role-playing/fantasy/open world/story rich | 2015 | CD PROJEKT RED
Cyberpunk 2077 | role-playing/sci-fi/open world/story rich | 2020 | CD PROJEKT RED
Stardew Valley | indie/farming/role-playing/co-op/pixel graphics | 2016 | ConcernedApe
Undertale | indie/role-playing/pixel graphics/comedy | 2015 | tobyfox
Baba Is You | indie/puzzle/pixel graphics | 2019 | Hempuli
INSIDE | indie/puzzle/adventure/horror | 2016 | Playdead
LIMBO | indie/puzzle/adventure/horror | 2010 | Playdead
Civilization VI | strategy/turn-based/4X/historical | 2016 | Firaxis
XCOM® 2 | strategy/turn-based/sci-fi | 2016 | Firaxis
Age of Empires II | strategy/real-time/historical/war | 1999 | Ensemble Studios
Total War: THREE KINGDOMS | strategy/war/historical/turn-based/real-time | 2019 | CA
原神 | action/role-playing/open world/anime | 2020 | 米哈游
黑神话:悟空 | action/role-playing/hack and slash | 2024 | 游戏科学
ゼルダの伝説 | action/adventure/fantasy | 1986 | 任天堂
스타크래프트 | strategy/real-time/sci-fi | 1998 |
EA SPORTS FC™ 24 | sports/co-op | 2023 | EA
Football Manager 2024 | sports/management | 2023 | SI Games
iRacing | sports/racing/simulation | 2008 |
""",
    ),
    "sheet music": World(
        Noun(one="piece of sheet music", many="sheet music"),
        ["arranged for voices"],
        """
Ave verum corpus, K. 618 | Sacred/Choral | 1791 | 4
O Magnum Mysterium | Sacred/Choral | 1572 | 8
Spem in alium | Sacred/Choral/Renaissance | 1570 | 40
Miserere mei, Deus | Sacred/Choral/Renaissance | 1638 | 9
Vespers, Op. 37 | Sacred/Choral | 1915 | 8
Gymnopédie No. 1 | Piano/Classical | 1888 | 1
Clair de lune (L. 75/3) | Piano/Classical | 1905 | 1
Für Elise, WoO 59 | Piano/Classical | 1810 | 1
Maple Leaf Rag | Piano/Ragtime | 1899 | 1
The Entertainer | Piano/Ragtime | 1902 | 1
Kyrie XI, “Orbis factor” | Sacred/Chant | 950 | 1
Salve Regina | Sacred/Chant | 1050 | 1
Auld Lang Syne | Folk/Choral | 1788 | 4
さくらさくら | Folk | 1888 | 1
Калинка | Folk/Choral | 1860 | 4
Take the “A” Train | Jazz/Big Band | 1939 | 17
Sing, Sing, Sing | Jazz/Big Band | 1936 | 17
4′33″ | Avant-Garde/Piano | 1952 | 1
""",
    ),
    "board games": World(
        Noun(one="board game", many="board games"),
        ["designer", "publisher", "players", "playing time"],
        """
Catan | Strategy/Trading | 1995 | Klaus Teuber | KOSMOS | 3–4 | 75
Carcassonne | Strategy/Tiles | 2000 | Klaus-Jürgen Wrede | Hans im Glück | 2–5 | 45
Ticket to Ride | Family/Trains | 2004 | Alan R. Moon | Days of Wonder | 2–5 | 60
Ticket to Ride: Europe | Family/Trains | 2005 | Alan R. Moon | Days of Wonder | 2–5 | 60
Pandemic | Co-op/Medical | 2008 | Matt Leacock | Z-Man Games | 2–4 | 45
Forbidden Island | Co-op/Family | 2010 | Matt Leacock | Gamewright | 2–4 | 30
Forbidden Desert | Co-op/Family | 2013 | Matt Leacock | Gamewright | 2–5 | 45
7 Wonders | Strategy/Cards | 2010 | Antoine Bauza | Repos | 3–7 | 30
7 Wonders Duel | Strategy/Cards | 2015 | Antoine Bauza | Repos | 2 | 30
Hanabi | Co-op/Cards | 2010 | Antoine Bauza | Cocktail Games | 2–5 | 25
Takenoko | Family/Tiles | 2011 | Antoine Bauza | Bombyx | 2–4 | 45
Tokaido | Family/Travel | 2012 | Antoine Bauza | Funforge | 2–5 | 45
Dixit | Family/Cards | 2008 | Jean-Louis Roubira | Libellud | 3–8 | 30
Azul | Strategy/Tiles | 2017 | Michael Kiesling | Plan B Games | 2–4 | 45
Splendor | Strategy/Cards | 2014 | Marc André | Space Cowboys | 2–4 | 30
6 nimmt! | Cards/Family | 1994 | Wolfgang Kramer | AMIGO | 2–10 | 45
El Grande | Strategy | 1995 | Wolfgang Kramer | Hans im Glück | 2–5 | 120
Tikal | Strategy | 1999 | Wolfgang Kramer | Ravensburger | 2–4 | 120
囲碁 | Strategy/Abstract | | | | 2 | 120
将棋 | Strategy/Abstract | | | | 2 | 60
Go! (15×15) | Abstract | | | | 2
Royal Game of Ur | Abstract/Dice | | | British Museum | 2 | 30
Wingspan | Strategy/Cards | 2019 | Elizabeth Hargrave | Stonemaier Games | 1–5 | 70
Scythe | Strategy/War | 2016 | Jamey Stegmaier | Stonemaier Games | 1–5 | 115
""",
    ),
    "podcasts": World(
        Noun(one="podcast", many="podcasts"),
        [],
        """
Serial
This American Life
99% Invisible
Radiolab
S-Town
Reply All (archive)
Gästeliste Geisterbahn
Les Pieds sur terre
La Escóbula de la Brújula
Stuff You Should Know
“In Our Time” on air
История России
コテンラジオ
그것은 알기 싫다
2 Dope Queens
The Daily
Hello Internet
Freakonomics Radio, No. 1
""",
    ),
}


def facts_of(world: World, count: int, seed: int = 0) -> list[Facts]:
    """Return Facts about a world's items, with evidence that shares a category where some does."""
    rng = random.Random(f"{world.noun.one} {seed}")
    items = world.items()
    found = []
    for _ in range(count):
        item = rng.choice(items)
        others = rng.sample([other for other in items if other is not item], 12)
        others.sort(key=lambda other: -len({*other.categories} & {*item.categories}))
        mood: list[Liking] = rng.choice([["loved"], ["liked"], ["loved", "liked"]])
        evidence = tuple(
            Evidence(**other.model_dump(), liking=rng.choice(mood))
            for other in others[: rng.choice([0, 1, 2, 2, 3, 3, 3])]
        )
        kinds: list[EvidenceKind] = ["contribution", "contribution", "similar", "recent"]
        popularity: list[Popularity | None] = [None, None, "favourite", "well_liked"]
        found.append(
            Facts(
                noun=world.noun,
                item=item,
                evidence=evidence,
                evidence_kind=rng.choice(kinds) if evidence else "none",
                popularity=rng.choice(popularity),
            )
        )
    return found
