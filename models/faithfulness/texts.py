"""Texts with their Facts, and what the check says of each: the format of `prism check`.

    {"text": "You loved “Ronin”, so try “Heat”.", "facts": {"item": {"title": "Heat", …}, …}}
    {"outcome": "supported", "passed": true, "policy": "strict", "claims": [{"start": 10, …}]}

The first line goes in, the second comes out. Of sentences that the grammar does not read, `unread`
says where it stops, so that a language can be let in phrase by phrase.
"""

from pydantic import BaseModel, ConfigDict

from catalog.facts import Facts
from models.faithfulness.claims import Claim, Outcome, Policy
from models.faithfulness.policies import check
from models.faithfulness.reading.readings import own_words, read, stops_at
from models.faithfulness.reading.tokens import sentences_of, skeleton_of

_BEFORE, _AFTER = 3, 2
"""Symbols that are shown before and after the one that no rule goes on with."""


class TextWithFacts(BaseModel):
    """A text and all that it may speak of; fields of other tools are ignored."""

    model_config = ConfigDict(frozen=True)

    text: str
    facts: Facts


class CheckedText(BaseModel):
    """What the check says of one text under a policy."""

    outcome: Outcome
    passed: bool
    policy: Policy
    claims: tuple[Claim, ...]


def checked(row: TextWithFacts, policy: Policy) -> CheckedText:
    """Check one text."""
    verdict = check(row.text, row.facts, policy)
    return CheckedText(
        outcome=verdict.outcome, passed=verdict.passed, policy=policy, claims=verdict.claims
    )


def unread(row: TextWithFacts) -> list[tuple[str, str]]:
    """Return of each sentence that the grammar does not read where it stops, and the sentence.

    The place is a few symbols of its skeleton (see `models.faithfulness.reading.tokens`), the one
    that no rule goes on with between arrows: "a C1 →that← keeps".
    """
    found = []
    for sentence in sentences_of(row.text, row.facts, own_words()):
        if any(read(skeleton_of(tokens)) for tokens in sentence.variants):
            continue
        symbols = sentence.skeleton.split(" ")
        stop = min(stops_at(sentence.skeleton), len(symbols) - 1)
        before, after = symbols[max(0, stop - _BEFORE) : stop], symbols[stop + 1 :][:_AFTER]
        place = " ".join([*before, f"→{symbols[stop]}←", *after])
        start, end = sentence.tokens[0].start, sentence.tokens[-1].end
        found.append((place, row.text[start:end]))
    return found
