"""Runs `prism write` again and again, killed by SIGKILL once it has written so many rows more.

What is heavy is imported once; each run is a child that is forked from here.

    python tests/killed_oracle.py texts 12 0 26 -- write facts texts --oracle openai ...
"""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyarrow.parquet  # noqa: F401 - what every run would load
from openai import AsyncOpenAI

from models.oracle import openai_server, setbacks  # noqa: F401
from service.cli.main import main

GENEROUS_S = 20.0


def rows(texts: Path) -> int:
    """Return how many rows a folder of texts has."""
    return sum(shard.read_bytes().count(b"\n") for shard in texts.glob("*.jsonl"))


def killed_after(count: int, texts: Path, arguments: list[str]) -> bool:
    """Run the command in a child and kill it; return whether it was still at work."""
    before = rows(texts)
    child = os.fork()
    if not child:
        sys.argv = ["prism", *arguments]
        try:
            main()
        except SystemExit as ended:
            os._exit(int(ended.code or 0))
        os._exit(0)
    end = time.monotonic() + GENEROUS_S
    while rows(texts) < before + count and time.monotonic() < end:
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    _ = AsyncOpenAI(api_key="none").chat.completions.with_raw_response  # loads much more
    split = sys.argv.index("--")
    told = [
        killed_after(int(count), Path(sys.argv[1]), sys.argv[split + 1 :])
        for count in sys.argv[2:split]
    ]
    print(*told)  # noqa: T201
