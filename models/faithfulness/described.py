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

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile

from catalog.types import Item
from models.faithfulness.attributes import BY_PREPOSITION, MADE, MAKES, UNITS
from models.faithfulness.clauses import Clause, clauses_of
from models.faithfulness.judge import Judge
from models.faithfulness.lexicon import has_category
from models.faithfulness.phrases import Node, Word, chain, licensed, words_of
from models.faithfulness.reading import read
from models.faithfulness.statements import Reading
from models.faithfulness.support import ITEM, Support, support_of
from models.faithfulness.symbols import CATEGORIES, Token
from models.faithfulness.tokens import Sentence, skeleton_of
from models.language.english import decade

_FREE = frozenset({"with", "of", "about", "featuring"})
"""What may stand between a thing and anything that its description has."""
_OWN = frozenset({"its", "the", "their", "'s"})
_READERS = frozenset({"READER", "READERS"})
_FREEING = frozenset({"LIKING", "RECOMMEND", "SHOWS"})
_LICENSED = _READERS | _FREEING
_BEFORE = {"LIKING": {"RECOMMEND"}, "RECOMMEND": {"RECOMMEND", "LIKING"}}
"""What of these may stand before one: you may find that you like, like to try."""
_DANGLING = frozenset("PREPOSITION JOINT BE RELATIVE SHOWS LIKING".split())
_ENDS = frozenset("""too well here now other also up out you each this that
itself themselves yourself alike""".split()) | {"as well"}
_TOLD = frozenset({"CATEGORY", "NUMBER", "VALUE"})
_HOLDS = frozenset({"of", "in", "at", "from", "with", "by", "on"})
"""What may stand between anything that the description has and the thing."""


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
    if not judge.named and _points(sentence, judge):
        judge.named.add(0)  # no title stands in the text: "the film" can be only one
    words = words_of(text, _marked(text, sentence), start, end)
    for clause in clauses_of(words, called, before):
        if clause.words[-1].end <= rest:
            continue
        for mention in clause.owners:
            found = [list(Said(clause, judge, n, tokens).wrong()) for n in mention]
            for word, why in min(found, key=len):
                judge.add(word.start, word.end, "other", "unverifiable", min(mention), why)
        judge.is_told |= any(0 in mention for mention in clause.owners)


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


def _points(sentence: Sentence, judge: Judge) -> bool:
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


class Said:
    """One clause, held against one thing (a number of the Facts' entities) that it speaks of."""

    def __init__(self, clause: Clause, judge: Judge, entity: int, tokens: dict[int, Token]) -> None:
        self.clause, self.judge, self.tokens = clause, judge, tokens
        self.item: Item = judge.entities[entity]
        self.support: Support = support_of(
            self.item.title, self.item.description, judge.facts.noun.one
        )
        self.nodes = self._known(chain(clause.words))
        self.told = self._attributes()

    def wrong(self) -> Iterator[tuple[Word, str]]:
        """Yield the words that are not supported, and why."""
        yield from self._cause()
        yield from self._breaks_off()
        previous = _THING if self.clause.words[0].kind == "RELATIVE" else None
        holder: Node | None = None  # the thieves, in "the thieves of “Heat” hunt"
        free = loose = False
        for n, node in enumerate(self.nodes):
            kind = node.word.kind
            if kind in _LICENSED and self._is_licensed(previous, node):
                if kind == "LIKING" and (why := self._liking(node)):
                    yield node.word, why
                free, loose, previous = kind in _FREEING, False, node
                continue
            if n in self.told or kind == "ITEM":
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
        for node in nodes:
            before = found[-1] if found else None
            if before is not None and not node.bare and node.joint != "list":
                opening &= ITEM in before.keys or before.word.kind in _LICENSED
            generic = node.word.kind == "GENERIC" or node.word.text in names
            if node.word.kind == "MENTION" or (generic and (opening or node.determiner in _OWN)):
                word = replace(node.word, kind="ITEM")
                node = replace(node, word=word, keys=node.keys | {ITEM})
            elif self._has_category(node) or (opening and self.support.is_item(node)):
                node = replace(node, keys=node.keys | {ITEM})
            found.append(node)
        return found

    def _has_category(self, node: Node) -> bool:
        if node.word.kind != "CATEGORY" or node.turned:
            return False
        return all(has_category(self.item, part) for part in self.tokens[node.word.start].parts)

    def _unsupported(self, node: Node) -> str:
        """Return why nothing says a word; empty where something does."""
        if self._has_category(node) or self.support.says(node):
            return ""
        if self.support.occurrences(node):
            return f"“{self.item.title}” is so described, but turned round or as possible only"
        return f"not in the description of “{self.item.title}”"

    def _attributes(self) -> set[int]:
        """Return which nodes tell an attribute or the year: directed by V, 90 minutes."""
        found: set[int] = set()
        for n, node in enumerate(self.nodes):
            before = self.nodes[n - 1] if n else None
            after = self.nodes[n + 1] if n + 1 < len(self.nodes) else None
            if node.turned:
                continue
            if node.word.kind == "VALUE" and (size := self._value(node, before)):
                found.update(range(n + 1 - size, n + 1))
            if node.word.kind == "NUMBER" and self._is_year(node, after):
                found.add(n)
            if after is not None and node.word.kind == "NUMBER" and self._counts(node, after):
                found.update((n, n + 1))
                if before is not None and before.word.text in UNITS:
                    found.add(n - 1)
        return found

    def _value(self, node: Node, before: Node | None) -> int:
        """Return how many nodes tell a value of the item in its role: "by V" or "director V"."""
        text = self.tokens[node.word.start].text
        keys = {key for key, value in self.item.attributes.items() if str(value) == text}
        if before is not None:
            role = before.word.text
            if keys & (before.keys | MADE.get(MAKES.get(role, role), frozenset())):
                return 2
        return int(any(keys & BY_PREPOSITION.get(word, frozenset()) for word in node.how))

    def _is_year(self, node: Node, after: Node | None) -> bool:
        """Say whether a number is the year or the decade of the item, and told as such."""
        year, told = self.item.year, node.word.text
        if not year or told not in {str(year), f"{decade(year)}s"}:
            return False
        if node.how in {("in",), ("from",), ("be", "from")}:
            return after is None or bool(after.joint or after.how)
        plain = node.how in {(), ("be",)}
        return plain and after is not None and after.bare and ITEM in after.keys

    def _counts(self, node: Node, after: Node) -> bool:
        """Say whether a number is that of an attribute: 90 minutes."""
        keys = UNITS.get(after.word.text, frozenset()) | after.keys
        values = {str(value) for key, value in self.item.attributes.items() if key in keys}
        return after.bare and node.word.text in values

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
        """Say whether a word is said of what the item has, "the food at “T” is cheap", and not so."""
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
        generic = node.word.kind in {"ITEM", "GENERIC"} or self._has_category(node)
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
        open_ = licensed()["MODAL"] | dict.fromkeys(("if", "who", "fans", "lovers", "those"), True)
        if node.word.text not in licensed()["PAST"] and any(word in open_ for word in before):
            return ""
        if not self.clause.mentions or any(0 in mention for mention in self.clause.mentions):
            return "what is liked is not known"
        strong = node.word.text in licensed()["STRONG"]
        likings = [self.judge.facts.evidence[n - 1].liking for m in self.clause.mentions for n in m]
        return "" if not strong or set(likings) == {"loved"} else "not loved in the history"

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
