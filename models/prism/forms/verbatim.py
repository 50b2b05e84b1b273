"""The form `verbatim`: the prompt has the titles themselves, and the text is what was written.

prompt   film “Heat” | year 1995 | Crime || contribution || loved “Ronin” | year 1998 | Crime
target   Fans of “Ronin” will recognise the thieves of “Heat”.
"""

from collections.abc import Iterator

from catalog.facts import Facts
from models.prism.forms.protocol import shorter
from models.prism.forms.titles import told


class Verbatim:
    """Nothing stands for anything else; see `Form`."""

    def prompts(self, facts: Facts) -> Iterator[str]:
        """Yield the prompt, then shorter ones."""
        names = [f"“{entity.title}”" for entity in (facts.item, *facts.evidence)]
        yield told(facts, names)
        for less in shorter(facts):
            yield told(less, names)

    def target(self, text: str, facts: Facts) -> str | None:
        """Return the label itself."""
        return text

    def text(self, written: str, facts: Facts) -> str:
        """Return what was written."""
        return written
