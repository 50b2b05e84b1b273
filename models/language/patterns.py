"""Discourse patterns: the ways in which a text is put together, for each kind of Facts.

Conventions that the check and every reader of a text can rely on: titles stand in “curly quotes”,
categories and values without a well-known English form in ‘single’ ones; "it" and "this one" are
the recommended item; only evidence of kind `contribution` or `similar` is followed by "because" or
anything like it.
"""

from collections.abc import Callable

from models.language.clauses import another, everybody, evidence_in_common
from models.language.speaker import Speaker, opening, sentence

Pattern = Callable[[Speaker], str]


# ---------------------------------------------------------------------- with a tie


def _is_tied(s: Speaker) -> str:
    """“I” is directed by V, as is “A”, which you loved."""
    return f"{s.item} {s.predicate.one}, as {s.does()} {s.which_you_liked().removesuffix(',')}."


def _like(s: Speaker) -> str:
    """Like “A”, which you loved, “I” is directed by V."""
    return f"Like {s.which_you_liked()} {s.item} {s.predicate.one}."


def _too(s: Speaker) -> str:
    """You loved “A”, and “I” is directed by V, too."""
    return s.pick(
        [
            f"{opening(s.you_liked())}, and {s.item} {s.predicate.one}, too.",
            f"{opening(s.you_liked())}; {s.item} {s.predicate.one}, too.",
            f"{sentence(s.you_liked())} {s.item} {s.predicate.one}, too.",
        ]
    )


def _colon(s: Speaker) -> str:
    """“I” may be for you: it is directed by V, as is “A”, which you loved."""
    which = s.which_you_liked().removesuffix(",")
    may = s.pick(["may be for you", "may suit you", "is on your list"])
    return f"{s.item} {may}: {s.it} {s.predicate.one}, as {s.does()} {which}."


def _all_are(s: Speaker) -> str:
    """Because you loved “A”, we suggest “I”: both are directed by V."""
    everyone = f"{everybody(s.facts)} {s.predicate.many}"
    return s.pick(
        [
            f"Because {s.you_liked()}, we suggest {s.item}: {everyone}.",
            f"{sentence(s.you_liked())} {s.item} is on your list; {everyone}.",
            f"{opening(s.you_liked())}, so here is {s.item}: {everyone}.",
            f"{s.item} is on your list because {s.you_liked()}: {everyone}.",
        ]
    )


def _both_are(s: Speaker) -> str:
    """“A”, which you loved, and “I” are both directed by V."""
    if len(s.facts.evidence) > 1:
        return _all_are(s)
    return f"{s.which_you_liked()} and {s.item} {s.predicate.both}."


def _another_beside(s: Speaker) -> str:
    """Another film directed by V: “I”. You loved “A”."""
    what = f"another {s.facts.noun.one} {s.predicate.beside}"
    ways = [
        f"{opening(what)}: {s.item}. {sentence(s.you_liked())}",
        f"{sentence(s.you_liked())} {s.item} is {what}.",
        f"{opening(s.you_liked())}; here is {what}: {s.item}.",
    ]
    if s.facts.evidence_kind != "recent":
        ways.append(f"{opening(s.you_liked())}, so we suggest {what}: {s.item}.")
    return s.pick(ways)


def _also_beside(s: Speaker) -> str:
    """You loved “A”, so here is “I”, also directed by V."""
    return s.pick(
        [
            f"{opening(s.you_liked())}, so here is {s.item}, also {s.predicate.beside}.",
            f"Because {s.you_liked()}, we suggest {s.item}, also {s.predicate.beside}.",
            f"{s.item}, also {s.predicate.beside}, is on your list because {s.you_liked()}.",
            f"Thanks to {s.your_liking()}, we found {s.item}, also {s.predicate.beside}.",
        ]
    )


def _why_tied(s: Speaker) -> str:
    """Why “I”? Because you loved “A”, and both are directed by V."""
    if s.facts.item.title.endswith(("?", "!", ".")):
        return _is_tied(s)
    return f"Why {s.item}? Because {s.you_liked()}, and {everybody(s.facts)} {s.predicate.many}."


def _who_also(s: Speaker) -> str:
    """“I” is directed by V, who also directed “A”, which you loved."""
    predicate = s.predicate
    did, value = predicate.did, predicate.value
    if predicate.phrase.endswith(" in its cast"):
        return _in_its_cast(s)
    if not did:
        return _is_tied(s)
    return s.pick(
        [
            f"{s.item} {s.predicate.one}, who also {did} {s.which_you_liked().removesuffix(',')}.",
            f"{sentence(s.you_liked())} {value} also {did} {s.item}.",
            f"{opening(s.you_liked())}; {value} also {did} {s.item}.",
        ]
    )


