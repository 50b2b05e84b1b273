"""What a parse says of attributes: who made a thing, and what is shared."""

from collections.abc import Sequence

from models.faithfulness.reading.attributes import MADE
from models.faithfulness.reading.measuring import Measuring
from models.faithfulness.reading.parser import Tree
from models.faithfulness.reading.statements import Things
from models.faithfulness.reading.walker import is_rule

_APPEARS = {
    "appears_in": "cast",
    "appears_with": "cast",
    "starred_in": "stars",
    "returned_in": "also person",
}
"""How it is told that somebody appears in a thing, and the role that each means."""


class Makers(Measuring):
    """The methods for attributes, and for what things have in common."""

    def _valued(self, how: str, tree: Tree, about: Things) -> Things:
        self._say("attribute", tree, about, how, tuple(self._values(tree)))
        return Things()

    def _value_by(self, tree: Tree, about: Things) -> Things:
        return self._valued("by", tree, about)

    def _value_from(self, tree: Tree, about: Things) -> Things:
        return self._valued("from", tree, about)

    def _value_in(self, tree: Tree, about: Things) -> Things:
        return self._valued("in", tree, about)

    def _value_on(self, tree: Tree, about: Things) -> Things:
        return self._valued("on", tree, about)

    def _value_with(self, tree: Tree, about: Things) -> Things:
        return self._valued("with", tree, about)

    def _value_for(self, tree: Tree, about: Things) -> Things:
        return self._valued("for", tree, about)

    def _made_of(self, tree: Tree, about: Things) -> Things:
        return self._valued("of", tree, about)

    def _value_bare(self, tree: Tree, about: Things) -> Things:
        return self._valued("", tree, about)

    def _value_featured(self, tree: Tree, about: Things) -> Things:
        return self._valued("features", tree, about)

    def _value_served(self, tree: Tree, about: Things) -> Things:
        return self._valued("serves", tree, about)

    def _value_album(self, tree: Tree, about: Things) -> Things:
        return self._valued("album", tree, about)

    def _stars_in(self, tree: Tree, about: Things) -> Things:
        return self._valued("stars", tree, about)

    _starring_in = _stars_in

    def _prize(self, tree: Tree, about: Things) -> Things:
        return self._valued("won", tree, about)

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

    def _value_is(self, tree: Tree, about: Things) -> Things:
        return self._valued("is", tree, about)

    def _made_by(self, tree: Tree, about: Things) -> Things:
        """Directed by V; written and directed by V."""
        for verb in self._words(tree).split():
            if verb in MADE:
                self._valued(verb, tree, about)
        return Things()

    _made_by_verb = _made_by

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

    def _in_series(self, tree: Tree, about: Things) -> Things:
        return self._among("series", tree, about)

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

    def _maker_of(self, tree: Tree, about: Things) -> Things:
        """From V, the developer of T: of both."""
        value = tuple(self._values(tree))
        key = tuple(self._slots(tree, "K"))
        words = self._words(tree).split()
        self._say("attribute", tree, about, words[0], value)
        how = "among" if "one" in words else "its"
        self._say("attribute", tree, self._child(tree, "things", about), how, (*key, *value))
        return Things()

    def _maker_who(self, tree: Tree, about: Things) -> Things:
        """Directed by V, who also directed T: of both."""
        value = tuple(self._values(tree))
        words = self._words(tree).split()
        who = min(n for n, word in enumerate(words) if word in {"who", "which"})
        for word in words[: max(1, who - 1)]:
            if word != "and":
                self._say("attribute", tree, about, word, value)
        self._done(words[who + 1 :], tree, self._child(tree, "things", about))
        return Things()

    def _its(self, tree: Tree, about: Things) -> Things:
        """Its director is V: the value of a named attribute; also V, or the same: of all named."""
        about = self._child(tree, "subject", about) or about or self._it(tree, about)
        keys = self._slots(tree, "K")
        self._child(tree, "genre", about)
        self._child(tree, "maker_too", about)
        for child in tree.children:
            inner = [child]
            if is_rule(child, "that_of"):
                values = [n for other in tree.children for n in self._values(other)]
                self._say("attribute", tree, self._inside(child, about), "its", (*keys, *values))
            if is_rule(child, "also_value", "same_value"):
                self._say("attribute", tree, about, "same", (*keys,), Things(word="others"))
                inner = [*child.children]
            for value in inner:
                if is_rule(value, "value"):
                    self._say("attribute", tree, about, "its", (*keys, *self._values(value)))
        return Things()

    def _keyed(self, tree: Tree, about: Things) -> Things:
        """From the album V, by the author V: it may be one of several."""
        values = [n for child in tree.children for n in self._values(child)]
        self._say("attribute", tree, about, "among", (*self._slots(tree, "K"), *values))
        return Things()

    def _as_its(self, tree: Tree, about: Things) -> Things:
        """With V as its chef: it may be one of several."""
        return self._keyed(tree, about)

    _as_their = _as_its

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

    def _maker_whose(self, tree: Tree, about: Things) -> Things:
        """Taught by V, whose T you loved: of both."""
        value = tuple(self._values(tree))
        other = self._child(tree, "name", about)
        self._say("attribute", tree, about, self._words(tree).split()[0], value)
        self._say("attribute", tree, other, "by", value)
        self._child(tree, "loved_it", other)
        self._child(tree, "liked_it", other)
        return Things()

    def _made_it(self, tree: Tree, about: Things) -> Things:
        """A drama that V directed."""
        verb = next(word for word in self._words(tree).split() if word != "also")
        self._say("attribute", tree, about, verb, tuple(self._values(tree)))
        return Things()

    def _similar(self, tree: Tree, about: Things) -> Things:
        self._say("category", tree, about, "similar", beside=self._inside(tree, about))
        return Things()

    _similar_to = _similar

    def _classes(self, tree: Tree, about: Things) -> Things:
        """In the same category as T."""
        beside = self._child(tree, "things", about) or Things(word="others")
        self._say("category", tree, about, "similar", beside=beside)
        return Things()

    def _authored(self, tree: Tree, about: Things) -> Things:
        """V wrote T; V wrote and directed T."""
        things = self._child(tree, "things", about)
        self._done(self._words(tree).split(), tree, things)
        return things

    def _done(self, verbs: Sequence[str], tree: Tree, things: Things) -> None:
        """V also wrote and directed T."""
        for verb in verbs:
            if verb not in {"also", "and", "as", "well", "too"}:
                self._say("attribute", tree, things, verb, tuple(self._values(tree)))

    def _did(self, tree: Tree, about: Things) -> Things:
        """Also directed T: the things, of which those around say who did."""
        return self._child(tree, "things", about)

    def _author_of(self, tree: Tree, about: Things) -> Things:
        """V, who directed T, also directed T; V, the director of T, also directed T."""
        keys, values = tuple(self._slots(tree, "K")), tuple(self._values(tree))
        if keys:
            others = self._child(tree, "things", about)
            self._say("attribute", tree, others, "its", (*keys, *values))
        things = Things()
        for done in (c for c in tree.children if is_rule(c, "did")):
            verb = next(word for word in self._words(done).split() if word != "also")
            things = self._child(done, "things", about)
            self._say("attribute", tree, things, verb, values)
        return things

    def _whose_author(self, tree: Tree, about: Things) -> Things:
        """The director of T also wrote T."""
        beside = self._child(tree, "things", about)
        things = self._child(tree, "did", about)
        [words] = [self._words(c).split() for c in tree.children if is_rule(c, "did")]
        verb = next(word for word in words if word != "also")
        keys = tuple(self._slots(tree, "K"))
        self._say("attribute", tree, things, f"whose {verb}", keys, beside)
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
