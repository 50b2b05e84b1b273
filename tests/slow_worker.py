"""A worker whose engine is as slow, or as broken, as the test says; the rest is the real one.

PRISM_TEST_TEXT_S is the time of a text; a job about an item with the id in PRISM_TEST_CRASH makes
the engine raise until there is a file PRISM_TEST_MENDED, one with the id in PRISM_TEST_DIE ends the
process as a segmentation fault would, one with the id in PRISM_TEST_HANG keeps the engine busy for
ever; while there is a file PRISM_TEST_BROKEN the engine raises whatever it is asked; the clock of
the host is wrong by PRISM_TEST_CLOCK_S.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from catalog.facts import Facts
from models.language.grounded import explain
from service.cli.main import main
from service.deployments import distributed

_PROCESSOR = Lock()  # two batches at once take as long as one after the other


class SlowEngine:
    """Writes the grounded texts, slowly."""

    name = "slow"
    version = os.environ.get("PRISM_TEST_VERSION", "1")

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Write one text per Facts."""
        if Path(os.environ.get("PRISM_TEST_BROKEN", "none")).exists():
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        for facts in batch:
            if facts.item.id == os.environ.get("PRISM_TEST_DIE"):
                os.kill(os.getpid(), signal.SIGKILL)
            if facts.item.id == os.environ.get("PRISM_TEST_HANG"):
                time.sleep(3600)
            mended = Path(os.environ.get("PRISM_TEST_MENDED", "none")).exists()
            if facts.item.id == os.environ.get("PRISM_TEST_CRASH") and not mended:
                raise RuntimeError("the engine crashed")
        with _PROCESSOR:
            time.sleep(float(os.environ.get("PRISM_TEST_TEXT_S", "0")) * len(batch))
        return [explain(facts) for facts in batch]


_true_time = time.time
time.time = lambda: _true_time() + float(os.environ.get("PRISM_TEST_CLOCK_S", "0"))
distributed.open_engine = lambda *_: SlowEngine()  # type: ignore[attr-defined]
sys.argv = ["prism", "worker", *sys.argv[1:]]
main()
