"""What a parse says of dates and sizes beside each other: two years later, longer than."""

from models.faithfulness.reading.attributes import EARLIER, LATER
from models.faithfulness.reading.parser import Tree
from models.faithfulness.reading.statements import Things
from models.faithfulness.reading.walker import Walker


class Measuring(Walker):
    """The methods for order, years apart and sizes."""

    def _follows(self, tree: Tree, about: Things) -> Things:
        """It follows T: of one series, and later."""
        self._say("series", tree, about, "sequel", beside=self._inside(tree, about))
        return Things()

    def _years_on(self, tree: Tree, about: Things) -> Things:
        """Two years later: than the other thing."""
        how = "earlier" if "earlier" in self._words(tree) else "later"
        values = tuple(self._slots(tree, "N"))
        self._say("year", tree, about, f"apart {how}", values, Things(word="others"))
        return Things()

    def _apart(self, tree: Tree, about: Things) -> Things:
        """Two years apart: two things."""
        self._say("year", tree, about, "gap", tuple(self._slots(tree, "N")))
        return Things()

    def _order_of(self, tree: Tree, about: Things) -> Things:
        how = "earlier" if "older" in self._words(tree) else "later"
        self._say("year", tree, about, f"order {how}", beside=self._child(tree, "things", about))
        return Things()

    def _larger(self, tree: Tree, about: Things) -> Things:
        """Two minutes longer than T."""
        beside = self._child(tree, "things", about)
        values = tuple(self._slots(tree, "N", "K"))
        self._say("attribute", tree, about, f"size {self._words(tree)}", values, beside)
        return Things()

    _counted_more = _larger

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

    def _sequel(self, tree: Tree, about: Things) -> Things:
        """Its sequel T: of one series with what was liked, and later."""
        self._say("series", tree, about, "sequel", beside=Things(word="evidence"))
        return Things()

    def _measure(self, tree: Tree, about: Things) -> Things:
        numbers = self._slots(tree, "N", "V", "Q")
        keys = self._slots(tree, "K")
        self._say("attribute", tree, about, f"measure {self._words(tree)}", (*numbers, *keys))
        return Things()

    _measure_before = _measure_after = _serves = _measure
