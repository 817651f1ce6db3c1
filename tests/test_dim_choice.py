"""r' that the prompts say: rules on spectra with known answers, "auto", and the experiment."""

import json
from inspect import getsource

import numpy as np
import pandas as pd
import pytest
import yaml

from lanzdml import InDiReCT, Oracle, Random, TextSubspace
from lanzdml.config.config import ConfigError, parse_config
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.dim_choice.rules import RULES, choices
from lanzdml.experiments.dimensions import DimensionsExperiment
from lanzdml.experiments.measuring import write_measured
from lanzdml.methods.base import EmbeddingError, Method, normalise
from lanzdml.methods.effective_rank import chosen_dim, effective_rank, singular_values
from lanzdml.methods.elsewhere import VARIABLE, welcome
from lanzdml.metrics.evidence import Evidence
from lanzdml.metrics.runs import AUTO_DIM, COLUMNS, read_runs, write_runs
from lanzdml.metrics.scoring import score_runs
from lanzdml.metrics.task import ScoreTask
from lanzdml.plan.plan import Plan
from lanzdml.sources import ROOT
from lanzdml.tables.paper import sections, summarise
from lanzdml.transforms.fitting import FitTask, fit_transforms
from lanzdml.transforms.stacking import stack
from lanzdml.transforms.storage import load_transform, read_metadata, save_transform
from tests.measured import measure, write_world
from tests.test_ablation_figures import legend_of, runs_of
from tests.test_tables import rows as run_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DIM_CHOICE = EXPERIMENTS["dim_choice"]
R = 24


def texts(values, n=40, noise=0.0, seed=0):
    """Unit texts (n, R) about a common direction, whose centred singular values are as values."""
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((n, len(values)))
    left, _ = np.linalg.qr(left - left.mean(axis=0))
    right, _ = np.linalg.qr(rng.standard_normal((R, len(values) + 1)))
    centred = left * np.asarray(values) @ right[:, 1:].T + noise * rng.standard_normal((n, R))
    return (10 * right[:, 0] + centred).astype(np.float32)


@pytest.mark.parametrize("k", [1, 3, 6])
@pytest.mark.parametrize("rule", RULES)
def test_of_k_equal_directions_rules_say_k(rule, k):
    # Some noise, without which nothing is behind the k: a gap and chance are against something.
    noise = 0.0 if rule in ("auto", "effective_rank", "entropy_of_eigenvalues") else 0.003
    assert RULES[rule](normalise(texts([1.0] * k, noise=noise))) == k + (rule == "auto")


def test_unequal_directions_count_in_part():
    """Shares 1/2, 1/4, 1/4 of singular values; 2/3, 1/6, 1/6 of eigenvalues; 36 / 18."""
    unit = texts([2, 1, 1])
    values = singular_values(unit)
    assert values[:3] == pytest.approx([2, 1, 1], rel=1e-4)
    chosen = choices(unit, 128)
    assert chosen["effective_rank"] == round(2**1.5) == 3
    assert chosen["auto"] == 4, "one for what they have in common"
    assert chosen["entropy_of_eigenvalues"] == round(np.exp(0.8676)) == 2
    assert chosen["participation_ratio"] == round(36 / 18) == 2
    assert RULES["stable_rank"](texts([2, 2, 1])) == round(9 / 4) == 2
    assert (chosen["configured"], chosen["fixed_16"]) == (R, 16)
    assert "configured" not in choices(unit, None)


@pytest.mark.parametrize("rule", RULES)
def test_texts_that_do_not_differ_have_the_least(rule):
    same = normalise(np.repeat(texts([1.0])[:1], 6, axis=0))
    assert RULES[rule](same) == RULES[rule](same[:1]) == 1 + (rule == "auto")


# --- dim="auto"


@pytest.mark.parametrize("cls", [TextSubspace, InDiReCT, Random])
def test_auto_is_the_fit_of_the_number_that_texts_say(cls, tmp_path):
    given, images = texts([3, 2, 2, 1, 0.1]), texts([1.0] * 9, n=30, seed=1)
    more = {"max_iter": 5} if cls is InDiReCT else {}
    chosen = cls(dim="auto", **more).fit(given)
    number = cls(dim=chosen.dim_, **more).fit(given)
    assert chosen.get_params()["dim"] == "auto"
    assert chosen.dim_ == chosen_dim(normalise(given)) == 5
    assert np.array_equal(chosen.transform(images), number.transform(images))
    save_transform(tmp_path / "t.safetensors", chosen)
    loaded = load_transform(tmp_path / "t.safetensors")
    assert loaded.dim_ == 5
    assert np.array_equal(loaded.transform(images), chosen.transform(images))


