"""One clause held against the description of one thing that it speaks of, word by word.

    the clever thieves of “Heat” hunt a detective
    thieves: described; “Heat”: has them; hunt: nobody says thieves -> hunt

Each content word must be described, and may stand where it does: at the beginning, after the thing
itself or a word that only tells of it ("offers"), or after the word that it follows in the
description (support.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from catalog.types import Item
from models.faithfulness.describing.clauses import Clause
from models.faithfulness.describing.phrases import Node, Word, chain, licensed
from models.faithfulness.describing.support import ITEM, Support, support_of
from models.faithfulness.describing.told import Told
from models.faithfulness.judging.judge import Judge
from models.faithfulness.reading.symbols import Token

_FREE = frozenset({"with", "of", "about", "featuring"})
"""What may stand between a thing and anything that its description has."""
_OWN = frozenset({"its", "the", "their", "'s"})
_READERS = frozenset({"READER", "READERS"})
_FREEING = frozenset({"LIKING", "RECOMMEND", "SHOWS"})
_LICENSED = _READERS | _FREEING
_BEFORE = {"LIKING": {"RECOMMEND"}, "RECOMMEND": {"RECOMMEND", "LIKING"}}
"""What of these may stand before one: you may find that you like, like to try."""
_DANGLING = frozenset("PREPOSITION JOINT BE RELATIVE SHOWS LIKING".split())
_ENDS = frozenset(
    "too well here now other also up out you each this that itself themselves alike".split()
) | {"as well"}
"""What a sentence may end with, though it is of such a kind."""
_DENIED = frozenset({"ITEM", "LIKING", "RECOMMEND"})
_TOLD = frozenset({"CATEGORY", "NUMBER", "VALUE"})
_HOLDS = frozenset({"of", "in", "at", "from", "with", "by", "on"})
"""What may stand between anything that the description has and the thing."""


class Said:
    """One clause, held against one thing (a number of the Facts' entities) that it speaks of."""

    def __init__(self, clause: Clause, judge: Judge, entity: int, tokens: dict[int, Token]) -> None:
        self.clause, self.judge = clause, judge
        self.item: Item = judge.entities[entity]
        self.support: Support = support_of(
            self.item.title, self.item.description, judge.facts.noun.one
        )
        self.told = Told(self.item, tokens)
        self.nodes = self._known(chain(clause.words))

    def wrong(self) -> Iterator[tuple[Word, str]]:
        """Yield the words that are not supported, and why."""
        yield from self._cause()
        yield from self._breaks_off()
        previous = _THING if self.clause.words[0].kind == "RELATIVE" else None
        holder: Node | None = None  # the thieves, in "the thieves of “Heat” hunt"
        free = loose = False
        attributes = self.told.attributes(self.nodes)
        for n, node in enumerate(self.nodes):
            kind = node.word.kind
            if kind in _DENIED and any(word.startswith("not") for word in node.turned):
                yield node.word, "what it is not, or not for, is not known"
            if kind in _LICENSED and self._is_licensed(previous, node):
                if kind == "LIKING" and (why := self._liking(node)):
                    yield node.word, why
                free, loose, previous = kind in _FREEING, False, node
                continue
            if n in attributes or kind == "ITEM":
                if kind == "ITEM" and not self._may_hold(previous, node):
                    yield node.word, self._why(previous, node)
                if kind == "ITEM" and previous is not None and set(node.how) & _HOLDS:
                    holder = previous if ITEM not in previous.keys else holder
                free, loose = free and kind != "ITEM", False
                previous = replace(node, keys=node.keys | {ITEM})
                continue
            if kind == "READERS":
                yield node.word, "whom it is for is not known"
            elif why := self._unsupported(node):
                yield node.word, why
            elif not self._fits(previous, n, free=free, loose=loose):
                yield node.word, self._why(previous, node)
            elif holder is not None and self._is_verb_of(holder, node):
                yield node.word, self._why(holder, node)
            holder = None
            if node.joint == "list" and previous is not None:
                loose |= not self.support.steps(previous, node)
            free, previous = False, node

    # ------------------------------------------------------------------ words

    def _known(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes, those that stand for the item with its key."""
        noun = self.judge.facts.noun
        names = {noun.one, noun.many, *noun.one.split()[-1:], *noun.many.split()[-1:]}
        found: list[Node] = []
        opening = True
        for one in nodes:
            node, before = one, found[-1] if found else None
            if before is not None and not node.bare and node.joint != "list":
                opening &= ITEM in before.keys or before.word.kind in _LICENSED
            generic = node.word.kind == "GENERIC" or node.word.text in names
            if node.word.kind == "MENTION" or (generic and (opening or node.determiner in _OWN)):
                item = replace(one.word, kind="ITEM")
                node = replace(one, word=item, keys=one.keys | {ITEM})
            elif self.told.category(node) or (opening and self.support.is_item(node)):
                node = replace(one, keys=one.keys | {ITEM})
            found.append(node)
        return found

    def _unsupported(self, node: Node) -> str:
        """Return why nothing says a word; empty where something does."""
        if self.told.category(node) or self.support.says(node):
            return ""
        if self.support.occurrences(node):
            how = "turned round, as possible, or of whom it is for"
            return f"“{self.item.title}” is described so only {how}"
        return f"not in the description of “{self.item.title}”"

    # ------------------------------------------------------------------ steps

    def _why(self, previous: Node | None, node: Node) -> str:
        first = f"{previous.word.text} … " if previous is not None else ""
        return f"“{self.item.title}” is not described so: {first}{node.word.text}"

    def _fits(self, previous: Node | None, n: int, *, free: bool, loose: bool) -> bool:
        """Say whether a word may follow what stands before it."""
        node = self.nodes[n]
        if previous is None:
            is_apposition = self.clause.is_apposition and not node.how
            return self._is_so(n) if is_apposition else self._stands(node)
        if free:
            begins = previous.word.kind in _FREEING and node.joint == "list"  # "offers and"
            return not begins and self._stands(node)
        if previous.word.kind in _READERS:
            return node.how in {("of",), ("for",)} or self.support.steps(previous, node)
        if self.support.steps(previous, node):
            return not loose or node.bare or bool(node.how)
        if ITEM in previous.keys and self._fits_item(previous, n):
            return True
        is_listed = node.joint == "list" and not node.how
        return is_listed and self._is_flat() and self.support.begins(node)

    def _is_verb_of(self, holder: Node, node: Node) -> bool:
        """Say whether a word is wrongly said of what the item has: "the food at “T” is cheap"."""
        if holder.word.kind in _LICENSED or (node.how and node.how[0] != "be") or node.joint:
            return False
        return not self.support.steps(holder, node)

    def _is_flat(self) -> bool:
        """Say whether a clause only lists: no word in it does anything to another."""
        plain = [n for n in self.nodes if n.word.kind in {"WORD", "NUMBER"}]
        return all(n.bare or n.joint == "list" or n is plain[0] for n in plain)

    def _stands(self, node: Node) -> bool:
        """Say whether a word may begin: after no preposition, a free one, or that of its own."""
        how = tuple(word for word in node.how if word not in _FREE)
        if how == ("for",) and node.determiner in _OWN:
            return True
        return self.support.begins(node) if not how else self.support.after(node)

    def _fits_item(self, previous: Node, n: int) -> bool:
        """Say whether a word may follow what stands for the item."""
        node = self.nodes[n]
        if "'s" in node.how or (node.how and set(node.how) <= _FREE):
            return True
        if node.how == ("for",) and node.determiner in _OWN:
            return True
        if node.how == ("be",):
            return self._is_so(n)
        if not node.how and not node.joint and self.support.does(node):
            return True
        if previous.word.kind in _TOLD and node.bare and ITEM in node.keys:
            return True
        return bool(node.how) and self.support.after(node)

    def _is_so(self, n: int) -> bool:
        """Say whether the item is described by a word, or by the words up to a kind of things."""
        phrase = [self.nodes[n], *takewhile(_is_of_same, self.nodes[n + 1 :])]
        if any(self._is_what(one) for one in phrase):
            return True  # each step up to it is looked at by itself
        last = list(takewhile(lambda one: one.bare, phrase[1:]))[-1:] or phrase[:1]
        return self._describes(self.nodes[n]) or self.support.opens(last[0])

    def _is_what(self, node: Node) -> bool:
        """Say whether a word is what the item is: its category, a film, a diner."""
        generic = node.word.kind in {"ITEM", "GENERIC"} or self.told.category(node)
        return generic or self.support.is_item(node)

    def _describes(self, node: Node) -> bool:
        """Say whether a word describes the item itself, such as a "gripping film"."""
        return self.support.steps(node, _THING)

    def _may_hold(self, previous: Node | None, node: Node) -> bool:
        """Say whether a title may follow what stands before it: the thieves of “Heat”."""
        if previous is None or ITEM in previous.keys or node.joint:
            return True
        if previous.word.kind in _LICENSED or (node.how and set(node.how) <= _HOLDS):
            return True
        return self.support.steps(previous, node)

    # ------------------------------------------------------------------ likings, causes

    def _is_licensed(self, previous: Node | None, node: Node) -> bool:
        """Say whether a word addresses the reader, recommends or tells, where it stands."""
        if node.word.kind == "READERS":
            for_them = node.how in {("for",), ("to",), ("be", "for")} and not node.determiner
            return previous is None or for_them or previous.word.kind == "READER"
        if previous is None or ITEM in previous.keys or previous.word.kind in _READERS:
            return True
        return previous.word.kind in _BEFORE.get(node.word.kind, ()) or node.word.text == "you"

    def _liking(self, node: Node) -> str:
        """Return why a liking is not known: what may be liked is open, what was liked is not."""
        before = [w.text for w in self.clause.before if w.start < node.word.start]
        open_ = licensed()["MODAL"] | {"if", "who", "fans", "lovers", "those"}
        if node.word.text not in licensed()["PAST"] and any(word in open_ for word in before):
            return ""
        if not self.clause.mentions or any(0 in mention for mention in self.clause.mentions):
            return "what is liked is not known"
        strong = node.word.text in licensed()["STRONG"]
        entries = [self.judge.facts.evidence[n - 1] for m in self.clause.mentions for n in m]
        told = all(entry.is_liked(strongly=strong) for entry in entries)
        return "" if told else f"not {'loved' if strong else 'liked'} in the history"

    def _breaks_off(self) -> Iterator[tuple[Word, str]]:
        """Yield the last word where it calls for another: "it offers"."""
        words = [word for word in self.clause.words if word.kind != "MARK"]
        if self.clause.words[-1].kind != "MARK":
            return
        last = words[-1]
        whole = last.text in _ENDS or (last.kind == "LIKING" and last.text in licensed()["PAST"])
        if last.kind in {*_DANGLING, "DETERMINER"} and not whole and len(words) > 1:
            yield last, "it breaks off here"

    def _cause(self) -> Iterator[tuple[Word, str]]:
        """Yield the words that say why, where the Facts do not."""
        if self.judge.facts.evidence_kind == "recent":
            for word in self.clause.words:
                if word.text in licensed()["CAUSE"]:
                    yield word, "these Facts give no cause"


_THING = Node(Word("", "ITEM", 0, 0), frozenset({ITEM}), bare=True)
"""What a clause speaks of, where it does not name it."""


def _is_of_same(node: Node) -> bool:
    return node.bare or node.joint == "list"
