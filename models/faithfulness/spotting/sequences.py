"""What was spotted of series and sequels, held against the Facts."""

from models.faithfulness.spotting.makings import Makings
from models.language.titles import may_be_series, same_series


class Sequences(Makings):
    """It adds series."""

    def _series(self) -> str:
        others = [m for m in [*self._here(), *self.before] if m not in self._of("a")]
        titles = [self.entities[n].title for m in others for n in m]
        own = [self.entities[n].title for m in self._of("a") for n in m]
        related = any(may_be_series(one, other) for one in own for other in titles)
        return "" if related or not titles else "not of one series"

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
        return "they are" if any(same_series(a, b) for a in mine for b in others) else ""
