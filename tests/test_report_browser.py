"""The report in a browser: it stands alone, its table works, and everybody can use it."""

import pandas as pd
import pytest
from browser_pages import LOWEST_CONTRAST, NAMELESS, open_details, width_of
from tiny_report import EVIL, make_report

from lanzdml.names import METHOD_NAMES
from lanzdml.report.grid import make_grids
from lanzdml.report.part import Part
from lanzdml.report.templates import render
from lanzdml.tables.markup import Table


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return make_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def runs(report):
    return pd.read_parquet(report.parent / "metrics.parquet")


@pytest.fixture
def open_page(pages, report):
    """Opens the report, given what kind of screen; at the end nothing was loaded."""

    def open_report(**screen):
        return pages(report.as_uri(), **screen)

    yield open_report
    assert {url for url in pages.requests if not url.startswith("data:")} == {report.as_uri()}


def count(page):
    """Number of runs that match."""
    return int(page.locator("#run-count").inner_text().split(" of ")[0].replace(",", ""))


def column(page, name):
    """The cells of a column of the table of runs as shown."""
    names = [text.strip() for text in page.locator("#run-table th").all_inner_texts()]
    return page.locator(f"#run-table tbody td:nth-child({names.index(name) + 1})").all_inner_texts()


def test_it_stands_alone_and_images_are_there(open_page):
    page = open_page()
    widths = page.evaluate("Array.from(document.images, (image) => image.naturalWidth)")
    assert len(widths) == 5
    assert min(widths) > 0
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "the style applies"


def test_what_users_wrote_does_not_run(open_page):
    page = open_page()
    assert page.evaluate("window.stolen") is None
    page.get_by_label("Notion", exact=True).select_option(label=EVIL)
    assert set(column(page, "Notion")) == {EVIL}
    assert any(EVIL in text for text in column(page, "Reason"))
    assert page.evaluate("window.stolen") is None
    assert page.locator("#run-table script, #run-table img").count() == 0


def test_filters(open_page, runs):
    page = open_page()
    assert count(page) == len(runs)
    page.get_by_label("Method", exact=True).select_option("InDiReCT")
    chosen = runs[runs["method"] == "indirect"]
    assert count(page) == len(chosen)
    page.get_by_label("Dim", exact=True).select_option("4")
    chosen = chosen[chosen["dim"] == 4]
    assert count(page) == len(chosen) == len(column(page, "Method"))
    page.get_by_label("Prompts", exact=True).select_option("2")
    assert count(page) == (chosen["n_prompts"] == 2).sum()
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("n => document.querySelector('#run-count').innerText.startsWith(n)",
                           arg=f"{len(runs)} of")  # fmt: skip
    page.get_by_label("Search").fill("CLIP  other")
    assert count(page) == ((runs["method"] == "clip") & (runs["model"] == "other")).sum()
    page.get_by_label("Search").fill("no such thing")
    assert count(page) == 0
    page.get_by_label("Search").fill("")
    page.get_by_label("Status").select_option("not_fitted")
    assert count(page) == (runs["status"] == "not_fitted").sum()


def test_sorting(open_page, runs):
    page = open_page()
    header = page.locator("#run-table th", has_text="MAP@R")
    values = runs["map_at_r"].dropna()
    for direction, expected in (
        ("ascending", values.sort_values()),
        ("descending", values.sort_values(ascending=False)),
    ):
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == direction
        shown = [float(text) for text in column(page, "MAP@R")]
        assert shown == pytest.approx(expected[: len(shown)].tolist(), abs=6e-5)
    page.locator("#run-table th", has_text="Method").get_by_role("button").click()
    assert page.locator("#run-table th[aria-sort]").count() == 1
    names = sorted(runs["method"].map(METHOD_NAMES), key=str.lower)
    assert column(page, "Method") == names[: len(column(page, "Method"))]


def test_missing_values_come_last_in_both_directions(open_page, runs):
    page = open_page()
    page.get_by_label("Model", exact=True).select_option("other")
    expected = runs.loc[runs["model"] == "other", "map_at_r"].isna().sum()
    for _ in range(2):
        page.locator("#run-table th", has_text="MAP@R").get_by_role("button").click()
        assert column(page, "MAP@R")[-expected:] == ["—"] * expected
        assert "—" not in column(page, "MAP@R")[:-expected]


def test_more_rows_are_shown_on_demand(open_page, runs):
    page = open_page()
    rows, more = page.locator("#run-table tbody tr"), page.get_by_role("button", name="Show more")
    assert rows.count() == 100
    assert "the first 100 shown" in page.locator("#run-count").inner_text()
    while more.is_visible():
        more.click()
    assert rows.count() == len(runs)
    assert page.evaluate("document.activeElement.getAttribute('aria-labelledby')") == "run-caption"


def test_it_can_be_used_by_keyboard(open_page, runs):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"

    def tab_to(selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", "the focus can be seen"
                return
        pytest.fail(f"{selector} cannot be reached")

    tab_to("#filter-method")
    page.keyboard.type("In")
    assert count(page) == (runs["method"] == "indirect").sum()
    tab_to("#run-table button[data-column=map_at_r]")
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").inner_text().strip() == "MAP@R"
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=descending]").inner_text().strip() == "MAP@R"


def test_every_control_and_region_has_a_name(open_page):
    page = open_page()
    open_details(page)
    assert page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("width", [320, 360, 800])
def test_a_narrow_page_does_not_scroll_sideways(open_page, width):
    page = open_page(width=width, height=740)
    open_details(page)
    assert width_of(page) <= width
    # Tables are wider, and scroll in their regions.
    region = "document.querySelector('#table2-1').parentElement"
    assert page.evaluate(f"{region}.scrollWidth > {region}.clientWidth") == (width < 800)


def test_tables_of_many_methods_do_not_scroll_sideways(pages, tmp_path):
    methods = [*METHOD_NAMES.values()]
    values = [["0.002 / 0.118" for _ in methods]] * 2
    heads = [("Demo Cars", "Background Color", metric) for metric in ("AMI", "NMI")]
    wide = Table("Wide", ["Dataset", "Notion", "Metric"], heads, methods, values)

    def part(results):
        html = render(
            "parts/beyond.html.j2", tables=make_grids("wide", [wide]), shares=[], findings=[]
        )
        return Part("mine", "Mine", html)

    page = pages(make_report(tmp_path, [part]).as_uri(), width=1200)
    region = page.locator(".table-region")
    assert region.locator("thead").count() > 1
    assert region.evaluate("(region) => region.scrollWidth <= region.clientWidth")
    for method in methods:
        assert region.get_by_role("columnheader", name=method, exact=True).count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(open_page, scheme):
    page = open_page(color_scheme=scheme)
    open_details(page)
    ratio, text = page.evaluate(LOWEST_CONTRAST)
    assert ratio >= 4.5, text


def test_the_dark_page_is_dark_and_its_figures_are_light(open_page):
    colors = {}
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        for selector in ("body", "figure img"):
            script = "s => getComputedStyle(document.querySelector(s)).backgroundColor"
            colors[scheme, selector] = page.evaluate(script, selector)
    assert colors["light", "body"] != colors["dark", "body"]
    assert colors["light", "figure img"] == colors["dark", "figure img"] == "rgb(255, 255, 255)"


def test_without_javascript_the_page_is_complete_but_for_the_runs(open_page):
    page = open_page(java_script_enabled=False)
    assert page.get_by_text("This table needs JavaScript").is_visible()
    assert not page.locator("#run-browser").is_visible()
    assert page.locator("#table2-1").is_visible()
