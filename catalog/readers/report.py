"""Report: how many rows an import kept, rejected and ignored, why, and where the first ones are."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_PLACES_SHOWN = 5
Place = int | str
"""A line, or FILE:LINE where a table has several files."""


@dataclass
class Report:
    """What became of every row, by table and reason.

    For each table, kept + rejected + ignored is the number of its rows. A row is ignored where the
    import was told to: another kind of event, a value that stands for no judgement.

    Attributes
    ----------
    left_out : rows that were kept without a bad detail
    lines : the first places of each reason
    told : what was guessed or changed and should be known
    """

    kept: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    ignored: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: dict[tuple[str, str], list[Place]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def reject(self, table: str, reason: str, line: Place) -> None:
        """Count one bad row."""
        self._count(self.rejected, table, reason, [line], 1)

    def leave_out(self, table: str, reason: str, line: Place) -> None:
        """Count one row that was kept without a bad detail."""
        self._count(self.left_out, table, reason, [line], 1)

    def reject_all(
        self, table: str, reason: str, where: NDArray[np.bool_], lines: NDArray[np.int64], file: str
    ) -> None:
        """Count the bad rows of a block: those where `where` (n,) is True, at `lines` (n,)."""
        self._count_block(self.rejected, table, reason, where, lines, file)

    def ignore_all(
        self, table: str, reason: str, where: NDArray[np.bool_], lines: NDArray[np.int64], file: str
    ) -> None:
        """Count the rows of a block that the import was told to pass over."""
        self._count_block(self.ignored, table, reason, where, lines, file)

    def _count_block(
        self,
        counter: Counter[tuple[str, str]],
        table: str,
        reason: str,
        where: NDArray[np.bool_],
        lines: NDArray[np.int64],
        file: str,
    ) -> None:
        if count := int(where.sum()):
            first = lines[np.flatnonzero(where)[:_PLACES_SHOWN]].tolist()
            self._count(counter, table, reason, [place(file, line) for line in first], count)

    def _count(
        self,
        counter: Counter[tuple[str, str]],
        table: str,
        reason: str,
        first: list[Place],
        count: int,
    ) -> None:
        counter[table, reason] += count
        shown = self.lines.setdefault((table, reason), [])
        shown += first[: _PLACES_SHOWN - len(shown)]

    def rows(self, table: str) -> int:
        """Return the number of a table's rows: kept, rejected and ignored."""
        others = (self.rejected, self.ignored)
        return self.kept[table] + sum(
            n for counter in others for (of, _), n in counter.items() if of == table
        )

    def summary(self) -> list[str]:
        """Return one line of text per table and per reason."""
        text = [f"{table}: {count:,} rows kept" for table, count in self.kept.items()]
        for counter, what in (
            (self.rejected, "rejected:"),
            (self.ignored, "ignored:"),
            (self.left_out, "kept without"),
        ):
            for (table, reason), count in counter.most_common():
                lines = self.lines[table, reason]
                where = ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")
                text.append(f"{table}: {count:,} {what} {reason} (line {where})")
        return text


def place(file: str, line: int) -> Place:
    """Return how a line is told: with its file, where a table has several."""
    return f"{file}:{line}" if file else line
