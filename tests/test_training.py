"""What training decides by, and what it keeps: best steps, one optimiser of two, checkpoints."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from student_fixtures import TINY, narrow
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from transformers import BartForConditionalGeneration

from models.distillation.training.checkpoints import restore, write_checkpoint
from models.distillation.training.data import Row, part
from models.distillation.training.optimiser import MuonAndAdamW
from models.distillation.training.record import Best, Figures, best_of

# ---------------------------------------------------------------------- the best step


def validations(*of: tuple[float, float], texts: int = 96) -> list[Figures]:
    """Return the figures of steps 1, 2, ...: each the share that is faithful, and the loss."""
    return [
        {"step": step, "texts": texts, "faithful": faithful, "valid_loss": loss}
        for step, (faithful, loss) in enumerate(of, 1)
    ]


@pytest.mark.parametrize(
    ("of", "best"),
    [
        ([(0.5, 0.3), (0.9, 0.4)], 2),  # more faithful
        ([(0.9, 0.4), (0.5, 0.3)], 1),
        ([(0.9, 0.4), (0.9, 0.3)], 2),  # as faithful, of a lower loss
        ([(0.9, 0.3), (0.9, 0.4)], 1),
        ([(1.0, 0.027), (95 / 96, 0.023)], 2),  # one text more or less is luck
        ([(95 / 96, 0.023), (1.0, 0.027)], 1),
        ([(0.90, 0.1), (0.94, 0.2), (0.99, 0.3)], 3),  # luck does not add up
        ([], 0),
    ],
)
def test_the_best_step_is_faithful_first_and_of_a_low_loss_second(
    of: list[tuple[float, float]], best: int
) -> None:
    assert best_of(validations(*of)).step == best


def test_steps_without_a_validation_count_for_nothing() -> None:
    rows = [*validations((0.9, 0.3)), {"step": 2, "loss": 0.1}]
    assert best_of(rows) == Best(1, 0, 0.3, 0.9, 0.9)


@given(st.lists(st.tuples(st.integers(0, 96), st.floats(0.01, 9)), min_size=1, max_size=12))
def test_no_step_is_both_as_faithful_as_any_and_of_a_lower_loss_than_the_best(
    of: list[tuple[int, float]],
) -> None:
    rows = validations(*((count / 96, loss) for count, loss in of))
    best = best_of(rows)
    chosen = rows[best.step - 1]
    assert len(rows) - best.step == best.since
    highest = max(row["faithful"] for row in rows)
    assert not [
        row
        for row in rows
        if row["faithful"] == highest and row["valid_loss"] < chosen["valid_loss"]
    ]


# ---------------------------------------------------------------------- parts of a batch


@given(st.integers(1, 9), st.integers(1, 6))
def test_the_parts_of_a_batch_are_all_of_it_and_weigh_together_what_it_weighs(
    size: int, parts: int
) -> None:
    row = torch.arange(3).numpy().astype("uint16")
    batch: list[Row] = [(row, row[: 1 + n % 3]) for n in range(size)]
    taken = [part(batch, number, parts) for number in range(parts)]
    assert all(rows for rows, _ in taken), "a process without a row cannot take a step"
    together = [one for rows, share in taken if share for one in rows]
    assert list(map(id, together)) == list(map(id, batch))
    assert sum(share for _, share in taken) == pytest.approx(1)
    assert part(batch, 0, 1) == (batch, 1.0)


# ---------------------------------------------------------------------- optimiser, checkpoints


@pytest.fixture
def student() -> BartForConditionalGeneration:
    torch.manual_seed(0)
    return narrow(300, "4+4")


def learn(
    student: BartForConditionalGeneration,
    optimiser: MuonAndAdamW,
    scaler: GradScaler | None = None,
    factor: float = 1.0,
) -> None:
    """Take one step on tokens of no meaning."""
    tokens = torch.arange(5, 15)[None]
    loss: Tensor = student(input_ids=tokens, labels=tokens).loss * factor
    optimiser.at(10)
    optimiser.zero_grad()
    if scaler is None:
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    else:
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(optimiser)
        scaler.step(optimiser)
        scaler.update()


def values(student: BartForConditionalGeneration) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in student.parameters()]


def test_a_loss_scaler_changes_no_step_and_leaves_out_one_that_overflows() -> None:
    """As in float16 on a GPU: one overflow leaves out the steps of both optimisers."""
    made = []
    for scaler in (None, GradScaler("cpu", init_scale=1024.0)):
        torch.manual_seed(0)
        student = narrow(300, "4+4")
        optimiser = MuonAndAdamW(student, TINY)
        learn(student, optimiser, scaler)
        made.append(values(student))
    assert all(map(torch.equal, *made))
    learn(student, optimiser, scaler, factor=float("inf"))
    assert all(map(torch.equal, made[0], values(student)))
    assert scaler is not None
    assert scaler.get_scale() == 512


def test_a_checkpoint_brings_back_every_state_to_the_bit(
    student: BartForConditionalGeneration, tmp_path: Path
) -> None:
    optimiser, scaler = MuonAndAdamW(student, TINY), GradScaler("cpu", init_scale=1024.0)
    learn(student, optimiser, scaler)
    write_checkpoint(tmp_path, 1, 1, student, optimiser, scaler)
    other = narrow(300, "4+4")
    resumed, its_scaler = MuonAndAdamW(other, TINY), GradScaler("cpu")
    restore(tmp_path, other, resumed, its_scaler)
    assert its_scaler.get_scale() == 1024
    for model, one, its in ((student, optimiser, scaler), (other, resumed, its_scaler)):
        learn(model, one, its)
    assert all(map(torch.equal, values(student), values(other)))
    assert not [
        file for file in tmp_path.rglob("*.*") if file.suffix not in {".safetensors", ".json"}
    ]


def test_the_last_checkpoint_and_the_best_one_are_kept(
    student: BartForConditionalGeneration, tmp_path: Path
) -> None:
    optimiser = MuonAndAdamW(student, TINY)
    for step, best in ((1, 1), (2, 2), (3, 2), (4, 2)):
        write_checkpoint(tmp_path, step, best, student, optimiser, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-000002", "checkpoint-000004",
    ]  # fmt: skip
    write_checkpoint(tmp_path, 5, 5, student, optimiser, None)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000005"]
