"""What may be said of one item: the words of its description, and the steps between them.

    A retired detective hunts a clever thief in Rome.
    detective -> hunts, hunts -> thief, thief -in-> Rome        but not: thief -> hunts

A text takes a step where a content word follows another. It is supported where the description
takes the same: over words that only describe, along a list, and from "delicious food" to "the food
is delicious".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

from models.faithfulness.describing.lemmas import lemmas
from models.faithfulness.describing.phrases import Node, Word, chain, licensed, words_of

ITEM = "§item"
"""The key of what is described, in a chain."""
FOR_WHOM = frozenset({"for whom"})
"""What turns a word that says only whom something is for."""
_MOST_SKIPPED = 4
_AWAY = frozenset(
    "for than against from after before during throughout despite beyond until without "
    "toward towards".split()
)
"""What comes after these need not be there: space for pets, open throughout the day."""
_PEOPLE = frozenset({"LIKING", "RECOMMEND", "READERS"})
_LOVERS = frozenset({"lovers", "fans", "enthusiasts"})
_SEEKS = frozenset({"seeking", "looking for", "searching for", "interested in", "in need of"})


@dataclass(frozen=True, slots=True)
class Support:
    """The chains of a description, one for each sentence."""

    chains: tuple[tuple[Node, ...], ...]

    def occurrences(self, node: Node) -> list[Node]:
        """Return where a word stands, turned round as here or not at all."""
        keys = node.keys - {ITEM}
        return [one for nodes in self.chains for one in nodes if one.keys & keys]

    def says(self, node: Node) -> bool:
        """Say whether a word is said, and as plainly or as turned round as here."""
        return any(one.turned == node.turned for one in self.occurrences(node))

    def begins(self, node: Node) -> bool:
        """Say whether a word is there by itself, not only for something, or at some time."""
        return any(
            one.turned == node.turned and _AWAY.isdisjoint(_under(nodes, n))
            for nodes in self.chains
            for n, one in enumerate(nodes)
            if one.keys & (node.keys - {ITEM})
        )

    def is_item(self, node: Node) -> bool:
        """Say whether a word is what the thing is: a diner, "this museum"."""
        return any(ITEM in one.keys and not one.turned for one in self.occurrences(node))

    def opens(self, node: Node) -> bool:
        """Say whether a sentence of the description begins so, and describes: told in letters.

        What it begins with is all before the first other word. It describes the thing where no verb
        follows: "A steep climb to a cliff" does, "A miner digs a cave" does not.
        """
        for nodes in self.chains:
            end = next((n for n, one in enumerate(nodes) if n and _sign(one) == "c"), len(nodes))
            if end < len(nodes) and not (nodes[end].how and nodes[end].how[0] != "be"):
                continue
            if any(one.word.kind in _PEOPLE for one in nodes[:end]):
                continue
            for n, one in enumerate(nodes[:end]):
                is_last = n + 1 == end or (_sign(nodes[n + 1]) == "l" and not nodes[0].determiner)
                if is_last and one.keys & node.keys and one.turned == node.turned:
                    return True
        return False

    def does(self, node: Node) -> bool:
        """Say whether a sentence of the description begins with what it does: folds flat."""
        return any(
            not (nodes[0].determiner or nodes[0].how)
            and nodes[0].keys & node.keys
            and nodes[0].turned == node.turned
            for nodes in self.chains
        )

    def after(self, node: Node) -> bool:
        """Say whether a word stands after the same prepositions."""
        found = self.occurrences(node)
        return any(one.how == node.how and one.turned == node.turned for one in found)

    def steps(self, one: Node, other: Node) -> bool:
        """Say whether the step from one word to the other is taken."""
        if other.joint == "list":
            return self._listed(one, other) or self._listed(other, one)
        if self._walked(one, other, other.how, bare=other.bare and ITEM in other.keys):
            return True
        if other.how == ("be",):
            return self._walked(other, one, (), bare=True)
        return other.bare and self._walked(other, one, ("be",))

    def _pairs(self, one: Node, other: Node) -> Iterator[tuple[Sequence[Node], int, int]]:
        for nodes in self.chains:
            for i, first in enumerate(nodes):
                if not (first.keys & one.keys and first.turned == one.turned):
                    continue
                for j in range(i + 1, min(len(nodes), i + 2 + _MOST_SKIPPED)):
                    if nodes[j].joint == "break":
                        break
                    if nodes[j].keys & other.keys and nodes[j].turned == other.turned:
                        yield nodes, i, j

    def _walked(self, one: Node, other: Node, how: tuple[str, ...], *, bare: bool = False) -> bool:
        """Say whether a way leads on, by one step so joined, over lists and what only describes."""
        return any(
            _leads(nodes, i, j, core)
            for nodes, i, j in self._pairs(one, other)
            for core, link in enumerate(nodes[i + 1 : j + 1])
            if link.how == how and link.joint != "list" and (link.bare or not bare)
        )

    def _listed(self, one: Node, other: Node) -> bool:
        return any(
            re.fullmatch("b{0,2}l[lb]*", "".join(_sign(link) for link in nodes[i + 1 : j + 1]))
            for nodes, i, j in self._pairs(one, other)
        )


def _leads(nodes: Sequence[Node], i: int, j: int, core: int) -> bool:
    """Say whether only lists and what describes stand on the way beside its one step, the core."""
    links = nodes[i + 1 : j + 1]
    if any(one.word.is_name and one.bare for one in nodes[i + 1 : j]):
        return False  # a name is no shorter: Fashion Valley Mall
    shape = "".join(map(_sign, links))
    before, after = shape[:core], shape[core + 1 :]
    # What stands right before a word describes it, and not what follows it in a list.
    along = "b{0,2}" if links[core].bare else "b{0,2}(lb{0,2})*"
    if not re.fullmatch("(lb{0,2})*", before) or not re.fullmatch(along, after):
        return False
    if before and i and _sign(nodes[i]) == "c" and not nodes[i].how:
        return False  # an object: who comes after "and" is another subject
    return not ("l" in after and j + 1 < len(nodes) and _is_subject(nodes[j + 1]))


def _under(nodes: Sequence[Node], n: int) -> tuple[str, ...]:
    """Return the prepositions before a word, or before the list and the adjectives it ends."""
    while n and not nodes[n].how and (nodes[n].bare or nodes[n].joint == "list"):
        n -= 1
    return () if nodes[n].determiner == "its" else nodes[n].how


def _sign(link: Node) -> str:
    return "l" if link.joint == "list" and not link.how else "b" if link.bare else "c"


def _is_subject(following: Node) -> bool:
    return not following.how and not following.joint


@lru_cache(maxsize=4096)
def support_of(title: str, description: str | None, name: str) -> Support:
    """Return what may be said of an item; `name` is what items are called."""
    nouns = lemmas(name.rsplit(" ", 1)[-1])
    found = [
        tuple(_with_item(_for_whom(chain(sentence)), nouns))
        for text, own in ((description or "", title), (title, ""))
        for sentence in _sentences(text, own)
    ]
    return Support(tuple(nodes for nodes in found if nodes))


def _sentences(text: str, title: str) -> Iterator[list[Word]]:
    """Yield the words of each sentence; the title, where it stands in it, is one."""
    found = re.finditer(rf"(?<!\w){re.escape(title)}(?!\w)", text) if title else ()
    marked = {m.start(): Word(m[0], "MENTION", *m.span()) for m in found}
    sentence: list[Word] = []
    for word in words_of(text, marked):
        sentence.append(word)
        if word.text in {".", "!", "?"}:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _with_item(nodes: Sequence[Node], nouns: frozenset[str]) -> Iterator[Node]:
    """Yield the nodes, with the key of the item where one stands for it: it, "this museum"."""
    opening, after_item, pointed = True, False, False
    for n, node in enumerate(nodes):
        is_step = n > 0 and not node.bare and node.joint != "list"
        opening &= not is_step or (node.how == ("be",) and after_item)
        opening &= node.word.kind not in _PEOPLE
        pointed = node.determiner == "this" or (pointed and node.bare)
        after_item = (
            node.word.kind == "MENTION"
            or not node.keys.isdisjoint(nouns)
            or ((opening or pointed) and is_kind(node))
        )
        yield replace(node, keys=node.keys | {ITEM}) if after_item else node


def _for_whom(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes, those turned that say only whom it is for: "Families with a dog enjoy it".

    What somebody is a lover or a fan of is no such word: "Coffee lovers enjoy it".
    """
    likes = any(node.word.kind == "LIKING" for node in nodes)
    found: list[Node] = []
    opening, whom = True, False
    for n, node in enumerate(nodes):
        goes_on = not n or _sign(node) != "c" or (whom and node.how == ("with",))
        opening &= node.word.kind not in {"LIKING", "RECOMMEND"} and goes_on
        size = sum(1 for _ in takewhile(lambda one: one.bare, nodes[n + 1 :]))
        phrase = nodes[n : n + 1 + size]
        seeks = any(one.word.text in _SEEKS for one in phrase[1:])
        loved = any(one.word.text in _LOVERS for one in phrase[1:])
        whom = ((likes and opening) or seeks) and not loved
        found.append(replace(node, turned=node.turned | FOR_WHOM) if whom else node)
    return found


def is_kind(node: Node) -> bool:
    """Say whether a word is a kind of thing that may be recommended."""
    kinds = licensed()["KIND"] | licensed()["GENERIC"]
    return not node.keys.isdisjoint(kinds)
