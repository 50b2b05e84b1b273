"""Writes the skeletons that the check reads at the start: the most frequent of grounded texts.

Run it when the grounded engine says things in another way: python tests/skeletons.py
"""

import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from other_worlds import WORLDS, facts_of

from catalog import dataset as datasets
from models.faithfulness.reading.readings import own_words
from models.faithfulness.reading.tokens import sentences_of
from models.language.grounded import STYLES, explain
from ranker.als import AlsRanker
from ranker.service import RankingQuery, RankingService

ROOT = Path(__file__).resolve().parent.parent
MOST = 300
FILE = ROOT / "models" / "faithfulness" / "reading" / "skeletons.txt"


def main() -> None:
    """Count over pages of the demo, and other worlds."""
    dataset = datasets.load(ROOT / "data" / "demo")
    service = RankingService(dataset, AlsRanker.load(ROOT / "data" / "ranker"))
    answers = service.rank([RankingQuery(user, 10) for user in dataset.user_ids])
    facts = [row.facts for a in answers if not isinstance(a, Exception) for row in a.items]
    facts += [one for world in WORLDS.values() for one in facts_of(world, 200, seed=31)]
    dice = random.Random(0)
    found = Counter(
        sentence.skeleton
        for one in facts
        for style in dice.sample(range(STYLES), 4)
        for sentence in sentences_of(explain(one, style), one, own_words())
    )
    best = [skeleton for skeleton, _ in found.most_common(MOST)]
    FILE.write_text("\n".join(best) + "\n", "utf-8")
    share = sum(found[skeleton] for skeleton in best) / found.total()
    print(f"{len(best)} of {len(found)} skeletons, which are {share:.1%} of all sentences")  # noqa: T201


if __name__ == "__main__":
    main()
