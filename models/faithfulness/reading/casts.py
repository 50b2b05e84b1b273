"""What a parse says of who is in things: with V in its cast, V is in the cast of T."""

from models.faithfulness.reading.parser import Tree
from models.faithfulness.reading.sharing import Sharing
from models.faithfulness.reading.statements import Things
from models.faithfulness.reading.walker import is_rule

_APPEARS = {
    "appears_in": "cast",
    "appears_with": "cast",
    "starred_in": "stars",
    "returned_in": "also person",
}
"""How it is told that somebody appears in a thing, and the role that each means."""


class Casts(Sharing):
    """The methods for people in things, whatever they do there."""

    def _valued(self, how: str, tree: Tree, about: Things) -> Things:
        self._say("attribute", tree, about, how, tuple(self._values(tree)))
        return Things()

    def _again(self, tree: Tree, about: Things) -> Things:
        """It reunites you with V: who is in something else that is named."""
        return self._valued("also person", tree, about)

    def _sharing_value(self, tree: Tree, about: Things) -> Things:
        """It shares V with T."""
        self._valued("person", tree, about)
        return self._valued("person", tree, self._child(tree, "things", about))

    def _featured_too(self, tree: Tree, about: Things) -> Things:
        """Featuring V, who also appears in T."""
        self._valued("features", tree, about)
        return self._valued("features", tree, self._child(tree, "things", about))

    def _admired(self, tree: Tree, about: Things) -> Things:
        """If you like V, you may like the item: it is theirs."""
        return self._valued("person", tree, Things(word="item"))

    def _admired_in(self, tree: Tree, about: Things) -> Things:
        """If you loved V in T, you may like the item: they have a part in both."""
        self._admired(tree, about)
        return self._valued("person", tree, self._child(tree, "of_liked", about))

    def _among(self, how: str, tree: Tree, about: Things) -> Things:
        """With V in its cast: V is one of the values of a named attribute, or of one told so."""
        keys, values = self._slots(tree, "K"), self._values(tree)
        self._say("attribute", tree, about, "among" if keys else how, (*keys, *values))
        return Things()

    def _in_cast(self, tree: Tree, about: Things) -> Things:
        return self._among("cast", tree, about)

    def _its_include(self, tree: Tree, about: Things) -> Things:
        """Its cast includes V."""
        about = self._child(tree, "subject", about) or self._it(tree, about)
        return self._among("cast", tree, about)

    def _appearing(self, tree: Tree, about: Things) -> Things:
        """V is in the cast of T, as in that of T; V stars in T."""
        values = self._values(tree)
        things = Things()
        for child in (c for c in tree.children if is_rule(c, *_APPEARS)):
            here = child if is_rule(child, "appears_in") else tree
            keys = self._slots(here, "K")
            found = self._child(child, "things", about)
            how = "among" if keys else _APPEARS[child.rule]
            self._say("attribute", tree, found, how, (*keys, *values))
            things += found
        return things
