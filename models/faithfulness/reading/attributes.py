"""How attributes are told without their name: "directed by", "from", "90 minutes".

A word licenses the names on its right, and no others: “by ‘Konami’” is true of a developer, not of
a city.
"""

from collections.abc import Iterable

from models.language.articles import plural


def _names(words: str) -> frozenset[str]:
    """Return names of attributes, each in the singular and in the plural."""
    return frozenset(name for word in words.split() for name in (word, plural(word)))


_MAKERS = _names(
    "director author writer artist composer designer developer creator maker manufacturer brand "
    "studio instructor host chef singer band performer poet illustrator photographer editor "
    "narrator producer arranger architect journalist reporter podcaster screenwriter teacher "
    "roaster winery brewery distillery lecturer professor playwright musician rapper painter "
    "sculptor"
)
_HELPERS = _names("narrator illustrator editor producer arranger")
"""Who has a part in a thing that is by somebody else."""
_PLACES = _names(
    "origin place region location town state neighbourhood neighborhood district city country"
)
_STARS = _names("actor star lead") | {"starring"}
CAST = _STARS | {"cast"}
SERIES = _names("saga franchise series")

BY_PREPOSITION: dict[str, frozenset[str]] = {
    "by": _MAKERS - _HELPERS,
    "from": _MAKERS - _HELPERS - _names("chef lecturer professor") | _PLACES
    | _names("company publisher label network outlet album university"),
    "in": _PLACES | SERIES | _names("language format"),
    "for": _names("light level audience newspaper magazine outlet occasion season difficulty"),
    "with": CAST | _names("instructor teacher host presenter narrator"),
    "of": _names("material grape ingredient"),
    "on": _names("platform label network channel console system"),
}  # fmt: skip
IN_ROLE: dict[str, frozenset[str]] = {
    "person": CAST | _MAKERS | _names("guest"),
    "cast": CAST,
    "stars": _STARS,
    "features": CAST | _names("guest artist singer"),
    "won": _names("award prize medal"),
    "series": SERIES,
    "album": _names("album record"),
    "serves": _names("cuisine food dish serves"),
}
"""Names that are told by a word of their own: "has V in its cast", "won V"."""
NEVER_IS: frozenset[str] = frozenset().union(
    IN_ROLE["person"],
    *(IN_ROLE[how] for how in ("won", "series", "album")),
    *(BY_PREPOSITION[how] for how in ("from", "on")),
)
"""What a thing is not, as it is vegan: it is not Michael Mann, nor Rome."""
_BEHIND: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (_names("director"), _names("writer screenwriter composer")),
    (_names("developer"), _names("designer writer composer")),
    (_names("artist band singer performer"), _names("composer writer")),
)
"""Who makes a thing, and who does not where the former is known: a film is not by its composer."""
EARLIER = frozenset("before earlier older".split())
LATER = frozenset("after later newer younger".split())
MADE: dict[str, frozenset[str]] = {
    "directed": _names("director"),
    "written": _names("author writer screenwriter poet journalist playwright"),
    "developed": _names("developer studio"),
    "published": _names("publisher outlet"),
    "designed": _names("designer architect"),
    "created": _MAKERS - _HELPERS - _names("instructor host chef teacher lecturer professor"),
    "composed": _names("composer"),
    "produced": _names("producer"),
    "taught": _names("instructor teacher lecturer professor"),
    "hosted": _names("host presenter"),
    "presented": _names("host presenter"),
    "performed": _names("artist singer band performer musician rapper"),
    "sung": _names("artist singer"),
    "recorded": _names("artist band musician rapper singer"),
    "made": _names(
        "maker manufacturer brand studio developer director artist band designer company winery "
        "brewery distillery roaster"
    ),
    "illustrated": _names("illustrator"),
    "narrated": _names("narrator"),
    "arranged": _names("arranger"),
    "released": _names("label publisher"),
    "edited": _names("editor"),
    "founded": _names("founder"),
    "run": _names("chef owner"),
}
MADE |= {"wrote": MADE["written"], "teaches": MADE["taught"], "hosts": MADE["hosted"]}
MADE |= {"publishes": MADE["published"], "makes": MADE["made"], "writes": MADE["written"]}
MADE |= {"directs": MADE["directed"], "develops": MADE["developed"], "designs": MADE["designed"]}
MADE |= {"sings": MADE["sung"], "composes": MADE["composed"], "produces": MADE["produced"]}
MADE |= {"illustrates": MADE["illustrated"], "narrates": MADE["narrated"]}
MAKES: dict[str, str] = {
    "directed": "directed", "directs": "directed", "wrote": "written", "writes": "written",
    "made": "created", "makes": "created", "sang": "sung", "sings": "sung",
    "recorded": "recorded", "developed": "developed", "designed": "designed",
    "created": "created", "published": "published", "teaches": "taught", "taught": "taught",
    "hosts": "hosted", "hosted": "hosted", "composed": "composed", "put out": "published",
    "turned out": "created", "produced": "produced", "penned": "written",
}  # fmt: skip
"""What a maker does, and the word of MADE that it means."""
_TIMES = frozenset(
    {"runtime", "duration", "length", "time", "playing time", "play time", "minutes"}
    | {"running time", "cooking time", "preparation time", "reading time", "playtime"}
)
UNITS: dict[str, frozenset[str]] = {
    "min": _TIMES, "minutes": _TIMES, "minute": _TIMES,
    "hours": _TIMES | {"hours"}, "hour": _TIMES | {"hours"},
    "pages": frozenset({"pages", "length"}), "page": frozenset({"pages", "length"}),
    "words": frozenset({"words", "length"}), "word": frozenset({"words", "length"}),
    "weeks": frozenset({"weeks", "duration", "length"}),
    "week": frozenset({"weeks", "duration", "length"}),
    "lessons": frozenset({"lessons"}), "tracks": frozenset({"tracks"}),
    "price": frozenset({"price"}), "priced": frozenset({"price"}), "costs": frozenset({"price"}),
    "costing": frozenset({"price"}), "runtime": _TIMES, "length": _TIMES | {"pages", "words"},
    "serves": frozenset({"serves", "servings", "portions"}),
    "seats": frozenset({"seats", "capacity", "players"}),
    "lasting": _TIMES, "running": _TIMES,
}  # fmt: skip


def makers_of(names: Iterable[str]) -> frozenset[str]:
    """Return which names of attributes are those of who made a thing that has all of them."""
    held = frozenset(names)
    behind = (lesser for main, lesser in _BEHIND if main & held)
    return (BY_PREPOSITION["by"] & held).difference(*behind)
