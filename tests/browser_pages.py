"""Pages in a browser: what the tests of the report, the explorer and the site share."""

import shutil

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# Lowest contrast of any visible text with what is behind it (WCAG 2, relative luminance).
LOWEST_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number)
    .map((value, i) => (text.startsWith("color(") && i < 3 ? 255 * value : value));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  let lowest = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const color = element.closest("svg") ? style.fill : style.color;
    const [a, b] = [luminance(parse(color)), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < lowest[0]) lowest = [ratio, element.tagName + " " + walker.currentNode.data.trim()];
  }
  return lowest;
}"""

# What can be used or is looked at, and no screen reader has a name for.
NAMELESS = """() => [...document.querySelectorAll(
    "select, input, button, img, canvas, section, nav, svg[role=img], [tabindex='0'],"
    + "[role=tabpanel], [role=region]")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !(e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.alt
    || document.getElementById(e.getAttribute("aria-labelledby"))?.textContent
    || (e.tagName === "BUTTON" && (e.textContent.trim() || e.querySelector("img")?.alt))))
  .map((e) => e.outerHTML.slice(0, 200))"""


class Pages:
    """Opens pages, each on a screen of its own.

    Attributes:
        requests: all addresses that they asked for.
        complaints: what went wrong on them.
    """

    def __init__(self, browser):
        self._browser, self._contexts = browser, []
        self.requests, self.complaints = [], []

    def __call__(self, address, width=1280, height=800, **screen):
        viewport = {"width": width, "height": height}
        context = self._browser.new_context(viewport=viewport, **screen)
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.goto(address)
        return page

    def close(self):
        for context in self._contexts:
            context.close()


def open_details(page):
    """Open all that can be unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")


def width_of(page):
    """How wide the page is, which is the window's unless it scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth")


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("there is no Chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def pages(browser):
    """Opens pages; at the end nothing must have gone wrong."""
    pages = Pages(browser)
    yield pages
    pages.close()
    assert not pages.complaints
