"""The report: what is on it, that all of it is text, and that it stands alone."""

import json
import re
import subprocess
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from importlib.metadata import version
from itertools import pairwise
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup, escape
from tiny_report import (
    EVIL,
    METHODS,
    REASON,
    compare_papers,
    make_report,
    runs,
    write_benchmarks,
)

from lanzdml.methods import METHODS as REGISTERED
from lanzdml.methods.elsewhere import welcome
from lanzdml.methods.indirect import InDiReCT
from lanzdml.metrics.runs import TRAITS, traits_of, write_runs
from lanzdml.metrics.scores import METRICS, MORE_METRICS
from lanzdml.names import METHOD_NAMES, METRIC_NAMES, notion_on_paper
from lanzdml.report import ASSETS, FOLDER, cost, explained, parts, provenance
from lanzdml.report.equations import prose
from lanzdml.report.glance import _lanes, glances
from lanzdml.report.grid import make_grid
from lanzdml.report.method_table import method_table
from lanzdml.report.part import Entry, Part, Script
from lanzdml.report.parts.explained import part as explained_part
from lanzdml.report.run_table import as_script_text, run_table
from lanzdml.tables.beyond import write_beyond
from lanzdml.tables.markup import Table
from lanzdml.tables.paper import summarise
from lanzdml.tables.published import COLUMNS
from lanzdml.transforms import storage as transforms
from lanzdml.transforms.storage import FITTED_WITH, save_not_fitted

VOID = {"meta", "link", "input", "img", "br", "hr", "wbr"}


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and what is nested wrongly."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source, self.elements, self.texts = source, [], []
        self.open, self.wrong = [], []
        self.feed(source)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.wrong.append((tag, self.getpos()))
        else:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def attribute(self, name):
        return [value for _, attributes in self.elements if (value := attributes.get(name))]


