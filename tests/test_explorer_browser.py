"""The explorer in a browser: by clicks and keys, on all kinds of screens, whatever labels hold."""

import re

import numpy as np
import pandas as pd
import pytest
from browser_pages import LOWEST_CONTRAST, NAMELESS, open_details, width_of
from tiny_explorer import Tiny, vectors_by, write_page
from tiny_report import EVIL

from lanzdml import CLIP, TextSubspace
from lanzdml.datasets.queries import Queries
from lanzdml.explorer.collect import N_NEIGHBOURS

LONG = "long " * 2_000
TURNED = "\u202eturned\u202c שלום"
NAMES = ("plain", EVIL, LONG, TURNED, "=cmd|' /C calc'!A0")
KINDS = [NAMES[i % 5] for i in range(140)]
COLORS = [("red", "blue") if i % 3 else ("green",) for i in range(140)]
IDS = [f"image {i}" for i in range(138)] + [f"{EVIL} id", "x" * 10_000]
PHONE = {"width": 400, "height": 860}


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A dataset whose words try to break out; and one of vectors only, with a gallery."""
    vectors = vectors_by(KINDS, noise=1.5)
    vectors[20] = vectors[30] = vectors[45]
    labels = {"kind": KINDS, "color": COLORS}
    return Tiny(tmp_path_factory.mktemp("mine"), labels, vectors, ids=IDS)


@pytest.fixture(scope="module")
def page_file(mine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    plain = [f"class {i % 20}" for i in range(100)]
    vectors = Tiny(folder / "v", {"sort": plain}, vectors_by(plain), images=False, name="vectors")
    return write_page(folder, mine.task(), vectors.task((CLIP, TextSubspace)))


@pytest.fixture
def open_page(pages, page_file):
    """Opens the page, given what is in its address; at the end nothing was loaded."""

    def open_explorer(address="", path=page_file, width=1400, height=900, **screen):
        return pages(path.as_uri() + address, width, height, **screen)

    yield open_explorer
    assert all(url.startswith(("data:", "file:")) for url in pages.requests)
    files = [url for url in pages.requests if url.startswith("file:")]
    assert len({url.partition("#")[0] for url in files}) == 1


def scores(mine, cls, notion="kind"):
    """MAP@R of each image."""
    table = pd.read_parquet(mine.folder / notion / f"{cls.name}-queries.parquet")
    return table.set_index("image_id")["map_at_r"]


def chosen(page):
    """The picture that is looked at, by its number."""
    return page.evaluate("document.querySelector('.tile.is-chosen')?.dataset.picture")


def sections(page):
    """What stands beside each other for the image that is looked at."""
    return page.locator("#chosen .beside > section")


def test_what_users_wrote_is_text(open_page):
    page = open_page("#image=1")
    for view in ("Images", "Maps", "Losses", "Confusions"):
        page.get_by_role("tab", name=view).click()
        assert page.evaluate("window.stolen") is None
        assert page.locator("main script, main [onerror]").count() == 0
    assert EVIL in page.locator("#chosen h2").inner_text()
    page.goto(
        page.url.partition("#")[0] + f"#search={EVIL}&label={EVIL}&notion={EVIL}&image={EVIL}"
    )
    page.reload()
    assert page.evaluate("window.stolen") is None
    assert page.locator("#label option").count() == 1 + len(NAMES)
    assert "\u202e" not in page.content()
    assert max(map(len, page.locator("#label option").all_inner_texts())) <= 200


def test_a_click_shows_the_neighbours_by_both_methods(open_page, mine):
    page = open_page()
    assert page.get_by_role("heading", name="Choose an image").is_visible()
    page.locator("#grid .tile").nth(7).click()
    assert chosen(page) == "7"
    assert sections(page).locator("h3").all_inner_texts() == ["CLIP", "Text subspace"]
    points = mine.vectors / np.linalg.norm(mine.vectors, axis=1, keepdims=True)
    near = np.argsort(-(points @ points[7]))[1 : 1 + N_NEIGHBOURS]
    tiles = sections(page).first.locator(".neighbour")
    assert tiles.count() == N_NEIGHBOURS
    for rank, (tile, row) in enumerate(zip(tiles.all(), near, strict=True), start=1):
        assert tile.locator(".rank").inner_text() == str(rank)
        assert tile.locator("[data-picture]").get_attribute("data-picture") == str(row)
        right = KINDS[row] == KINDS[7]
        assert ("right" in tile.get_attribute("class").split()) == right
        assert tile.locator(".mark").inner_text().split() == (
            ["✓", "right"] if right else ["✗", "wrong"]
        )
    said = sections(page).first.locator(".score").inner_text()
    assert f"MAP@R {100 * scores(mine, CLIP)['image 7']:.1f}" in said
    n_right = sum(KINDS[row] == KINDS[7] for row in near)
    assert f"{n_right} of {N_NEIGHBOURS} right" in said
    assert f"CLIP finds {n_right} of {N_NEIGHBOURS} right" in page.locator("#said").inner_text()


def test_a_neighbour_is_the_next_image_and_back_goes_back(open_page):
    page = open_page("#image=7")
    second = sections(page).first.locator("button").nth(1)
    number = second.get_attribute("data-picture")
    second.click()
    assert chosen(page) == number
    assert page.evaluate("document.activeElement.id") == "chosen"
    page.go_back()
    assert chosen(page) == "7"


def test_the_address_leads_others_to_the_same_view(open_page):
    page = open_page()
    page.get_by_label("Notion").select_option("color")
    page.get_by_label("Method", exact=True).select_option("random_transform")
    page.get_by_label("and beside it").select_option("clip")
    page.get_by_label("Class", exact=True).select_option("green")
    page.locator("#grid .tile").nth(2).click()
    page.get_by_role("tab", name="Maps").click()
    other = open_page("#" + page.url.partition("#")[2])
    for name, value in (("#notion", "color"), ("#a", "random_transform"), ("#b", "clip"),
                        ("#label", "green")):  # fmt: skip
        assert other.locator(name).input_value() == value
    assert chosen(other) == chosen(page) == "6"
    assert other.get_by_role("tab", name="Maps").get_attribute("aria-selected") == "true"
    assert other.locator("#count").inner_text().startswith("47 of 140 images")


@pytest.mark.parametrize(
    "address",
    ["#image=99999", "#image=-1", "#dataset=x&notion=__proto__&a=constructor&b=toString",
     "#pair=9-9-a", "#pair=0-1-b&b=", "#view=settings", "#%ff%", "#a=pca&b=pca&image=3"],
)  # fmt: skip
def test_addresses_of_nothing_are_as_good_as_none(open_page, address):
    page = open_page(address)
    assert page.locator("#dataset").input_value() == "mine"
    assert page.locator("#grid .tile").count() > 0


def test_filters(open_page):
    page = open_page()
    assert page.locator("#count").inner_text() == "140 of 140 images, the first 120 shown"
    page.get_by_label("Search").fill("IMAGE 13")
    found = [i for i in IDS if "image" in i and "13" in i]
    assert page.locator("#grid .tile").count() == len(found)
    page.get_by_label("Search").fill("")
    page.get_by_label("Class", exact=True).select_option("plain")
    assert page.locator("#grid .tile").count() == KINDS.count("plain")
    page.get_by_label("Search").fill("no such image")
    assert page.locator("#count").inner_text() == "0 of 140 images"
    page.get_by_label("Search").fill("")
    page.get_by_label("Class", exact=True).select_option("")
    page.get_by_role("button", name="Show more").click()
    assert page.locator("#grid .tile").count() == 140
    assert page.evaluate("document.activeElement.dataset.picture") == "120"
    assert not page.get_by_role("button", name="Show more").is_visible()


def test_losses_are_those_of_the_scores(open_page, mine):
    page = open_page()
    page.get_by_role("tab", name="Losses").click()
    one, other = scores(mine, CLIP), scores(mine, TextSubspace)
    lost = (other - one).sort_values(ascending=False)
    section = page.get_by_role("region", name="CLIP loses most against Text subspace")
    values = section.locator(".tile .score").all_inner_texts()
    assert len(values) == min(24, int((lost > 0).sum()))
    for text, name in zip(values, lost.index, strict=False):
        assert text == f"{100 * one[name]:.1f} / {100 * other[name]:.1f}"
    both = page.get_by_role("region", name="All methods lose these")
    made = pd.concat([scores(mine, cls) for cls in (CLIP, TextSubspace)], axis=1).max(axis=1)
    assert "Often the label is wrong" in both.inner_text()
    firsts = [
        float(text.removeprefix("best ")) for text in both.locator(".tile .score").all_inner_texts()
    ]
    assert firsts == sorted(firsts)
    assert firsts[0] >= round(100 * made.min(), 1)
    tile = section.locator(".tile").first
    tile.click()
    assert IDS[int(tile.get_attribute("data-picture"))] == lost.index[0]
    assert lost.index[0] in page.locator("#chosen").inner_text()


def test_confusions_add_up_and_lead_to_their_images(open_page, mine):
    page = open_page("#view=confusions")
    table = page.get_by_role("region", name="Confusions of CLIP").locator("table")
    assert table.locator("thead th[scope=col]").count() == len(NAMES)
    assert table.locator("tbody th[scope=row]").count() == len(NAMES)
    section = page.get_by_role("region", name="CLIP", exact=True).locator(".pairs")
    counts = [float(text) for text in section.locator(".n").all_inner_texts()]
    row = pd.read_parquet(mine.folder / "kind/clip.parquet").iloc[0]
    assert sum(counts) == pytest.approx(140 * (1 - row["precision_at_1"]), abs=0.5)
    section.get_by_role("button").first.click()
    assert page.get_by_role("tab", name="Images").get_attribute("aria-selected") == "true"
    assert page.locator("#grid .tile").count() == pytest.approx(counts[0], abs=1)
    first = page.locator("#grid .tile").first
    first.click()
    assert "wrong" in sections(page).first.locator(".neighbour").first.get_attribute("class")
    page.get_by_role("button", name="Show all").click()
    assert page.locator("#count").inner_text().startswith("140 of 140")


def test_confusions_of_many_classes_and_of_several_values_are_lists(open_page):
    for address in ("#dataset=vectors&view=confusions", "#notion=color&view=confusions"):
        page = open_page(address)
        assert page.locator("#confusions table").count() == 0
        assert page.locator("#confusions .pairs li").count() > 0


def test_a_click_on_a_map_looks_at_the_image_there(open_page):
    page = open_page("#view=maps")
    maps = page.locator("#map-panels canvas")
    assert maps.count() == 2
    box = maps.first.bounding_box()
    drawn = maps.first.evaluate(
        "(c) => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    )
    assert drawn > 10
    for x, y in np.random.default_rng(0).uniform(0.2, 0.8, (40, 2)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if chosen(page) is not None:
            break
    number = chosen(page)
    assert number is not None
    assert sections(page).count() == 2
    page.get_by_role("button", name="Pictures").click()
    assert "points=pictures" in page.url
    assert chosen(page) == number
    page.locator("#grid .tile").nth(3).click()  # the list has the same images
    assert chosen(page) == "3"
    page.locator("#legend button").first.click()
    assert page.locator("#label").input_value() != ""


def test_everything_by_keyboard(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"

    def tab_to(selector):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                assert (
                    page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                    == "solid"
                )
                return
        pytest.fail(f"{selector} cannot be reached")

    tab_to("#grid .tile")
    at = "document.activeElement.dataset.picture"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(at) == "2"
    page.keyboard.press("ArrowDown")
    columns = int(page.evaluate(at)) - 2
    assert columns > 2
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(at) == "1"
    page.keyboard.press("Enter")
    assert chosen(page) == "1"
    assert page.evaluate(at) == "1", "the focus stays, so that one can go on"
    page.keyboard.press("End")
    assert page.evaluate(at) == "119"
    page.keyboard.press("Home")
    assert page.evaluate(at) == "0"
    assert page.locator("#grid [tabindex='0']").count() == 1
    tab_to("#chosen .neighbours button")
    number = page.evaluate(at)
    page.keyboard.press("Enter")
    assert chosen(page) == number
    page.locator("#tab-images").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-maps"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "tab-confusions"


@pytest.mark.parametrize("view", ["images", "maps", "losses", "confusions"])
@pytest.mark.parametrize("width", [320, 400, 1200])
def test_nothing_is_wider_than_the_window(open_page, view, width):
    page = open_page(f"#view={view}&image=2", width=width)
    open_details(page)
    assert width_of(page) <= width


def test_on_a_phone_a_tap_leads_to_the_neighbours_and_back(open_page):
    page = open_page(**PHONE, has_touch=True)
    page.locator("#grid .tile").nth(5).tap()
    assert page.evaluate("document.activeElement.id") == "chosen"
    assert page.evaluate("document.querySelector('#chosen').getBoundingClientRect().top") < 860
    lefts = [section.bounding_box()["x"] for section in sections(page).all()]
    assert lefts[0] < 200 <= lefts[1], "side by side"
    page.get_by_role("button", name="Back to the images").tap()
    assert page.evaluate("document.activeElement.dataset.picture") == "5"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(open_page, scheme):
    for view in ("images", "maps", "losses", "confusions"):
        page = open_page(f"#view={view}&image=2", color_scheme=scheme)
        ratio, text = page.evaluate(LOWEST_CONTRAST)
        assert ratio >= 4.5, (view, text)


def test_every_control_and_picture_has_a_name(open_page):
    for view in ("images", "maps", "losses", "confusions"):
        page = open_page(f"#view={view}&image=2")
        assert page.evaluate(NAMELESS) == []
    assert page.locator("[id]").evaluate_all(
        "(all) => all.length === new Set(all.map((e) => e.id)).size"
    )


def test_methods_that_were_not_made_say_why(open_page):
    page = open_page("#a=clip&b=pca&image=3")
    assert "not made" in page.locator("#b option:checked").inner_text()
    assert page.locator("#score-b").inner_text() == "could not be made"
    assert (
        "Could not be made: there are <b>too few</b> prompts" in sections(page).nth(1).inner_text()
    )
    for view in ("Maps", "Losses", "Confusions"):
        page.get_by_role("tab", name=view).click()
    assert "too few" in page.locator("#confusions").inner_text()


def test_one_method_alone(open_page):
    page = open_page("#image=3")
    page.get_by_label("and beside it").select_option("")
    assert sections(page).count() == 1
    page.get_by_role("tab", name="Losses").click()
    assert page.get_by_role("region", name="CLIP finds least").is_visible()
    assert "b=&" in page.url


def test_the_methods_can_be_swapped(open_page):
    page = open_page("#image=3")
    page.get_by_role("button", name="Swap").click()
    assert sections(page).locator("h3").all_inner_texts() == ["Text subspace", "CLIP"]


def test_ties_are_said(open_page):
    page = open_page("#image=20")
    ranks = sections(page).first.locator(".rank").all_inner_texts()
    assert ranks[:3] == ["1=", "1=", "3"]


def test_vectors_without_images_are_shown_by_their_ids(open_page):
    page = open_page("#dataset=vectors&image=0")
    assert "vectors and labels only" in page.locator("#notes").inner_text()
    assert page.locator("#explorer img").count() == 0
    assert "image 5" in page.locator("#grid .tile").nth(5).inner_text()
    assert page.locator("#chosen .neighbour").count() == 2 * N_NEIGHBOURS


def test_images_may_agree_in_one_of_several_values(open_page):
    page = open_page("#notion=color&image=1")
    assert "two agree that share one" in page.locator("#notes").inner_text()
    assert page.locator("#chosen h2").inner_text() == "blue, red"


def test_a_sample_says_so(open_page, mine, tmp_path):
    page = open_page(path=write_page(tmp_path, mine.task((CLIP,)), images=30))
    note = page.locator("#notes").inner_text()
    assert "A sample: 30 of 140 images of mine, drawn at random" in note
    assert "nearest of all images" in note
    assert page.locator("#grid .tile").count() == 30
    page.locator("#grid .tile").first.click()
    assert page.locator("#chosen .neighbour").count() == N_NEIGHBOURS
    assert page.locator("#chosen .neighbour .cannot-ask").count() > 0


def test_a_gallery_says_so(open_page, tmp_path):
    kinds = [f"class {i % 3}" for i in range(60)]
    tiny = Tiny(tmp_path, {"kind": kinds}, vectors_by(kinds))
    task = tiny.task((CLIP,), Queries(share=0.2), protocol="query_gallery")
    page = open_page("", write_page(tmp_path, task, protocol="query_gallery"))
    assert "12 are queries, 48 the gallery" in page.locator("#notes").inner_text()
    assert "gallery" in page.locator(".how").text_content()
    assert page.locator("#grid .tile").count() == 12


def test_without_javascript_the_page_says_what_it_needs(open_page):
    page = open_page(java_script_enabled=False)
    assert page.get_by_text("This page needs JavaScript").is_visible()
    assert not page.locator("#explorer").is_visible()


def test_it_is_one_file(page_file):
    text = page_file.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!#|data:)', text)