def test_without_texts_class_means_say_it():
    """Images of three classes vary in many directions, and their means in two; one is shared."""
    centres = np.eye(R)[:3]
    noise = 0.2 * np.random.default_rng(0).standard_normal((300, R))
    images, labels = np.repeat(centres, 100, axis=0) + noise, np.repeat(["a", "b", "c"], 100)
    fitted = Oracle(dim="auto", max_iter=2).fit(images, labels)
    assert fitted.dim_ == 3
    assert effective_rank(normalise(images)) > 15


class ComputesWithDim(Method):
    """As one of others that was written before there was "auto"."""

    learned = ("axes_",)

    def __init__(self, dim=4, *, random_state=0):
        self.dim = dim
        self.random_state = random_state

    def _fit(self, unit):
        self.axes_ = np.linalg.svd(unit - unit.mean(axis=0))[2][: self.dim]

    def _transform(self, images):
        return images @ self.axes_.T


def test_what_computes_with_dim_is_refused_in_words():
    with pytest.raises(
        EmbeddingError, match=r"computes_with_dim cannot take dim='auto': .*dim_ in"
    ):
        ComputesWithDim("auto").fit(texts([1, 1]))
    with pytest.raises(EmbeddingError, match="dim must be an integer of at least 1, not 'Auto'"):
        TextSubspace(dim="Auto").fit(texts([1, 1]))


# --- The workflow


@pytest.fixture
def world(tmp_path):
    """Two notions in a plane and in three directions, and one of both stacked."""
    rng = np.random.default_rng(0)
    shapes, shades = np.eye(R)[:4], np.eye(R)[4:9]
    names = {"shape": [f"s{n}" for n in range(4)], "shade": [f"t{n}" for n in range(5)]}
    of_shape, of_shade = rng.integers(4, size=60), rng.integers(5, size=60)
    images = shapes[of_shape] + shades[of_shade] + 0.2 * rng.standard_normal((60, R))
    labels = {
        "shape": [names["shape"][n] for n in of_shape],
        "shade": [names["shade"][n] for n in of_shade],
    }
    prompts = {
        "shape": dict(zip(names["shape"], shapes, strict=True)),
        "shade": dict(zip(names["shade"], shades, strict=True)),
    }
    write_world(tmp_path, labels, images.astype(np.float32), prompts)
    return tmp_path


def fit(folder, method, notion, dim):
    output = str(folder / f"{method}-{notion}-{dim}.safetensors")
    task = FitTask(output, method, dim, 0, "1", prompts=str(folder / f"{notion}.parquet"))
    fit_transforms([task], kept=folder / "kept")
    return output


def test_a_method_of_others_that_computes_with_dim_gets_a_number(world, monkeypatch):
    monkeypatch.setenv(VARIABLE, "{}")
    code = getsource(ComputesWithDim)
    lines = ["import numpy as np", "from lanzdml.methods.base import Method", "", "", code]
    (world / "theirs.py").write_text("\n".join(lines))
    method = welcome(f"{world / 'theirs.py'}:ComputesWithDim")
    output = fit(world, method, "shade", "auto")
    assert read_metadata(output)["status"] == "ok"
    assert load_transform(output).dim == 5


def test_a_stack_has_an_r_of_each_part(world):
    of_parts = [fit(world, "random", notion, "auto") for notion in ("shape", "shade")]
    assert [json.loads(read_metadata(path)["params"])["dim"] for path in of_parts] == [4, 5]
    output = world / "both.safetensors"
    stack([("shape", of_parts[0], 1.0), ("shade", of_parts[1], 1.0)], output)
    images = np.stack(pd.read_parquet(world / "images.parquet")["embedding"])
    vectors = load_transform(output).transform(images)
    each = [load_transform(path).transform(images) for path in of_parts]
    assert np.allclose(vectors, np.concatenate(each, axis=1) / np.sqrt(2))
    assert json.loads(read_metadata(output)["params"])["dim"] == 9


def scored(folder, transform, name):
    evidence = Evidence(*(str(folder / f"{name}-{part}.parquet") for part in "qcd"))
    run = {"dataset": "mine", "notion": "shape", "model": "m", "protocol": "paper"}
    task = ScoreTask(
        output=str(folder / f"{name}.parquet"),
        run=run | {"method": "text_subspace"},
        transform=transform,
        seeds=[0],
        version="1",
        images=str(folder / "images.parquet"),
        manifest=str(folder / "manifest.parquet"),
        labels="shape",
        siblings=[transform],
        evidence=evidence,
    )
    score_runs([task], kept=folder / "kept")
    return folder / f"{name}.parquet", evidence