def read(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(path):
    return read(path)


def test_elements_are_closed_in_order_and_ids_are_unique(page):
    assert not page.wrong
    assert not page.open
    ids = page.attribute("id")
    assert not [name for name, count in Counter(ids).items() if count > 1]
    for name in ("aria-labelledby", "for"):
        assert set(page.attribute(name)) <= set(ids)


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_links_lead_to_what_is_there(page, path):
    ids = set(page.attribute("id"))
    links = [link["href"] for link in page.all("a")]
    assert "metrics.parquet" in links
    assert {"tables/table2.tex", "figures/gallery.pdf", "tables/saliency.csv"} <= set(links)
    for link in links:
        if link.startswith("#"):
            assert link[1:] in ids
        else:
            assert (path.parent / unquote(link)).is_file(), link


def policy(page):
    """What the page may do."""
    (text,) = (
        meta["content"]
        for meta in page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    return text


def test_nothing_is_loaded(page):
    assert policy(page).startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy(page)
    addresses = [
        value for name in ("src", "srcset", "data", "action") for value in page.attribute(name)
    ]
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    style, script = ((FOLDER / name).read_text() for name in ("style.css", "parts/runs.js"))
    assert not re.search(r"url\(|@import|http", style)
    assert not re.search(r"fetch|http|innerHTML|</script|<!--", script)
    assert style in page.source
    assert script in page.source


def test_what_users_wrote_is_text(page):
    assert len(page.all("script")) == 2
    assert page.all("img"), "the figures"
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert not page.attribute("onerror")
    evil = " ".join(EVIL.split())
    assert page.text.count(evil) > 10
    assert any(EVIL in option["value"] for option in page.all("option") if "value" in option)


def test_every_run_is_in_the_data(page, path):
    data = json.loads(re.search(r'id="run-data">(.*?)</script>', page.source, re.DOTALL)[1])
    names = [column["name"] for column in data["columns"]]
    frame = pd.DataFrame(data["rows"], columns=names)
    expected = pd.read_parquet(path.parent / "metrics.parquet")
    assert len(frame) == len(expected)
    assert frame["map_at_r"].fillna(-1).tolist() == pytest.approx(
        expected["map_at_r"].fillna(-1).tolist()
    )
    assert set(frame["method"]) == {METHOD_NAMES[method] for method in METHODS}
    assert set(frame["reason"].dropna()) == {REASON}
    options = {column["name"]: column["options"] for column in data["columns"]}
    assert options["model"] == ["tiny", "other"]
    assert options["n_prompts"] == ["2", "3"]
    assert options["seed"] == []
    assert "protocol" not in names, "it is the same in all rows"
    assert "Protocol paper" in page.text


def test_one_run_has_all_its_columns():
    table = run_table(runs("car_color").iloc[[2]].assign(loss=1.0, iterations=3, reason=None))
    names = [column.name for column in table.columns]
    assert {"dataset", "method", "seed", *METRICS} <= set(names)
    assert "reason" not in names
    assert not any(column.options for column in table.columns)


def test_script_text_cannot_end_its_element():
    data = ["</script>", "<!--", "<script>", "&", '"', "\u2028"]
    text = as_script_text(data)
    assert "<" not in text
    assert json.loads(text) == data


def test_tables_show_what_the_library_computes(page):
    # mean and population std of 0.379 and 0.389, the best without labels
    assert "38.4 ± 0.5" in page.text
    assert "<strong>38.4 ± 0.5</strong>" in page.source
    assert "0.384 ± 0.005" in page.text
    assert "Ours / published, difference in percent" in page.text
    assert "Saliency on the foreground, in percent" in page.text
    assert "51.2" in page.text
    assert page.text.count("Datasets and similarity notions: images, classes") == 1


def test_values_are_told_on_the_way_from_chance_to_oracle(page):
    assert "chance, and the share of the way from there to Oracle, in percent" in page.text
    # chance, Random, CLIP and InDiReCT, whose means are .134, .25 and .384; Oracle has .634
    assert "MAP@R 12.5 1.8 24.6 50.9 — 100.0" in page.text


def test_classes_that_lose_and_gain_are_folded_notion_by_notion(page):
    assert f"InDiReCT N/A 3 42.5 -7.5 {EVIL} 3 53.2 +3.2" in page.text
    assert {"classes", "classes-1", "classes-2"} <= set(page.attribute("id"))


def test_what_is_more_than_chance_is_in_a_section_of_its_own(page):
    assert (
        "With tiny, r′ = 4: InDiReCT's MAP@R is higher than CLIP's on 2 of 2 notions" in page.text
    )
    assert "InDiReCT minus each method that sees no labels, in percent points" in page.text
    assert "5.00 to 20.00" in page.text
    ids = page.attribute("id")
    assert {"significance", "significance-1-1", "significance-1-3"} <= set(ids)
    assert "figure-critical_difference" not in ids, "it is there, and not among the figures"
    alts = [image["alt"] for image in page.all("img")]
    assert alts.count(f"Seen: critical_difference, {EVIL}") == 1


def test_the_headline_is_computed_from_the_runs(page):
    assert (
        "With tiny, r′ = 4, InDiReCT is above CLIP in 2 of 2 notions (+13.4 points of MAP@R on "
        in (page.text)
    )
    assert "the best method without labels is InDiReCT in 2 of 2 notions." in page.text


def headline(rows):
    (glance,) = glances(summarise(rows))
    return glance.sentence


def test_the_headline_says_what_a_run_cannot_say():
    rows = runs("car_color")
    assert "is above CLIP in the notion (+13.4 points of MAP@R)" in headline(rows)
    worse = rows.copy()
    worse.loc[worse["method"] == "indirect", "map_at_r"] = 0.1
    assert "is not above CLIP in the notion (−15.0 points of MAP@R)" in headline(worse)
    assert headline(worse).endswith("the best method without labels is CLIP.")
    others = headline(rows[rows["method"] != "clip"])
    assert "CLIP" not in others
    assert others.endswith("the best method without labels is InDiReCT.")
    equal = rows.copy()
    equal.loc[equal["method"] == "indirect", "map_at_r"] = 0.25
    assert headline(equal).endswith("the best method without labels is CLIP and InDiReCT.")
    assert glances(summarise(rows[rows["method"] == "pca"])) == []


def test_the_headline_leaves_out_means_over_some_seeds():
    rows = runs("car_color")
    failed = (rows["method"] == "indirect") & (rows["seed"] > 0)
    rows.loc[failed, [*METRICS, "reason"]] = [*[np.nan] * len(METRICS), "diverged"]
    (glance,) = glances(summarise(rows))
    assert glance.sentence.endswith("r′ = 4, the best method without labels is CLIP.")
    (strip,) = glance.strips
    assert (strip.gain, strip.best) == ("", "CLIP 25.0")
    assert "InDiReCT 37.9 (1 of 2 seeds)" in strip.description


def test_dots_that_would_lie_on_each_other_have_lanes():
    assert _lanes([0.5, 0.1, 0.501, 0.499, 0.9]) == [1, 0, -1, 0, 0]


def test_how_numbers_were_made_is_told(page):
    for text in (
        "weights sha256",
        "12ab",
        "a $5 car",
        "3 prompts",
        "template: a {aspect}",
    ):
        assert text in page.text, text
    assert "numpy" in page.text


def test_figures_are_described(page):
    alts = [image["alt"] for image in page.all("img")]
    assert len(alts) == 5
    assert alts[0] == f"Seen: gallery, {EVIL}", "the gallery comes first"
    assert not any("A caption" in alt for alt in alts), "it stands below"
    assert page.text.count(f"A caption & {EVIL}") == 5


def contents(page):
    """Where the lines of the contents lead, and what they say."""
    source = page.source.partition("<nav")[2].partition("</nav>")[0]
    return {link: unescape(text) for link, text in re.findall(r'href="#(.*?)">(.*?)</a>', source)}


def test_the_contents_lead_to_all_parts_and_figures(page):
    sections = [section["aria-labelledby"] for section in page.all("section")]
    assert sections == [
        "glance", "gallery", "results", "significance", "classes", "data", "figures", "published",
        "runs", "provenance", "cost", "explained", "files",
    ]  # fmt: skip
    below = ["figure-dimensions", "figure-saliency", "figure-own_figure", "comparison-1"]
    assert [link for link in contents(page) if link not in below] == sections
    assert [link for link in contents(page) if link not in sections] == below
    assert contents(page)["comparison-1"] == "InDiReCT (WACV 2023)"
    assert contents(page)["gallery"] == "Title of gallery"
    assert contents(page)["figure-own_figure"] == "Title of own_figure"


def test_a_part_is_a_function_in_the_list(tmp_path):
    def mine(results):
        text = Markup("<p id='mine-below'>%s</p>") % f"{len(results.all_runs)} {EVIL}"
        return Part("mine", "Mine & yours", text, [Entry("mine-below", "Below")])

    listed = [*parts.PARTS[:2], mine, *parts.PARTS[2:]]
    path = make_report(tmp_path, listed)
    page = read(path)
    n_runs = len(pd.read_parquet(path.parent / "metrics.parquet"))
    assert f"Mine & yours {n_runs} {' '.join(EVIL.split())}" in page.text
    assert [*contents(page)][1:5] == ["gallery", "mine", "mine-below", "results"]
    assert contents(page)["mine"] == "Mine & yours"
    assert {"mine", "mine-below"} <= set(page.attribute("id"))
    assert len(page.all("script")) == 2
    assert not page.wrong


def test_a_part_with_nothing_to_show_is_left_out(tmp_path):
    def nothing(results):
        return None

    first, *_ = parts.PARTS
    page = read(make_report(tmp_path, [first, nothing]))
    assert [section["aria-labelledby"] for section in page.all("section")] == ["glance"]
    assert [*contents(page)] == ["glance"]


def test_only_scripts_of_parts_may_run(tmp_path):
    def part(results):
        script = Script(Markup("window.mine = 1;"), "mine-data", Markup("[1]"))
        return Part("mine", "Mine", Markup("<p>Text</p>"), script=script)

    page = read(make_report(tmp_path, [part]))
    digest = b64encode(sha256(b"window.mine = 1;").digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy(page)
    assert '<script type="application/json" id="mine-data">[1]</script>' in page.source
    assert "<script>window.mine = 1;</script>" in page.source
    assert "script-src 'none';" in policy(read(make_report(tmp_path, parts.PARTS[:1])))


def test_all_parts_are_listed_and_beside_their_templates():
    folder = FOLDER / "parts"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {make.__module__ for make in parts.PARTS} == {f"{parts.__name__}.{m}" for m in modules}
    templates = {path.relative_to(FOLDER).as_posix() for path in ASSETS}
    assert {f"parts/{module}.html.j2" for module in modules} < templates
    assert {"page.html.j2", "macros.html.j2", "style.css", "parts/runs.js"} < templates


def test_a_figure_is_in_one_part(page, tmp_path):
    assert page.source.count(f'alt="{escape(f"Seen: gallery, {EVIL}")}"') == 1
    alone = read(make_report(tmp_path, [parts.figures.all_but("gallery", "saliency", "none")]))
    assert [*contents(alone)] == [
        "figures", "figure-dimensions", "figure-critical_difference", "figure-own_figure"
    ]  # fmt: skip


def test_a_table_with_the_name_of_a_figure_is_below_it(page, tmp_path):
    shown = page.source.partition('id="figure-saliency"')[2].partition("<h3")[0]
    assert 'id="saliency-table-1"' in shown
    assert "Saliency on the foreground, in percent" in shown
    tables = [tmp_path / f"{name}.csv" for name in ("own_figure", "dimensions", "other")]
    for table in tables:
        table.write_text(f'Name,Value\n007,"{EVIL.replace(chr(34), chr(34) * 2)}"\nnull,\n')
    tables[1].write_text("Name,Value\n")
    page = read(make_report(tmp_path, tables=tables))
    below = page.source.partition('id="figure-own_figure"')[2].partition("</section>")[0]
    assert 'id="own_figure-table-1"' in below
    assert page.text.count(f"Own figure Name Value 007 {' '.join(EVIL.split())} null") == 1
    assert not {"dimensions-table-1", "other-table-1", "saliency-table-1"} & set(
        page.attribute("id")
    )


def test_optional_parts_can_be_missing(tmp_path):
    empty = {name: [] for name in ("runs", "main", "paper", "tables")}
    empty |= {name: {} for name in ("figures", "words", "prompts", "images")}
    page = read(make_report(tmp_path, **empty, benchmarks=tmp_path / "none"))
    assert "No notion was scored" in page.text
    assert not page.wrong
    assert not page.all("script")
    ids = set(page.attribute("id"))
    assert {"glance", "provenance", "explained", "files"} <= ids
    assert not ids & {"gallery", "results", "data", "figures", "published", "runs", "cost"}
    assert all(link["href"][1:] in ids for link in page.all("a"))


def test_a_comparison_without_rows_is_left_out(tmp_path):
    table = tmp_path / "published_comparison.csv"
    table.write_text(",".join(COLUMNS) + "\n")
    page = read(make_report(tmp_path, tables=[table]))
    assert "published" not in page.attribute("id")


def test_values_of_two_papers_are_in_one_report(tmp_path):
    tables = compare_papers(tmp_path / "results" / "papers")
    page = read(make_report(tmp_path, tables=tables))
    below = {id: title for id, title in contents(page).items() if id.startswith("comparison")}
    assert [*below.values()] == ["InDiReCT (WACV 2023)", "CLAY (CVPR 2026)"]
    first, second = (page.source.partition(f'<h3 id="{id}"')[2] for id in below)
    first, second = (unescape(part.partition("</section>")[0]) for part in (first, second))
    first = first.partition("<h3")[0]
    assert "Cars196" in first
    assert "39.5 / 37.4" not in first, "ours, of query and gallery, beside theirs of leave-one-out"
    for part, apart in ((first, ("deepfashion", "fit")), (second, ("clevr4", "color"))):
        assert f"cannot be compared for {notion_on_paper(*apart)}" in part
        assert "So they are listed apart." in part
    assert "r′ = 128;" in first
    assert "GeneCIS symmetric" in second
    assert "SigLIP-B" in second
    assert "deepfashion" not in second.lower()
    assert not page.wrong


def test_texts_of_published_values_break_out_of_nothing(tmp_path):
    values = tmp_path / "evil.csv"
    row = {
        "paper": EVIL, "source": EVIL, "dataset": "cars196", "notion": "car_model",
        "model": EVIL, "method": EVIL, "metric": "map", "value": 43.0, "unit": "percent",
        "setting": EVIL, "note": EVIL,
    }  # fmt: skip
    rows = [row | {"protocol": protocol} for protocol in ("leave_one_out", EVIL)]
    rows += [rows[0] | {"method": "clip"}]
    pd.DataFrame(rows).to_csv(values, index=False)
    tables = compare_papers(tmp_path / "results" / "papers", [values])
    page = read(make_report(tmp_path, tables=tables))
    assert not page.wrong
    assert not page.attribute("onerror")
    assert page.text.count(" ".join(EVIL.split())) > 15
    assert "<script>" not in tables[1].read_text()


def test_other_methods_are_in_a_table_of_their_own_after_the_papers(tmp_path):
    results = make_report(tmp_path).parent
    papers = runs("car_color")
    clay = papers[papers["method"] == "indirect"].assign(
        method="clay", map_at_r=0.99, **traits_of("clay")
    )
    both, paper, only = (results / f"{name}.parquet" for name in ("both", "paper", "clay"))
    write_runs(both, pd.concat([papers, clay]))
    write_runs(paper, papers)
    write_runs(only, clay)
    write_beyond([both], results / "tables/table1.csv", results / "tables")
    tables = sorted((results / "tables").iterdir())
    files = {"runs": [both], "main": [both], "paper": [paper], "tables": tables}
    page = read(make_report(tmp_path, **files))
    ids = page.attribute("id")
    assert [name for name in ids if name in ("results", "beyond", "data")] == [
        "results", "beyond", "data"
    ]  # fmt: skip
    assert ids.count("beyond-1") == 1
    assert "without labels: CLAY" in page.text
    assert "Beyond CLAY 99.0" in page.text
    table2 = page.source.partition('id="results"')[2].partition('id="beyond"')[0]
    assert "CLAY" not in table2
    assert "without labels is Oracle" not in page.text
    assert "the best of the paper's methods without labels is InDiReCT" in page.text
    assert not page.wrong
    alone = read(make_report(tmp_path, runs=[only], main=[only], paper=[], tables=tables))
    assert "results" not in alone.attribute("id")
    assert "the best method without labels is CLAY" in alone.text
    assert "No notion was scored" not in alone.text


def test_all_methods_and_metrics_have_equations():
    assert set(explained.METHOD_EXPLANATIONS) == set(REGISTERED)
    assert tuple(explained.METRIC_EXPLANATIONS) == (*METRICS, *MORE_METRICS)
    everything = [
        *map(explained.explain_method, REGISTERED),
        *map(explained.explain_metric, [*METRICS, *MORE_METRICS]),
    ]
    for explanation in everything:
        assert explanation.equations
        assert explanation.text.count("$") % 2 == 0
        for equation in explanation.equations:
            assert equation.mathml.startswith("<math")
            assert "\\" not in equation.mathml, "a command that is not known"
            assert "style=" not in equation.mathml, "the page's policy forbids it"
    numbers = [equation.number for equation in explained.explain_method("indirect").equations]
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_explanations_are_on_the_page(page):
    metrics = (METRIC_NAMES[name] for name in METRICS)
    for name in [*(METHOD_NAMES[method] for method in METHODS), *metrics]:
        assert f"<h4>{name}</h4>" in page.source
    assert "<h4>Recall@1</h4>" not in page.source, "none has it"
    assert len(page.all("math")) > 30


def test_vectors_of_several_sources_name_each():
    runs = pd.DataFrame({"method": "given", "source": ["a book", "a film", "a book"]})
    runs = runs.assign(protocol="paper", against=None, **dict.fromkeys(TRAITS, True))
    results = SimpleNamespace(config={"methods": []}, all_runs=runs)
    assert "made elsewhere: a book; a film" in explained_part(results).html


def test_what_each_method_sees_is_a_table():
    runs = pd.DataFrame([
        {"method": "guest", **traits_of("contrast_subspace"), "against": "size"},
        {"method": "seer", **traits_of("text_lda"), "against": None},
        {"method": "bought", **traits_of("clip"), "external": True, "supervised": True,
         "against": None},
    ])  # fmt: skip
    table = method_table([*REGISTERED, "guest", "seer", "bought", "planned"], runs)
    rows = {head: tuple(cells) for (head,), cells in zip(table.heads, table.cells, strict=True)}
    assert [*rows] == [*METHOD_NAMES.values(), "guest", "seer", "bought"]
    prompts = "prompts, others' prompts"
    assert rows["Contrast subspace"] == (prompts, "the image", "yes", "—",
                                         "weight 0.5, power 0.125")  # fmt: skip
    assert rows["guest"] == (prompts, "the image", "yes", "—", "—")
    assert rows["Text LDA"][:4] == rows["seer"][:4] == ("prompts, images", "the image", "yes", "—")
    assert rows["CLAY"][:2] == ("prompts", "all images")
    assert rows["CLIP"] == ("nothing", "the image", "—", "—", "—")
    assert rows["Oracle"][:4] == ("images with labels", "the image", "yes", "yes")
    assert rows["Random"][1] == "its place"
    assert rows["Prompt posterior"][4] == "logit_scale of the model"
    assert rows["bought"][:2] == ("made elsewhere, with labels", "—")


def test_methods_of_others_are_explained_as_they_say(tmp_path):
    source = tmp_path / "theirs.py"
    source.write_text(
        "from lanzdml.methods.base import Method\n"
        'class Mine(Method):\n    """Costs $5 < $6.\n\n    More.\n    """\n'
        'class Said(Mine):\n    """Long."""\n    explanation = "In short."\n'
        "class Bare(Method):\n    __doc__ = None\n"
    )
    for name in ("Mine", "Said", "Bare"):
        welcome(f"{source}:{name}")
    assert explained.explain_method("mine").text == "Costs 5 < 6."
    assert explained.explain_method("said").text == "In short."
    assert explained.explain_method("bare").text == "It has no explanation."
    assert explained.explain_method("given", "a paper").text.endswith("made elsewhere: a paper")
    assert not explained.explain_metric("mine").equations


def test_prose_is_escaped_but_for_its_mathematics():
    text = prose("a < b & $x < y$")
    assert text.startswith("a &lt; b &amp; <math")
    assert "<mi>x</mi>" in text


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


def test_commit_and_local_changes(tmp_path):
    assert provenance.commit(tmp_path).hash == ""
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "one")
    clean = provenance.commit(tmp_path)
    assert len(clean.hash) == 40
    assert not clean.dirty
    (tmp_path / "new").write_text("a method of one's own")
    assert provenance.commit(tmp_path) == provenance.Commit(clean.hash, True)
    assert provenance.commit(tmp_path, without=["new"]) == clean
    (tmp_path / "copy").mkdir()
    assert provenance.commit(tmp_path / "copy").hash == "", "the commit is that of something else"


def test_without_git_the_commit_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit().hash == ""


def test_versions_of_fits_are_told_where_they_differ(tmp_path, monkeypatch):
    files = [tmp_path / f"seed-{seed}.safetensors" for seed in range(3)]
    for file in files:
        save_not_fitted(file, InDiReCT(2), "too few")
    here = {package: version(package) for package in FITTED_WITH}
    listed = [f"{package} {number}" for package, number in here.items()]
    assert provenance.fitted_with(files) == [
        f"All 3 transforms were fitted with {', '.join(listed)}."
    ]
    assert provenance.fitted_with([]) == []

    monkeypatch.setattr(transforms, "version", lambda name: (here | {"torch": "2.0"})[name])
    save_not_fitted(files[0], InDiReCT(2), "too few")
    first, last = provenance.fitted_with(files)
    told = f"2.0 for 1, {here['torch']} for 2"
    assert first == (
        f"Not all of one environment: torch is {here['torch']} here, and of 3 transforms it was "
        f"{told}."
    )
    assert last == f"All 3 transforms were fitted with {', '.join(listed[:-1])}."
    for file in files:
        save_not_fitted(file, InDiReCT(2), "too few")
    assert "and of 3 transforms it was 2.0 for 3." in provenance.fitted_with(files)[0], "alike"

    page = make_report(tmp_path / "page", transforms=files).read_text()
    assert "Not all of one environment: torch is" in page


def test_models_that_embedded_alike_are_told_once(tmp_path, path):
    images = path.parent / "images.parquet"
    keys = [("a", "tiny"), ("b", "tiny"), ("a", "other")]
    found = provenance.embedded(dict.fromkeys(keys, images))
    assert [(entry.model, entry.images) for entry in found] == [
        ("tiny", {"a": 6, "b": 6}),
        ("other", {"a": 6}),
    ]


def test_costs_are_on_the_page(page):
    # 48 fits of 1 s, half of them of 100 iterations (10 ms each), half of 400 (2.5 ms each)
    assert "InDiReCT 48 1.0 s 1.0 s 48.0 s 250 6.25" in page.text
    assert "Random 48" not in page.text, "it learns nothing"
    assert "embeddings images 1 6.0 s 6.0 s 6.0 s 9.0 s 2,500" in page.text
    assert "InDiReCT 3 15.0 s 20.0 s 30.0 s 23.0 s 1,235" in page.text
    assert "Methods that are quick to fit 1 2.5 s 2.5 s 2.5 s 2.0 s 300" in page.text
    assert "Oracle 1 2 min 56 s 2 min 56 s 2 min 56 s — —" in page.text
    assert "saliency all 1 — — — — —" in page.text
    # 1 + 0.5 + 4.5 + 2.5 + 175.5 + 10 + 20 + 4 + 6 seconds of jobs; 48 fits of 1 s, and 46 of 2 s
    # of Oracle, which is given no prompts
    assert "the jobs took 3 min 44 s and the fits in them 2 min 20 s; the rest is" in page.text
    assert "also of earlier configurations" in page.text
    assert {"cost", "cost-fits", "cost-jobs"} <= set(page.attribute("id"))
    assert "#cost" in [link["href"] for link in page.all("a")]


def fit(method="indirect", **changes):
    run = {"dataset": "deepfashion", "notion": "texture", "model": "m", "protocol": "paper",
           "method": method, "dim": 4, "dim_auto": False, "n_prompts": 9, "seed": 0}  # fmt: skip
    return run | traits_of(method) | {"against": None} | changes


def test_costs_of_fits():
    rows = [
        fit("oracle", fit_seconds=8.0, iterations=None),
        fit("indirect", seed=0, fit_seconds=1.0, iterations=1000),
        fit("indirect", seed=1, fit_seconds=2.0, iterations=500),
        fit("indirect", seed=2, fit_seconds=6.0, iterations=300),
        fit("pca", fit_seconds=None, iterations=None),
        fit("pca", seed=1, fit_seconds=0.5, iterations=None),
        fit("clip", fit_seconds=100.0, iterations=None),
    ]
    frame = pd.DataFrame(rows).astype({"iterations": "Int64"})
    costs = cost.fit_costs(frame)
    assert costs.index.tolist() == ["indirect", "pca", "oracle"], "in order; CLIP learns nothing"
    names = ["fits", "median", "longest", "sum", "iterations", "iteration_ms"]
    assert list(costs) == names
    assert costs.loc["indirect"].tolist() == [3, 2.0, 6.0, 9.0, 600.0, 4.0]
    assert costs.loc["pca"].tolist()[:4] == [1, 0.5, 0.5, 0.5]
    assert costs.loc[["pca", "oracle"], ["iterations", "iteration_ms"]].isna().all(axis=None)


def test_a_fit_that_runs_share_counts_once():
    rows = runs("car_color")
    costs = cost.fit_costs(pd.concat([rows, rows.assign(protocol="released")]))
    assert costs.loc["indirect", ["fits", "sum"]].tolist() == [2, 2.0]
    # The released code runs AE on texture and fabric with the prompts of the clothing category.
    rows = [
        fit("ae", notion="clothing_category", fit_seconds=3.0),
        fit("ae", notion="texture", fit_seconds=5.0),
        fit("ae", notion="texture", protocol="released", fit_seconds=3.0),
        fit("ae", notion="fabric", protocol="released", fit_seconds=3.0),
    ]
    costs = cost.fit_costs(pd.DataFrame(rows).assign(iterations=10))
    assert costs.loc["ae", ["fits", "sum"]].tolist() == [2, 8.0]
    # A method that is the same for every seed is fitted once for all, and by each notion and dim.
    rows = [fit("text_subspace", seed=seed, fit_seconds=0.5) for seed in range(3)]
    rows += [fit("text_subspace", seed=seed, dim=2, fit_seconds=0.25) for seed in range(3)]
    costs = cost.fit_costs(pd.DataFrame(rows).assign(iterations=None))
    assert costs.loc["text_subspace", ["fits", "sum"]].tolist() == [2, 0.75]
    # Oracle's labels differ there, so its fits do.
    rows = [
        fit("oracle", dataset="cub200", notion="bird_species", protocol=protocol, fit_seconds=1.0)
        for protocol in ("paper", "released")
    ]
    assert cost.fit_costs(pd.DataFrame(rows).assign(iterations=10))["fits"].tolist() == [2]


def test_costs_of_jobs(tmp_path):
    write_benchmarks(tmp_path)
    costs = cost.job_costs(tmp_path, ["synthetic_cars"])
    assert list(costs) == ["stage", "kind", "jobs", "median", "longest", "sum", "cpu", "memory"]
    assert costs.astype(object).where(costs.notna(), None).to_numpy().tolist() == [
        ["embeddings", "images", 1, 6.0, 6.0, 6.0, 9.0, 2500.0],
        ["embeddings", "prompts", 1, 4.0, 4.0, 4.0, 3.0, 900.0],
        ["transforms", "indirect", 3, 15.0, 20.0, 30.0, 23.0, 1234.6],
        ["transforms", "oracle", 1, 175.5, 175.5, 175.5, None, None],
        ["transforms", "quick", 1, 2.5, 2.5, 2.5, 2.0, 300.0],
        ["metrics", "all", 3, 1.0, 4.5, 6.0, 4.5, 240.4],
        ["saliency", "all", 1, None, None, None, None, None],
    ]
    assert cost.job_costs(tmp_path / "none", ["synthetic_cars"]).empty


def test_memory_from_before_a_job_began_is_not_its_own(tmp_path):
    write_benchmarks(tmp_path)
    (tmp_path / "metrics/synthetic_cars/main/paper/tiny/quick.tsv").unlink()
    (tmp_path / "metrics/synthetic_cars/dimensions/indirect.tsv").unlink()
    costs = cost.job_costs(tmp_path, ["synthetic_cars"]).set_index("stage")
    assert costs.loc["metrics", "sum"] == 0.5
    assert costs.loc["metrics", ["cpu", "memory"]].isna().all()


def test_benchmarks_of_other_columns_or_depth_are_read(tmp_path):
    path = tmp_path / "transforms" / "synthetic_cars" / "a.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("s\n2\n3\n")
    (row,) = cost.job_costs(tmp_path, ["synthetic_cars"]).itertuples(index=False)
    assert row[:6] == ("transforms", "all", 1, 5.0, 5.0, 5.0), "a job that was repeated is one"
    assert all(map(np.isnan, row[6:]))


@pytest.mark.parametrize(
    ("path", "stage", "kind"),
    [
        ("transforms/pca/main/tiny/ae", "transforms", "ae"),  # a dataset may be called pca
        ("transforms/pca/tiny/car_color/indirect/dim-4/prompts", "transforms", "indirect"),
        ("transforms/pca/main/tiny/quick", "transforms", "quick"),
        ("embeddings/pca/tiny/shards/1-of-2", "embeddings", "shards"),
        ("metrics/pca/main/paper/tiny/indirect", "metrics", "all"),
        ("metrics/pca/shards/paper/tiny/kind/lae/dim-4/seed-0/1-of-2", "metrics", "shards"),
        ("metrics/pca/clusters/paper/tiny/kind/lae/dim-4/seed-0", "metrics", "clusters"),
        ("trimap/pca/indirect", "trimap", "all"),
    ],
)
def test_the_kind_of_a_job_is_told_by_its_path(tmp_path, path, stage, kind):
    """Also where an earlier version wrote it."""
    file = tmp_path / f"{path}.tsv"
    file.parent.mkdir(parents=True)
    file.write_text("s\n2\n")
    (row,) = cost.job_costs(tmp_path, ["pca"]).itertuples(index=False)
    assert row[:3] == (stage, kind, 1)


def test_only_what_was_measured_is_told():
    some, none = pd.DataFrame({"sum": [30.0, 40.5, np.nan]}), pd.DataFrame({"sum": [np.nan]})
    fits = pd.DataFrame({"sum": [20.0, 0.5]})
    assert cost.total(fits, some).startswith(
        "Added up, the jobs took 1 min 10 s and the fits in them 20.5 s; the rest is "
    )
    assert (
        cost.total(fits * 4, some) == "Added up, the jobs took 1 min 10 s and the fits 1 min 22 s."
    )
    assert cost.total(fits, none) == "Added up, the fits took 20.5 s."
    assert cost.total(fits[:0], some) == "Added up, the jobs took 1 min 10 s."
    assert cost.total(fits[:0], none) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "under 0.01 s"), (0.5, "0.50 s"), (12.34, "12.3 s"), (59.99, "60.0 s"),
     (75.5, "1 min 16 s"), (7260, "2 h 1 min")],
)  # fmt: skip
def test_durations(seconds, text):
    assert cost.duration(seconds) == text


