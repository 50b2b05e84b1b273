"""What a whole parse states: what was liked and what is offered, and all the details."""

from dataclasses import replace

from models.faithfulness.reading.details import Details
from models.faithfulness.reading.parser import Tree
from models.faithfulness.reading.statements import Statement, Things
from models.faithfulness.reading.walker import is_rule


class Meaning(Details):
    """The whole walker: it adds likings, causes and what is offered."""

    # ------------------------------------------------------------------ likings

    def _liked_as(self, how: str, tree: Tree, about: Things) -> Things:
        things = self._inside(tree, about)
        self._say("liking", tree, things, how)
        return things

    def _loved(self, tree: Tree, about: Things) -> Things:
        return self._liked_as("loved", tree, about)

    def _liked(self, tree: Tree, about: Things) -> Things:
        return self._liked_as("liked", tree, about)

    def _liking_of(self, tree: Tree, about: Things) -> Things:
        return self._liked_as("fond", tree, about)  # which one may be of what one loved

    def _of_liked(self, tree: Tree, about: Things) -> Things:
        return self._liked_as("known", tree, about)

    _include_loved = _among_loved = _loving = _loving_of = _idiom_loved = _past_loved = _loved
    _include_liked = _among_liked = _idiom_liked = _past_liked = _liked
    _liked_things = _of_liked

    def _loved_it(self, tree: Tree, about: Things) -> Things:
        self._say("liking", tree, about, "loved")
        return Things()

    def _of_history(self, tree: Tree, about: Things) -> Things:
        self._say("liking", tree, about, "known")
        return Things()

    def _liked_it(self, tree: Tree, about: Things) -> Things:
        self._say("liking", tree, about, "liked")
        return Things()

    _loves, _likes = _loved_it, _liked_it

    def _used(self, tree: Tree, about: Things) -> Things:
        return self._liked_as(self._verb(tree), tree, about)

    def _used_it(self, tree: Tree, about: Things) -> Things:
        self._say("liking", tree, about, self._verb(tree))
        return Things()

    def _verb(self, tree: Tree) -> str:
        """Return what the tree says was done: played, listened to."""
        return self._words(tree).removesuffix(" both")

    def _recently(self, tree: Tree, about: Things) -> Things:
        self._say("recency", tree, about)
        return Things()

    _recent = _recently

    def _cause(self, tree: Tree, about: Things) -> Things:
        word = max(0, tree.first - 1)  # the one before: "because", "so", "why"
        self.statements.append(Statement("relation", about, word, word))
        return Things()

    def _that(self, tree: Tree, about: Things) -> Things:
        self._say("relation", tree, about, "that")
        return Things()

    _that_why = _therefore = _that

    def _made_apart(self, tree: Tree, about: Things) -> Things:
        """Two years before T, V made T."""
        things = self._child(tree, "authored", about) + self._child(tree, "made_then", about)
        self._child(tree, "years_apart", things)
        return things

    def _separated(self, tree: Tree, about: Things) -> Things:
        """Two years separate T from T."""
        things = self._child(tree, "things", about)
        self._say("year", tree, things, "gap", tuple(self._slots(tree, "N")))
        return things

    def _few_are(self, tree: Tree, about: Things) -> Things:
        """Few films are liked by more people here than T."""
        things = self._child(tree, "offered", about)
        self._say("popularity", tree, things, "favourite")
        return things

    def _many_like(self, tree: Tree, about: Things) -> Things:
        """Many people here like T."""
        things = self._child(tree, "offered", about)
        self._say("popularity", tree, things, "well_liked")
        return things

    # ------------------------------------------------------------------ what is offered

    def _offered(self, tree: Tree, about: Things) -> Things:
        things = self._inside(tree, about)
        self._say("role", tree, things)
        return things

    _offered_before = _offered

    def _announced(self, tree: Tree, about: Things) -> Things:
        things = self._child(tree, "offered", about)
        self._child(tree, "heading", things)
        self._child(tree, "kind_of_it", things)
        for child in tree.children:
            if not is_rule(child, "offered", "heading", "kind_of_it"):
                self.of(child, things)
        return things

    def _fronted_offer(self, tree: Tree, about: Things) -> Things:
        """With V in its cast, T may suit you."""
        things = self._child(tree, "offer", about)
        for child in tree.children:
            if not is_rule(child, "offer"):
                self.of(child, things)
        return things

    def _come_from(self, tree: Tree, about: Things) -> Things:
        """From the director of T comes T."""
        things = self._child(tree, "offered", about)
        self._child(tree, "from_maker", things)
        return things

    def _further(self, tree: Tree, about: Things) -> Things:
        """You may also like: beside what was liked."""
        self._say("role", tree, about, "also")
        return Things()

    def _invited(self, tree: Tree, about: Things) -> Things:
        """In the mood for a western? It says that the item is one."""
        before = len(self.statements)
        things = self._inside(tree, Things(word="item"))
        self.statements[before:] = [
            replace(s, how="loved?") if s.type == "liking" and s.how == "loved" else s
            for s in self.statements[before:]
        ]
        return things

    _condition = _invited

    def _which(self, tree: Tree, about: Things) -> Things:
        """Which you loved; "both of which" may be more than the title right before it.

        Of a list it may be the last alone.
        """
        if any(is_rule(child, "each_of") for child in tree.children):
            count = sum(self._count(c) for c in tree.children if is_rule(c, "each_of"))
            about = Things(about.titles, "these", count) if count else about
        elif not about.word:
            about = replace(about, word="which")
        for word in ("latter", "former"):
            if any(is_rule(child, f"{word}_of") for child in tree.children):
                about = replace(about, word=word)
        self._inside(tree, about)
        return Things()

    def _offers_it(self, tree: Tree, about: Things) -> Things:
        self._say("role", tree, about)
        return self._inside(tree, about)

    _offers_is = _picked = _chosen_it = _offers_it
