"""The relations that are told in words of their own: who made a thing, who is in it, where it is.

    director    is directed by …        cast     has … in its cast        award    won …

`models.language.predicates` makes statements of them and of the values of an item; an attribute
that is not in the table is told by its name (`models.language.clauses`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.language.articles import plural


@dataclass(frozen=True, slots=True)
class Relation:
    """What an attribute says of an item.

    Attributes
    ----------
    verb : "is", "has", "serves" or "won"
    phrase : what follows it, with {} for the value
    did : what the people did who made it: "directed", or nothing
    ties : whether sharing it is a reason to like both, and the only one to tell
    few_share_it : whether sharing it is a reason at all; that two films are in French is none
    most : values that are named together; of a long cast only the best known
    """

    verb: str
    phrase: str
    did: str = ""
    ties: bool = True
    few_share_it: bool = True
    most: int = 3


def _made(participle: str, did: str | None = None) -> Relation:
    return Relation("is", f"{participle} by {{}}", participle if did is None else did)


_SERIES = Relation("is", "part of the {} series")
_BY = Relation("is", "by {}")
_CAST = Relation("has", "{} in its cast", most=2)
_PLACE = Relation("is", "in {}", ties=False)
_TABLE: list[tuple[str, Relation]] = [
    ("series", _SERIES),
    ("saga", _SERIES),
    ("franchise", _SERIES),
    ("director", _made("directed")),
    ("author", Relation("is", "by {}", "wrote")),
    ("poet", Relation("is", "by {}", "wrote")),
    ("playwright", _made("written", "wrote")),
    ("artist", _BY),
    ("band", _BY),
    ("singer", _BY),
    ("musician", _BY),
    ("rapper", _BY),
    ("performer", _BY),
    ("painter", _BY),
    ("sculptor", _BY),
    ("photographer", _BY),
    ("creator", _made("created")),
    ("composer", _made("composed")),
    ("developer", _made("developed")),
    ("designer", _made("designed")),
    ("architect", _made("designed")),
    ("instructor", _made("taught")),
    ("lecturer", _made("taught")),
    ("professor", _made("taught")),
    ("teacher", _made("taught")),
    ("host", _made("hosted")),
    ("cast", _CAST),
    ("actor", _CAST),
    ("star", _CAST),
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
    ("studio", _made("made")),
    ("winery", _made("made")),
    ("brewery", _made("made")),
    ("distillery", _made("made")),
    ("roaster", _made("made")),
    ("university", Relation("is", "from {}")),
    ("network", Relation("is", "on {}")),
    ("channel", Relation("is", "on {}")),
    ("award", Relation("won", "{}", ties=False, few_share_it=False, most=2)),
    ("cuisine", Relation("serves", "{} cuisine", ties=False)),
    ("city", _PLACE),
    ("town", _PLACE),
    ("neighbourhood", _PLACE),
    ("neighborhood", _PLACE),
    ("district", _PLACE),
    ("region", Relation("is", "from {}", ties=False)),
    ("country", Relation("is", "from {}", ties=False, few_share_it=False)),
    ("language", Relation("is", "in {}", ties=False, few_share_it=False)),
    ("platform", Relation("is", "on {}", ties=False, few_share_it=False)),
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


def is_series(name: str) -> bool:
    """Say whether an attribute of this name is a series of things."""
    return relation_of(name) is _SERIES


def by_telling(names: Sequence[str]) -> list[str]:
    """Return names of attributes, the most telling first; unknown ones last, in their order."""
    return sorted(names, key=lambda name: _RANKS.get(name, len(_TABLE)))