def test_equal_heads_are_one():
    heads = [("x", "1", "p"), ("x", "1", "q"), ("y", "1", "p"), ("y", "2", "p")]
    grid = make_grid("id", Table("caption", ["a", "b", "c"], heads, ["value"], [["v"]] * 4))
    (band,) = grid.bands
    spans = [[(head.text, head.rows) for head in row.heads] for row in band.rows]
    assert spans == [
        [("x", 2), ("1", 2), ("p", 1)],
        [("q", 1)],
        [("y", 2), ("1", 1), ("p", 1)],
        [("2", 1), ("p", 1)],
    ]
    assert [row.begins_group for row in band.rows] == [False, False, True, False]


def test_a_wide_table_is_set_in_bands_that_keep_what_belongs_together():
    columns = [f"Notion {i}, {metric}" for i in range(9) for metric in ("MAP@R", "Prec@1")]
    table = Table("caption", ["Method"], [("CLIP",)], columns, [["52.1 ± 2.1"] * 18])
    bands = make_grid("id", table).bands
    assert len(bands) > 1
    assert [name for band in bands for name in band.columns] == columns
    assert all(len(band.columns) % 2 == 0 for band in bands)
    assert [len(row.cells) for band in bands for row in band.rows] == [
        len(band.columns) for band in bands
    ]
    assert [head.text for band in bands for row in band.rows for head in row.heads] == [
        "CLIP" for _ in bands
    ]


