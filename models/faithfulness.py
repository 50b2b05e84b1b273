"""The faithfulness check: every statement of a text is held against its Facts.

The text is read as tokens: titles (between “curly quotes”), categories, years, decades and quoted
values that the Facts know, and words. Readers then take out, one kind at a time, what they can
understand: likings, causes, descriptions and whom they describe, counts, popularity. What they
take out becomes a Claim with a verdict. What is left over must be licensed: a phrase that says
nothing checkable ("is on your list"), or a function word; anything else is an unverifiable claim.

Two policies. `strict`: every claim must be supported. `factual`: no claim may be contradicted,
unverifiable ones are only counted; it is meant for students of an LLM Oracle.

The reading is conservative: where it is not plain whom a description describes, it must hold for
everything the sentence names.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from catalog.facts import Facts
from catalog.types import Item
from models.english import COUNT_WORDS, category_words, decade
from models.titles import same_series

Policy = Literal["strict", "factual"]
Outcome = Literal["supported", "contradicted", "unverifiable"]
ClaimType = Literal[
    "title", "category", "year", "decade", "attribute", "liking", "count", "relation", "series",
    "popularity", "recency", "role", "negation", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkable statement and where it stands: `text[start:end]`.

    `item_id` is the item it is about, None where that is several or unknown.
    """

    start: int
    end: int
    type: ClaimType
    outcome: Outcome
    item_id: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check under a policy, with every claim in order of the text."""

    policy: Policy
    claims: tuple[Claim, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of any claim: contradicted, then unverifiable, then supported."""
        found = {claim.outcome for claim in self.claims}
        return next((o for o in ("contradicted", "unverifiable") if o in found), "supported")

    @property
    def passed(self) -> bool:
        """Whether the text may be served under the policy."""
        if self.policy == "strict":
            return self.outcome == "supported"
        return self.outcome != "contradicted"

    def failures(self) -> list[Claim]:
        """Return the claims that the policy does not let pass."""
        allowed = {"supported"} if self.policy == "strict" else {"supported", "unverifiable"}
        return [claim for claim in self.claims if claim.outcome not in allowed]


def check(text: str, facts: Facts, policy: Policy = "strict") -> Verdict:
    """Read a text and hold every statement in it against the Facts."""
    reader = _Reader(text, facts)
    reader.read()
    return Verdict(policy, tuple(sorted(reader.claims, key=lambda claim: (claim.start, claim.end))))


# ---------------------------------------------------------------------- the language it knows

_STRENGTH = {
    "loved": "loved", "love": "loved",
    "liked": "liked", "like": "liked", "enjoyed": "liked", "enjoy": "liked",
}  # fmt: skip
_LIKING_NOUNS = {"love": "loved", "liking": "liked", "fondness": "liked"}
_MODAL = {"may", "might", "could"}
_ADVERBS = {"also", "recently", "lately", "both", "too"}
_COUNTS = {word: number for number, word in COUNT_WORDS.items()}
_COPULA = {"is", "are", "dates", "date", "came"}
_SINGULAR_VERBS = _MODAL | {"is", "comes", "made", "follows"}
_DETERMINERS = {"a", "an", "the", "another"}
# Words that may stand between the parts of one description: "a drama from the 1990s".
_INSIDE = {"and", "from", "the", "listed", "under", "of", "year"}
_NEGATIONS = set(
    "not no never neither nor none nothing nobody without hardly barely unlike despite cannot "
    "disliked dislike hated hate loathed despised detested avoided skipped".split()
)
# What follows is a reason; what follows, or is asked for, is the item.
_REASONS = (
    "because of",
    "because",
    "since",
    "as",
    "thanks to",
    "due to",
    "follows from",
    "for that",
)
_RESULTS = ("so", "why", "reason for", "led to", "led us to", "points to", "put")
# A title after these is what is recommended.
_OFFERS = (
    "suggest", "suggested", "recommend", "recommended", "pick", "picked", "found", "try",
    "here is", "led to", "led us to", "put", "next for you is", "next on your list is", "why",
    "reason for", "points to", "next for you", "on your list", "comes", "for you",
)  # fmt: skip
# A title before these, too.
_OFFERED = (
    "may", "might", "could", "made your list", "follows from", "is on your list", "is here",
    "is recommended", "is next", "is for you", "is another", "on your list", "next",
)  # fmt: skip
_PREDICATES = {"is", "belongs", "made", "comes", "follows"}
_LONGEST = 7  # words in any phrase above and below
# Phrases that say nothing that could be false of an item that is offered. Their words mean nothing
# outside them: "has appeal" or "the same" is not licensed.
_PHRASES = (
    "along with", "for you", "here is", "is for you", "is here", "is next",
    "is on your list", "is recommended", "is suggested", "led us to", "made your list",
    "may appeal to you", "may be for you", "may be next", "may be one to start with",
    "may suit you", "might be for you", "might suit you", "next for you", "next for you is",
    "next on your list is", "on your list", "points to", "reason for", "thanks to",
    "follows from", "because of",
    "this one is for you", "to start with", "we found", "we picked", "we recommend", "we suggest",
    "you may like", "you may enjoy", "you may also like", "you may also enjoy", "you might like",
    "you might enjoy", "you could try",
)  # fmt: skip
_PHRASES_FROM = {
    word: [phrase for phrase in _PHRASES if phrase.split()[0] == word]
    for word in {phrase.split()[0] for phrase in _PHRASES}
}
# Words licensed only right before a title: "try “I”", "After “A”, ..., comes “I”".
_BEFORE_TITLE = {"try", "comes", "after", "put"}
_FUNCTION_WORDS = set("a an and are as because is it its next of on since so that the this to we "
                      "which why with you your for".split())  # fmt: skip