def _in_its_cast(s: Speaker) -> str:
    """You loved “A”. Tom Hanks is in the cast of “I”, too."""
    who = f"{s.predicate.value} {'are' if s.predicate.several else 'is'}"
    return s.pick(
        [
            f"{sentence(s.you_liked())} {who} in the cast of {s.item}, too.",
            f"{opening(s.you_liked())}, and {who} in the cast of {s.item}, too.",
            f"{opening(s.you_liked())}; {who} in the cast of {s.item}, too.",
        ]
    )


# ---------------------------------------------------------------------- of one series


def _same_series(s: Speaker) -> str:
    """“I” belongs to the same series as “A”, which you loved."""
    which = s.which_you_liked().removesuffix(",")
    does = s.pick(["belongs to", "is part of"])
    return f"{s.item} {does} the same series as {which}."


def _one_series(s: Speaker) -> str:
    """You loved “A”, and “I” belongs to the same series."""
    return s.pick(
        [
            f"{opening(s.you_liked())}, and {s.item} belongs to the same series.",
            f"{sentence(s.you_liked())} {s.item} is part of the same series.",
            f"{opening(s.you_liked())}; {s.item} belongs to the same series.",
        ]
    )


def _for_its_series(s: Speaker) -> str:
    """Because you loved “A”, we suggest “I”, from the same series."""
    return s.pick(
        [
            f"Because {s.you_liked()}, we suggest {s.item}, from the same series.",
            f"{opening(s.you_liked())}, so here is {s.item}, from the same series.",
            f"{s.item}, from the same series, is on your list because {s.you_liked()}.",
            f"{s.item} is on your list because {s.you_liked()}: "
            f"{everybody(s.facts)} belong to one series.",
        ]
    )


# ---------------------------------------------------------------------- without a tie


def _another(s: Speaker) -> str:
    """You loved “A”; “I” is another thriller."""
    what = another(s.facts)
    if what is None:
        return f"{s.item} is on your list because {s.you_liked()}.{s.then()}"
    return s.pick(
        [
            f"{sentence(s.you_liked())} {s.item} is {what}.",
            f"{opening(s.you_liked())}; {s.item} is {what}.",
            f"{opening(what)} for you: {s.item}. {sentence(s.you_liked())}",
        ]
    )


def _and_shared(s: Speaker) -> str:
    """“I” may be for you: you loved “A”, and both are thrillers."""
    # After a liking, "it" would be what was liked.
    shared = s.shared_detail()
    if not shared or not shared.text.startswith(everybody(s.facts)):
        return f"{s.item}{s.aside(closed=True)} may be for you, because {s.you_liked()}."
    detail = shared.text
    return s.pick(
        [
            f"{s.item} may be for you: {s.you_liked()}, and {detail}.",
            f"{sentence(s.you_liked())} {s.item} is on your list; {detail}.",
            f"{opening(s.you_liked())}; {s.item} may be for you, and {detail}.",
        ]
    )


def _common(s: Speaker) -> str:
    """You loved “A” and “B”, both westerns, so we suggest “I”, a 1994 comedy."""
    common = evidence_in_common(s.facts)
    if not common:
        return f"{opening(s.you_liked())}, so here is {s.item}{s.aside()}.{s.then()}"
    return s.pick(
        [
            f"{opening(s.you_liked())}, {common}, so we suggest {s.item}{s.aside()}.",
            f"{s.item}{s.aside(closed=True)} is here because {s.you_liked()}, {common}.",
        ]
    )


def _why(s: Speaker) -> str:
    """Why “I”? Because you loved “A”."""
    if s.facts.item.title.endswith(("?", "!", ".")):
        return f"{s.item}{s.aside(closed=True)} is on your list because {s.you_liked()}."
    return f"Why {s.item}{s.aside()}? Because {s.you_liked()}."


def _for_you(s: Speaker) -> str:
    """A 1994 crime drama for you: “I”."""
    if not s.has_description():
        return f"This one is for you: {s.item}.{s.then()}"
    return f"{opening(s.description())} for you: {s.item}.{s.then()}"


def _popular(s: Speaker) -> str:
    """“I” is one of the films that people here like most. It is a 1994 crime drama."""
    popular = s.popular()
    if not popular:
        return f"{s.item} may be for you.{s.then()}"
    ending = f" It is {s.description()}." if s.has_description() else ""
    return s.pick(
        [
            f"{s.item} is {s.pick(popular)}.{ending}",
            f"{s.item}{s.aside(closed=True)} is {s.pick(popular)}.",
        ]
    )


