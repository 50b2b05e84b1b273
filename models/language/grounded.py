"""The grounded engine: a grammar over Facts whose every sentence is true of them.

A text is a discourse pattern (`models.language.patterns`) filled with clauses. All choices follow
from a style number, which is a hash of the Facts, so that equal Facts always give the same text and
a page of different Facts is varied.

    Facts   “Apollo 13” and “Forrest Gump”, loved, with Tom Hanks and Gary Sinise in both casts
    text    “Apollo 13” has Tom Hanks and Gary Sinise in its cast, as does “Forrest Gump”, which you
            loved.

Where a grounded text stands in for one that is false or late, it comes from here as well, by way of
the check: `models.prism.writer.grounded_text`.
"""

import hashlib
import random
from collections.abc import Sequence

from catalog.facts import Facts
from models.language.patterns import patterns_for
from models.language.speaker import Speaker
from models.language.ties import worth_telling

GRAMMAR_VERSION = "6"
"""Raised whenever Facts may get another text."""
STYLES = 64
"""Ways to say things; more than patterns, as clauses vary within them."""


class GroundedEngine:
    """Writes by grammar: instant, always true, and what every other engine falls back on."""

    name = "grounded"
    version = GRAMMAR_VERSION

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Return one text per Facts; see `Engine`."""
        return [explain(facts) for facts in batch]


def style_of(facts: Facts) -> int:
    """Return which of the `STYLES` ways to say things suits these Facts.

    A description moves no text of this grammar, which does not speak of it, and neither does the
    version that the Facts call themselves.
    """
    told = facts.model_dump_json(
        exclude={
            "version": True,
            "item": {"description"},
            "evidence": {"__all__": {"description"}},
        },
        exclude_defaults=True,
    )
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8]) % STYLES


def explain(facts: Facts, style: int | None = None) -> str:
    """Return one or two sentences, in the second person, that say nothing beyond the Facts.

    The text is a function of the Facts and the style, by default `style_of` the Facts.
    """
    dice = random.Random(style_of(facts) if style is None else style)  # noqa: S311
    speaker = Speaker(worth_telling(facts), dice)
    return speaker.pick(patterns_for(speaker))(speaker) + speaker.reason()
