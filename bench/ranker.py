"""The ranker with contributions, beside implicit's `recommend` and `explain` called in a loop.

One core each, the same item factors and histories. implicit is given its best case: its user
factors are solved anew from the history (else its scores disagree), and `explain` reuses its
Cholesky factor between the items of a user.
"""

from pathlib import Path

import implicit.cpu.als
import numpy as np
from rich.table import Table
from threadpoolctl import threadpool_limits

from bench.measure import console, in_turns, ratio
from catalog import dataset as datasets
from ranker.als import AlsRanker

K, ROUNDS, USERS = 10, 7, 200


def main() -> None:
    """Print both and whether they agree."""
    dataset = datasets.load(Path("data/demo"))
    ranker = AlsRanker.load(Path("data/ranker"))
    config = ranker.config
    peer = _peer(ranker, len(dataset.user_ids))
    matrix = dataset.matrix(ranker.scale.confidence(dataset.values, config))
    users = range(USERS)
    histories = [dataset.history(dataset.user_ids[u]) for u in users]

    def ours() -> list[list[tuple[str, float, float]]]:
        rankings = [ranker.rank([history], K, [frozenset()])[0] for history in histories]
        return [
            [
                (i.item_id, i.score, float(i.contributions.max()))
                for i in r.items
                if i.contributions is not None
            ]
            for r in rankings
        ]

    def theirs() -> list[list[tuple[str, float, float]]]:
        answers = []
        for user in users:
            row = matrix[user]
            ids, _ = peer.recommend(user, row, N=K, recalculate_user=True)
            weights, answer = None, []
            for item in ids:
                score, top, weights = peer.explain(user, matrix, item, weights, N=3)
                answer.append((dataset.item_ids[item], score, top[0][1] if top else 0.0))
            answers.append(answer)
        return answers

    with threadpool_limits(limits=1, user_api="blas"):
        console.print(_agreement(ours(), theirs()))
        seconds = in_turns({"prism": ours, "implicit": theirs}, ROUNDS)
    table = Table("", "median ms per user", title=f"top {K} with contributions, {USERS} users")
    for name, values in seconds.items():
        table.add_row(name, f"{np.median(values) / USERS * 1000:.3f}")
    console.print(table)
    console.print(f"implicit / prism: {ratio(seconds['implicit'], seconds['prism'])}")


def _peer(ranker: AlsRanker, users: int) -> implicit.cpu.als.AlternatingLeastSquares:
    config = ranker.config
    with threadpool_limits(limits=1, user_api="blas"):
        peer = implicit.cpu.als.AlternatingLeastSquares(
            factors=config.factors, regularization=config.regularization, num_threads=1
        )
    peer.item_factors = np.array(ranker.factors)
    peer.user_factors = np.zeros((users, config.factors), dtype=np.float32)
    return peer


def _agreement(
    ours: list[list[tuple[str, float, float]]], theirs: list[list[tuple[str, float, float]]]
) -> str:
    pairs = [(a, b) for ours_, theirs_ in zip(ours, theirs, strict=True)
             for a, b in zip(ours_, theirs_, strict=True)]  # fmt: skip
    same = sum(a[0] == b[0] for a, b in pairs)
    gaps = [max(abs(a[1] - b[1]), abs(a[2] - b[2])) for a, b in pairs if a[0] == b[0]]
    return (
        f"{same} of {len(pairs)} ranks hold the same item; largest difference of a score or a "
        f"contribution {max(gaps):.1e} (implicit solves in float32)"
    )


if __name__ == "__main__":
    main()