def test_a_chosen_r_and_the_same_number_are_two_runs(world):
    chosen, evidence = scored(world, fit(world, "text_subspace", "shape", "auto"), "chosen")
    number, _ = scored(world, fit(world, "text_subspace", "shape", 4), "number")
    runs = read_runs([chosen, number])
    assert runs["dim"].tolist() == [4, 4]
    assert runs["dim_auto"].tolist() == [True, False]
    assert runs["map_at_r"][0] == runs["map_at_r"][1]
    assert set(pd.read_parquet(evidence.queries)["dim"]) == {AUTO_DIM}
    summary = summarise(runs)
    assert set(summary["dim"]) == {AUTO_DIM, 4}
    assert set(summary.loc[summary["dim"] == AUTO_DIM, "chosen_dim"]) == {4}


def test_rows_of_earlier_versions_have_numbers(tmp_path):
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    row = {"dataset": "d", "notion": "n", "model": "m", "protocol": "paper", "method": "pca"}
    numbers = {"dim": 3, "seed": 0, "n_images": 1, "n_classes": 1}
    write_runs(new, pd.DataFrame([row | numbers]))
    pd.read_parquet(new).drop(columns="dim_auto").to_parquet(old)
    assert read_runs([old])["dim_auto"].tolist() == [False]
    assert list(read_runs([old])) == list(COLUMNS)


def test_what_notions_say_is_one_section_and_apart_from_the_number():
    parts = [
        pd.DataFrame(run_rows("indirect", [0.5], notion="car_color", dim=11)).assign(dim_auto=True),
        pd.DataFrame(run_rows("indirect", [0.6], notion="car_model", dim=5)).assign(dim_auto=True),
        pd.DataFrame(run_rows("oracle", [0.7], notion="car_model", dim=4)).assign(dim_auto=True),
        pd.DataFrame(run_rows("indirect", [0.4], notion="car_color", dim=11)),
        pd.DataFrame(run_rows("clip", [0.3], notion="car_color", dim=512)),
    ]
    chosen, number = sections(summarise(pd.concat(parts, ignore_index=True)), "table2")
    assert chosen.setting == "with demo-M, r' chosen by the prompts"
    assert number.setting == "with demo-M, r' = 11"
    values = {line.notion: line.cells["indirect"].text for line in chosen.lines}
    assert values == {"Car Color": "50.0", "Car Model": "60.0"}
    assert [line.cells["clip"].text for line in chosen.lines[:1]] == ["30.0"]
    assert "r' is Demo Cars Car Color 11, Demo Cars Car Model 5 (Oracle: 4)." in chosen.reasons
    assert {line.notion for line in number.lines} == {"Car Color"}


def test_the_dimension_ablation_rings_what_prompts_say():
    curve = runs_of(
        lambda row: row["dim"] / 64, notion=["car_model"], method=["indirect"],
        dim=[2, 8, 32], seed=[0],
    )  # fmt: skip
    chosen = curve[curve["dim"] == 8].assign(dim=5, map_at_r=0.07, dim_auto=True)
    figure = DimensionsExperiment.draw(pd.concat([curve, chosen], ignore_index=True))
    (axis,) = (axis for axis in figure.axes if axis.get_title())
    (line,) = axis.containers[0].lines[:1]
    assert line.get_xdata().tolist() == [2, 8, 32]
    (ring,) = (line for line in axis.lines if line.get_label() == "r' chosen by the prompts")
    assert [*ring.get_xdata(), *ring.get_ydata()] == [5, pytest.approx(7.0)]
    assert "r' chosen by the prompts" in legend_of(figure)
    alone = DimensionsExperiment.draw(chosen)
    assert "InDiReCT" in legend_of(alone), "a ring alone does not say whose it is"
    (axis,) = (axis for axis in alone.axes if axis.get_title())
    assert [label.get_text() for label in axis.get_xticklabels()] == ["5"]


def configuration(**changes):
    return yaml.safe_load((ROOT / "config.yaml").read_text()) | changes


def test_a_configuration_can_leave_r_to_the_prompts():
    assert parse_config(configuration(dims="auto")).dims == ["auto"]
    plan = Plan(parse_config(configuration(dims=["auto", 16])))
    paths = {run.fit.path.parts[4] for run in plan.main_runs if run.fit.method == "indirect"}
    assert paths == {"dim-auto", "dim-16"}
    (picture, *_) = plan.pictures
    assert {fit.dim for fit in plan.shown_in(picture).values()} <= {"auto", 2}


