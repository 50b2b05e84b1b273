"""The policy `described`: every content word is supported by what it is said of.

    Facts: “Heat”: A detective hunts a clever thief in Los Angeles.
    “Heat” follows a detective who hunts a clever thief.      passes
    “Heat” follows a clever thief who hunts a detective.      does not: nobody says thief -> hunts

What the grammar reads is judged as under `strict`. Elsewhere a word must stand in the description
(or be a category, a year, an attribute) of what it is said of, as plainly or as much turned round;
and it must follow the content word before it as it does there (support.py). A few words that join,
address the reader or recommend are licensed (licensed.txt). No guarantee: sentences are not
understood.
"""

from itertools import pairwise

from models.faithfulness.describing.clauses import clauses_of
from models.faithfulness.describing.phrases import Word, chain, words_of
from models.faithfulness.describing.said import Said
from models.faithfulness.judging.judge import Judge
from models.faithfulness.reading.readings import read
from models.faithfulness.reading.statements import Reading
from models.faithfulness.reading.symbols import CATEGORIES, Token
from models.faithfulness.reading.tokens import Sentence, skeleton_of

DESCRIBED_VERSION = "1"
"""Raised whenever a text may get another verdict under `described`, though CHECK_VERSION stays."""


def describe(text: str, sentence: Sentence, judge: Judge) -> None:
    """Judge a sentence that the grammar does not read: as far as it does, and by descriptions."""
    readings, rest = _beginning(sentence)
    before = judge.last
    judge.sentence(sentence, readings)
    tokens = {token.start: token for token in sentence.tokens}
    called = {
        start: [mention for title in token.titles if (mention := judge.called(title))]
        for start, token in tokens.items()
        if token.titles
    }
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    if not judge.named and _points(sentence):
        judge.named.add(0)  # no title stands in the text: "the film" can be only one
    words = words_of(text, _marked(text, sentence), start, end)
    for clause in clauses_of(words, called, before):
        if clause.words[-1].end <= rest:
            continue
        for mention in clause.owners:
            found = [list(Said(clause, judge, n, tokens).wrong()) for n in mention]
            for word, why in min(found, key=len):
                judge.add(word.start, word.end, "other", "unverifiable", min(mention), why)
        tells = any(node.word.kind != "MENTION" for node in chain(clause.words))
        judge.is_told |= tells and any(0 in mention for mention in clause.owners)


def _beginning(sentence: Sentence) -> tuple[list[tuple[list[Token], Reading]], int]:
    """Return the readings of the longest beginning up to a comma, and where in the text it ends."""
    for n in range(len(sentence.tokens) - 1, 1, -1):
        comma = sentence.tokens[n]
        if comma.symbol not in {",", ";"}:
            continue
        found = []
        for variant in sentence.variants:
            tokens = [token for token in variant if token.start < comma.start]
            whole = [*tokens, Token(".", comma.start, comma.end)]
            found += [(whole, reading) for reading in read(skeleton_of(whole))]
        if found:
            return found, comma.start
    return [], 0


def _points(sentence: Sentence) -> bool:
    """Say whether a sentence speaks of "the film" or "this film"."""
    pairs = pairwise(token.symbol for token in sentence.tokens)
    return any(a in {"the", "this"} and b in {"NN", "NB"} for a, b in pairs)


def _marked(text: str, sentence: Sentence) -> dict[int, Word]:
    """Return what the Facts know in a sentence, by where it begins."""
    found = {}
    for token in sentence.tokens:
        symbols = {token.symbol, *token.others}
        kind = "MENTION" if token.titles else "CATEGORY" if symbols & CATEGORIES else ""
        if not kind and symbols & {"V", "Q"}:
            kind = "VALUE"
        if kind:
            raw = text[token.start : token.end].casefold()
            found[token.start] = Word(raw, kind, token.start, token.end)
    return found