_PHRASE_WORDS = {word for phrase in _PHRASES for word in phrase.split()}
_OWN_WORDS = (
    _FUNCTION_WORDS | _PHRASE_WORDS | _BEFORE_TITLE | set(_STRENGTH) | _ADVERBS | _NEGATIONS
    | {"same", "series", "part", "one", "people", "here", "most", "belongs", "in", "listed"}
)  # fmt: skip
_DETAILS = {"category", "quoted", "year", "decade"}
_ENDINGS = (".", "!", "?")
_NO_CAUSE = "these Facts give no cause"

Kind = Literal["title", "category", "quoted", "year", "decade", "noun", "word", "mark", "other"]


@dataclass(slots=True)
class _Token:
    kind: Kind
    text: str  # words in lower case, titles and quoted values without their quotes
    start: int
    end: int
    read: bool = False
    plural: bool = False


class _Reader:
    """One reading of one text. Entity 0 is the item, 1 to 3 the evidence."""

    def __init__(self, text: str, facts: Facts) -> None:
        self.text, self.facts = text, facts
        self.entities: list[Item] = [facts.item, *facts.evidence]
        self.causal = facts.evidence_kind in {"contribution", "similar"}
        self.claims: list[Claim] = []
        self.tokens = _tokenise(text, facts)
        self.liked: set[int] = set()  # entities said to be liked
        self.liked_at: set[int] = set()  # title tokens that are objects of a liking
        self.offered_at: set[int] = set()  # title tokens said to be what you may like
        self.sentence_of: list[int] = []
        number = 0
        for token in self.tokens:
            self.sentence_of.append(number)
            number += token.kind == "mark" and token.text in ".?!"

        self.followings: list[str] = []
        ahead: list[str] = []
        for token in reversed(self.tokens):
            ahead = [token.text, *ahead[: _LONGEST - 1]] if token.kind == "word" else []
            self.followings.append("".join(f"{word} " for word in ahead))
        self.followings.reverse()

    def read(self) -> None:
        self.read_titles()
        self.read_popularity()
        self.read_likings()
        self.read_series()
        self.read_attributes()
        self.read_causes()
        self.read_descriptions()
        self.read_roles()
        self.read_the_rest()

    # ------------------------------------------------------------------ helpers

    def claim(
        self, first: int, last: int, type_: ClaimType, outcome: Outcome | bool,
        entity: int | None = None, why: str = "",
    ) -> None:  # fmt: skip
        """Record a claim over the tokens `first` to `last`, and mark them as read."""
        if isinstance(outcome, bool):
            outcome = "supported" if outcome else "contradicted"
        for token in self.tokens[first : last + 1]:
            token.read = True
        item_id = None if entity is None else self.entities[entity].id
        start, end = self.tokens[first].start, self.tokens[last].end
        self.claims.append(Claim(start, end, type_, outcome, item_id, why))

    def word(self, i: int) -> str:
        """Return the word at i, or "" where there is none."""
        if 0 <= i < len(self.tokens) and self.tokens[i].kind == "word":
            return self.tokens[i].text
        return ""

    def mark(self, i: int) -> str:
        if 0 <= i < len(self.tokens) and self.tokens[i].kind == "mark":
            return self.tokens[i].text
        return ""

    def kind(self, i: int) -> str:
        return self.tokens[i].kind if 0 <= i < len(self.tokens) else ""

    def words_at(self, i: int, phrase: str) -> bool:
        """Say whether the words of `phrase` stand at i."""
        return self.following(i).startswith(f"{phrase} ")

    def following(self, i: int) -> str:
        """Return the words from i on, up to the next thing that is no word, a space after each."""
        return self.followings[i] if 0 <= i < len(self.tokens) else ""

    def ends_with(self, i: int, phrases: Iterable[str]) -> bool:
        """Say whether one of the phrases ends just before i."""
        words: list[str] = []
        while len(words) < _LONGEST and (word := self.word(i - 1 - len(words))):
            words.append(word)
        before = f" {' '.join(reversed(words))}"
        return any(before.endswith(f" {phrase}") for phrase in phrases)

    def called(self, i: int) -> set[int]:
        """Return the entities that the title at i may name."""
        title = self.tokens[i].text
        found = {n for n, entity in enumerate(self.entities) if entity.title == title}
        if len(found) > 1 and self.mark(i + 1) == "(" and self.kind(i + 2) == "year":
            year = int(self.tokens[i + 2].text)
            found = {n for n in found if self.entities[n].year == year} or found
        return found

    def after_title(self, i: int) -> int:
        """Return the position after the title at i and the year in parentheses behind it."""
        has_year = (
            self.mark(i + 1) == "(" and self.kind(i + 2) == "year" and self.mark(i + 3) == ")"
        )
        return i + 4 if has_year else i + 1

    def titles_from(self, i: int) -> list[int]:
        """Return the title tokens of the list that starts at i: “A”, “B” and “C”.

        A title with a verb of its own begins a clause: “A”, and “I” is on your list.
        """
        found: list[int] = []
        while self.kind(i) == "title":
            if found and self.word(self.after_title(i)) in _SINGULAR_VERBS:
                break
            found.append(i)
            i = self.after_title(i)
            i += self.mark(i) == "," and (self.kind(i + 1) == "title" or self.word(i + 1) == "and")
            i += self.word(i) == "and" and self.kind(i + 1) == "title"
        return found

    def title_ending_at(self, i: int) -> int | None:
        """Return the title token that ends just before i, over the year in parentheses."""
        if self.kind(i - 1) == "title":
            return i - 1
        if self.mark(i - 1) == ")" and self.after_title(i - 4) == i and self.kind(i - 4) == "title":
            return i - 4
        return None

    def titles_ending_at(self, i: int) -> list[int]:
        """Return the title tokens of the list that ends just before i."""
        last = self.title_ending_at(i)
        if last is None:
            return []
        starts = [n for n, token in enumerate(self.tokens[: last + 1]) if token.kind == "title"]
        return next(group for n in starts if last in (group := self.titles_from(n)))

    def titles_before(self, i: int, *, sentence_only: bool = True) -> list[int]:
        """Return every title token before i, in its sentence or in the whole text."""
        here = self.sentence_of[i]
        return [
            n
            for n, token in enumerate(self.tokens[:i])
            if token.kind == "title" and (not sentence_only or self.sentence_of[n] == here)
        ]

    def named(self, titles: Iterable[int]) -> list[set[int]]:
        """Return for each title the entities it may name, each set once."""
        unique: list[set[int]] = []
        for title in titles:
            if (found := self.called(title)) and found not in unique:
                unique.append(found)
        return unique

    # ------------------------------------------------------------------ titles

    def read_titles(self) -> None:
        """Every quoted title is, to the letter, a title of the Facts, and in a list only once."""
        for i, token in enumerate(self.tokens):
            if token.kind != "title":
                continue
            found = self.called(i)
            one = next(iter(found)) if len(found) == 1 else None
            self.claim(i, i, "title", bool(found), one, "" if found else "no title of the Facts")
            group = self.titles_from(i)
            if len(group) not in self.sizes(group) and all(self.called(n) for n in group):
                self.claim(i, group[-1], "count", outcome=False, why="a title twice in one list")

    # ------------------------------------------------------------------ popularity

    def read_popularity(self) -> None:
        """Claims that people in general like the item."""
        if "here" not in self.text.casefold():  # a word of all of them
            return
        many = self.facts.noun.many
        tier = self.facts.popularity
        for i in range(len(self.tokens)):
            most = self.is_phrase(i, f"one of the {many} that people here like most")
            favourite = most or self.is_phrase(i, "a favourite here")
            liked = self.is_phrase(i, "well liked here")
            length = most or favourite or liked
            if not length:
                continue
            true = tier == "favourite" if favourite else tier is not None
            before = i - 1
            while self.word(before) in _ADVERBS:
                before -= 1
            subject = self.subject_of(before) if self.word(before) in _COPULA else None
            if subject is not None:
                subject = self.with_comparison(before, subject)
            about_item = subject is not None and all(0 in found for found in subject)
            outcome: Outcome | bool = true if about_item else "unverifiable"
            self.claim(i, i + length - 1, "popularity", outcome, 0)

    def is_phrase(self, i: int, phrase: str) -> int:
        """Return the number of tokens up to the end of `phrase` if its text stands at i, else 0."""
        if i >= len(self.tokens):
            return 0
        start = self.tokens[i].start
        if not _stands_at(self.text, start, phrase):
            return 0
        end = start + len(phrase)
        return sum(start <= token.start < end for token in self.tokens[i:])

    # ------------------------------------------------------------------ likings

    def read_likings(self) -> None:
        """What you loved or liked is evidence, as strongly as it says."""
        yours: set[int] = set()  # sentences in which "you" is already the subject of a liking
        for i in range(len(self.tokens)):
            word = self.word(i)
            if self.tokens[i].read:
                continue
            if word in _LIKING_NOUNS and self.word(i - 1) == "your":
                if self.word(i + 1) in {"for", "of"} and self.kind(i + 2) == "title":
                    self.like(i - 1, i + 1, self.titles_from(i + 2), _LIKING_NOUNS[word])
                    # A liking as a noun is always told as what brought the item.
                    if not self.causal:
                        self.claim(i - 1, i + 1, "relation", outcome=False, why=_NO_CAUSE)
                continue
            if word not in _STRENGTH:
                continue
            start = i - 1
            while self.word(start) in _ADVERBS | {"have"}:
                start -= 1
            may = self.word(start) in _MODAL and self.word(start - 1) == "you"
            if may and not word.endswith("ed"):
                self.offer(start - 1, i)
            elif self.word(start) == "you":
                yours.add(self.sentence_of[i])
                self.like_of_you(start, i, _STRENGTH[word])
            elif (
                self.word(start) == "and"
                and word.endswith("ed")
                and self.sentence_of[i] in yours
                and self.kind(i + 1) == "title"
            ):
                self.like(start, i, self.titles_from(i + 1), _STRENGTH[word])

    def like_of_you(self, you: int, verb: int, strength: str) -> None:
        """Read "you loved “A”", "“A”, which you loved", "“A” and “B”, both of which you loved"."""
        if self.word(you - 1) in {"which", "that"}:
            relative = you - 1
            if self.word(relative - 1) == "of":
                # "both of which", "all three of which"
                counted = relative - 2
                count = 2 if self.word(counted) == "both" else _COUNTS.get(self.word(counted), 0)
                first = counted - (self.word(counted - 1) == "all")
                group = self.titles_ending_at(first - (self.mark(first - 1) == ","))
                self.claim(first, relative, "count", bool(group) and count == len(group))
                self.like(you, verb, group, strength)
            else:
                title = self.title_ending_at(relative - (self.mark(relative - 1) == ","))
                self.like(you, verb, [] if title is None else [title], strength)
            return
        self.like(you, verb, self.titles_from(verb + 1), strength)

    def like(self, first: int, last: int, titles: list[int], strength: str) -> None:
        """Record that the titles are said to be liked so strongly."""
        if not titles:
            self.claim(first, last, "liking", "unverifiable", why="it does not say what is liked")
        for title in titles:
            evidence = self.called(title) - {0}
            true = {
                n for n in evidence
                if strength == "liked" or self.facts.evidence[n - 1].liking == "loved"
            }  # fmt: skip
            why = "" if true else "not so in the history"
            self.claim(first, last, "liking", bool(true), min(true, default=None), why)
            self.liked |= evidence
            self.liked_at.add(title)

    def offer(self, first: int, last: int) -> None:
        """Read "you may like “I”": what follows is the item, and nothing else."""
        titles = self.titles_from(last + 1)
        if titles:
            self.claim(first, last, "role", all(0 in self.called(n) for n in titles), 0)
            self.offered_at.update(titles)

    # ------------------------------------------------------------------ series, attributes, causes

    def read_series(self) -> None:
        """Claims that the item and another title are of one series."""
        for i in range(len(self.tokens)):
            verb = next((v for v in ("belongs to", "is part of") if self.words_at(i, v)), None)
            if verb is None or not self.words_at(i, f"{verb} the same series as"):
                continue
            title = i + len(verb.split()) + 4
            if self.kind(title) != "title":
                continue
            subject = self.subject_of(i) or []
            about_item = bool(subject) and all(0 in found for found in subject)
            others = [found - {0} for found in self.named(self.titles_from(title))]
            true = all(
                any(same_series(self.facts.item, self.entities[n]) for n in found)
                for found in others
            )
            outcome: Outcome | bool = true if about_item else "unverifiable"
            self.claim(i, title - 1, "series", outcome, 0)

    def read_attributes(self) -> None:
        """Read "its director is ‘Michael Mann’" and "it has the same director as “A”: ‘...’"."""
        for i in range(len(self.tokens)):
            shared = self.words_at(i, "it has the same")
            if not shared and self.word(i) != "its":
                continue
            for name, value in self.facts.item.attributes.items():
                at = i + (4 if shared else 1)
                length = self.is_phrase(at, name)
                if not length:
                    continue
                verb = at + length
                told = verb + 1
                true = True
                if shared and self.word(verb) == "as" and self.kind(told) == "title":
                    others = self.titles_from(told)
                    true = all(
                        any(self.entities[n].attributes.get(name) == value for n in found)
                        for found in self.named(others)
                    )
                    told = self.after_title(others[-1])
                    told += self.mark(told) == ":"
                elif shared or self.word(verb) not in {"is", "are"}:
                    continue
                named = any(
                    0 in self.called(n) and n not in self.liked_at
                    for n in self.titles_before(i, sentence_only=False)
                )
                if self.kind(told) in {"quoted", "year"} and named:
                    self.claim(i, verb, "attribute", true, 0)
                    self.claim(told, told, "attribute", self.tokens[told].text == str(value), 0)

    def read_causes(self) -> None:
        """Only evidence that carried or resembles the item may be its cause, and of it alone."""
        for i, token in enumerate(self.tokens):
            if token.kind == "word" and not token.read:
                words = self.following(i)
                reason = next((p for p in _REASONS if words.startswith(f"{p} ")), None)
                result = next((p for p in _RESULTS if words.startswith(f"{p} ")), None)
                if reason or result:
                    length = len((reason or result or "").split())
                    aimed = self.gives_reason(i, i + length) if reason else self.is_offered_next(i)
                    why = "" if aimed else "it is not the item that this explains"
                    why = why if self.causal else _NO_CAUSE
                    self.claim(i, i, "relation", self.causal and aimed, why=why)
            if self.word(i) in {"recently", "lately"}:
                recent: Outcome = "unverifiable"
                if self.facts.evidence_kind == "recent":
                    recent = "supported"
                self.claim(i, i, "recency", recent)

    def gives_reason(self, i: int, after: int) -> bool:
        """Say whether the reason word at i gives a liking as the reason for the item."""
        likes = self.word(after) in {"you", "your"} or after in self.liked_at
        if not likes:
            return False
        before = self.titles_before(i)
        if before:
            return before[-1] not in self.liked_at and 0 in self.called(before[-1])
        # "Because you loved “A”, we suggest “I”" or "Why “I”? Because you loved “A”"
        near = (self.sentence_of[i] - 1, self.sentence_of[i])
        return any(
            token.kind == "title" and 0 in self.called(n) and n not in self.liked_at
            for n, token in enumerate(self.tokens)
            if self.sentence_of[n] in near
        )

    def is_offered_next(self, i: int) -> bool:
        """Say whether the next title after i is the item, and not as a liking."""
        title = next((n for n in range(i, len(self.tokens)) if self.kind(n) == "title"), None)
        return title is not None and title not in self.liked_at and 0 in self.called(title)

    # ------------------------------------------------------------------ descriptions

    def read_descriptions(self) -> None:
        """Categories, years and decades hold for what they are said of."""
        i = 0
        while i < len(self.tokens):
            if self.is_detail(i) and not self.tokens[i].read:
                last = self.end_of_description(i)
                self.read_description(i, last)
                i = last
            i += 1

    def is_detail(self, i: int) -> bool:
        return self.kind(i) in _DETAILS

    def detail(self, i: int) -> str | frozenset[str]:
        """Return what the detail at i tells: "romantic" and "romance" are one category."""
        text = self.tokens[i].text
        if self.kind(i) != "category":
            return text
        told = {category for entity in self.entities for category in entity.categories}
        return frozenset(c.casefold() for c in told if text in _forms(c))

    def end_of_description(self, i: int) -> int:
        """Return the last token of the description that starts with the detail at i."""
        last = i
        n = i + 1
        while n < len(self.tokens):
            if self.is_detail(n) or self.kind(n) == "noun":
                last = n
            elif self.word(n) not in _INSIDE:
                comma_list = (
                    self.mark(n) == "," and self.kind(n - 1) == self.kind(n + 1) == "quoted"
                )
                if not comma_list:
                    break
            n += 1
        return last

    def read_description(self, first: int, last: int) -> None:
        details = [n for n in range(first, last + 1) if self.is_detail(n)]
        if len({(self.kind(n), self.detail(n)) for n in details}) < len(details):
            self.claim(first, last, "count", outcome=False, why="the same detail twice")
        inner = self.tokens[first : last + 1]
        plural = any(token.plural for token in inner)
        begin = first
        # "listed under", "from the", "a", "another", "film listed under"
        while self.word(begin - 1) in _INSIDE | _DETERMINERS | {"out"} or (
            self.kind(begin - 1) == "noun" and self.word(begin) in _INSIDE
        ):
            begin -= 1
        if self.words_at(begin - 3, "came out in"):
            begin -= 2
            for token in self.tokens[begin - 1 : begin + 2]:
                token.read = True
        if self.word(begin) == "in" and self.title_ending_at(begin) in self.liked_at:
            self.claim(begin, last, "year", "unverifiable", why="when it was liked is not known")
            return
        another = any(self.word(n) == "another" for n in range(begin, first))
        subject = self.described(begin, last, plural=plural)
        if another:
            companions = [{n} for n in range(1, len(self.entities)) if n in self.liked]
            self.claim(begin, begin, "count", self.any_has(details, companions))
        for n in details:
            self.tell(n, subject)
        for token in self.tokens[max(0, begin - 1) : last]:
            token.read |= token.text in {"listed", "under", "year", "from", "date", "dates"}

    def described(self, begin: int, last: int, *, plural: bool) -> list[set[int]]:
        """Return the entities that the description from `begin` to `last` is said of."""
        left = begin - 1
        after = last + 1
        while self.words_at(after, "for you"):
            after += 2
        after += self.mark(after) == ":"
        before_sentence = left < 0 or self.mark(left) in set(".?!:")
        if self.kind(after) == "title" and (
            before_sentence or self.word(left) in _OFFERS or self.kind(last + 1) == "title"
        ):
            group = self.titles_from(after)
            return self.named(group if plural else group[:1])
        if self.word(left) in {"both", "all", *_COUNTS} and self.mark(left - 1) == ",":
            return self.counted(left)
        if self.word(left) in _COUNTS and self.word(left - 1) == "all":
            return self.counted(left)
        while self.word(left) in _ADVERBS - {"both"}:
            left -= 1
        if self.word(left) in _COPULA:
            subject = self.subject_of(left)
            if subject is not None:
                return self.with_comparison(left, subject)
        if self.mark(left) in {",", "("}:
            title = self.title_ending_at(left)
            if title is not None and not plural:
                return self.named([title])
        title = self.title_ending_at(left + 1)
        if title is not None:
            return self.named([title])
        here = self.sentence_of[begin]
        titles = [
            n for n, token in enumerate(self.tokens)
            if token.kind == "title" and self.sentence_of[n] == here
        ]  # fmt: skip
        return self.named(titles) or [{0}]

    def subject_of(self, verb: int) -> list[set[int]] | None:
        """Return the entities that are the subject of the verb at `verb`, or None."""
        left = verb - 1
        while self.word(left) in {"also", "too"}:
            left -= 1
        word = self.word(left)
        if word == "it":
            # "You loved “A”, and it is ..." or "You loved “A”. It is ...": it may be either.
            before = self.titles_before(left, sentence_only=False)
            named = any(0 in self.called(n) and n not in self.liked_at for n in before)
            joined = self.word(left - 1) == "and" and self.titles_before(left)
            ambiguous = [before[-1]] if before and (joined or not named) else []
            return [{0}, *self.named(ambiguous)]
        if word == "one" and self.word(left - 1) == "this":
            return [{0}]
        if word in {"both", *_COUNTS}:
            return self.counted(left)
        if self.mark(left) == ",":
            # "“I”, a comedy from 1994, is ...": over the apposition
            opening = left - 1
            while opening >= 0 and self.mark(opening) != "," and self.kind(opening) != "title":
                opening -= 1
            title = self.title_ending_at(opening) if self.mark(opening) == "," else None
            return None if title is None else self.named([title])
        group = self.titles_ending_at(left + 1)
        return self.named(group) if group else None

    def with_comparison(self, verb: int, subject: list[set[int]]) -> list[set[int]]:
        """Add the titles of "like “A”, it is ..." to the subject."""
        for i in range(verb):
            preposition = self.word(i) == "like" and self.word(i - 1) != "you"
            if preposition and self.sentence_of[i] == self.sentence_of[verb]:
                self.tokens[i].read = True
                return [*subject, *self.named(self.titles_from(i + 1))]
        return subject

    def counted(self, i: int) -> list[set[int]]:
        """Resolve "both" or "all three" ending at i: the list before it, or all that is named.

        After a comma, "both" may also be all that the sentence says is liked.
        """
        word = self.word(i)
        count = 2 if word == "both" else _COUNTS.get(word, 0)
        first = i - (self.word(i - 1) == "all")
        apposition = self.mark(first - 1) == ","
        before = self.titles_before(i, sentence_only=apposition)
        candidates = [self.titles_ending_at(first - apposition), before]
        if apposition:
            candidates.insert(1, [n for n in before if n in self.liked_at])
        meant = next((group for group in candidates if count in self.sizes(group)), before)
        if not self.tokens[i].read:
            self.claim(first, i, "count", count in self.sizes(meant))
        return self.named(meant)

    def sizes(self, titles: list[int]) -> set[int]:
        """Return how many items the titles may name: two of one title may be two items."""
        named = self.named(titles)
        often = Counter(self.tokens[n].text for n in titles)
        most = sum(
            min(occurrences, sum(entity.title == title for entity in self.entities))
            for title, occurrences in often.items()
        )
        return {len(named), most}

    def tell(self, i: int, subject: list[set[int]]) -> None:
        """Record the detail at i as said of every entity of the subject."""
        token = self.tokens[i]
        wrong = [found for found in subject if not any(self.has(i, n) for n in found)]
        types: dict[str, ClaimType] = {"year": "year", "decade": "decade"}
        entity = min(subject[0]) if len(subject) == 1 else None
        why = ""
        if wrong:
            why = f"not so of “{self.entities[min(wrong[0])].title}”"
        self.claim(i, i, types.get(token.kind, "category"), not wrong, entity, why)

    def any_has(self, details: list[int], subject: list[set[int]]) -> bool:
        categories = [i for i in details if self.kind(i) in {"category", "quoted"}]
        return any(all(any(self.has(i, n) for n in found) for i in categories) for found in subject)

    def has(self, i: int, entity: int) -> bool:
        """Say whether the detail at i is true of an entity."""
        token, item = self.tokens[i], self.entities[entity]
        if token.kind == "year":
            return item.year == int(token.text)
        if token.kind == "decade":
            return item.year is not None and decade(item.year) == int(token.text[:-1])
        if token.kind == "quoted":
            return token.text in item.categories
        return any(token.text in _forms(category) for category in item.categories)

    # ------------------------------------------------------------------ roles and the rest

    def read_roles(self) -> None:
        """The item is what is offered, and named; what else is named is liked."""
        named = told = False
        for i, token in enumerate(self.tokens):
            if token.kind != "title" or i in self.liked_at or not self.called(i):
                continue
            after = self.after_title(i)
            if self.mark(after) == ",":  # over an apposition
                closing = after + 1
                while closing < len(self.tokens) and self.kind(closing) not in {"mark", "title"}:
                    closing += 1
                after = closing + 1 if self.mark(closing) == "," else after
            first = next(n for n in range(i + 1) if i in self.titles_from(n))
            before = first - (self.mark(first - 1) == ":")
            offered = (
                i in self.offered_at
                or self.ends_with(before, _OFFERS)
                or any(self.words_at(after, phrase) for phrase in _OFFERED)
            )
            if 0 in self.called(i):
                named = True
                told |= offered or self.word(after) in _PREDICATES
            if offered and 0 not in self.called(i):
                self.claim(i, i, "role", outcome=False, why="this is not what is recommended")
            elif 0 not in self.called(i) and not self.called(i) & self.liked:
                self.claim(i, i, "role", "unverifiable", why="named, but not as a liking")
        if not named:
            self.whole_text("role", "it never names the item")
        elif not told:
            self.whole_text("role", "it names the item, but says nothing of it")
        if not self.tokens:  # nothing is no explanation, whatever the policy
            self.whole_text("other", "it says nothing", "contradicted")
        elif not self.text.endswith(_ENDINGS):
            self.whole_text("other", "it breaks off")

    def whole_text(self, type_: ClaimType, why: str, outcome: Outcome = "unverifiable") -> None:
        self.claims.append(Claim(0, len(self.text), type_, outcome, None, why))

    def read_phrases(self) -> None:
        """Take out the phrases that say nothing checkable."""
        for i in range(len(self.tokens)):
            phrases = _PHRASES_FROM.get(self.word(i), ())
            longest = max((len(p.split()) for p in phrases if self.words_at(i, p)), default=0)
            if not longest and self.word(i) in _BEFORE_TITLE and self.kind(i + 1) == "title":
                longest = 1
            for token in self.tokens[i : i + longest]:
                token.read = True

    def read_the_rest(self) -> None:
        """Every word that nobody has read is a function word, or an unverifiable claim."""
        self.read_phrases()
        for i, token in enumerate(self.tokens):
            if token.read or token.kind in {"mark", "noun"}:
                continue
            negates = token.text in _NEGATIONS or token.text.endswith(("n't", "n’t"))
            if token.kind == "word" and negates:
                self.claim(i, i, "negation", outcome=False, why="a negation")
            elif token.kind != "word" or token.text not in _FUNCTION_WORDS:
                why = f"{token.text!r} is neither in the Facts nor neutral here"
                self.claim(i, i, "other", "unverifiable", why=why)


