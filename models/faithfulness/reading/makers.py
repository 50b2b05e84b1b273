"""What a parse says of attributes: who made a thing, where it is from, what it won."""

from collections.abc import Sequence

from models.faithfulness.reading.attributes import MADE
from models.faithfulness.reading.casts import Casts
from models.faithfulness.reading.parser import Tree
from models.faithfulness.reading.statements import Things
from models.faithfulness.reading.walker import is_rule


class Makers(Casts):
    """The methods for attributes, in the words of each and by name."""

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

    def _value_is(self, tree: Tree, about: Things) -> Things:
        return self._valued("is", tree, about)

    def _made_by(self, tree: Tree, about: Things) -> Things:
        """Directed by V; written and directed by V."""
        for verb in self._words(tree).split():
            if verb in MADE:
                self._valued(verb, tree, about)
        return Things()

    _made_by_verb = _made_by

    def _in_series(self, tree: Tree, about: Things) -> Things:
        return self._among("series", tree, about)

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
