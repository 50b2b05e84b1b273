"""How attributes are told without their name: "directed by", "from", "90 minutes".

A word licenses the names on its right, and no others: “by ‘Konami’” is true of a developer, not of
a city.
"""

_MAKERS = frozenset(
    "director directors author authors writer writers artist artists composer designer designers "
    "developer developers creator creators maker manufacturer brand studio instructor host hosts "
    "chef singer band poet illustrator photographer editor narrator producer arranger architect "
    "journalist reporter podcaster screenwriter winery brewery roaster creator creators".split()
)
_PLACES = frozenset("city country origin place region location town state neighbourhood".split())

BY_PREPOSITION: dict[str, frozenset[str]] = {
    "by": _MAKERS,
    "from": _MAKERS - {"chef"} | _PLACES | {"publisher", "label", "network", "company", "outlet"},
    "in": _PLACES | {"language", "format", "series"},
    "for": frozenset(
        "light level audience newspaper magazine outlet occasion season difficulty".split()
    ),
    "with": frozenset("instructor teacher host hosts presenter narrator".split()),
    "of": frozenset("material grape grapes ingredient ingredients".split()),
    "on": frozenset("platform platforms label network channel console system".split()),
}
EARLIER = frozenset("before earlier older".split())
LATER = frozenset("after later newer younger".split())
MADE: dict[str, frozenset[str]] = {
    "directed": frozenset({"director", "directors"}),
    "written": frozenset("author authors writer writers screenwriter poet journalist".split()),
    "developed": frozenset("developer developers studio".split()),
    "published": frozenset({"publisher", "outlet"}),
    "designed": frozenset({"designer", "designers"}),
    "created": _MAKERS - {"instructor", "host", "hosts", "chef"},
    "composed": frozenset({"composer"}),
    "produced": frozenset({"producer"}),
    "taught": frozenset({"instructor", "teacher", "lecturer"}),
    "hosted": frozenset({"host", "hosts", "presenter"}),
    "presented": frozenset({"host", "hosts", "presenter"}),
    "performed": frozenset({"artist", "artists", "singer", "band"}),
    "sung": frozenset({"artist", "artists", "singer"}),
    "recorded": frozenset({"artist", "artists", "band"}),
    "made": frozenset("maker manufacturer brand studio developer company".split()),
    "illustrated": frozenset({"illustrator"}),
    "narrated": frozenset({"narrator"}),
    "arranged": frozenset({"arranger"}),
    "released": frozenset({"label", "publisher"}),
    "edited": frozenset({"editor"}),
    "founded": frozenset({"founder"}),
    "run": frozenset({"chef", "owner"}),
}
MADE |= {"wrote": MADE["written"], "teaches": MADE["taught"], "hosts": MADE["hosted"]}
MADE |= {"publishes": MADE["published"], "makes": MADE["made"], "writes": MADE["written"]}
MADE |= {"directs": MADE["directed"], "develops": MADE["developed"], "designs": MADE["designed"]}
MADE |= {"sings": MADE["sung"]}
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
