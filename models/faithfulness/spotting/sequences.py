"""What was spotted of series and sequels, held against the Facts."""

from models.faithfulness.judging.values import of_one_series
from models.faithfulness.spotting.makings import Makings
from models.language.titles import may_be_series


class Sequences(Makings):
    """It adds series."""

    def _series(self) -> str:
        others = [m for m in [*self._here(), *self.before] if m not in self._of("a")]
        items = [self.entities[n] for m in others for n in m]
        own = [self.entities[n] for m in self._of("a") for n in m]
        related = any(
            may_be_series(one.title, other.title) or of_one_series(one, other)
            for one in own
            for other in items
        )
        return "" if related or not items else "not of one series"

    def _sequel(self) -> str:
        """What follows another is not the older of the two."""
        others = [m for m in self._named() if m not in self._of("a")]
        for one in self._of("a"):
            mine = self.entities[min(one)].year
            for other in others if len(others) == 1 else ():
                year = self.entities[min(other)].year
                if mine and year and mine < year:
                    return f"{mine} and {year}"
        return ""

    def _no_series(self) -> str:
        others = [self.entities[min(m)] for m in [*self._here(), *self.before]]
        mine = [self.entities[min(m)] for m in self._of("a")]
        return "they are" if any(of_one_series(a, b) for a in mine for b in others) else ""
