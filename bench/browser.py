"""A real headless Chromium, as tests, screenshots and benchmarks of the page drive it."""

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

from playwright.sync_api import Browser, Page, expect, sync_playwright

_NAMES = ("chromium-headless-shell", "chromium")
"""What Debian's packages are called, the smaller first."""
_PATIENCE_MS = 20_000
"""For a machine that is busy with other things."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium; raises RuntimeError where there is none."""
    found = next(filter(None, map(which, _NAMES)), None)
    if found is None:
        raise RuntimeError(f"Chromium is missing: apt-get install {_NAMES[0]}")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found)
        try:
            yield browser
        finally:
            browser.close()


def settle(page: Page, number: int = 10) -> None:
    """Wait until there are so many recommendations, each with its sentence."""
    expect(page.locator("#list:not([aria-busy]) > .card:not(.waits)")).to_have_count(
        number, timeout=_PATIENCE_MS
    )
