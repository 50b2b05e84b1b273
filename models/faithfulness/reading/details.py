"""What a parse says of things: their kinds and dates, and how many they are."""

from dataclasses import replace

from models.faithfulness.reading.makers import Makers
from models.faithfulness.reading.parser import Tree
from models.faithfulness.reading.statements import Statement, Things
from models.faithfulness.reading.walker import is_rule


class Details(Makers):
    """The methods for what is said of things."""

    def _about(self, tree: Tree, about: Things) -> Things:
        things = self._child(tree, "subject", about) + self._child(tree, "named", about)
        things = things or self._it(tree, about)
        for child in tree.children:
            if is_rule(child, "fronted"):
                self.of(child, things)
        before = len(self.statements)
        for child in tree.children:
            if not is_rule(child, "subject", "named", "alike", "so_is", "fronted"):
                self.of(child, things)
        for other in (self.of(c, about) for c in tree.children if is_rule(c, "alike")):
            self._compare(tree, before, things, other)
        for other in (self.of(c, about) for c in tree.children if is_rule(c, "so_is")):
            self._repeat(before, things, other)
        return things

    def _this_such(self, tree: Tree, about: Things) -> Things:
        """Of this crime film it is said that it is one."""
        it = self._it(tree, about)
        self._kind(tree, it)
        return it

    def _introduced(self, tree: Tree, about: Things) -> Things:
        """A 1995 crime film, T."""
        own = self._child(tree, "name", about)
        for child in tree.children:
            if is_rule(child, "this_kind"):
                self._kind(child, own)
            elif not is_rule(child, "name"):
                self.of(child, own)
        return own

    def _because_popular(self, tree: Tree, about: Things) -> Things:
        self._inside(tree, self._it(tree, about))
        return Things()

    def _most_popular(self, tree: Tree, about: Things) -> Things:
        """One of the films that people here like most is T."""
        self._child(tree, "popular", self._child(tree, "offered", about))
        return Things()

    def _because_like(self, tree: Tree, about: Things) -> Things:
        it = self._it(tree, about)
        before = len(self.statements)
        for child in tree.children:
            if not is_rule(child, "alike", "likeness", "so_is"):
                self.of(child, it)
        for other in (self.of(c, about) for c in tree.children if is_rule(c, "alike", "likeness")):
            self._compare(tree, before, it, other)
        for other in (self.of(c, about) for c in tree.children if is_rule(c, "so_is")):
            self._repeat(before, it, other)
        return Things()

    def _inserted(self, tree: Tree, about: Things) -> Things:
        """A film which, like T, is a drama."""
        before = len(self.statements)
        for child in tree.children:
            if not is_rule(child, "likeness"):
                self.of(child, about)
        self._compare(tree, before, about, self._child(tree, "likeness", about))
        return Things()

    def _compared(self, tree: Tree, about: Things) -> Things:
        beside = self._child(tree, "likeness", about)
        before = len(self.statements)
        for child in tree.children:
            if not is_rule(child, "likeness"):
                self._compare(tree, before, self.of(child, about), beside)
        return Things()

    def _genre(self, tree: Tree, about: Things) -> Things:
        for n in self._slots(tree, "CA", "C1", "CP", "Q"):
            self.statements.append(Statement("category", about, n, n, values=(n,)))
        return Things()

    _plural = _genre

    def _kind(self, tree: Tree, about: Things) -> Things:
        before = len(self.statements)
        for n in self._slots(tree, "CA", "C1", "CP"):
            self.statements.append(Statement("category", about, n, n, values=(n,)))
        for child in tree.children:
            if not is_rule(child, "alike"):
                self.of(child, about)
        details = [s for s in self.statements[before:] if s.type == "category" and s.about == about]
        told = tuple(dict.fromkeys(n for s in details for n in s.values))
        for other in (self.of(c, about) for c in tree.children if is_rule(c, "alike")):
            self._compare(tree, before, about, other)
        if any(is_rule(c, "another") for c in tree.children):
            self.statements += [
                replace(s, how=f"also {s.how}")
                for s in self.statements[before:]
                if s.type == "attribute" and s.about == about and s.beside is None
            ]
        dates = {s.values for s in self.statements[before:] if s.type in {"year", "decade"}}
        if len(dates) > 1:
            self._say("count", tree, about, "twice")
        if any(is_rule(c, "another") for c in tree.children):
            self._say("count", tree, about, "another", told)
        elif len(told) > 1:
            self._say("count", tree, about, "distinct", told)
        return Things()

    _kinds = _kind

    def _counted(self, tree: Tree, about: Things) -> Things:
        things = Things(about.titles, "these", self._count(tree))
        self._say("count", tree, things, "of")
        return self._kind(tree, things)

    def _each_of(self, tree: Tree, about: Things) -> Things:
        if about.count:
            self._say("count", tree, about, "of")
        return Things()

    def _everyone_are(self, tree: Tree, about: Things) -> Things:
        return self._everyone_is(tree, about)

    def _theirs(self, tree: Tree, about: Things) -> Things:
        """His 1995 drama: by whoever made what was liked."""
        self._say("attribute", tree, about, "same", beside=Things(word="others"))
        return Things()

    _by_them = _theirs

    def _year(self, tree: Tree, about: Things) -> Things:
        self._say("year", tree, about, values=tuple(self._slots(tree, "N")))
        return Things()

    def _decade(self, tree: Tree, about: Things) -> Things:
        self._say("decade", tree, about, values=tuple(self._slots(tree, "D")))
        return Things()

    def _favourite(self, tree: Tree, about: Things) -> Things:
        self._say("popularity", tree, about, "favourite")
        return Things()

    def _well_liked(self, tree: Tree, about: Things) -> Things:
        self._say("popularity", tree, about, "well_liked")
        return Things()

    _popular_adjective = _they_like = _well_liked
