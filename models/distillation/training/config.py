"""How a student is trained: the settings of a run."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.distillation.student import Layers


class TrainConfig(BaseModel):
    """How the student is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: Layers = Field("4+4", description="Encoder and decoder layers.")
    vocabulary: int = Field(6000, description="Tokens of the tokenizer, at most.")
    steps: int = Field(2000, ge=1, description="Optimiser steps.")
    batch: int = Field(48, ge=1, description="Rows that a process reads at a time.")
    accumulate: int = Field(1, ge=1, description="Batches of each process in a step.")
    rate: float = Field(1.5e-3, gt=0, description="Peak learning rate of AdamW.")
    matrix_rate: float | None = Field(
        5e-3, gt=0, description="Peak learning rate of matrices, by Muon; None leaves all to AdamW."
    )
    warmup: int = Field(100, ge=1, description="Steps of linear warm-up.")
    seed: int = Field(0, description="Of weights and order.")
    checkpoint_every: int = Field(100, ge=1, description="Steps between checkpoints.")
    patience: int | None = Field(
        None, ge=1, description="Validations without a better one that end a run; None: no end."
    )


FINE_TUNING: Mapping[str, Any] = {"batch": 32, "rate": 5e-5, "matrix_rate": None}
"""What differs from `TrainConfig`'s defaults for a student that is trained already."""
