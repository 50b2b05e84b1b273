"""How an attribute is told in English: who made a thing, who is in it, where it is from.

    director = Ron Howard               it is directed by Ron Howard
    cast = Tom Hanks, Gary Sinise       it has Tom Hanks and Gary Sinise in its cast
    award = 2 Oscars                    it won 2 Oscars
    chef de cuisine = Ada Brown         its chef de cuisine is ‘Ada Brown’

The last is no relation of the table, so its name is told as well, and its value in quotes.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from catalog.types import Item
from models.language.articles import plural
from models.language.english import listing

_DOES = {
    "is": ("is", "are"),
    "has": ("does", "do"),
    "serves": ("does", "do"),
    "won": ("did", "did"),
}
_MANY = {"is": "are", "has": "have", "serves": "serve", "won": "won"}


@dataclass(frozen=True, slots=True)
class Relation:
    """What an attribute says of an item.

    Attributes
    ----------
    verb : "is", "has", "serves" or "won"
    phrase : what follows it, with {} for the value
    did : what the people did who made it: "directed", or nothing
    ties : whether sharing it is a reason to like both; that two films are in French is none
    most : values that are named together; of a long cast only the best known
    """

    verb: str
    phrase: str
    did: str = ""
    ties: bool = True
    most: int = 3


def _made(participle: str, did: str | None = None) -> Relation:
    return Relation("is", f"{participle} by {{}}", participle if did is None else did)


_TABLE: list[tuple[str, Relation]] = [
    ("series", Relation("is", "part of the {} series")),
    ("director", _made("directed")),
    ("author", Relation("is", "by {}", "wrote")),
    ("artist", Relation("is", "by {}")),
    ("band", Relation("is", "by {}")),
    ("singer", Relation("is", "by {}")),
    ("performer", Relation("is", "by {}")),
    ("creator", _made("created")),
    ("composer", _made("composed")),
    ("developer", _made("developed")),
    ("designer", _made("designed")),
    ("instructor", _made("taught")),
    ("teacher", _made("taught")),
    ("host", _made("hosted")),
    ("cast", Relation("has", "{} in its cast", most=2)),
    ("actor", Relation("has", "{} in its cast", most=2)),
    ("star", Relation("has", "{} in its cast", most=2)),
    ("writer", _made("written", "wrote")),
    ("screenwriter", _made("written", "wrote")),
    ("chef", Relation("has", "{} as its chef", most=1)),
    ("narrator", _made("narrated")),
    ("illustrator", _made("illustrated")),
    ("editor", _made("edited")),
    ("presenter", _made("presented")),
    ("producer", _made("produced")),
    ("publisher", _made("published")),
    ("album", Relation("is", "from the album {}")),
    ("brand", _made("made")),
    ("maker", _made("made")),
    ("manufacturer", _made("made")),
    ("award", Relation("won", "{}", ties=False)),
    ("cuisine", Relation("serves", "{} cuisine", ties=False)),
    ("city", Relation("is", "in {}", ties=False)),
    ("town", Relation("is", "in {}", ties=False)),
    ("country", Relation("is", "from {}", ties=False)),
    ("language", Relation("is", "in {}", ties=False)),
    ("platform", Relation("is", "on {}", ties=False)),
]
"""The most telling first."""
_RELATIONS = {form: relation for name, relation in _TABLE for form in (name, plural(name))}
_RANKS = {form: rank for rank, (name, _) in enumerate(_TABLE) for form in (name, plural(name))}


def relation_of(name: str) -> Relation | None:
    """Return what an attribute of this name says; None where the table does not know it."""
    return _RELATIONS.get(name)


def known_names() -> list[str]:
    """Return the names of all attributes of the table, each in the singular."""
    return [name for name, _ in _TABLE]


def by_telling(names: Sequence[str]) -> list[str]:
    """Return names of attributes, the most telling first; unknown ones last, in their order."""
    return sorted(names, key=lambda name: _RANKS.get(name, len(_TABLE)))


# ---------------------------------------------------------------------- predicates


@dataclass(frozen=True, slots=True)
class Predicate:
    """What is said of one or several things: "is directed by Ron Howard".

    Attributes
    ----------
    relation : of the table
    phrase : what follows the verb, with its value
    value : the value as it is told
    did : what they did whom it names: "directed"
    several : whether it names several
    """

    relation: Relation
    phrase: str
    value: str
    did: str = ""
    several: bool = False

    @property
    def one(self) -> str:
        """Of one thing: "has Tom Hanks in its cast"."""
        return f"{self.relation.verb} {self.phrase}"

    @property
    def many(self) -> str:
        """Of several: "have Tom Hanks in their cast"."""
        return f"{_MANY[self.relation.verb]} {self.phrase.replace(' its ', ' their ')}"

    @property
    def both(self) -> str:
        """Of two by their titles: "are both directed by V", "both have V in their cast"."""
        first, rest = self.many.split(" ", 1)
        return f"are both {rest}" if first == "are" else f"both {self.many}"

    @property
    def beside(self) -> str:
        """Right after a title: "directed by Ron Howard", "with Tom Hanks in its cast"."""
        before = {"has": "with ", "serves": "with ", "won": "winner of "}
        phrase = self.phrase.replace("part of ", "from ")
        return before.get(self.relation.verb, "") + phrase

    def does(self, others: int) -> str:
        """Return the verb that stands for it: as "is", "are", "does", "do", or "did" others."""
        one, many = _DOES[self.relation.verb]
        return one if others == 1 else many


def predicate(name: str, values: Sequence[int | str]) -> Predicate | None:
    """Return what an attribute with these values says; None where the table does not know it."""
    relation = relation_of(name)
    if relation is None:
        return None
    value = listing([told(value, name) for value in values])
    return Predicate(relation, relation.phrase.format(value), value, relation.did, len(values) > 1)


def written_and_directed(of_director: Predicate) -> Predicate:
    """Return the same of people who wrote it, too."""
    phrase = f"written and {of_director.phrase}"
    return replace(of_director, phrase=phrase, did="wrote and directed")


def alone(item: Item, name: str) -> Predicate | None:
    """Return what an attribute says of its item; None of an unknown one, and of too many values.

    Of a cast the best known are told; of five directors not three, as if these were all.
    """
    relation, values = relation_of(name), item.values(name)
    if relation is None or (len(values) > relation.most and relation.verb != "has"):
        return None
    return predicate(name, values[: relation.most])


# ---------------------------------------------------------------------- values

_PARTICLES = frozenset(
    "a al and bin d da das de del della den der des di do dos du e el ibn im in la las le les los "
    "of ten ter the und van von y zu".split()
)
_NO_NAMES = frozenset(
    "all also and another as because both he her here his i it its like me not of one or she so "
    "the them they this too us we which who with you your".split()
)
_PART = re.compile(r"[^\W_][\w.'’&/-]*,?|&")
_LONGEST = 48
_WITH_THE = re.compile(
    r"united .+|netherlands|philippines|bahamas|gambia|maldives|ussr|uk|us|usa|uae"
    r"|.+ (?:republic|islands|kingdom|states|union)",
    re.IGNORECASE,
)


@lru_cache(maxsize=16_384)  # names recur, and whether one is a name took a tenth of a prompt
def told(value: int | str, name: str) -> str:
    """Return a value as it is told: numbers and names plain, other words in ‘quotes’."""
    if isinstance(value, int):
        return str(value) if value >= 0 else f"‘{value}’"
    if relation_of(name) is None or not is_name(value, counts=name.startswith("award")):
        return f"‘{value}’"
    place = name in {"country", "countries"} and _WITH_THE.fullmatch(value)
    return f"the {value}" if place else value


def is_name(value: str, *, counts: bool = False) -> bool:
    """Say whether a value can be told without quotes: capitals, and what stands between them.

    `counts`: it may begin with a number or an article, as "2 Oscars" and "the Booker Prize" do.
    """
    if counts:
        value = re.sub(r"^(?:\d+|[Aa]n?|[Tt]he) ", "", value)
    words = value.split(" ")
    if len(value) > _LONGEST or len(words) > 6 or value.casefold() in _NO_NAMES:
        return False
    return (
        all(_PART.fullmatch(word) for word in words)
        and _is_capital(words[0][0])
        and _is_capital(words[-1][0])
        and all(_is_capital(word[0]) or word in _PARTICLES or word == "&" for word in words)
        and all(word.endswith(("Jr.", "Sr.", "II", "III", "IV")) for word in _after_commas(words))
    )


def _after_commas(words: Sequence[str]) -> list[str]:
    """Return what follows a comma: a list of names would not be told from one of them."""
    return [after for word, after in pairwise(words) if word.endswith(",")]


def _is_capital(char: str) -> bool:
    """Say whether a letter is large, or of a script that knows no difference."""
    return unicodedata.category(char) in {"Lu", "Lt", "Lo"}
