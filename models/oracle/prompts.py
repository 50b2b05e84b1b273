"""Facts as an Oracle reads them: in plain words, after what it may and may not write.

The faithful prompt is the faithfulness-constrained one of Zhang & Zhang (arXiv 2511.16543, its
section on the Oracle): the Oracle may speak of nothing but what it is given, and has to tie the
item to the user's own history. The unconstrained one asks the same of the same Facts, to compare
with. The last turn of the first:

    What you know of the person:
    1. They loved “Ronin”
       Year: 1998

    Recommended film, new to them: “Heat”
    Year: 1995
    Categories: Crime, Thriller
    This is why the film was picked: you may say “because”.

The item comes last, as small models speak of what they read last: SmolLM2-135M named the item in 13
of 16 texts, and in 1 of 16 where the item came first.
"""

from collections.abc import Iterator
from functools import cache
from typing import Literal

from catalog.facts import Facts
from catalog.types import Item
from models.oracle.examples import EXAMPLES
from models.oracle.protocol import Message, Prompt

ORACLE_PROMPT_VERSION = "2"
"""Raised whenever Facts may get another prompt: texts written before are kept beside the new."""
PromptKind = Literal["faithful", "unconstrained"]
_DETAILS: tuple[tuple[bool, str], ...] = (
    (False, "description"),
    (True, "description"),
    (False, "attributes"),
    (False, "categories"),
    (True, "attributes"),
    (True, "categories"),
)
"""What a long prompt leaves out first: details of the evidence (False) or of the item (True)."""
_UNCONSTRAINED = """\
You tell a person why something is recommended to them. Write one or two sentences, and address \
them as “you”."""
_FAITHFUL = f"""\
{_UNCONSTRAINED}
Rules:
- Say only what the facts below state. Add nothing that you know or guess: no plot, people, \
awards, quality or mood that they do not give.
- Tie what is recommended to what the person liked before, by what the facts show both to share.
- Put every title in “curly quotes”, spelled exactly as it is given.
- Say “loved” only where the facts do; it is more than “liked”.
- Recommend nothing else, and do not mention these rules or facts."""
_REASONS = {
    "contribution": "This is why the {one} was picked: you may say “because”.",
    "similar": "Of all they liked, this is most like the {one}: you may say “because”.",
    "recent": "This is not why the {one} was picked: do not say “because”, “since” or “so”.",
    "none": "",
}
_NOTHING_KNOWN = "Nothing is known of the person: say nothing of what they like."
_POPULARITY = {
    "favourite": "It is among the {many} that most people here like.",
    "well_liked": "It is well liked here.",
}


def oracle_prompts(
    facts: Facts, kind: PromptKind = "faithful", examples: int = 0
) -> Iterator[Prompt]:
    """Yield the whole prompt for these Facts, then ever shorter ones.

    Left out are the descriptions, of the evidence first; then the attributes and categories of the
    evidence, and those of the item; then, one after the other, the worked examples.

    Parameters
    ----------
    kind : "faithful", or "unconstrained" to compare with
    examples : how many worked examples come before the Facts, at most `len(EXAMPLES)`
    """
    yield _prompt(facts, kind, examples)
    for of_the_item, detail in _DETAILS:
        shorter = _without(facts, of_the_item, detail)
        if shorter != facts:
            facts = shorter
            yield _prompt(facts, kind, examples)
    for fewer in reversed(range(examples)):
        yield _prompt(facts, kind, fewer)


def told_of_writing(
    kind: PromptKind, examples: int, temperature: float, seed: int, longest_text: int
) -> dict[str, object]:
    """Return what rows of texts tell of how a model was asked; a seed only where it is sampled."""
    return {
        "prompt": kind,
        "examples": examples,
        "temperature": temperature,
        **({"seed": seed} if temperature else {}),
        "longest_text": longest_text,
    }


def as_one_text(prompt: Prompt) -> str:
    """Return a prompt for a model that reads no chat, such as FLAN-T5: it goes on at the end."""
    instruction, *turns = [turn.content for turn in prompt]
    told = [f"{instruction}\n"]
    for asked, answered in zip(turns[::2], [*turns[1::2], ""], strict=True):
        told.append(f"Facts:\n{asked}\n\nExplanation: {answered}\n")
    return "\n".join(told).strip()


def _prompt(facts: Facts, kind: PromptKind, examples: int) -> Prompt:
    instruction = _FAITHFUL if kind == "faithful" else _UNCONSTRAINED
    return (
        Message("system", instruction),
        *_worked(kind, examples),
        Message("user", facts_in_words(facts, kind)),
    )


@cache
def _worked(kind: PromptKind, examples: int) -> Prompt:
    turns: list[Message] = []
    for facts, text in EXAMPLES[:examples]:
        turns.append(Message("user", facts_in_words(facts, kind)))
        turns.append(Message("assistant", text))
    return tuple(turns)


def facts_in_words(facts: Facts, kind: PromptKind = "faithful") -> str:
    """Return all that the Facts say, a line each, and in the faithful prompt what follows."""
    one, many = facts.noun.one, facts.noun.many
    lines = ["What you know of the person:" if facts.evidence else _NOTHING_KNOWN]
    when = "lately " if facts.evidence_kind == "recent" else ""
    for number, entry in enumerate(facts.evidence, 1):
        lines.append(f"{number}. They {when}{facts.said_of(entry)} “{entry.title}”")
        lines += [f"   {line}" for line in _details(entry)]
    lines += ["", f"Recommended {one}, new to them: “{facts.item.title}”", *_details(facts.item)]
    if facts.popularity:
        lines.append(_POPULARITY[facts.popularity].format(many=many))
    if kind == "faithful" and facts.evidence:
        lines.append(_REASONS[facts.evidence_kind].format(one=one))
    return "\n".join(lines)


def _details(item: Item) -> Iterator[str]:
    if item.year is not None:
        yield f"Year: {item.year}"
    if item.categories:
        yield f"Categories: {', '.join(item.categories)}"
    for key in item.attributes:
        yield f"{key.capitalize()}: {', '.join(map(str, item.values(key)))}"
    if item.description:
        yield f"Description: {item.description}"


def _without(facts: Facts, of_the_item: bool, detail: str) -> Facts:
    bare: dict[str, object] = {
        detail: {"description": None, "attributes": {}, "categories": ()}[detail]
    }
    if of_the_item:
        return facts.model_copy(update={"item": facts.item.model_copy(update=bare)})
    evidence = tuple(entry.model_copy(update=bare) for entry in facts.evidence)
    return facts.model_copy(update={"evidence": evidence})
