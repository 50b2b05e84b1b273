"""What a parse says that things have in common: the same director, one series, a year."""

from models.faithfulness.reading.measuring import Measuring
from models.faithfulness.reading.parser import Tree
from models.faithfulness.reading.statements import Things
from models.faithfulness.reading.walker import is_rule


class Sharing(Measuring):
    """The methods for what several things share."""

    def _same(self, tree: Tree, about: Things) -> Things:
        """The same director as T, V: of all of them."""
        beside = self._beside(tree, about)
        keys = self._slots(tree, "K")
        for n in range(max(1, len(keys))):
            self._say("attribute", tree, about, "same", tuple(keys[n : n + 1]), beside)
        for child in tree.children:
            if is_rule(child, "value"):
                self._say("attribute", tree, about, "its", (*keys, *self._values(child)))
            elif not is_rule(child, "things", "them", "that_one"):
                self.of(child, about)
        return Things()

    def _beside(self, tree: Tree, about: Things) -> Things:
        """Return what a thing has something in common with: T, it, or what else is named."""
        found = self._child(tree, "things", about) + self._child(tree, "that_one", about)
        return found or self._child(tree, "them", about) or Things(word="others", place=tree.first)

    _same_as = _same_maker = _same_owner = _same

    def _similar(self, tree: Tree, about: Things) -> Things:
        self._say("category", tree, about, "similar", beside=self._inside(tree, about))
        return Things()

    _similar_to = _similar

    def _classes(self, tree: Tree, about: Things) -> Things:
        """In the same category as T."""
        beside = self._child(tree, "things", about) or Things(word="others")
        self._say("category", tree, about, "similar", beside=beside)
        return Things()

    def _sequel_of(self, tree: Tree, about: Things) -> Things:
        """The sequel to T."""
        beside = self._child(tree, "things", about) or Things(word="evidence")
        for child in tree.children:
            if not is_rule(child, "sequel", "things"):
                self.of(child, about)
        self._say("series", tree, about, "sequel", beside=beside)
        return Things()

    def _everyone_is(self, tree: Tree, about: Things) -> Things:
        things = self._child(tree, "everyone", about) + self._child(tree, "both_named", about)
        for child in tree.children:
            if not is_rule(child, "everyone", "both_named"):
                self.of(child, things)
        return Things()

    def _same_class(self, tree: Tree, about: Things) -> Things:
        """The same categories as T: all of them, or those that are told."""
        beside = self._child(tree, "things", about) or Things(word="others")
        if any(is_rule(child, "genre") for child in tree.children):
            self._child(tree, "genre", about)
            self._child(tree, "genre", beside)
        else:
            self._say("category", tree, about, "equal", beside=beside)
        return Things()

    def _maker_too(self, tree: Tree, about: Things) -> Things:
        """Its author is also the author of T; from the author of T."""
        keys = tuple(self._slots(tree, "K"))
        self._say("attribute", tree, about, "same", keys, self._child(tree, "things", about))
        for value in (n for child in tree.children for n in self._values(child)):
            self._say("attribute", tree, about, "its", (*keys, value))
        return Things()

    _from_maker = _maker_too

    def _same_date(self, tree: Tree, about: Things) -> Things:
        how = "decade" if "decade" in self._words(tree) else "year"
        beside = self._child(tree, "things", about) or Things(word="others")
        self._say("year", tree, about, how, beside=beside)
        self._child(tree, "year", about)
        return Things()

    def _sharing(self, tree: Tree, about: Things) -> Things:
        beside = self._beside(tree, about)
        for n, thing in enumerate(tree.children):
            if not is_rule(thing, "shared_thing"):
                continue
            some = n > 0 and is_rule(tree.children[n - 1], "some_of")  # of several directors
            for key in self._slots(thing, "K"):
                self._say("attribute", thing, about, "shared" if some else "same", (key,), beside)
                for value in (v for child in thing.children for v in self._values(child)):
                    values, how = (key, value), "among" if some else "its"
                    self._say("attribute", thing, about, how, values)
                    if some:
                        self._say("attribute", thing, beside, how, values)
            if not self._slots(thing, "K") and not any(is_rule(c, "genre") for c in thing.children):
                self._say("category", thing, about, "similar", beside=beside)
            self._child(thing, "genre", about)
            self._child(thing, "genre", beside)
        return Things()

    _has_in_common = _sharing

    def _one_series(self, tree: Tree, about: Things) -> Things:
        """Of one series: all of them."""
        self._say("series", tree, about, "all", beside=about)
        return Things()

    def _this_series(self, tree: Tree, about: Things) -> Things:
        """Of the same series: as all that is named beside it."""
        beside = Things(word="others", place=tree.first)
        self._say("series", tree, about, "all", beside=beside)
        return Things()

    def _series_of(self, tree: Tree, about: Things) -> Things:
        self._say("series", tree, about, beside=self._inside(tree, about))
        return Things()