@pytest.mark.parametrize(
    ("dims", "line"),
    [
        (["auto", "much"], "dims[1]: should be a number of dimensions, or auto, not 'much'"),
        (["auto", "auto"], "dims: 'auto' is listed twice"),
        (["auto", 1024], "dims[1]: 1024 is larger than the 512 dimensions of models.demo-M"),
    ],
)
def test_what_is_no_r_has_a_line(dims, line):
    with pytest.raises(ConfigError) as caught:
        parse_config(configuration(dims=dims))
    assert line in caught.value.lines


# --- The experiment


def plane(folder):
    """Classes on a circle, whose texts vary a little in directions in which images vary much."""
    angles = 2 * np.pi * np.arange(12) / 12
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rng = np.random.default_rng(0)
    prompts = np.hstack([centres, 0.05 * rng.standard_normal((12, 8))])
    noise = np.hstack([0.02 * rng.standard_normal((240, 2)), rng.standard_normal((240, 8))])
    images = np.hstack([np.repeat(centres, 20, axis=0), np.zeros((240, 8))]) + noise
    names = [f"class {n}" for n in range(12)]
    write_world(
        folder,
        {"kind": np.repeat(names, 20)},
        images.astype(np.float32),
        {"kind": dict(zip(names, prompts, strict=True))},
    )


def test_regrets_of_a_world_whose_best_r_is_known(tmp_path):
    plane(tmp_path)
    methods = ["text_subspace", "soft_subspace"]
    summary, rows = measure(tmp_path, "dim_choice", methods, ["kind"], dims=[1, 2, 4, 8, 64])
    own = summary[(summary["metric"] == "map_at_r") & (summary["method"] == "text_subspace")]
    grid = own[own["part"] == "grid"].set_index("size")["mean"]
    assert list(grid.index) == [1, 2, 4, 8], "the model's vectors have ten components"
    assert grid.idxmax() == 2
    rules = own[own["part"] == "rule"].set_index("rule")
    assert rules.loc["participation_ratio", ["size", "regret"]].tolist() == [2, 0]
    assert rules.loc["fixed_8", "regret"] == pytest.approx(grid[2] - grid[8])
    assert rules.loc["configured", "regret"] == pytest.approx(grid[2] - grid[4])
    (uncut,) = own.loc[own["part"] == "uncut"].itertuples()
    assert (uncut.rule, uncut.size) == ("soft_subspace", 10)
    soft = rows.loc[rows["method"] == "soft_subspace", "map_at_r"].item()
    assert uncut.regret == pytest.approx(grid[2] - soft)
    paths = [tmp_path / "dim_choice.csv", tmp_path / "dim_choice.md"]
    write_measured("dim_choice", sorted((tmp_path / "dim_choice").glob("*.parquet")), paths)
    read = DIM_CHOICE.read(paths[:1], [])
    text = paths[1].read_text()
    assert "|  | Participation ratio | 0.0 (2) | **0.0** | **0.0** |" in text
    assert "Text subspace, kind: the best is" in text
    (block,) = DIM_CHOICE.draw(read).subfigs
    curve, chosen = block.axes
    assert curve.lines[0].get_xdata().tolist() == [1, 2, 4, 8]
    labels = [text.get_text() for text in chosen.get_yticklabels()]
    row = labels.index("Participation ratio")
    dots = [line.get_data() for line in chosen.lines if line.get_marker() == "o"]
    assert [int(x[0]) for x, y in dots if y[0] == row] == [2]
    (said,) = DIM_CHOICE.sentences(read)
    assert said.startswith("Points of MAP@R that Text subspace loses against the best r'")
    lost = f"{100 * rules.loc['configured', 'regret']:.1f}"
    assert f"with the r' of the configuration {lost} (at worst {lost})" in said
    # Where all of dims are above the model's own there is no curve.
    without = read[read["part"] != "grid"].assign(regret=np.nan)
    assert DIM_CHOICE.draw(without).get_suptitle().startswith("Nothing")
    assert DIM_CHOICE.tables(without)[0].notes[-1].startswith("There is nothing to choose r' among")


def test_methods_have_an_r_that_prompts_can_say():
    config = configuration()
    config["experiments"] = {"dim_choice": {"methods": ["clip", "oracle"]}}
    with pytest.raises(ConfigError) as caught:
        parse_config(config)
    key = "experiments.dim_choice.methods"
    assert caught.value.lines == [
        f"{key}: clip has no r' to choose",
        f"{key}: oracle sees labels, and rules look at prompts alone",
    ]
