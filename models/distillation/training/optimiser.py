"""Muon for the matrices of the layers, AdamW for the rest, on one schedule.

From scratch, Muon takes the small student to the loss of AdamW alone in fewer steps: 2.1 against
2.7 after 140, in one run of each. What is trained already stays with the AdamW it was trained with.
"""

from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from models.distillation.training import precision
from models.distillation.training.config import TrainConfig


class MuonAndAdamW(Optimizer):
    """Both as one optimiser, so that a loss scaler sees all gradients at once.

    Parameters
    ----------
    model : on its device already
    config : with the peak rates; without `matrix_rate` it is AdamW alone
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self._config = config
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            in_layer = parameter.ndim == 2 and ".layers." in name
            (matrices if in_layer and config.matrix_rate else rest).append(parameter)
        self.parts: list[Optimizer] = [
            AdamW(rest, lr=config.rate, betas=(0.9, 0.98), weight_decay=0.01)
        ]
        if config.matrix_rate:
            self.parts.append(
                Muon(
                    matrices,
                    lr=config.matrix_rate,
                    weight_decay=0.01,
                    adjust_lr_fn="match_rms_adamw",
                )
            )
        # The groups are the parts' own: what is set in one is set in the other.
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._peaks = [group["lr"] for group in self.param_groups]

    def at(self, number: int) -> None:
        """Set the rates of a step: linear warm-up, then quadratic decay to nothing.

        A high rate learns fast, a low one exactly: at a constant rate the validation loss of one
        run stayed at 0.31 from step 1,000 to 1,400, and fell by half in 100 steps at half of it.
        """
        config = self._config
        share = min(number / config.warmup, (1 - (number - 1) / config.steps) ** 2)
        for group, peak in zip(self.param_groups, self._peaks, strict=True):
            group["lr"] = peak * share

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step; see `Optimizer`."""
        with precision.products(self.param_groups[0]["params"][0].device):
            for part in self.parts:
                part.step()
