"""What a parse says of things: their kinds, dates and attributes, and what they share."""

from dataclasses import replace

from models.faithfulness.attributes import EARLIER, LATER
from models.faithfulness.parser import Tree
from models.faithfulness.statements import Statement, Things
from models.faithfulness.walker import Walker, is_rule


class Details(Walker):
    """The methods for what is said of things."""

    # ------------------------------------------------------------------ descriptions

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
            if not is_rule(child, "alike", "likeness"):
                self.of(child, it)
        for other in (self.of(c, about) for c in tree.children if is_rule(c, "alike", "likeness")):
            self._compare(tree, before, it, other)
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

    def _compare(self, tree: Tree, since: int, things: Things, beside: Things) -> None:
        """Say of what was liked, beside the things, what has been said of these since."""
        self._repeat(since, things, beside)
        self._say("role", tree, beside, "beside")

    def _repeat(self, since: int, things: Things, others: Things) -> None:
        """Say of others what has been said of the things since."""
        details = {"category", "year", "decade", "attribute", "popularity"}
        for statement in self.statements[since:]:
            if statement.type in details and statement.about == things:
                self.statements.append(replace(statement, about=others))

    def _genre(self, tree: Tree, about: Things) -> Things:
        for n in self._slots(tree, "CA", "C1", "CP", "Q"):
            self.statements.append(Statement("category", about, n, n, values=(n,)))
        return Things()

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

    def _theirs(self, tree: Tree, about: Things) -> Things:
        """His 1995 drama: by whoever made what was liked."""
        self._say("attribute", tree, about, "same", beside=Things(word="others"))
        return Things()

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

    # ------------------------------------------------------------------ attributes

    def _valued(self, how: str, tree: Tree, about: Things) -> Things:
        self._say("attribute", tree, about, how, tuple(self._slots(tree, "V", "Q", "N")))
        return Things()

    def _value_by(self, tree: Tree, about: Things) -> Things:
        return self._valued("by", tree, about)

    def _value_from(self, tree: Tree, about: Things) -> Things:
        return self._valued("from", tree, about)

    def _value_in(self, tree: Tree, about: Things) -> Things:
        return self._valued("in", tree, about)

    def _value_on(self, tree: Tree, about: Things) -> Things:
        return self._valued("on", tree, about)

    def _value_bare(self, tree: Tree, about: Things) -> Things:
        return self._valued("", tree, about)

    def _made_by(self, tree: Tree, about: Things) -> Things:
        return self._valued(self._words(tree), tree, about)

    _made_by_verb = _made_by

    def _maker_of(self, tree: Tree, about: Things) -> Things:
        """From V, the developer of T: of both."""
        value = tuple(self._slots(tree, "V", "Q"))
        key = tuple(self._slots(tree, "K"))
        for things in (about, self._child(tree, "things", about)):
            self._say("attribute", tree, things, "its", (*key, *value))
        return Things()

    def _maker_who(self, tree: Tree, about: Things) -> Things:
        """Directed by V, who also directed T: of both."""
        value = tuple(self._slots(tree, "V", "Q"))
        words = self._words(tree).split()
        self._say("attribute", tree, about, words[0], value)
        verb = words[words.index("who") + 1 :]
        verb = [word for word in verb if word not in {"also", "as", "well", "too"}]
        self._say("attribute", tree, self._child(tree, "things", about), verb[0], value)
        return Things()

    def _its(self, tree: Tree, about: Things) -> Things:
        """Its director is V: the value of a named attribute; also V, of what was liked as well."""
        about = self._child(tree, "subject", about) or about
        keys = self._slots(tree, "K")
        self._child(tree, "genre", about)
        self._child(tree, "maker_too", about)
        for child in tree.children:
            value = child
            if is_rule(child, "also_value"):
                self._say("attribute", tree, about, "same", (*keys,), Things(word="others"))
                value = child.children[0]
            if is_rule(value, "value"):
                self._say("attribute", tree, about, "its", (*keys, *self._values(value)))
        return Things()

    _keyed = _its

    def _as_its(self, tree: Tree, about: Things) -> Things:
        """With V as its chef."""
        values = [n for child in tree.children for n in self._values(child)]
        self._say("attribute", tree, about, "its", (*self._slots(tree, "K"), *values))
        return Things()

    def _same(self, tree: Tree, about: Things) -> Things:
        """The same director as T, V: of all of them."""
        beside = self._child(tree, "things", about) or Things(word="others")
        keys = self._slots(tree, "K")
        self._say("attribute", tree, about, "same", tuple(keys[:1]), beside)
        for child in tree.children:
            if is_rule(child, "value"):
                values = (*keys[:1], *self._values(child))
                self._say("attribute", tree, about, "its", values)
            elif not is_rule(child, "things"):
                self.of(child, about)
        return Things()

    _same_as = _same_maker = _same

    def _maker_whose(self, tree: Tree, about: Things) -> Things:
        """Taught by V, whose T you loved: of both."""
        value = tuple(self._slots(tree, "V", "Q"))
        other = self._child(tree, "name", about)
        self._say("attribute", tree, about, self._words(tree).split()[0], value)
        self._say("attribute", tree, other, "by", value)
        self._child(tree, "loved_it", other)
        self._child(tree, "liked_it", other)
        return Things()

    def _sequel(self, tree: Tree, about: Things) -> Things:
        """Its sequel T: of one series with what was liked, and later."""
        self._say("series", tree, about, "sequel", beside=Things(word="evidence"))
        return Things()

    def _years_apart(self, tree: Tree, about: Things) -> Things:
        """Two years after T."""
        beside = self._child(tree, "things", about)
        how = next(w for w in self._words(tree).split() if w in {*EARLIER, *LATER})
        self._say("year", tree, about, f"apart {how}", tuple(self._slots(tree, "N")), beside)
        return Things()

    def _ordered(self, tree: Tree, about: Things) -> Things:
        """Which came after T."""
        how = self._words(tree).split()[0]
        self._say("year", tree, about, f"order {how}", beside=self._child(tree, "things", about))
        return Things()

    def _made_it(self, tree: Tree, about: Things) -> Things:
        """A drama that V directed."""
        verb = next(word for word in self._words(tree).split() if word != "also")
        self._say("attribute", tree, about, verb, tuple(self._slots(tree, "V", "Q")))
        return Things()

    def _same_owner(self, tree: Tree, about: Things) -> Things:
        return self._same(tree, about)

    def _popular_adjective(self, tree: Tree, about: Things) -> Things:
        return self._well_liked(tree, about)

    def _similar(self, tree: Tree, about: Things) -> Things:
        self._say("category", tree, about, "similar", beside=self._inside(tree, about))
        return Things()

    def _classes(self, tree: Tree, about: Things) -> Things:
        """In the same category as T."""
        beside = self._child(tree, "things", about) or Things(word="others")
        self._say("category", tree, about, "similar", beside=beside)
        return Things()

    def _from_maker(self, tree: Tree, about: Things) -> Things:
        """From the director of T."""
        keys = tuple(self._slots(tree, "K"))
        self._say("attribute", tree, about, "same", keys, self._child(tree, "things", about))
        return Things()

    def _authored(self, tree: Tree, about: Things) -> Things:
        """V wrote T."""
        verb = next(word for word in self._words(tree).split() if word != "also")
        things = self._child(tree, "things", about)
        self._say("attribute", tree, things, verb, tuple(self._slots(tree, "V", "Q")))
        return things

    def _sequel_of(self, tree: Tree, about: Things) -> Things:
        """The sequel to T."""
        beside = self._child(tree, "things", about) or Things(word="evidence")
        for child in tree.children:
            if not is_rule(child, "sequel", "things"):
                self.of(child, about)
        self._say("series", tree, about, "sequel", beside=beside)
        return Things()

    def _everyone_is(self, tree: Tree, about: Things) -> Things:
        things = self._child(tree, "everyone", about)
        for child in tree.children:
            if not is_rule(child, "everyone"):
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

    def _serves(self, tree: Tree, about: Things) -> Things:
        return self._measure(tree, about)

    def _maker_too(self, tree: Tree, about: Things) -> Things:
        """Its author is also the author of T."""
        keys = tuple(self._slots(tree, "K"))
        self._say("attribute", tree, about, "same", keys, self._child(tree, "things", about))
        for value in (n for child in tree.children for n in self._values(child)):
            self._say("attribute", tree, about, "its", (*keys, value))
        return Things()

    def _same_date(self, tree: Tree, about: Things) -> Things:
        how = "decade" if "decade" in self._words(tree) else "year"
        beside = self._child(tree, "things", about) or Things(word="others")
        self._say("year", tree, about, how, beside=beside)
        return Things()

    def _sharing(self, tree: Tree, about: Things) -> Things:
        beside = self._child(tree, "things", about) or Things(word="others")
        for thing in (
            c for c in tree.children if isinstance(c, Tree) and is_rule(c, "shared_thing")
        ):
            for key in self._slots(thing, "K"):
                self._say("attribute", thing, about, "same", (key,), beside)
                for value in thing.children[1:]:
                    values = (key, *self._values(value))
                    self._say("attribute", thing, about, "its", values)
            if not self._slots(thing, "K") and not any(is_rule(c, "genre") for c in thing.children):
                self._say("category", thing, about, "similar", beside=beside)
            self._child(thing, "genre", about)
            self._child(thing, "genre", beside)
        return Things()

    def _series_of(self, tree: Tree, about: Things) -> Things:
        self._say("series", tree, about, beside=self._inside(tree, about))
        return Things()

    def _measure(self, tree: Tree, about: Things) -> Things:
        numbers = self._slots(tree, "N", "V", "Q")
        keys = self._slots(tree, "K")
        self._say("attribute", tree, about, f"measure {self._words(tree)}", (*numbers, *keys))
        return Things()

    _measure_before = _measure_after = _measure
