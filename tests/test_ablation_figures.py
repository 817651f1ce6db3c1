"""The figures of the ablations: panels, series and axes, through the figure objects."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer

from lanzdml.experiments.clip_size import ClipSizeExperiment
from lanzdml.experiments.dimensions import DimensionsExperiment
from lanzdml.experiments.prompt_count import PromptCountExperiment
from lanzdml.experiments.protocols import ProtocolsExperiment
from lanzdml.figures.style import class_colors, method_look, write_figure
from lanzdml.methods import METHODS
from lanzdml.names import METHOD_NAMES
from tests.traits import with_traits

NOTIONS = {"car_model": "Car Model", "car_color": "Car Color", "my_own": "my_own"}
DIMS = [2, 8, 32]


def make_runs(**values):
    """A row for each combination; map_at_r is a function of the row."""
    rows = pd.MultiIndex.from_product(values.values(), names=values).to_frame(index=False)
    rows = rows.assign(dataset="demo_cars").reset_index(drop=True)
    return {"dim": 16, "n_prompts": 17, "model": "demo-M"} | rows.to_dict("series")


def runs_of(score, **values):
    rows = pd.DataFrame(make_runs(**values)).astype({"n_prompts": "Int64"})
    return with_traits(rows.assign(map_at_r=rows.apply(score, axis=1)))


def axes_of(figure):
    return {axis.get_title(): axis for axis in figure.axes if axis.get_title()}


def curves(axis):
    """Method on paper: (x, mean, std) of its curve."""
    found = {}
    for container in axis.containers:
        assert isinstance(container, ErrorbarContainer)
        x, y = container.lines[0].get_data()
        segments = np.array(container.lines[2][0].get_segments())
        std = (segments[:, 1, 1] - segments[:, 0, 1]) / 2
        found[container.get_label()] = (np.asarray(x), np.asarray(y), std)
    return found


def levels(axis):
    return {
        line.get_label(): line.get_ydata()[0]
        for line in axis.lines
        if not line.get_label().startswith("_") and line.get_linestyle() == "--"
    }


def legend_of(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def check_inside(figure):
    """Nothing is clipped: titles, labels and the legend are inside of the figure."""
    figure.draw_without_rendering()
    box = figure.bbox
    artists = [*figure.legends, *figure.texts]
    for axis in figure.axes:
        artists += [axis.title, axis.xaxis.label, *axis.get_yticklabels()]
        artists += [axis.yaxis.label] if axis.get_ylabel() else []
    for artist in artists:
        inner = artist.get_window_extent()
        assert inner.x0 >= -1, artist
        assert inner.x1 <= box.x1 + 1, artist
        assert inner.y0 >= -1, artist
        assert inner.y1 <= box.y1 + 1, artist


WITHOUT_DIM = [name for name in METHODS if not METHODS[name].has_dim]
LEVELS = ["CLIP (r = 512)", *(METHOD_NAMES[name] for name in WITHOUT_DIM if name != "clip")]
WITH_DIM = [name for key, name in METHOD_NAMES.items() if key not in WITHOUT_DIM]


@pytest.fixture(scope="module")
def by_dimension():
    def score(row):
        if row["method"] == "pca" and row["dim"] > 8:
            return np.nan
        return list(METHODS).index(row["method"]) / 10 + row["seed"] / 100 + row["dim"] / 1000

    runs = runs_of(
        score, notion=NOTIONS, method=[name for name in METHODS if name not in WITHOUT_DIM],
        dim=DIMS, seed=[0, 1],
    )  # fmt: skip
    clip = runs_of(lambda row: 0.25, notion=NOTIONS, method=WITHOUT_DIM, dim=[512], seed=[0, 1])
    return DimensionsExperiment.draw(pd.concat([runs, clip], ignore_index=True))


def test_dimensions_has_a_panel_a_notion_and_a_curve_a_method(by_dimension):
    axes = axes_of(by_dimension)
    assert list(axes) == list(NOTIONS.values())
    for axis in axes.values():
        assert axis.get_xscale() == "log"
        assert axis.get_xlabel() == "embedding size r' (dimensions)"
        assert [tick.get_text() for tick in axis.get_xticklabels()] == ["2", "8", "32"]
        found = curves(axis)
        assert list(found) == WITH_DIM
        x, mean, std = found["InDiReCT"]
        assert x.tolist() == DIMS
        assert mean == pytest.approx([20.5 + dim / 10 for dim in DIMS])
        assert std == pytest.approx([0.5] * 3), "the population's, in percent"
        assert found["PCA"][0].tolist() == [2, 8], "only where it could be fitted"
        assert levels(axis) == dict.fromkeys(LEVELS, 25.0)
    assert axes["Car Model"].get_ylabel() == "MAP@R in percent"


def test_dimensions_says_what_it_shows_and_clips_nothing(by_dimension):
    assert by_dimension.get_suptitle() == "Demo Cars, demo-M, 2 seeds"
    assert sorted(legend_of(by_dimension)) == sorted([*LEVELS, *WITH_DIM])
    check_inside(by_dimension)


def test_a_method_looks_the_same_everywhere(by_dimension):
    (axis, *_) = axes_of(by_dimension).values()
    looks = {
        box.get_label(): (to_hex(box.lines[0].get_color()), box.lines[0].get_marker())
        for box in axis.containers
    }
    for method, name in METHOD_NAMES.items():
        if name in WITH_DIM:
            expected = method_look(method)
            assert looks[name] == (expected["color"].lower(), expected["marker"])
    assert len({method_look(method)["color"] for method in METHODS}) == len(METHODS)
    assert len({method_look(method)["marker"] for method in METHODS}) == len(METHODS)


def draw_sizes(oracle):
    models = ["small", "Medium", "a large one"]

    def score(row):
        base = {"clip": 0.2, "indirect": 0.3, "oracle": oracle}[row["method"]]
        return base + models.index(row["model"]) / 100

    runs = runs_of(
        score, notion=["car_model", "car_color"], model=models,
        method=["clip", "indirect", "oracle"], seed=[0, 1],
    )  # fmt: skip
    return ClipSizeExperiment.draw(runs)


def test_clip_size_has_the_models_in_order():
    figure = draw_sizes(oracle=0.35)
    axes = axes_of(figure)
    assert list(axes) == ["Car Model", "Car Color"]
    assert len(figure.axes) == 2, "nothing to cut out"
    for axis in axes.values():
        labels = [tick.get_text() for tick in axis.get_xticklabels()]
        assert labels == ["small", "Medium", "a large one"]
        x, mean, _ = curves(axis)["InDiReCT"]
        assert np.abs(x - [0, 1, 2]).max() < 0.2
        assert mean == pytest.approx([30, 31, 32])
    assert legend_of(figure) == ["CLIP", "InDiReCT", "Oracle"]
    check_inside(figure)


def test_clip_size_breaks_the_axis_below_a_far_oracle():
    figure = draw_sizes(oracle=0.9)
    assert len(figure.axes) == 4
    for axis in figure.axes:
        assert list(curves(axis)) == ["CLIP", "InDiReCT", "Oracle"]
    upper = axes_of(figure)["Car Model"]
    lower = next(axis for axis in figure.axes if axis.get_ylabel())
    assert lower.get_xlabel() == "CLIP model"
    assert lower.get_ylim()[0] <= 20 < 32 <= lower.get_ylim()[1] < 60
    assert 60 < upper.get_ylim()[0] <= 90 < 92 <= upper.get_ylim()[1]
    assert lower.get_position().width == pytest.approx(upper.get_position().width)
    check_inside(figure)


def test_prompt_count_has_a_line_for_all_prompts():
    def score(row):
        return row["n_prompts"] / 1000 + row["seed"] / 100

    runs = runs_of(
        score, notion=["car_model"], method=["indirect", "lae"], n_prompts=[10, 50, 171],
        seed=[0, 1],
    )  # fmt: skip
    figure = PromptCountExperiment.draw(runs)
    (axis,) = axes_of(figure).values()
    assert axis.get_xlabel() == "number of prompts (of 171)"
    x, mean, std = curves(axis)["InDiReCT"]
    assert x.tolist() == [10, 50]
    assert mean == pytest.approx([1.5, 5.5])
    assert std == pytest.approx([0.5, 0.5])
    full = {f"{name}, all prompts": pytest.approx(17.6) for name in ("InDiReCT", "LAE")}
    assert levels(axis) == full
    assert legend_of(figure) == ["InDiReCT", "LAE", *full]
    assert figure.get_suptitle() == "Demo Cars, demo-M, r' = 16, 2 seeds"
    check_inside(figure)


def test_prompt_count_takes_no_part_of_the_prompts_for_all():
    """A method may not be made with all prompts: no other number of them is what it reaches."""

    def score(row):
        failed = row["method"] == "lae" and row["n_prompts"] == 171
        return np.nan if failed else row["n_prompts"] / 1000

    runs = runs_of(
        score, notion=["car_model"], method=["indirect", "lae"], n_prompts=[10, 171], seed=[0]
    )
    (axis,) = axes_of(PromptCountExperiment.draw(runs)).values()
    assert levels(axis) == {"InDiReCT, all prompts": pytest.approx(17.1)}
    assert curves(axis)["LAE"][0].tolist() == [10]
    assert axis.get_xlabel() == "number of prompts (of 171)"


@pytest.mark.parametrize("figure", [DimensionsExperiment, ClipSizeExperiment])
def test_one_dimension_of_one_method_is_drawn(figure):
    runs = runs_of(lambda row: 0.5, notion=["car_model"], method=["indirect"], dim=[1],
                   model=["m"], seed=[0])  # fmt: skip
    (axis,) = axes_of(figure.draw(runs)).values()
    assert curves(axis)["InDiReCT"][1].tolist() == [50]
    check_inside(figure.draw(runs))


@pytest.mark.parametrize("n_notions", [1, 2, 4])
def test_the_legend_fits_any_number_of_panels(n_notions):
    notions = [f"notion {i}" for i in range(n_notions)]
    runs = runs_of(lambda row: 0.5, notion=notions, method=list(METHODS), n_prompts=[5, 17],
                   model=["a", "b"], seed=[0])  # fmt: skip
    check_inside(ClipSizeExperiment.draw(runs))
    check_inside(DimensionsExperiment.draw(runs))
    check_inside(PromptCountExperiment.draw(runs[runs["model"] == "a"]))


def test_files_have_content_and_are_the_same_each_time(by_dimension, tmp_path):
    for attempt in ("one", "two"):
        write_figure(by_dimension, [tmp_path / f"{attempt}.pdf", tmp_path / f"{attempt}.png"])
    for suffix, magic in ((".pdf", b"%PDF"), (".png", b"\x89PNG")):
        one, two = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("one", "two"))
        assert one.startswith(magic)
        assert len(one) > 10_000
        assert one == two


def test_the_caption_is_written_beside_the_figure(by_dimension, tmp_path):
    paths = [tmp_path / f"a.{suffix}" for suffix in ("rst", "png")]
    write_figure(by_dimension, paths, "MAP@R über r'.")
    assert paths[0].read_text(encoding="utf-8") == "MAP@R über r'.\n"
    assert paths[1].read_bytes().startswith(b"\x89PNG")


def test_classes_with_names_of_colours_have_them():
    assert class_colors(["red", "white", "fuchsia"]) == ["red", "white", "fuchsia"]
    assert len({to_hex(color) for color in class_colors([f"class {i}" for i in range(98)])}) == 98
    assert len({to_hex(color) for color in class_colors(["red", "mixed", "other"])}) == 3


@pytest.mark.parametrize(
    "figure", [DimensionsExperiment, ClipSizeExperiment, PromptCountExperiment]
)
def test_a_notion_without_a_run_that_could_be_made_has_an_empty_panel(figure):
    def score(row):
        return np.nan if row["notion"] == "car_color" else 0.5

    runs = runs_of(
        score, notion=["car_model", "car_color"], model=["m"], method=["pca"], dim=[8],
        n_prompts=[5, 17], seed=[0, 1],
    )  # fmt: skip
    drawn = figure.draw(runs)
    assert [bool(axis.lines) for axis in drawn.axes] == [True, False]
    figure.draw(runs.assign(map_at_r=np.nan))
    check_inside(drawn)


def test_methods_that_keep_the_size_of_clip_do_not_name_the_size():
    runs = runs_of(lambda row: 0.5, notion=["car_model"], method=["clip", "indirect"],
                   n_prompts=[5, 17], seed=[0])  # fmt: skip
    runs.loc[runs["method"] == "clip", "dim"] = 512
    for figure in (ClipSizeExperiment, PromptCountExperiment):
        assert figure.draw(runs).get_suptitle().endswith("r' = 16, 1 seed")
        only_clip = runs[runs["method"] == "clip"]
        assert "r'" not in figure.draw(only_clip).get_suptitle()


def test_a_mean_over_some_of_the_seeds_is_left_out():
    """The title says of how many seeds the values are."""

    def score(row):
        failed = row["method"] == "lae" and row["dim"] == 8 and row["seed"] == 1
        return np.nan if failed else 0.5

    runs = runs_of(score, notion=["car_model"], method=["indirect", "lae"], dim=DIMS, seed=[0, 1])
    (axis,) = axes_of(DimensionsExperiment.draw(runs)).values()
    points = {method: list(x) for method, (x, _, _) in curves(axis).items()}
    assert points == {"InDiReCT": DIMS, "LAE": [2, 32]}


def test_protocols_have_a_row_a_method_in_the_order_of_the_first():
    """Below stands how the order is by the others, and how far their values are off."""
    by_paper = {"clip": 0.2, "indirect": 0.5, "oracle": 0.9}
    off = {"paper": 0, "query_gallery": 0.01, "released": -0.4}

    def score(row):
        if row["protocol"] == "released" and row["method"] == "clip":
            return 0.6
        return by_paper[row["method"]] + off[row["protocol"]] + row["seed"] / 100

    runs = runs_of(
        score, protocol=[*off], notion=["car_model", "car_color"],
        method=["oracle", "clip", "indirect"], seed=[0, 1],
    )  # fmt: skip
    figure = ProtocolsExperiment.draw(runs)
    assert [*axes_of(figure)] == ["Car Model", "Car Color"]
    for axis in axes_of(figure).values():
        assert [text.get_text() for text in axis.get_yticklabels()] == [
            "CLIP",
            "InDiReCT",
            "Oracle",
        ]
        assert axis.get_xlabel().splitlines() == [
            "MAP@R in percent", "query and gallery: tau 1.00, +1.0",
            "released protocol: tau -0.33, -13.5",
        ]  # fmt: skip
        dots = [container.lines[0].get_xdata()[0] for container in axis.containers]
        assert dots[:3] == pytest.approx([20.5, 21.5, 60])
        assert len(dots) == 3 * len(off)
    assert legend_of(figure) == ["paper protocol", "query and gallery", "released protocol"]
    assert figure.get_suptitle() == "Demo Cars, demo-M, r' = 16, 2 seeds"
    check_inside(figure)


def test_protocols_show_what_could_be_made():
    """A method without a value by the first protocol is at the bottom, one without any nowhere."""

    def score(row):
        if row["method"] == "pca" or (row["method"], row["protocol"]) == ("lae", "paper"):
            return np.nan
        return 0.1 if row["method"] == "clip" else 0.3

    runs = runs_of(
        score, protocol=["paper", "released"], notion=["car_model"],
        method=["clip", "pca", "lae", "indirect"], seed=[0],
    )  # fmt: skip
    figure = ProtocolsExperiment.draw(runs)
    (axis,) = axes_of(figure).values()
    names = [text.get_text() for text in axis.get_yticklabels()]
    assert names == ["LAE", "CLIP", "InDiReCT"]
    assert len(axis.containers) == 5
    four = [runs.assign(notion=name) for name in ("a", "b", "c", "d")]
    assert [axis.get_title() for axis in ProtocolsExperiment.draw(pd.concat(four)).axes] == [
        *"abcd"
    ]
    assert ProtocolsExperiment.draw(runs[runs["method"] == "clip"])
    assert ProtocolsExperiment.draw(runs[runs["method"] == "pca"])
