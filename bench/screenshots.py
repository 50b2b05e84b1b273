"""Takes the pictures of the page in docs/images, of a real service: `make screenshots`."""

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from bench.browser import chromium, settle
from bench.processes import embedded

_IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
_DESK, _PHONE = {"width": 1360, "height": 850}, {"width": 360, "height": 740}
_COLOURS = 48
"""Of a picture: text and bars need no more, and all pictures together stay below 300 kB."""


def main() -> None:
    """Take them all."""
    _IMAGES.mkdir(exist_ok=True)
    with embedded() as service, chromium() as browser:
        shots = _Shots(browser, service.url)
        shots.take("page", shots.of("#user=42"))
        shots.take("dark", shots.of("#user=42&item=593", color_scheme="dark"))
        shots.take("what-if", _what_if(shots.of("#user=42")))
        high = {**_DESK, "height": 1200}
        shots.take("check", _check(shots.of("#user=42&item=1", viewport=high)), "#why")
        low = {**_DESK, "height": 420}
        shots.take("unknown", shots.of("#user=nobody", 0, viewport=low))
        phone = shots.of("#user=42", viewport=_PHONE, has_touch=True, is_mobile=True)
        phone.locator(".sentence").first.tap()
        shots.take("phone", phone)


class _Shots:
    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url

    def of(self, fragment: str, cards: int = 10, **options: Any) -> Page:
        """Open a page and wait until it is at rest."""
        usual: dict[str, Any] = {
            "viewport": _DESK,
            "reduced_motion": "reduce",
            "color_scheme": "light",
        }
        page = self._browser.new_page(**{**usual, **options})
        page.goto(f"{self._url}/{fragment}")
        settle(page, cards)
        return page

    def take(self, name: str, page: Page, part: str = "") -> None:
        """Write docs/images/NAME.png: what is to be seen of a page, or a part of it."""
        picture = page.locator(part).screenshot() if part else page.screenshot()
        few = (
            Image.open(BytesIO(picture))
            .convert("RGB")
            .quantize(_COLOURS, Image.Quantize.FASTOCTREE)
        )
        few.save(_IMAGES / f"{name}.png", optimize=True)
        page.context.close()


def _what_if(page: Page) -> Page:
    page.get_by_role("button", name="Leave out Independence Day").click()
    expect(page.locator("#what-if")).to_be_visible()
    settle(page)
    page.get_by_label("Add to the history").fill("fargo")
    page.get_by_role("option", name="Fargo").click()
    expect(page.locator("#what-if")).to_contain_text("added")
    settle(page)
    return page


def _check(page: Page) -> Page:
    page.get_by_role("button", name="Move the year").click()
    expect(page.locator(".verdict .contradicted").first).to_be_visible()
    return page


if __name__ == "__main__":
    main()
