"""Implicit ALS, and the exact contribution of every history entry to every score.

The model is Hu, Koren & Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM
2008), fitted by the library `implicit`. No user factors are kept: implicit's are stale by half an
iteration, so its `explain` disagrees with its `recommend` (its issue 175). Here every user, known
or given inline, is solved in float64 against the final item factors.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import implicit.als
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from catalog.dataset import Dataset
from catalog.files import new_folder, opened
from catalog.types import History, RankedItem, Ranking

Floats = NDArray[np.float64]
_RESCORED = 64
"""Candidates beyond k that are scored again in float64: rounding reorders only neighbours."""
NO_PREFERENCE = 1e-3
"""Score below which the best item of an answer is no recommendation: 1 is a liking.

Of 4,000 items of first tens each, none of MovieLens lay below it, and of Last.fm (HetRec 2011) and
Steam less than 0.5%; where users and items never meet, scores are of the order of 1e-17.
"""
_BATCH = 64
"""Users scored by one matrix product; bounds its memory to 64 float32 scores an item."""
_IN_MEMORY = 256 * 2**20
"""Largest file of factors, in bytes, that is read into memory: 2 million items of 32 factors.

Even two of them, at a reload, are less than the rest of a process with so many items. A larger one
is mapped, so that the machine can drop pages from memory that it needs for something else.
"""
_BLOCK = 2**18
"""Items whose factors are widened to float64 at a time."""


class SnapshotError(ValueError):
    """A ranker snapshot that cannot be used; the message says which file and why."""


class AlsConfig(BaseModel):
    """How the ranker is fitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factors: int = Field(32, ge=1, le=1024, description="Latent dimensions.")
    regularization: float = Field(10.0, gt=0, description="Ridge penalty λ.")
    alpha: float = Field(5.0, ge=0, description="Extra confidence of a liking of mean strength.")
    dislike: float = Field(1.0, ge=0, description="Extra confidence that a dislike is none.")
    iterations: int = Field(15, ge=1, description="Alternations.")
    seed: int = Field(0, description="Of the initial factors.")


@dataclass(frozen=True, slots=True)
class Scale:
    """How a value becomes a confidence; part of the snapshot, so inline histories read alike."""

    liking_threshold: float | None
    mean_liking: float
    epsilon: float | None = None
    """Of counts: a value r is as strong as log(1 + r/ε) (the paper's equation 6)."""

    @classmethod
    def of(cls, dataset: Dataset) -> "Scale":
        """Return the scale of a Dataset; of counts, ε is their median.

        A few hours more say less of the hundredth than of the first. At the default settings,
        beside strengths in proportion to the value, NDCG@10 on a random fifth of each user's is
        0.012 [0.009, 0.015] better on plays (Last.fm, HetRec 2011) and 0.011 [0.007, 0.015] on
        hours (Steam, 9,418 players); another ε, 1, is as good.
        """
        likings = np.maximum(dataset.values[dataset.is_liking(dataset.values)], 0)
        epsilon = None
        if dataset.info.kind == "counts" and len(likings):
            epsilon = float(np.median(likings))
            likings = np.log1p(likings / epsilon)
        mean = float(likings.mean()) if len(likings) else 1.0
        return cls(dataset.info.liking_threshold, mean or 1.0, epsilon)

    def confidence(self, values: Floats, config: AlsConfig) -> Floats:
        """Return signed confidences, shape (n,): positive for likings, negative for dislikes.

        The sign is implicit's convention: below 0 the preference is 0 and the confidence |c|.
        """
        threshold = self.liking_threshold
        strength = np.maximum(values, 0)
        if self.epsilon is not None:
            strength = np.log1p(strength / self.epsilon)
        strength = strength / self.mean_liking
        liked = 1 + config.alpha * strength
        if threshold is None:
            return liked
        return np.where(values >= threshold, liked, -(1 + config.dislike))


class _Manifest(BaseModel):
    """What `snapshot.json` holds."""

    ranker: Literal["als"]
    version: str
    config: AlsConfig
    liking_threshold: float | None
    mean_liking: float
    epsilon: float | None = None
    about: dict[str, object]


class SolvedUser:
    """One user, solved once: its factors, and every score shared out among its history.

    This is section 5 of the paper: with W = (YᵀCY + λI)⁻¹, the score of item i is
    y_iᵀ W Σ_j c_j y_j, summed over the likings j, so each of them has an exact share.

    Parameters
    ----------
    own : array of shape (n, d), the factors of the history's items
    gram : array of shape (d, d), YᵀY over all items
    regularization : λ
    confidence : array of shape (n,), signed as in `Scale.confidence`
    """

    def __init__(
        self, own: Floats, gram: Floats, regularization: float, confidence: Floats
    ) -> None:
        system = gram + (own.T * (np.abs(confidence) - 1)) @ own
        system.flat[:: len(gram) + 1] += regularization
        self._cholesky = cho_factor(system, overwrite_a=True, check_finite=False)
        self._own, self._weight = own, np.maximum(confidence, 0)
        self.factors: Floats = self._solve(own.T @ self._weight)

    def shares(self, candidates: Floats) -> Floats:
        """Return the contributions, shape (m, n), to the scores of m items of factors (m, d).

        Row i adds up to `candidates[i] @ self.factors`; a dislike's column is 0.
        """
        return (self._own @ self._solve(candidates.T)).T * self._weight

    def _solve(self, right: Floats) -> Floats:
        solution: Floats = cho_solve(self._cholesky, right, check_finite=False)
        return solution


