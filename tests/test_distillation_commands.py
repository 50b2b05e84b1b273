"""The offline commands as a user runs them: facts, label, distill, evaluate."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from models.distillation.train import FINE_TUNING, TrainConfig

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def prism(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("prism"), *arguments],
        capture_output=True, text=True, cwd=cwd, check=False,
        env={"PATH": "", "COLUMNS": "200", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_from_a_dataset_to_a_measured_prism(tmp_path: Path) -> None:
    sampling = ("--data", str(ROOT / "data/demo"), "--snapshot", str(ROOT / "data/ranker"))
    done = prism("facts", "facts", *sampling, "--parts", "1", "--k", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "facts: 1," in done.stderr

    done = prism("label", "facts", "labels", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0 texts rejected" in done.stderr

    training = ("--steps", "2", "--batch", "4", "--threads", "1")
    done = prism("distill", "labels", "prism", *training, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "step 2: validation loss" in done.stderr
    assert json.loads((tmp_path / "prism/card.json").read_text())["config"]["steps"] == 2

    done = prism("distill", "labels", "prism", *training, cwd=tmp_path)
    assert "prism-work: goes on after step 2" in done.stderr

    done = prism("evaluate", "facts", "--model", "prism", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split("│") for line in done.stderr.splitlines() if "│" in line]
    table = {(row[1].strip(), row[2].strip()): [cell.strip() for cell in row[3:-1]] for row in rows}
    assert table["grounded", "all"][1].startswith("100.0%")
    assert table["grounded", "unseen"][0] == table["prism-prism", "unseen"][0]
    assert table["prism-prism", "all"][1].startswith("0.0%")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["label", "nowhere", "labels"], "error: nowhere has no facts-*.parquet"),
        (["evaluate", "nowhere"], "error: nowhere has no facts-*.parquet"),
        (["distill", "nowhere", "out"], "error: nowhere has no labels-*.parquet: run prism label"),
        (["distill", "nowhere", "full"], "error: full holds other things, as it has no model."),
        (["facts", "file/facts"], "error: [Errno 17] File exists: 'file'"),
        (["serve", "--port", "0", "--model", "no/such/model/name"], "is no folder, and"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    done = prism(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


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


def test_help_tells_the_defaults_of_both_students() -> None:
    done = prism("distill", "--help", cwd=ROOT)
    said = " ".join(done.stdout.replace("│", " ").split())
    config = TrainConfig()
    assert f"by default {config.steps}." in said
    assert f"by default {config.batch}, from a BART {FINE_TUNING['batch']}" in said
