"""The check: what a policy lets pass.

A text passes

- `strict` if the grammar reads every sentence and every claim is supported;
- `factual` if no claim is contradicted: what is not understood is reported as unverifiable, but
  passes;
- `described` if descriptions support, word by word, what the grammar does not read. This policy is
  for filtering texts offline.

`check` collects the claims. `models.faithfulness.claims` says which claims a policy lets pass.
"""

from itertools import pairwise

from catalog.facts import Facts
from models.faithfulness.claims import Claim, Policy, Verdict
from models.faithfulness.describing.described import describe
from models.faithfulness.judging.judge import Judge
from models.faithfulness.reading.readings import frequent, own_words, read
from models.faithfulness.reading.tokens import LONGEST, Sentence, sentences_of, skeleton_of
from models.faithfulness.spotting.contradictions import contradiction
from models.faithfulness.spotting.spots import CLAIMED, patterns, spots
from models.language.articles import begins_with_vowel

_ENDINGS = (".", "!", "?")


def check(text: str, facts: Facts, policy: Policy = "strict") -> Verdict:
    """Read a text and hold every statement in it against the Facts."""
    judge = Judge(facts, sentences_of(text, facts, own_words()))
    for sentence in judge.sentences:
        readings = [
            (tokens, reading)
            for tokens in sentence.variants
            if len(tokens) <= LONGEST
            for reading in read(skeleton_of(tokens))
        ]
        before, claimed = judge.last, len(judge.claims)
        is_strange = any(token.symbol == "P" for token in sentence.tokens)
        if policy == "described" and (is_strange or not readings):  # a description may know
            describe(text, sentence, judge)
            _spot(sentence, judge, before)
            _articles(text, sentence, judge)
            continue
        judge.sentence(sentence, readings)
        if not readings:
            start, end = sentence.tokens[0].start, sentence.tokens[-1].end
            judge.add(start, end, "other", "unverifiable", why="the grammar does not read this")
        if any(claim.outcome == "unverifiable" for claim in judge.claims[claimed:]):
            _spot(sentence, judge, before)
        _articles(text, sentence, judge)
    _whole(text, judge)
    claims = sorted(judge.claims, key=lambda claim: (claim.start, claim.end))
    return Verdict(policy, tuple(claims))


def warm() -> None:
    """Load grammar and patterns, and read frequent sentences: not in somebody's request."""
    patterns()
    for skeleton in frequent():
        read(skeleton)


def _spot(sentence: Sentence, judge: Judge, before: list[set[int]]) -> None:
    """Contradict what is understood of a sentence that is not read, or not verified, as a whole."""
    for spot in spots(sentence):
        why = contradiction(spot, judge.facts, judge.called, before)
        if why:
            judge.add(*spot.span(), CLAIMED[spot.kind], "contradicted", why=why)


def _articles(text: str, sentence: Sentence, judge: Judge) -> None:
    """Doubt "a action film": what is not said like this was not written with care."""
    for word, following in pairwise(sentence.tokens):
        if word.symbol in {"a", "an"} and following.symbol[:1].isalnum():
            with_vowel = begins_with_vowel(text[following.start : following.end])
            if with_vowel is not (word.symbol == "an"):
                why = f"{'an' if with_vowel else 'a'} is the article here"
                judge.add(word.start, following.end, "other", "unverifiable", why=why)


def _whole(text: str, judge: Judge) -> None:
    """Judge the text as a whole: it names the item, and ends."""
    size = len(text)
    if not text.strip():  # nothing is no explanation, whatever the policy
        judge.claims.append(Claim(0, size, "other", "contradicted", None, "it says nothing"))
    elif not text.endswith(_ENDINGS):
        judge.claims.append(Claim(0, size, "other", "unverifiable", None, "it breaks off"))
    if 0 not in judge.named:
        judge.claims.append(Claim(0, size, "role", "unverifiable", None, "it never names the item"))
    elif not judge.is_told:
        judge.claims.append(
            Claim(0, size, "role", "unverifiable", None, "it says nothing of the item")
        )