class AlsRanker:
    """Ranks with item factors; see the module and `SolvedUser`.

    Parameters
    ----------
    config : how it was fitted
    scale : how values become confidences
    item_ids : I ids
    factors : float32 array of shape (I, d), in memory or memory-mapped
    hidden : bool array of shape (I,), items that are never recommended
    version : what `version_of` says of all these, where it is known
    """

    name = "als"

    def __init__(
        self,
        config: AlsConfig,
        scale: Scale,
        item_ids: Sequence[str],
        factors: NDArray[np.float32],
        hidden: NDArray[np.bool_],
        version: str | None = None,
    ) -> None:
        self.config, self.scale, self.hidden = config, scale, hidden
        self.item_ids, self.factors = item_ids, factors
        self._index = {item_id: i for i, item_id in enumerate(item_ids)}
        width = factors.shape[1]
        self._gram: Floats = np.zeros((width, width))
        for begin in range(0, len(factors), _BLOCK):
            wide = factors[begin : begin + _BLOCK].astype(np.float64)
            self._gram += wide.T @ wide
        self.version = version or version_of(config, scale, item_ids, factors, hidden)

    def rank(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        """Return each user's best k items with contributions; see `Ranker`.

        The answer is empty for a user of whom nothing is known: without a liking every score is 0,
        and with likings that nobody shares below `NO_PREFERENCE`.
        """
        rankings = []
        for begin in range(0, len(histories), _BATCH):
            batch = slice(begin, begin + _BATCH)
            rankings += self._rank_batch(histories[batch], k, excluded[batch])
        return rankings

    def _rank_batch(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        entries = [self._entries(history) for history in histories]
        solved = [
            SolvedUser(self._wide(positions), self._gram, self.config.regularization, confidence)
            for positions, _, confidence in entries
        ]
        users = np.stack([user.factors for user in solved]).astype(np.float32)
        scores = users @ self.factors.T
        scores[:, self.hidden] = -np.inf
        rankings = []
        for (positions, known, _), user, row, left_out in zip(
            entries, solved, scores, excluded, strict=True
        ):
            row[positions] = -np.inf
            row[[self._index[item] for item in left_out if item in self._index]] = -np.inf
            best, exact = self._best(row, user.factors, k)
            rankings.append(self._ranking(user, known, best, exact))
        return rankings

    def score(
        self, histories: Sequence[History], candidates: Sequence[Sequence[str]]
    ) -> list[Ranking]:
        """Return each user's candidates with contributions, best first; see `Scorer`.

        A user without a liking has a score of 0 for every item, so the answer is empty.
        """
        rankings = []
        for history, chosen in zip(histories, candidates, strict=True):
            positions, known, confidence = self._entries(history)
            user = SolvedUser(
                self._wide(positions), self._gram, self.config.regularization, confidence
            )
            wanted = np.array([self._index[item] for item in chosen], dtype=np.int64)
            if not user.factors.any():
                wanted = wanted[:0]
            exact = self._wide(wanted) @ user.factors
            order = np.lexsort((wanted, -exact))
            rankings.append(self._ranking(user, known, wanted[order], exact[order]))
        return rankings

    def _ranking(
        self,
        user: SolvedUser,
        known: NDArray[np.bool_],
        positions: NDArray[np.int64],
        scores: Floats,
    ) -> Ranking:
        """Return items as a ranking, with what each entry of the history has in their scores."""
        shares = np.zeros((len(positions), len(known)))
        shares[:, known] = user.shares(self._wide(positions))
        rows = [
            RankedItem(self.item_ids[i], score, share)
            for i, score, share in zip(positions, scores.tolist(), shares, strict=True)
        ]
        return Ranking(self.name, self.version, rows)

    def _best(
        self, scores: NDArray[np.float32], user: Floats, k: int
    ) -> tuple[NDArray[np.int64], Floats]:
        """Return the positions and float64 scores of the best k, ties by position."""
        if not user.any():
            return np.empty(0, dtype=np.int64), np.empty(0)
        pool = min(k + _RESCORED, len(scores))
        floor = np.partition(scores, -pool)[-pool]
        candidates = np.flatnonzero((scores >= floor) & np.isfinite(scores))
        exact = self._wide(candidates) @ user
        order = np.lexsort((candidates, -exact))[:k]
        if len(order) and exact[order[0]] < NO_PREFERENCE:
            order = order[:0]
        return candidates[order], exact[order]

    def _wide(self, positions: NDArray[np.int64]) -> Floats:
        return self.factors[positions].astype(np.float64)

    def _entries(self, history: History) -> tuple[NDArray[np.int64], NDArray[np.bool_], Floats]:
        found = np.array([self._index.get(item, -1) for item in history.item_ids], dtype=np.int64)
        known = found >= 0
        return found[known], known, self.scale.confidence(history.values[known], self.config)

    # ------------------------------------------------------------------ on disk

    def save(self, folder: Path, about: dict[str, object]) -> None:
        """Write a snapshot folder atomically; `about` (JSON) says where it comes from."""
        with new_folder(folder, "snapshot.json") as work:
            np.save(work / "item_factors.npy", self.factors, allow_pickle=False)
            np.save(work / "hidden.npy", self.hidden, allow_pickle=False)
            manifest = _Manifest(
                ranker="als",
                version=self.version,
                config=self.config,
                liking_threshold=self.scale.liking_threshold,
                mean_liking=self.scale.mean_liking,
                epsilon=self.scale.epsilon,
                about=about,
            )
            (work / "item_ids.json").write_text(json.dumps(list(self.item_ids)), "utf-8")
            (work / "snapshot.json").write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "AlsRanker":
        """Read a snapshot; nothing that happens to its files later changes the ranker.

        Raises
        ------
        SnapshotError
            A file is missing, damaged, does not fit the others or is just being changed.
        """
        names = ("snapshot.json", "item_ids.json", "item_factors.npy", "hidden.npy")
        try:
            with opened(folder, names) as files:
                return cls._read(folder, *files)
        except OSError as error:
            raise SnapshotError(f"{folder} cannot be used: {error}") from error

    @classmethod
    def _read(
        cls,
        folder: Path,
        manifest_file: BinaryIO,
        ids_file: BinaryIO,
        factors_file: BinaryIO,
        hidden_file: BinaryIO,
    ) -> "AlsRanker":
        with _reading(manifest_file.name):
            manifest = _Manifest.model_validate_json(manifest_file.read())
        with _reading(ids_file.name):
            item_ids = TypeAdapter(list[str]).validate_json(ids_file.read())
        with _reading(factors_file.name):
            factors = _array(factors_file)
            shape = len(item_ids), manifest.config.factors
            if factors.dtype != np.float32 or factors.shape != shape:
                raise ValueError("no float32 matrix of the items' factors")
            if not np.isfinite((factors.min(), factors.max())).all():
                raise ValueError("not all of the factors are numbers")
        with _reading(hidden_file.name):
            hidden = _array(hidden_file)
            if hidden.dtype != np.bool_ or hidden.shape != (len(item_ids),):
                raise ValueError("no truth value for each item")
        scale = Scale(manifest.liking_threshold, manifest.mean_liking, manifest.epsilon)
        version = version_of(manifest.config, scale, item_ids, factors, hidden)
        if version != manifest.version:
            raise SnapshotError(f"{folder}: the files are not those the snapshot was written with")
        return cls(manifest.config, scale, item_ids, factors, hidden, version)


def version_of(
    config: AlsConfig,
    scale: Scale,
    item_ids: Sequence[str],
    factors: NDArray[np.float32],
    hidden: NDArray[np.bool_],
) -> str:
    """Return 12 hex digits that change with anything a ranker is made of."""
    told = [value for name, value in asdict(scale).items() if name != "epsilon" or value]
    described = [config.model_dump(), told, list(item_ids)]
    digest = hashlib.sha256(json.dumps(described).encode())
    for array in (hidden, factors):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:12]


def _array(file: BinaryIO) -> NDArray[Any]:
    """Return the array of a file, in memory or, if it is large, mapped from a copy of our own.

    Nobody else can change the copy, which has no name: a file that is mapped itself could be
    overwritten under us, and to cut it short would kill us by SIGBUS. Where there is no place for
    a copy beside the snapshot, a large array is kept in memory, too.
    """
    if os.fstat(file.fileno()).st_size > _IN_MEMORY:
        with suppress(OSError), tempfile.TemporaryFile(dir=Path(file.name).parent.parent) as copy:
            shutil.copyfileobj(file, copy, 2**20)
            copy.flush()
            return np.lib.format.open_memmap(f"/dev/fd/{copy.fileno()}", mode="r")
        file.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


@contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # numpy raises whatever Python's tokenizer says of a header
        raise SnapshotError(f"{path} cannot be used: {error}") from error


def fit(
    dataset: Dataset, config: AlsConfig, on_iteration: Callable[[], None] = lambda: None
) -> AlsRanker:
    """Fit the item factors; the same data, configuration and seed give the same factors."""
    scale = Scale.of(dataset)
    matrix = dataset.matrix(scale.confidence(dataset.values, config))
    # implicit warns when BLAS threads compete with its own.
    with threadpool_limits(limits=1, user_api="blas"):
        model = implicit.als.AlternatingLeastSquares(
            factors=config.factors,
            regularization=config.regularization,
            iterations=config.iterations,
            random_state=config.seed,
            use_gpu=False,
        )
        model.fit(matrix, show_progress=False, callback=lambda *_: on_iteration())
    return AlsRanker(config, scale, dataset.item_ids, model.item_factors, dataset.hidden)
