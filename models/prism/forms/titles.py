"""The form `titles`: titles are placeholders, all else stands in the prompt as it is.

For a student that knows English already, and for labels in an open language: the student copies no
title, so each is exact and none is invented, and whatever else a label says it can read.

    Facts    {"noun": film, "item": Heat (1995, Crime, director Michael Mann, "A thief and …"),
              "evidence": [Ronin (1998, Crime), loved], "evidence_kind": "contribution"}
    prompt   film “0” | year 1995 | Crime | director Michael Mann | A thief and … || contribution ||
             loved “1” | year 1998 | Crime
    label    Fans of “Ronin” will recognise the thieves of “Heat”.
    target   Fans of “1” will recognise the thieves of “0”.
"""

import re
from collections.abc import Iterator, Sequence

from catalog.facts import Facts
from catalog.types import Item
from models.prism.forms.protocol import shorter

_QUOTED = re.compile(r"“([^“”]*)”(?: \((\d{1,4})\))?")
_PLACEHOLDER = re.compile(r"“(\d)”")


class Titles:
    """Titles alone are “0” (the item) to “3”; see `Form`."""

    def prompts(self, facts: Facts) -> Iterator[str]:
        """Yield the prompt, then shorter ones."""
        names = [f"“{n}”" for n in range(1 + len(facts.evidence))]
        yield told(facts, names)
        for less in shorter(facts):
            yield told(less, names)

    def target(self, text: str, facts: Facts) -> str | None:
        """Return a label with placeholders; None where a title is not, or not one, of the Facts."""
        entities = [facts.item, *facts.evidence]
        unknown = False

        def placeholder(match: re.Match[str]) -> str:
            nonlocal unknown
            named = [n for n, entity in enumerate(entities) if entity.title == match[1]]
            if len(named) > 1 and match[2]:  # two films called “Heat”: the year tells which
                named = [n for n in named if str(entities[n].year) == match[2]]
            unknown |= len(named) != 1
            year = f" ({match[2]})" if match[2] else ""
            return f"“{named[0]}”{year}" if named else match[0]

        target = _QUOTED.sub(placeholder, text)
        return None if unknown else target

    def text(self, written: str, facts: Facts) -> str:
        """Return what was written with its titles; empty where a placeholder stands for none."""
        titles = [entity.title for entity in (facts.item, *facts.evidence)]
        if any(int(number) >= len(titles) for number in _PLACEHOLDER.findall(written)):
            return ""
        return _PLACEHOLDER.sub(lambda match: f"“{titles[int(match[1])]}”", written)


def told(facts: Facts, names: Sequence[str]) -> str:
    """Return the Facts on one line, all that may be said in the words to say it in.

    Parameters
    ----------
    facts : whole or shortened ones
    names : what the item, and each entry of the evidence, is called
    """
    parts = [
        " | ".join([f"{facts.noun.one} {names[0]}", *_details(facts.item)]),
        facts.evidence_kind if facts.evidence else "no evidence",
        *(
            " | ".join([f"{facts.said_of(entry)} {name}", *_details(entry)])
            for entry, name in zip(facts.evidence, names[1:], strict=True)
        ),
    ]
    if facts.popularity:
        parts.append(facts.popularity.replace("_", " "))
    return " || ".join(parts)


def _details(item: Item) -> Iterator[str]:
    if item.year is not None:
        yield f"year {item.year}"
    if item.categories:
        yield ", ".join(item.categories)
    for key in item.attributes:
        yield f"{key} {', '.join(map(str, item.values(key)))}"
    if item.description:
        yield item.description
