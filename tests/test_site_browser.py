"""The ranking in a browser, from a server and from a file: chosen, sorted, linked, downloaded."""

import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from browser_pages import LOWEST_CONTRAST, NAMELESS, open_details, width_of
from tiny_report import EVIL
from tiny_results import METHODS, fit, fits, make_results, not_fitted

from lanzdml.names import METHOD_NAMES
from lanzdml.report.provenance import Commit
from lanzdml.sharing.site.write import write_site

NARROW, WIDE = 400, 1400


class _Quiet(SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/favicon.ico":  # a browser asks for one beside a picture alone
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Two folders: one whose texts try to break out, and one that contradicts it."""
    folder = tmp_path_factory.mktemp("site")
    made = [
        *fits(), *fits(notion=EVIL), not_fitted("pca", EVIL),
        *(fit("indirect", dim=dim, kept=False) for dim in range(10, 120)),
    ]  # fmt: skip
    ours = make_results(folder / f"ours <b>{'x' * 30}", made)
    theirs = make_results(
        folder / "theirs", [fit("indirect", better=0.05), fit("lae")], commit=Commit("", True)
    )
    write_site([ours, theirs], folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def data(site):
    return pd.read_parquet(site / "data.parquet")


@pytest.fixture(scope="module")
def server(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=site))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["server", "file"])
def base(request, server, site):
    return server if request.param == "server" else site.as_uri()


@pytest.fixture
def open_page(pages, site, server):
    """Opens a page at a width; at the end nothing else was asked for."""

    def open_at(base=server, page="index.html", width=WIDE, **screen):
        return pages(f"{base}/{page}", width, 900, **screen)

    yield open_at
    assert all(url.startswith((server, site.as_uri(), "data:")) for url in pages.requests)


def count(page):
    return int(page.locator("#count").inner_text().split(" of ")[0].replace(",", ""))


def column(page, name):
    """The cells of a column as shown, without headings of rankings."""
    names = page.locator("#ranking thead th").evaluate_all("e => e.map((h) => h.dataset.column)")
    cells = page.locator(f"#ranking tbody tr:not(.board) > :nth-child({names.index(name) + 1})")
    return cells.all_inner_texts()


def sort_by(page, name):
    page.locator(f"#ranking th[data-column={name}] button").click()


def choices(page):
    """What filters and sorts, which a phone opens first."""
    if not page.get_by_label("Method", exact=True).is_visible():
        page.locator("#choices > summary").click()
    return page


def test_it_opens_with_the_rankings_and_what_users_wrote_does_not_run(open_page, base, data):
    page = open_page(base)
    assert count(page) == len(data)
    assert (
        page.locator("#ranking tr.board").first.inner_text()
        == "Synthetic Cars: Car Color, tiny, r′ 4"
    )
    first = data[data["ranking"] == 0]
    shown = column(page, "rank")[: len(first)]
    assert shown[:3] == [f"{rank} of 5" for rank in (1, 2, 3)]
    assert shown[-2:] == ["—", "—"], "PCA was not made, and Oracle sees labels"
    assert page.evaluate("window.stolen") is None
    assert page.locator("#ranking script, #ranking img, #ranking b").count() == 0
    assert page.locator("tr.board", has_text="window.stolen").count() == 1


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_filters_and_search(open_page, base, data, width):
    page = choices(open_page(base, width=width))
    page.get_by_label("Notion", exact=True).select_option(label=EVIL)
    assert count(page) == (data["notion"] == EVIL).sum() == len(column(page, "method"))
    page.get_by_label("Method", exact=True).select_option("InDiReCT")
    assert count(page) == 1
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("n => document.querySelector('#count').innerText.startsWith(n)",
                           arg=f"{len(data)} of")  # fmt: skip
    page.get_by_label("From", exact=True).select_option("theirs")
    assert column(page, "method") == ["InDiReCT", "LAE"]
    page.get_by_label("Search").fill("indirect  THEIRS")
    assert count(page) == 1
    assert "Contradicts ours" in column(page, "note")[0]
    page.get_by_label("Search").fill("no such thing")
    assert count(page) == 0
    assert "nothing is like this" in page.locator("#count").inner_text()


def test_sorting(open_page, base, data):
    page = open_page(base)
    page.get_by_label("Notion", exact=True).select_option("Car Color")
    page.get_by_label("r′", exact=True).select_option("4")
    rows = data[(data["notion"] == "car_color") & (data["dim"] == 4)]
    values = (100 * rows["map_at_r"]).dropna().sort_values(ascending=False).round(1).tolist()
    head = page.locator("th[data-column=score]")
    for direction, expected in (("descending", values), ("ascending", values[::-1])):
        sort_by(page, "score")
        assert head.get_attribute("aria-sort") == direction
        shown = column(page, "score")
        assert [float(text.split(" ± ")[0]) for text in shown[:-1]] == expected
        assert shown[-1] == "—", "what is missing comes last in either direction"
        assert page.locator("tr.board").count() == 0, "rankings are not together any more"
    sort_by(page, "method")
    assert page.locator("#ranking th[aria-sort]").count() == 1
    names = sorted((METHOD_NAMES[name] for name in rows["method"]), key=str.lower)
    assert column(page, "method") == names


def test_another_metric_ranks_anew(open_page, data):
    page = open_page()
    page.get_by_label("Metric").select_option("precision_at_1")
    assert page.locator("th[data-column=score]").inner_text().startswith("Prec@1")
    page.get_by_label("Method", exact=True).select_option("LAE")
    page.get_by_label("Notion", exact=True).select_option("Car Color")
    (row,) = data[(data["method"] == "lae") & (data["notion"] == "car_color")].to_dict("records")
    assert column(page, "rank") == [f"{row['precision_at_1_rank']:g} of 5"]
    low, high = row["precision_at_1_rank_low"], row["precision_at_1_rank_high"]
    assert column(page, "interval") == [f"{low}–{high}" if low < high else f"{low}"]
    page.get_by_label("Metric").select_option("nmi")
    assert column(page, "interval") == [""]


def test_a_view_can_be_linked(open_page, base):
    page = open_page(base)
    page.get_by_label("Metric").select_option("precision_at_1")
    page.get_by_label("Notion", exact=True).select_option(label=EVIL)
    page.get_by_label("Search").fill("cars")
    sort_by(page, "method")
    sort_by(page, "method")
    there = page.url.split("/")[-1]
    other = open_page(base, there)
    assert column(other, "method") == column(page, "method")
    assert column(other, "score") == column(page, "score")
    assert other.locator("th[aria-sort=descending]").inner_text().startswith("Method")
    assert other.get_by_label("Search").input_value() == "cars"
    other.get_by_role("link", name="How to read it").click()
    assert column(other, "method") == column(page, "method"), "a section's link changes no view"
    strange = open_page(base, "index.html#metric=no&notion=no&sort=no&order=no")
    assert column(strange, "method") == column(open_page(base), "method")


def test_a_row_is_downloaded(open_page, site):
    page = open_page(width=NARROW, page="index.html#source=theirs&method=InDiReCT")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("JSON of InDiReCT")).click()
    assert re.fullmatch(r"[0-9a-f]{16}\.json", download.value.suggested_filename)
    row = json.loads(download.value.path().read_text())
    assert (row["method"], len(row["seeds"]), row["sources"][0]["name"]) == (
        "indirect",
        3,
        "theirs",
    )
    for name in ("data.csv", "data.parquet"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).last.click()
        assert download.value.path().read_bytes() == (site / name).read_bytes()


def test_links_lead_to_files_that_are_there(open_page, site):
    for name in ("index.html", "figures.html"):
        page = open_page(page=name)
        links = page.locator("a[href]").evaluate_all("e => e.map((a) => a.getAttribute('href'))")
        for link in links:
            path, _, anchor = link.partition("#")
            assert (site / path).exists(), link
            assert not anchor or page.locator(f"#{anchor}").count() == 1, link


def test_figures_are_shown(open_page, base):
    page = open_page(base)
    page.get_by_role("link", name="Figures").click()
    assert page.url == f"{base}/figures.html"
    images = page.locator("figure img")
    assert images.count() == 2
    for image in images.all():
        image.scroll_into_view_if_needed()
        image.evaluate("(i) => i.decode()")
        assert image.evaluate("(i) => i.naturalWidth > 0 && i.alt !== ''")
    page.get_by_role("link", name="PNG").first.click()
    assert page.url == f"{base}/figures/1/critical_difference.png"


def test_equal_rows_are_one_and_contradicting_ones_two(open_page):
    page = open_page(page="index.html#notion=Car+Color&method=LAE")
    assert [text.split(", ")[1] for text in column(page, "source")] == ["theirs"]
    page.get_by_label("Method", exact=True).select_option("InDiReCT")
    page.get_by_label("r′", exact=True).select_option("4")
    assert [text[:4] for text in column(page, "source")] == ["thei", "ours"]
    ours, theirs = page.locator("#ranking tbody td strong").all_inner_texts()[::-1]
    assert ours.startswith("Contradicts theirs: MAP@R of seed 0 is 0.")
    assert theirs.startswith("Contradicts ours")
    assert "with local changes" in page.locator("#sources ~ div tr", has_text="theirs").inner_text()


def test_more_rows_are_shown_on_demand(open_page, data):
    page = open_page()
    rows, more = (
        page.locator("#ranking tbody tr:not(.board)"),
        page.get_by_role("button", name="Show more"),
    )
    assert rows.count() == 100
    while more.is_visible():
        more.click()
    assert rows.count() == len(data)


def test_it_can_be_used_by_keyboard(open_page, data):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"

    def tab_to(selector):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", "the focus can be seen"
                return
        pytest.fail(f"{selector} cannot be reached")

    tab_to("#filter-method")
    page.keyboard.type("LA")
    assert count(page) == (data["method"] == "lae").sum()
    tab_to("#ranking th[data-column=score] button")
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("MAP@R")


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_a_screen_reader_finds_a_table_with_names(open_page, width):
    page = choices(open_page(width=width))
    table = page.get_by_role("table", name="Ranking, scores in percent")
    assert table.get_by_role("row").count() > 100
    assert table.get_by_role("rowheader", name="InDiReCT").count()
    assert table.get_by_role("cell", name="1 of 5").count()
    assert page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("page_name", ["index.html", "figures.html"])
@pytest.mark.parametrize("width", [320, 360, NARROW, 800])
def test_a_narrow_page_does_not_scroll_sideways(open_page, width, page_name):
    page = open_page(page=page_name, width=width)
    open_details(page)
    assert width_of(page) <= width


def test_a_phone_sorts_without_heads_of_columns(open_page):
    page = choices(open_page(width=NARROW, page="index.html#notion=Car+Color&r=4"))
    page.get_by_label("Sort by").select_option("method")
    names = column(page, "method")
    assert names == sorted(names, key=str.lower)
    page.get_by_role("button", name="turn the order round").click()
    assert column(page, "method")[0] != names[0]
    box = page.locator("#ranking tbody tr").first.bounding_box()
    assert box["width"] <= NARROW


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page_name", ["index.html", "figures.html"])
def test_contrast(open_page, scheme, page_name):
    ratio, text = open_page(page=page_name, color_scheme=scheme).evaluate(LOWEST_CONTRAST)
    assert ratio >= 4.5, text


def test_without_javascript_all_rows_are_there(open_page, base, data):
    page = open_page(base, java_script_enabled=False)
    assert page.get_by_text("With JavaScript they can be sorted").is_visible()
    assert not page.locator("#filters").is_visible()
    assert len(column(page, "method")) == len(data)
    assert [text.split(" ")[0] for text in column(page, "rank")[:4]] == ["1", "2", "3", "4"]


def test_it_prints_the_rows_that_are_shown(open_page):
    page = open_page(page="index.html#notion=Car+Color&method=LAE")
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.get_by_role("rowheader", name="LAE").is_visible()
    assert (
        page.locator(".table-region.tall").evaluate("e => getComputedStyle(e).maxHeight") == "none"
    )


def test_the_methods_are_those_of_the_folders(open_page):
    page = open_page()
    options = page.locator("#filter-method option").all_inner_texts()[1:]
    assert set(options) == {METHOD_NAMES[name] for name in (*METHODS, "pca")}
