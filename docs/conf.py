"""The documentation site: ``make docs`` has Sphinx write it to build/docs.

The site has the tree of the repository, so that a link between two documents leads to the same
place on both; one that leads nowhere is a warning, and those are errors.
"""

import shutil
import sys
import tomllib
from pathlib import Path

from pygments.lexers import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # what autodoc imports

project = "lanzdml"
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
copyright = "The lanzdml authors, MIT licence"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
root_doc = "README"
include_patterns = ["*.md", "docs/**", "benchmarks/*.md", "profiles/*.md", "resources/**.md"]
exclude_patterns = [".*", "build", "data", "models", "results"]  # not walked through
myst_heading_anchors = 4  # as forges name headings

default_role = "py:obj"  # `name` in a docstring
highlight_language = "none"  # of what is indented in docstrings: formulas, mostly
add_module_names = False
autodoc_default_options = {
    "member-order": "bysource",
    "exclude-members": "set_fit_request, set_transform_request",  # scikit-learn's
}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_numpy_docstring = False
smartquotes_action = "D"  # of dashes alone: r' is no quotation
nitpicky = True
# Names need not have a page. What is no name is a sentence that Napoleon took for a type.
nitpick_ignore_regex = [("py:.*", r"[\w.]+")]
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"lanzdml {release}"
html_static_path = ["static"]
html_css_files = ["narrow.css"]
html_copy_source = False
html_show_sphinx = False

# Beside what README.md links.
CONTENTS = """
```{toctree}
:hidden:
:caption: Use it

docs/your-own
docs/your-vectors
docs/collections
docs/command-line
docs/configuration
docs/datasets
docs/paper
```

```{toctree}
:hidden:
:caption: Read results

docs/explorer
docs/scores
docs/significance
docs/specificity
docs/wording
docs/label-worth
docs/dim-choice
docs/sharing
```

```{toctree}
:hidden:
:caption: Larger runs

docs/cluster
docs/scaling
profiles/README
benchmarks/results
```

```{toctree}
:hidden:
:caption: Python

docs/api/methods
docs/api/metrics
docs/api/files
```

```{toctree}
:hidden:
:caption: The project

docs/architecture
CONTRIBUTING
CHANGELOG
SECURITY
resources/README
resources/demo_cars/README
resources/demo_clip/README
```
"""


def add_contents(app: Sphinx, document: str, source: list[str]) -> None:
    """The list of all pages, which a forge would print as text."""
    if document == root_doc:
        source[0] += CONTENTS


def keep_sentence(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Of a constant: Napoleon takes what stands before a colon in its first line for a type."""
    kind = ":type: "
    if what in ("attribute", "data") and (taken := [ln for ln in lines if ln.startswith(kind)]):
        lines.remove(taken[0])
        lines[0] = f"{taken[0].removeprefix(kind)}: {lines[0]}"


def begin_with_the_readme(app: Sphinx, error: Exception | None) -> None:
    """What a web server shows first."""
    if error is None:
        shutil.copyfile(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    app.add_lexer("csv", TextLexer)
    app.connect("autodoc-process-docstring", keep_sentence, priority=600)  # after Napoleon
    app.connect("source-read", add_contents)
    app.connect("build-finished", begin_with_the_readme)
