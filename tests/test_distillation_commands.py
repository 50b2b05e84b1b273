"""The offline commands as a user runs them: facts, label, distill, evaluate."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models.distillation.training.config import FINE_TUNING, TrainConfig

ROOT = Path(__file__).resolve().parent.parent
WORDS = [a + b for a in ("Night", "River", "Garden", "Winter", "Silver") for b in "abcdefgh"]
pytestmark = pytest.mark.slow


Prism = Callable[..., tuple[str, str]]


def test_from_a_dataset_to_a_measured_prism(
    prism: Prism, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = ("interactions.csv", "items.csv", "--liking", "4", "--value", "value")
    write_table(tmp_path)
    prism("data", "import", "table", *table, "--data", "films")
    sampling = ("--data", "films", "--snapshot", "ranker")
    prism("train-ranker", *sampling, "--no-check")

    _, told = prism("facts", "facts", *sampling, "--parts", "1", "--k", "2", "--held-out", "0.2")
    assert "facts: 1" in told

    _, told = prism("label", "facts", "labels")
    assert "0 texts rejected" in told

    training = ("--steps", "2", "--batch", "4", "--threads", "1")
    _, told = prism("distill", "labels", "prism", *training)
    assert "step 2: validation loss" in told
    assert json.loads((tmp_path / "prism/card.json").read_text())["config"]["steps"] == 2

    _, told = prism("distill", "labels", "prism", *training)
    assert "prism-work: goes on after step 2" in told

    _, told = prism("write", "facts", "texts", "--oracle", "grounded", "--rows", "all")
    assert ", 0 are left" not in told
    _, told = prism("label", "texts", "more labels")
    assert "that pass strict, in the form titles" in told

    _, told = prism("evaluate", "facts", "--model", "prism", "--texts", "texts")
    assert "grounded grammar" in told
    rows = [line.split("│") for line in told.splitlines() if "│" in line]
    cells = {(row[1].strip(), row[2].strip()): [cell.strip() for cell in row[3:-1]] for row in rows}
    assert cells["grounded", "all"][1].startswith("100.0%")
    assert cells["grounded", "unseen"][0] == cells["prism-prism", "unseen"][0]
    assert cells["prism-prism", "all"][1].startswith("0.0%")


def write_table(folder: Path) -> None:
    """Write a table of 50 readers and 40 books, whom two tastes divide."""
    rng = random.Random(0)
    books = [f"{n},{word} of {n},{'Crime' if n % 2 else 'Poetry'}" for n, word in enumerate(WORDS)]
    (folder / "items.csv").write_text("\n".join(["item_id,title,categories", *books]))
    likings = [
        f"{reader},{book},{5 if reader % 2 == book % 2 else 1}"
        for reader in range(50)
        for book in rng.sample(range(len(WORDS)), 12)
    ]
    (folder / "interactions.csv").write_text("\n".join(["user_id,item_id,value", *likings]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["label", "nowhere", "labels"], "error: nowhere has neither texts-*.jsonl (prism write)"),
        (["evaluate", "nowhere"], "error: nowhere has no facts-*.parquet"),
        (["distill", "nowhere", "out"], "error: nowhere has no labels-*.parquet: run prism label"),
        (["distill", "nowhere", "full"], "error: full holds other things, as it has no model."),
        (["facts", "file/facts"], "error: [Errno 17] File exists: 'file'"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    prism: Prism,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    out, err = prism(*arguments, status=1)
    assert message in err
    assert not out


def test_a_model_that_is_not_there_is_named(refusing: Callable[..., str]) -> None:
    told = refusing("serve", "--port", "0", "--model", "no/such/model/name")
    assert "is no folder, and" in told


def test_without_torch_distilling_says_what_to_install(tmp_path: Path) -> None:
    script = """
import sys

class Absent:
    def find_spec(self, name, *rest):
        if name == "torch":
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Absent())
sys.argv = ["prism", "distill", "labels"]
from service.cli.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: torch is not installed\nRun: pip install")


def test_help_tells_the_defaults_of_both_students(prism: Prism) -> None:
    out, _ = prism("distill", "--help")
    said = " ".join(out.replace("│", " ").split())
    config = TrainConfig()
    assert f"by default {config.steps}." in said
    assert f"by default {config.batch}, from a BART {FINE_TUNING['batch']}" in said
