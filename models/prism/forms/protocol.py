"""The Form protocol: how Facts become a prompt, a label a target, and what is written a text.

    form         what a model reads of Heat and Ronin            what it learns to write
    references   7 contribution “0” loved “1” | both are crime…  You loved “1”, so we suggest “0”.
    titles       film “0” | year 1995 | director Michael Mann…   You loved “1”, so we suggest “0”.
    verbatim     film “Heat” | year 1995 | director Michael…     You loved “Ronin”, so we suggest…

A text is to say nothing that does not follow from its prompt: a label that does would teach a model
to invent. So what a form leaves out of the prompt, its labels must not speak of.
"""

from collections.abc import Iterator
from typing import Literal, Protocol, TypeVar

from catalog.facts import Facts
from catalog.types import Item

PROMPT_VERSION = "4"
"""Raised whenever Facts may get another prompt or target: a student must learn it anew."""
T = TypeVar("T", bound=Item)
FormName = Literal["references", "titles", "verbatim"]


class Form(Protocol):
    """How a Prism reads Facts and writes of them; engines know nothing of it."""

    def prompts(self, facts: Facts) -> Iterator[str]:
        """Yield the prompt for these Facts, then ever shorter ones, for where it is too long."""
        ...

    def target(self, text: str, facts: Facts) -> str | None:
        """Return what a model is to write for a label; None where it could not know how."""
        ...

    def text(self, written: str, facts: Facts) -> str:
        """Return what a model wrote as an explanation; empty where it is none."""
        ...


def shorter(facts: Facts) -> Iterator[Facts]:
    """Yield the Facts with ever less detail: the one rule by which long prompts are shortened.

    First the evidence loses its descriptions, then all but three values of an attribute, then the
    item its own description; then all lose their attributes, then their categories.
    """
    evidence = tuple(e.model_copy(update={"description": None}) for e in facts.evidence)
    facts = facts.model_copy(update={"evidence": evidence})
    yield facts
    facts = facts.model_copy(
        update={"item": _few(facts.item), "evidence": tuple(map(_few, facts.evidence))}
    )
    yield facts
    details: dict[str, object] = {"description": None, "attributes": {}, "categories": ()}
    for detail, nothing in details.items():
        bare = {detail: nothing}
        evidence = tuple(entry.model_copy(update=bare) for entry in facts.evidence)
        facts = facts.model_copy(
            update={"item": facts.item.model_copy(update=bare), "evidence": evidence}
        )
        yield facts


def _few(entity: T) -> T:
    """Return an item with the first three values of each attribute."""
    few = {name: entity.values(name)[:3] for name in entity.attributes}
    return entity.model_copy(update={"attributes": few})
