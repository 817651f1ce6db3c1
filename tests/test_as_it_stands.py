"""Figures show a user's words as they stand, and are the same whatever matplotlib is set to."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from PIL import Image

from lanzdml.experiments.clip_size import ClipSizeExperiment
from lanzdml.experiments.dimensions import DimensionsExperiment
from lanzdml.experiments.prompt_count import PromptCountExperiment
from lanzdml.experiments.protocols import ProtocolsExperiment
from lanzdml.figures.critical_difference.draw import draw as draw_ranks
from lanzdml.figures.gallery.draw import draw_gallery
from lanzdml.figures.gallery.retrieval import Retrieval, Shown
from lanzdml.figures.saliency.draw import draw_saliency
from lanzdml.figures.style import new_figure, style, write_figure
from lanzdml.figures.trimap.draw import draw_trimap
from lanzdml.figures.trimap.points import CLIP_SPACE
from tests.tiny_report import significance
from tests.traits import with_traits

ROOT = Path(__file__).parents[1]
WORDS = [
    "$", "$$", "$a$b$", r"\alpha", r"\$x\$", "100 %", "_hidden", "a_b", "x^2", "{x}", "#1", "a & b",
    "~", "<b>", "a|b", "*c*", "`d`",
]  # fmt: skip


def trimap(words, notion="mood"):
    n = len(words)
    manifest = pd.DataFrame({"image_id": [f"i{i}" for i in range(n)], notion: words}, dtype="str")
    points = pd.concat(
        pd.DataFrame({"image_id": manifest["image_id"], "space": space, "x": range(n), "y": 0.0})
        for space in (CLIP_SPACE, notion)
    )
    return draw_trimap(points, manifest, [notion], dataset="mine", model="m", dim=4)


def gallery(words, notion="mood"):
    shown = [Shown(f"i{i}", Image.new("RGB", (3, 2)), {notion: word})
             for i, word in enumerate(words)]  # fmt: skip
    query, *others = shown
    retrieval = Retrieval(query, others[:7], {notion: others[:7]}, {notion: 1})
    return draw_gallery([retrieval], dataset="mine", model="m", dim=4)


def saliency(words, notion="mood"):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (1, 8, 8, 3), np.uint8)
    maps = rng.uniform(-0.3, 0.3, (1, 1, 8, 8))
    masks = np.eye(8, dtype=bool)[None]
    return draw_saliency(images, maps, masks, [notion], dataset="mine", model="m", dim=2)


def experiment(kind):
    def draw(words, notion="mood"):
        rows = [
            {"dataset": "mine", "notion": notion, "model": model, "method": method, "dim": dim,
             "protocol": "paper" if model == "m" else "query_gallery",
             "n_prompts": n, "seed": seed, "map_at_r": (dim + n + seed) / 100}
            for model in ("m", "n") for method in ("clip", "indirect") for dim in (4, 8)
            for n in (5, 9) for seed in (0, 1)
        ]  # fmt: skip
        runs = with_traits(pd.DataFrame(rows))
        if kind is ProtocolsExperiment:
            runs = runs[(runs["n_prompts"] == 5) & (runs["dim"] == 4)]
        elif kind is PromptCountExperiment:
            runs = runs[(runs["model"] == "m") & (runs["dim"] == 4)]
        return kind.draw(runs)

    return draw


def ranks(words, notion="mood"):
    return draw_ranks(significance().assign(model=notion))


KINDS = {
    "trimap": trimap,
    "gallery": gallery,
    "saliency": saliency,
    "dimensions": experiment(DimensionsExperiment),
    "clip_size": experiment(ClipSizeExperiment),
    "prompt_count": experiment(PromptCountExperiment),
    "protocols": experiment(ProtocolsExperiment),
    "critical_difference": ranks,
}


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.fixture
def no_maths(monkeypatch):
    def parse(self, text, *args, **kwargs):
        raise AssertionError(f"{text} is read as maths")

    monkeypatch.setattr(MathTextParser, "parse", parse)


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_drawn_as_they_stand(kind, no_maths, tmp_path):
    notion = r"_$a\mathrm{b}$"
    figure = KINDS[kind](["red", "blue"] * 4, notion)
    write_figure(figure, [tmp_path / "a.png", tmp_path / "a.pdf"])
    assert any(notion in text for text in texts_of(figure))


@pytest.mark.parametrize("kind", KINDS)
def test_notions_can_have_names_that_code_uses(kind):
    for notion in ("clip", "indirect", "images", "labels", "index", "space", "x", "0"):
        figure = KINDS[kind](["red", "blue"] * 4, notion)
        assert any(notion in text for text in texts_of(figure))


@pytest.mark.parametrize("more", [0, 30], ids=["legend", "colour bar"])
def test_labels_are_drawn_as_they_stand_in_a_map(more, no_maths):
    words = [f"{word}{i or ''}" for i in range(1 + more // len(WORDS)) for word in WORDS]
    figure = trimap(words)
    figure.draw_without_rendering()
    if more:
        (bar,) = figure.axes[2].child_axes
        shown = [text.get_text().split(" ", 1)[1] for text in bar.get_yticklabels()]
        assert len(shown) == 9
        assert set(shown) <= set(words)
    else:
        legend = figure.axes[2].get_legend()
        assert sorted(text.get_text() for text in legend.get_texts()) == sorted(words)


@pytest.mark.parametrize("word", WORDS)
def test_labels_are_drawn_as_they_stand_in_a_gallery(word, no_maths):
    figure = gallery([word, f"{word}2", "other"])
    figure.draw_without_rendering()
    assert {f"Mood: {word}", f"✘ {word}2"} <= set(texts_of(figure))


def test_a_label_with_a_line_break_takes_one_line():
    for figure in (trimap(["red\n(warm)", "b"]), gallery(["b", "red\r\n(warm)"])):
        texts = [text.replace("\n", "/") for text in texts_of(figure)]
        assert {"red (warm)", "✘ red (warm)"} & set(texts)


def test_a_query_of_one_image_has_no_neighbours(tmp_path):
    write_figure(gallery(["red"]), [tmp_path / "a.png"])


SET_BY_A_USER = {
    "text.usetex": True, "font.family": ["monospace"], "font.size": 30, "axes.grid": False,
    "axes.facecolor": "red", "axes.prop_cycle": mpl.cycler(color=["red"]), "text.parse_math": True,
    "figure.facecolor": "green", "axes.unicode_minus": False, "image.cmap": "gray",
    "lines.linestyle": "--", "patch.linewidth": 9, "legend.framealpha": 1, "legend.fancybox": False,
    "savefig.bbox": "tight", "savefig.dpi": 40, "savefig.facecolor": "blue",
    "savefig.transparent": True, "path.simplify": False, "path.sketch": (1, 100, 2),
    "pdf.compression": 0, "pdf.use14corefonts": True, "figure.autolayout": True,
    "axes.titlelocation": "left", "xtick.minor.visible": True, "markers.fillstyle": "none",
    "errorbar.capsize": 9, "scatter.edgecolors": "black", "contour.linewidth": 9,
    "axes.xmargin": 0.4, "figure.subplot.left": 0.4, "figure.constrained_layout.h_pad": 0.5,
    "text.hinting": "none", "text.antialiased": False, "mathtext.default": "rm",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_the_same_whatever_matplotlib_is_set_to(kind, tmp_path):
    words = ["red", "blue", "Größe"]
    write_figure(KINDS[kind](words), [tmp_path / "plain.png", tmp_path / "plain.pdf"])
    with mpl.rc_context(SET_BY_A_USER):
        write_figure(KINDS[kind](words), [tmp_path / "set.png", tmp_path / "set.pdf"])
        left = {key: mpl.rcParams[key] for key in SET_BY_A_USER}
        assert left == SET_BY_A_USER, "and that stays"
    for suffix in (".png", ".pdf"):
        plain, others = (tmp_path / f"{name}{suffix}" for name in ("plain", "set"))
        assert plain.read_bytes() == others.read_bytes()


def test_the_backend_is_left_as_it_is():
    before = mpl.get_backend()
    with style():
        assert mpl.get_backend() == before
        assert mpl.rcParams["interactive"] is False
    assert mpl.get_backend() == before


@pytest.mark.parametrize(
    "content",
    [b"text.usetex: True\n", b"\xff\xfe no text", b"backend: nonsense\nno.such: key\n::\n"],
    ids=["tex", "no UTF-8", "nonsense"],
)
def test_jobs_draw_whatever_a_user_has_set_up(content, tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(content)
    script = f"""
        import sys
        from types import SimpleNamespace

        sys.path.insert(0, {str(ROOT / "workflow_scripts")!r})
        from job import run

        def main(job):
            from lanzdml.figures.style import styled, new_figure, write_figure

            @styled
            def draw():
                figure = new_figure(2, 1)
                figure.add_subplot(title="MAP@R").plot([0, 1])
                return figure

            write_figure(draw(), ["a.png", "a.pdf"])

        run(main, SimpleNamespace(log=["a.log"], threads=1, output=[]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, capture_output=True,
        text=True, env=os.environ | {"MPLBACKEND": "nonsense"},
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    with style():
        figure = new_figure(2, 1)
        figure.add_subplot(title="MAP@R").plot([0, 1])
    write_figure(figure, [tmp_path / "b.png", tmp_path / "b.pdf"])
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