BECAUSE: list[Pattern] = [
    lambda s: f"Because {s.you_liked()}, we suggest {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{opening(s.you_liked())}, so {s.item}{s.aside(closed=True)} may suit you.",
    lambda s: f"{s.item} is on your list because {s.you_liked()}.{s.then()}",
    lambda s: f"Since {s.you_liked()}, here is {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{opening(s.you_liked())}, and that is why {s.item} is here.{s.then()}",
    lambda s: f"{s.item}{s.aside(closed=True)} is recommended because {s.you_liked()}.{s.then()}",
    lambda s: f"We picked {s.item} for you because {s.you_liked()}.{s.then()}",
    lambda s: f"{opening(s.your_liking(closed=True))} led us to {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{opening(s.which_you_liked())} led us to {s.item}{s.aside()}.{s.then()}",
    lambda s: (
        f"{opening(s.your_liking(closed=True))} put {s.item}{s.aside(closed=True)} on your list."
    ),
    lambda s: f"{opening(s.your_liking(closed=True))} pointed us to {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{s.item} may appeal to you, as {s.you_liked()}.{s.then()}",
    lambda s: f"As {s.you_liked()}, we suggest {s.item}{s.aside()}.{s.then()}",
    lambda s: f"You may {s.pick(['like', 'enjoy'])} {s.item}, because {s.you_liked()}.{s.then()}",
    lambda s: f"The reason for {s.item}: {s.you_liked()}.{s.then()}",
    lambda s: (
        f"{s.item} made your list thanks to {s.which_you_liked().removesuffix(',')}.{s.then()}"
    ),
    lambda s: f"Next for you is {s.item}{s.aside()}, because {s.you_liked()}.{s.then()}",
    lambda s: f"Thanks to {s.your_liking()}, we found {s.item}{s.aside()}.{s.then()}",
    _and_shared,
    _common,
]

BECAUSE_IN_TWO_SENTENCES: list[Pattern] = [
    lambda s: f"{sentence(s.you_liked())} That put {s.item}{s.aside(closed=True)} on your list.",
    _another,
    _another,
    _and_shared,
    _why,
]

RECENT: list[Pattern] = [
    lambda s: f"After {s.which_you_liked()} comes {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{opening(s.you_liked(recently=True))}; {s.item}{s.aside(closed=True)} is next.",
    lambda s: f"{opening(s.you_liked(recently=True))}; we suggest {s.item} next.{s.then()}",
]

RECENT_IN_TWO_SENTENCES: list[Pattern] = [
    lambda s: f"{sentence(s.you_liked(recently=True))} Here is {s.item}{s.aside()}.",
    lambda s: f"Lately {s.you_liked()}. You may also like {s.item}{s.aside()}.",
    lambda s: f"Next on your list is {s.item}{s.aside()}. {sentence(s.you_liked(recently=True))}",
    lambda s: f"{s.item}{s.aside(closed=True)} may be next. Lately {s.you_liked()}.",
    lambda s: f"You may like {s.item}{s.aside()}. {sentence(s.you_liked(recently=True))}",
]

WITHOUT_EVIDENCE: list[Pattern] = [
    lambda s: f"Here is {s.item}{s.aside()}.{s.then()}",
    lambda s: f"You may {s.pick(['like', 'enjoy'])} {s.item}{s.aside()}.{s.then()}",
    lambda s: f"We suggest {s.item}{s.aside()}.{s.then()}",
    lambda s: f"Try {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{s.item}{s.aside(closed=True)} may be one to start with.{s.then()}",
    lambda s: f"On your list: {s.item}{s.aside()}.{s.then()}",
    lambda s: f"Next for you: {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{s.item}{s.aside(closed=True)} may suit you.{s.then()}",
    lambda s: f"To start with, we suggest {s.item}{s.aside()}.{s.then()}",
    _for_you,
    _popular,
    _popular,
]


TIED: list[Pattern] = [
    _is_tied, _is_tied, _like, _like, _too, _too, _colon, _all_are, _all_are, _both_are,
    _another_beside, _another_beside, _also_beside, _also_beside, _why_tied, _who_also, _who_also,
]  # fmt: skip
TIED_RECENTLY: list[Pattern] = [_like, _too, _another_beside]
OF_A_SERIES: list[Pattern] = [_same_series, _one_series, _for_its_series]
OF_A_SERIES_RECENTLY: list[Pattern] = [_same_series, _one_series]


def patterns_for(s: Speaker) -> list[Pattern]:
    """Return the patterns that suit the Facts: what ties them, and whether they know a reason."""
    recent = s.facts.evidence_kind == "recent"
    if not s.facts.evidence:
        return WITHOUT_EVIDENCE
    if s.tie is None:
        one, two = (
            (RECENT, RECENT_IN_TWO_SENTENCES) if recent else (BECAUSE, BECAUSE_IN_TWO_SENTENCES)
        )
        return one if s.reason() else [*one, *two]  # the reason is a sentence of its own
    if s.tie.predicate is None:
        return OF_A_SERIES_RECENTLY if recent else OF_A_SERIES
    return TIED_RECENTLY if recent else TIED