# ---------------------------------------------------------------------- tokens


@lru_cache(maxsize=4096)
def _forms(category: str) -> dict[str, bool]:
    """Return how a category may be called without quotes, in lower case, and which is plural."""
    words = category_words(category)
    forms = (
        words.listed if words.attributive else None,
        words.attributive,
        words.noun,
        words.plural,
    )
    # One that is spelled like our own words counts only inside quotes.
    return {
        form.casefold(): form == words.plural
        for form in forms
        if form and not set(re.findall(r"[^\W\d]+", form.casefold())) <= _OWN_WORDS | {"s"}
    }


_TOKEN = re.compile(
    r"“(?P<title>[^“”]*)”|(?P<decade>\b\d{3}0s\b)|(?P<year>\b\d+\b(?![\w-]))"
    r"|(?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*)|(?P<mark>[.,;:?!()])|(?P<other>\S)"
)
_CONTRACTED = {"it's", "that's"}


def _tokenise(text: str, facts: Facts) -> list[_Token]:
    entities = [facts.item, *facts.evidence]
    categories = {category for entity in entities for category in entity.categories}
    values = categories | {str(v) for entity in entities for v in entity.attributes.values()}
    quoted = sorted((f"‘{value}’" for value in values), key=len, reverse=True)
    nouns = {facts.noun.one, facts.noun.many}
    forms = {form: p for c in categories for form, p in _forms(c).items() if form not in nouns}
    known: list[tuple[str, Kind, bool]] = [(form, "category", p) for form, p in forms.items()]
    many = {facts.noun.many} - {facts.noun.one}
    known += [(n, "noun", n in many) for n in nouns if n not in _OWN_WORDS]
    known.sort(key=lambda entry: len(entry[0]), reverse=True)
    known_from: dict[str, list[tuple[str, Kind, bool]]] = {}  # by their first letter
    for entry in known:
        known_from.setdefault(entry[0][0], []).append(entry)

    tokens: list[_Token] = []

    def add(kind: Kind, text: str, start: int, end: int, *, plural: bool = False) -> None:
        tokens.append(_Token(kind, text, start, end, plural=plural))

    position = 0
    while match := _TOKEN.search(text, position):
        start, position = match.span()
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        raw = match[kind]
        if kind == "other" and raw == "‘":
            value = next((v for v in quoted if text.startswith(v, start)), None)
            if value is not None:
                position = start + len(value)
                add("quoted", value[1:-1], start, position)
                continue
        if kind in {"word", "year", "decade", "other"}:
            near = known_from.get(raw[0].casefold()[0], ())
            found = next((entry for entry in near if _stands_at(text, start, entry[0])), None)
            if found is not None:
                form, kind, plural = found
                position = start + len(form)
                add(kind, form, start, position, plural=plural)
                continue
        word = raw.casefold()
        if kind == "word" and word.replace("’", "'") in _CONTRACTED:
            add("word", word[:-2], start, position - 2)
            add("word", "is", position - 2, position)
        elif word in nouns and tokens and _calls_for_a_noun(tokens[-1]):
            add("noun", word, start, position, plural=word in many)
        else:
            add(kind, raw if kind == "title" else word, start, position)
    return tokens


def _calls_for_a_noun(token: _Token) -> bool:
    """Say whether one of our own words is a noun after this: "a 1994 list", not "on your list"."""
    return token.kind in _DETAILS or token.text in {"a", "an", "another"}


def _stands_at(text: str, start: int, form: str) -> bool:
    """Say whether `form` (lower case) stands in the text at `start`, as whole words."""
    end = start + len(form)
    return text[start:end].casefold() == form and not _GOES_ON.match(text, end)


_GOES_ON = re.compile(r"\w|['’-]\w")
