"""Worked examples: Facts that no catalogue holds, and what an Oracle should write for them."""

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item

_FILM = Noun(one="film", many="films")
_BOOK = Noun(one="book", many="books")

EXAMPLES: tuple[tuple[Facts, str], ...] = (
    (
        Facts(
            noun=_FILM,
            item=Item(
                id="0",
                title="The Salt Ledger",
                categories=("Crime", "Drama"),
                year=1987,
                attributes={"director": "Ines Calloway"},
                description="A harbour clerk finds that the books of a shipping line do not tally.",
            ),
            evidence=(
                Evidence(
                    id="1",
                    title="Nine Quiet Docks",
                    categories=("Crime", "Thriller"),
                    year=1991,
                    attributes={"director": "Ines Calloway"},
                    liking="loved",
                ),
                Evidence(
                    id="2",
                    title="Paper Weather",
                    categories=("Drama",),
                    year=1984,
                    liking="liked",
                ),
            ),
            evidence_kind="contribution",
        ),
        "You loved “Nine Quiet Docks”, also directed by Ines Calloway, so we suggest “The Salt "
        "Ledger”, a crime drama in which a harbour clerk finds that the books of a shipping line "
        "do not tally.",
    ),
    (
        Facts(
            noun=_BOOK,
            item=Item(id="0", title="Lanterns for Tuesday", categories=("Poetry",), year=2009),
            evidence=(
                Evidence(id="1", title="The Undersong", categories=("Essays",), liking="liked"),
            ),
            evidence_kind="recent",
        ),
        "You recently liked “The Undersong”. You may also like “Lanterns for Tuesday”, poetry "
        "from 2009.",
    ),
    (
        Facts(
            noun=_FILM,
            item=Item(id="0", title="Orrery", categories=("Documentary",), year=2016),
            popularity="favourite",
        ),
        "“Orrery”, a 2016 documentary, is one of the films that people here like most.",
    ),
)
