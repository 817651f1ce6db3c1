"""The documentation site builds without a warning, has all public pages and needs no network."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sphinx.util.inventory import InventoryFile

from lanzdml.methods import METHODS

ROOT = Path(__file__).parents[1]


def build(source, site):
    return subprocess.run(
        [
            sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "-c", "docs",
            "-d", site.with_name("doctrees"), ".", site,
        ],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = tmp_path_factory.mktemp("documentation") / "site"
    built = build(ROOT, site)
    assert built.returncode == 0, built.stderr
    assert not built.stderr
    return site


class Page(HTMLParser):
    """What a page loads, what it leads to, and what can be led to in it."""

    def __init__(self, path):
        super().__init__()
        self.loads, self.leads_to, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag in ("script", "img", "source", "iframe") and attributes.get("src"):
            self.loads.append(attributes["src"])
        elif tag == "link" and attributes.get("rel") not in ("index", "search", "next", "prev"):
            self.loads.append(attributes["href"])
        elif tag == "a" and attributes.get("href"):
            self.leads_to.append(attributes["href"])


def test_each_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site):
    pages = {path: Page(path) for path in site.rglob("*.html")}
    assert len(pages) > 30
    for path, page in pages.items():
        for link in page.loads:
            assert not urlsplit(link).netloc, f"{path} loads {link}"
        for link in [*page.loads, *page.leads_to]:
            parts = urlsplit(link)
            if parts.netloc or parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path} leads to {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{path} leads to {link}"
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\W*(https?:)?//", style.read_text()), style


def test_it_begins_with_the_readme_and_has_all_documents(site):
    assert "<h1>lanzdml: how well" in (site / "index.html").read_text(encoding="utf-8")
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for document in documents:
        assert (site / document.relative_to(ROOT)).with_suffix(".html").is_file()
    listed = set(Page(site / "index.html").leads_to)
    for document in documents:
        page = document.relative_to(ROOT).with_suffix(".html").as_posix()
        assert page == "README.html" or page in listed


def test_all_that_is_public_is_described(site):
    names = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    known = {name for kind, entries in names.items() if kind.startswith("py:") for name in entries}
    assert known >= {f"lanzdml.{name}" for name in METHODS.class_names}
    assert known >= {
        "lanzdml.methods.base.Method.fit", "lanzdml.methods.base.Method.transform",
        "lanzdml.metrics.scores.compute_metrics", "lanzdml.embeddings.read_embeddings",
        "lanzdml.transforms.load_transform", "lanzdml.datasets.manifest.read_manifest",
        "lanzdml.spreadsheet.read_csv", "lanzdml.errors.LanzdmlError",
    }  # fmt: skip


def test_docstrings_are_read_as_they_are_meant(site):
    page = (site / "docs/api/metrics.html").read_text(encoding="utf-8")
    assert "map_at_r        1/R" in page  # a formula keeps its columns
    assert "<blockquote" not in page
    page = (site / "docs/api/methods.html").read_text(encoding="utf-8")
    assert "Image embeddings: with labels" in page  # no type that ends at the colon


def test_a_link_that_leads_nowhere_is_an_error(tmp_path):
    shutil.copytree(ROOT / "docs/static", tmp_path / "docs/static")
    for name in ("pyproject.toml", "docs/conf.py", "docs/wording.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    links = "[a](docs/no_such.md) [b](docs/wording.md#no-such-part) [c](docs/wording.md)"
    (tmp_path / "README.md").write_text(f"# Title\n\n{links}\n")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    of_readme = [line for line in built.stderr.splitlines() if "README.md:3:" in line]
    assert len(of_readme) == 2
    assert "no_such.md" in of_readme[0]
    assert "no-such-part" in of_readme[1]