def test_unscored_notions_are_marked(tmp_path):
    config = {
        "datasets": {"mine": {"notions": {"mood": {"scored": False}, "taste": {}}}},
        "models": {"tiny": {}}, "experiments": {"main": {"models": ["tiny"]}},
        "methods": ["clip"], "dims": [4], "seeds": [0],
        "protocol": ["paper", "released"],
    }  # fmt: skip
    page = read(make_report(tmp_path, config=config))
    assert "Mood (not scored), taste" in page.text
    assert "paper, released" in page.text
    assert (
        "1 method on 2 similarity notions of mine, with the CLIP model tiny and 1 seed."
        in page.text
    )


def test_combined_notions_are_beyond_the_paper_and_stacks_are_no_fits(tmp_path):
    results = make_report(tmp_path).parent
    files = {}
    for name, notions in (("plain", ["car_color"]), ("all", ["car_color", "pair"])):
        files[name] = results / f"{name}.parquet"
        write_runs(files[name], pd.concat([runs(notion) for notion in notions]))
    table1 = pd.read_csv(results / "tables/table1.csv")
    folder = tmp_path / "tables"
    folder.mkdir()
    both = pd.concat([table1, table1[:1].assign(notion="pair")])
    both.to_csv(folder / "table1.csv", index=False)
    write_beyond([files["all"]], folder / "table1.csv", folder)
    tables = sorted(folder.iterdir())
    fits = {}
    for by in ("stacked", "union", None):
        notions = {"car_color": {}}
        if by:
            notions["pair"] = {"combine": ["car_color", "mood"], "by": by}
        config = {
            "datasets": {"synthetic_cars": {"notions": notions}},
            "models": {"tiny": {}}, "experiments": {"main": {"models": ["tiny"]}},
            "methods": ["clip"], "dims": [4], "seeds": [0], "protocol": "paper",
        }  # fmt: skip
        arguments = {"runs": [files["all" if by else "plain"]], "config": config}
        if by:
            arguments |= {"main": [files["all"]], "paper": [files["plain"]], "tables": tables}
        page = read(make_report(tmp_path, **arguments))
        fits[by] = page.source.partition('id="cost-fits"')[2].partition("</table>")[0]
        if by:
            assert f"pair ({by})" in page.text
            results_, beyond = page.source.partition('id="results"')[2].split('id="beyond"')
            assert "pair" not in results_
            assert "pair, MAP@R" in beyond
    assert fits["stacked"] == fits[None] != fits["union"]
