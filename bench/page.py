"""The page in Chromium: first paint, time to the first explanation, weight; what-if beside the API.

Times are those that the browser measures from the start of the navigation, on a page loaded anew
each time. Cold is a user whose texts nobody has asked for; warm the same user again. The peer is
the service without the page: a direct POST /recommend for the same history.
"""

from statistics import median
from typing import Any

import httpx
from playwright.sync_api import Browser, Page
from rich.table import Table

from bench.browser import chromium, settle
from bench.measure import console
from bench.processes import embedded

_ROUNDS = 15
_CHANGES: list[dict[str, Any]] = [{"item_id": "780", "value": None}, {"item_id": "608", "value": 5}]
"""For user 42: without “Independence Day”, with “Fargo” loved."""


def main() -> None:
    """Measure, and print a table."""
    with embedded() as service, chromium() as browser:
        cold: list[tuple[float, ...]] = []
        warm: list[tuple[float, ...]] = []
        for user in range(100, 100 + _ROUNDS):
            for times in (cold, warm):
                times.append(_load(browser, f"{service.url}/#user={user}"))
        table = Table("", "first paint ms", "first sentence ms", "all ms", "n", title="The page")
        for name, times in {"cold": cold, "warm": warm}.items():
            medians = [f"{median(one[n] for one in times):.0f}" for n in range(3)]
            table.add_row(name, *medians, str(len(times)))
        console.print(table)
        _weigh(browser, service.url)
        _compare(browser, service.url)


def _load(browser: Browser, url: str) -> tuple[float, float, float]:
    """Return milliseconds from the navigation to first paint, first sentence and all of them."""
    page = browser.new_page()
    page.goto(url)
    settle(page)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    first, all_ = (
        page.evaluate(f"performance.getEntriesByName('{n}')[0].startTime") for n in _MARKS
    )
    page.close()
    return paint, first, all_


_MARKS = ("first sentence", "all sentences")
"""What the page marks in the browser's timeline."""


def _weigh(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(f"{url}/#user=42")
    settle(page)
    loaded = page.evaluate(
        "performance.getEntriesByType('navigation')"
        ".concat(performance.getEntriesByType('resource'))"
        ".map(entry => [entry.name, entry.encodedBodySize])"
    )
    page.close()
    sizes = [
        size for name, size in loaded if "/static/" in name or name.partition("#")[0] == f"{url}/"
    ]
    console.print(f"{len(sizes)} files of the page, {sum(sizes) / 1000:.0f} kB")


def _compare(browser: Browser, url: str) -> None:
    """Say whether what-if through the page equals a direct request for the same history."""
    page = browser.new_page()
    page.goto(f"{url}/#user=42&without=780&loved=608")
    settle(page)
    through = _shown(page)
    page.close()
    body = {"user_id": "42", "history": _CHANGES}
    direct = httpx.post(f"{url}/recommend", json=body).raise_for_status().json()
    same = through == [(one["title"], one["explanation"]["text"]) for one in direct["items"]]
    console.print(
        f"what-if through the page {'equals' if same else 'DIFFERS FROM'} a direct request"
    )


def _shown(page: Page) -> list[tuple[str, str]]:
    return [
        (
            card.locator("h2").evaluate("h2 => h2.firstChild.data"),
            card.locator(".sentence").inner_text(),
        )
        for card in page.locator("#list > .card").all()
    ]


if __name__ == "__main__":
    main()
