"""Random sentences over the words that the grammar reads, and those that `strict` lets pass.

    “Heat” is another film that you loved and “Ronin”. You may like it from 1995.

Half follow the bigrams of real texts, half draw their words anyhow; titles, categories, years and
values are drawn from the Facts. `python tests/recombinations.py 200000 300` prints how many pass,
and that many of them beside their Facts, to be read.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from other_worlds import WORLDS, facts_of

from catalog.facts import Facts
from models.faithfulness import check
from models.faithfulness.reading.readings import own_words, vocabulary
from models.faithfulness.reading.tokens import sentences_of
from models.language.english import category_words
from models.language.grounded import STYLES, explain

END = "."
LONGEST = 30


def bigrams(samples: Sequence[tuple[str, Facts]]) -> dict[str, list[str]]:
    """Return what follows each symbol in the skeletons of texts, as often as it does."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for text, facts in samples:
        for sentence in sentences_of(text, facts, own_words()):
            symbols = ["", *sentence.skeleton.split(" ")]
            for before, after in pairwise(symbols):
                found[before].append(after)
    return dict(found)


def spoken(symbol: str, facts: Facts, dice: random.Random) -> str:
    """Return a word for a symbol: itself, or something of the Facts for a slot."""
    entities = [facts.item, *facts.evidence]
    titles = [f"“{entity.title}”" for entity in entities]
    entity = dice.choice(entities)
    values = [value for e in entities for value in e.attributes.values()]
    words = [category_words(c) for e in entities for c in e.categories]
    choices: dict[str, list[str]] = {
        "T": titles,
        "TT": [" and ".join(dice.sample(titles, min(2, len(titles))))],
        "N": [str(entity.year or 1999), *(str(v) for v in values if isinstance(v, int))],
        "D": [f"{(entity.year or 1999) // 10}0s"],
        "CA": [w.attributive or w.listed.lower() for w in words] or ["crime"],
        "C1": [w.noun for w in words if w.noun] or ["drama"],
        "CP": [w.plural for w in words if w.plural] or ["dramas"],
        "Q": [f"‘{v}’" for v in [*values, *(c for e in entities for c in e.categories)]] or ["‘a’"],
        "V": [str(value) for value in values] or ["nobody"],
        "K": sorted({key for e in entities for key in e.attributes}) or ["length"],
        "NN": [facts.noun.one],
        "NP": [facts.noun.many],
        "NB": [facts.noun.one],
        "S": ["’s"],
    }
    return dice.choice(choices[symbol]) if symbol in choices else symbol


def sentence(
    following: dict[str, list[str]] | None, words: Sequence[str], dice: random.Random
) -> list[str]:
    """Return symbols, by bigrams or drawn anyhow."""
    if following is None:
        return [*dice.choices(words, k=dice.randint(2, 12)), END]
    symbols: list[str] = []
    last = ""
    while len(symbols) < LONGEST and last not in {".", "!", "?"}:
        last = dice.choice(following.get(last, [END]))
        symbols.append(last)
    return symbols


def written(symbols: Sequence[str], facts: Facts, dice: random.Random) -> str:
    """Return symbols as a text."""
    text = " ".join(spoken(symbol, facts, dice) for symbol in symbols)
    for mark in (".", ",", ";", ":", "?", "!", "’s"):
        text = text.replace(f" {mark}", mark)
    return text[:1].upper() + text[1:]


def recombined(number: int, samples: Sequence[tuple[str, Facts]]) -> Iterator[tuple[str, Facts]]:
    """Yield so many texts of one or two sentences, each with its Facts."""
    dice = random.Random(number)
    following = bigrams(samples)
    slots = sorted(symbol for symbol in vocabulary() if symbol.isupper())
    words = [*sorted(own_words()), *slots * 8, ",", "and"]
    for n in range(number):
        facts = dice.choice(samples)[1]
        by = following if n % 2 else None
        parts = [sentence(by, words, dice) for _ in range(dice.choice([1, 1, 2]))]
        yield written([s for part in parts for s in part], facts, dice), facts


def samples() -> list[tuple[str, Facts]]:
    """Return true texts of every style over every world."""
    everything = [facts for world in WORLDS.values() for facts in facts_of(world, 60, seed=7)]
    dice = random.Random(7)
    return [(explain(f, style), f) for f in everything for style in dice.sample(range(STYLES), 6)]


def main(number: int, shown: int) -> None:
    """Print how many pass, and some of them."""
    passed: list[tuple[str, Facts]] = []
    skeletons = Counter[str]()
    for text, facts in recombined(number, samples()):
        if check(text, facts).passed:
            passed.append((text, facts))
            skeletons[" ".join(s.skeleton for s in sentences_of(text, facts, own_words()))] += 1
    print(f"{len(passed)} of {number} pass, of {len(skeletons)} skeletons")  # noqa: T201
    for text, facts in random.Random(0).sample(passed, min(shown, len(passed))):
        told = facts.model_dump_json(exclude_defaults=True)
        print(f"\n{text}\n    {told}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
