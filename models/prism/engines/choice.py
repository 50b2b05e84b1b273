"""From a model's name to an engine that writes with it: the one place where engines are chosen."""

import logging
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from catalog.files import recover, stamp
from models.language.grounded import GroundedEngine
from models.prism.engines.protocol import Engine, ModelError
from models.prism.folder import READY

log = logging.getLogger(__name__)
Runtime = Literal["auto", "ctranslate2", "torch"]
SHIPPED = Path(__file__).parents[2] / "small"
"""The Prism that comes with the code, distilled from the grounded Oracle on the demo catalogue."""
_LOADS = 3
_FILES = ["*.json", "merges.txt", "model.safetensors", f"{READY}/*"]


def open_engine(model: str, cache: Path, runtime: Runtime = "auto") -> Engine:
    """Return the engine that writes with a model.

    Parameters
    ----------
    model : "grounded", "small", a folder of BART's layout, or a name on the Hugging Face hub
    cache : folder for converted models
    runtime : "auto" is CTranslate2, in float16 on a GPU and in int8 on a CPU; torch in float16 for
        a GPU that CTranslate2 cannot use (docs/gpu.md has the speed of both)

    Raises ModelError.
    """
    if model == "grounded":
        return GroundedEngine()
    folder, name = model_folder(model), f"prism-{Path(model).name}"
    # Imported here: only who writes with a model needs the libraries that run it.
    import ctranslate2  # noqa: PLC0415

    gpu = ctranslate2.get_cuda_device_count() > 0
    if runtime != "torch":
        from models.prism.engines.ctranslate2_engine import CTranslate2Engine  # noqa: PLC0415

        on_gpu = partial(CTranslate2Engine, folder, cache, "float16", device="cuda", name=name)
        try:
            if gpu:
                return _of_one_state(folder, on_gpu)
        except ModelError as error:
            log.warning("CTranslate2 does not use the GPU: %s", error)
    if runtime == "torch" or (runtime == "auto" and gpu and _torch_has_a_gpu()):
        from models.prism.engines.torch_engine import TorchEngine  # noqa: PLC0415

        return _of_one_state(folder, lambda: TorchEngine(folder, name=name))
    return _of_one_state(folder, lambda: CTranslate2Engine(folder, cache, name=name))


def _of_one_state(folder: Path, load: Callable[[], Engine]) -> Engine:
    """Load an engine, again if the folder was changed or replaced meanwhile."""
    for _ in range(_LOADS):
        before = stamp(folder)
        try:
            engine = load()
        except ModelError:
            if stamp(folder) == before:
                raise
        else:
            if stamp(folder) == before:
                return engine
    raise ModelError(f"{folder} is being changed: start again when it is whole")


def _torch_has_a_gpu() -> bool:
    if not find_spec("torch"):
        return False
    import torch  # noqa: PLC0415

    return torch.cuda.is_available()  # false for a torch that was built for CPUs alone


def model_folder(model: str) -> Path:
    """Return the folder of a model: ours, the caller's, or the hub's copy. Raises ModelError."""
    if model == "small":
        return SHIPPED
    recover(Path(model))
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415

    try:
        return Path(snapshot_download(model, allow_patterns=_FILES))
    except (HFValidationError, OSError) as error:
        raise ModelError(
            f"{model!r} is no folder, and the Hugging Face hub does not give it: "
            f"{str(error).splitlines()[0]}"
        ) from error
