"""The table of significance and its figure: what is compared, ranked and said, from small files."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lanzdml.errors import LanzdmlError
from lanzdml.figures.critical_difference.draw import draw, joined
from lanzdml.methods import METHODS
from lanzdml.metrics.runs import traits_of, write_runs
from lanzdml.metrics.scores import METRICS
from lanzdml.names import METHOD_NAMES
from lanzdml.significance.comparisons import COLUMNS, read_significance
from lanzdml.significance.compute import compute_significance
from lanzdml.significance.table import blocks, write_significance
from lanzdml.tables.paper import by_setting

SEEDS = (0, 1)
BASIS = " (95 % interval for other images of these classes and other fits of these methods)"
N, N_DRAWS = 50, 300


class Files:
    """The files of runs, whose queries are drawn around a mean."""

    def __init__(self, folder):
        self.folder, self.paths, self.notions = folder, ([], [], [], []), set()

    def add(self, method, mean, *, notion="car_color", dataset="demo_cars", dim=16, n=N,
            seeds=SEEDS, failed=(), spread=1e-7, scatter=0.0, **run):  # fmt: skip
        """Runs of a method on a notion; a mean of None is one that could not be made.

        Args:
            failed: seeds without a fit.
            spread: how far the means of its seeds lie from the mean; none has a value of its own.
            scatter: std over the draws of images, beside what all methods have in common.
        """
        without = METHODS[method].deterministic
        made = [seed for seed in seeds if mean is not None and seed not in failed]
        self.notions.add((dataset, notion))
        key = {"dataset": dataset, "notion": notion, "model": "m", "protocol": "paper",
               "method": method, "dim": 512 if method == "clip" else dim} | run  # fmt: skip
        hard = np.random.default_rng(0).standard_normal(n)  # queries are as hard for every method
        hard -= hard.mean()
        common, own = np.random.default_rng(1).standard_normal((2, N_DRAWS))
        own = (own - own.mean()) / own.std(ddof=1)
        signs = dict(zip(made, np.resize([1, -1], len(made)), strict=True))
        rows, queries, draws = [], [], []
        for seed in seeds:
            row = key | {
                "seed": seed,
                "n_images": n,
                "n_classes": 2,
                "n_queries": 9,
                "tied_queries": 0,
            }
            row |= traits_of(method)
            if seed in made:
                here = mean if without else mean + spread * signs[seed]
                row |= dict.fromkeys(METRICS, 0.4 + 0.1 * seed) | {"status": "ok"}
                row |= {"map_at_r": here, "precision_at_1": 0.5}
                frame = pd.DataFrame({"map_at_r": here + 0.05 * hard}).assign(**key, seed=seed)
                ids = [f"image {i}" for i in range(n)]
                queries.append(frame.assign(image_id=ids, precision_at_1=np.arange(n) % 2 == 0))
                if seed == made[0] or not without:
                    drawn = {"map_at_r": here + 0.01 * common + scatter * own}
                    frame = pd.DataFrame(drawn).assign(precision_at_1=0.5)
                    draws.append(frame.assign(**key, seed=seed, draw=np.arange(N_DRAWS)))
            else:
                row |= {"status": "not_fitted", "reason": "too few prompts"}
            rows.append(row)
        crossed = pd.DataFrame({
            "fit_seed": [0, 0, 1], "clustering_seed": [0, 1, 0], "ami": [0.1, 0.3, 0.2],
            "nmi": [0.5, 0.5, 0.5],
        }).assign(**key, seed=[0, 1, 1])  # fmt: skip
        crossed = crossed[: 3 * (len(made) == 2)]
        name = "-".join(map(str, key.values()))
        # A file a seed, or one for all of a method that is the same for each.
        for of_file in [seeds] if without else [[seed] for seed in seeds]:
            files = [self.folder / f"{name}-{of_file[0]}-{i}.parquet" for i in range(4)]
            write_runs(files[0], pd.DataFrame(rows).query("seed in @of_file"))
            nothing = pd.DataFrame(columns=["image_id", "seed", *key])
            for frames, file in zip((queries, [crossed], draws), files[1:], strict=True):
                kept = [frame[frame["seed"].isin(of_file)] for frame in frames]
                kept = [frame for frame in kept if len(frame)] or [nothing]
                pd.concat(kept, ignore_index=True).to_parquet(file)
            for paths, file in zip(self.paths, files, strict=True):
                paths.append(file)

    def rows(self, counted=None, sampled=None):
        """Those of the table; all notions are counted unless given."""
        counted = self.notions if counted is None else counted
        return compute_significance(*self.paths, counted=counted, sampled=sampled or {})

    def finding(self):
        (block,) = blocks(self.rows())
        return block.finding


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


NOTIONS = ("car_model", "car_color", "background_color")


@pytest.fixture
def three(files):
    """Three notions; PCA could be made for one of them."""
    for i, notion in enumerate(NOTIONS):
        files.add("clip", 0.2, notion=notion)
        files.add("indirect", 0.3 + 0.1 * i, notion=notion)
        files.add("pca", 0.25 if i == 0 else None, notion=notion)
        files.add("ae", 0.35, notion=notion)
        files.add("oracle", 0.9, notion=notion)
    return files


def part(rows, name, metric="map_at_r"):
    return rows[(rows["part"] == name) & (rows["metric"] == metric)]


def test_every_two_methods_are_compared_on_every_notion(three):
    rows = part(three.rows(), "difference")
    assert rows.groupby("notion").size().to_dict() == {
        "car_model": 10, "car_color": 6, "background_color": 6
    }  # fmt: skip
    row = rows.set_index(["notion", "method", "other"]).loc[("car_color", "clip", "indirect")]
    assert row["value"] == pytest.approx(-20), "in percent points"
    assert row["low"] == pytest.approx(-20, abs=1e-3), "draws differ alike: nothing is left open"
    assert row["decided"]
    assert row["n"] == N


def test_what_was_not_fitted_is_named_and_not_ranked(three):
    rows = three.rows()
    left_out = rows[(rows["part"] == "difference") & rows["reason"].notna()]
    assert left_out[["notion", "method", "reason"]].to_numpy().tolist() == [
        ["car_color", "pca", "too few prompts"],
        ["background_color", "pca", "too few prompts"],
    ]
    ranks = part(rows, "mean_rank").set_index("method")
    assert ranks["value"].dropna().to_dict() == pytest.approx({
        "indirect": 4 / 3, "ae": 5 / 3, "clip": 3
    })  # fmt: skip
    assert ranks["reason"].dropna().to_dict() == {
        "pca": "no value on 2 of 3 notions",
        "oracle": "sees labels",
    }
    tests = part(rows, "signed_rank").set_index(["method", "other"])
    assert len(tests) == 3, "pairs of those that are ranked"
    corrected = tests["p_holm_reference"].dropna()
    assert corrected.to_dict() == {("clip", "indirect"): 0.5, ("indirect", "ae"): 0.75}
    assert tests.loc[("clip", "ae"), "p"] == 0.25, "not shown, so not corrected"
    (friedman,) = part(rows, "friedman").itertuples()
    assert (friedman.value, friedman.n) == (pytest.approx(14 / 3), 3)


def test_a_tie_is_no_win_whichever_method_comes_first(files):
    """CLIP comes before InDiReCT, so the table turns the pair."""
    for notion, mean in zip(NOTIONS, (0.3, 0.2, 0.1), strict=True):
        files.add("clip", 0.2, notion=notion)
        files.add("indirect", mean, notion=notion)
    files.add("clip", 0.2, notion="fit")
    files.add("indirect", 0.2, notion="fit")
    rows = files.rows()
    (row,) = part(rows, "signed_rank").itertuples()
    assert (row.method, row.better, row.worse, row.n) == ("clip", 1, 1, 4)
    (block,) = blocks(rows)
    tests = next(table for table in block.tables if "better on" in " ".join(table.columns))
    assert tests.cells[0][1] == "1 of 4"


def test_sentences_are_about_the_counted_notions(three):
    """One that repeats others has its rows, and is spoken of where there are no others."""
    first = ("demo_cars", NOTIONS[0])
    (block,) = blocks(three.rows([first]))
    assert block.finding.startswith(
        "On Demo Cars Car Model (50 queries) InDiReCT's MAP@R is higher"
    )
    assert "Car Color" not in block.finding
    rows = part(three.rows([first]), "difference").dropna(subset="value")
    assert set(rows.loc[rows["counted"].astype(bool), "notion"]) == {NOTIONS[0]}
    assert set(rows["notion"]) == set(NOTIONS)
    (block,) = blocks(three.rows([]))
    assert "higher than CLIP's on 3 of 3 notions" in block.finding
    assert "rank" not in block.finding
    assert [table.caption.partition(" ")[0] for table in block.tables] == [
        "InDiReCT", "Ranks", "What"
    ]  # fmt: skip


def test_names_that_look_like_numbers_stay_names(files, tmp_path):
    for method, mean in (("clip", 0.2), ("indirect", 0.3)):
        files.add(method, mean, notion="007", model="1e5")
    rows = files.rows()
    write_significance(rows, [tmp_path / "a.csv"])
    assert blocks(read_significance(tmp_path / "a.csv")) == blocks(rows)


def test_ranks_and_tests_are_over_the_counted_notions(three):
    rows = three.rows([("demo_cars", notion) for notion in NOTIONS[1:]])
    over = rows[rows["part"].isin(["signed_rank", "critical_difference"])]
    assert set(over["n"]) == {2}
    reasons = part(rows, "mean_rank").set_index("method")["reason"]
    assert reasons["pca"] == "no value on 2 of 2 notions"
    assert set(part(rows, "difference")["notion"]) == set(NOTIONS), "each has its intervals"


def test_each_notion_ranks_the_methods_that_see_no_labels_on_it(three, tmp_path):
    rows = three.rows()
    ranks = part(rows, "notion_rank").set_index(["notion", "method"])
    assert ranks.loc["car_model"]["value"].to_dict() == {
        "ae": 1,
        "indirect": 2,
        "pca": 3,
        "clip": 4,
    }
    assert set(ranks.loc["car_model"]["n"]) == {4}
    assert list(ranks.loc["car_color"].index) == ["indirect", "ae", "clip"], "PCA could not be made"
    assert (ranks["low"] == ranks["high"]).all(), "draws differ alike: nothing is left open"
    assert ranks["groups"].isna().all()
    equal = part(rows, "notion_rank", "precision_at_1").loc[lambda rows: rows["n"] == 3]
    assert equal[["value", "low", "high", "groups"]].drop_duplicates().to_numpy().tolist() == [
        [2, 1, 3, "a"]
    ]
    write_significance(rows, [tmp_path / "a.md"])
    text = (tmp_path / "a.md").read_text()
    table = text[text.index("Ranks on each notion") :]
    assert "| Demo Cars | Car Model | AE | 1 | 1 to 1 | — | 2.5 | 1 to 4 | a |" in table
    assert "those of all notions, intervals decide 12 by MAP@R and 0 by Prec@1. Where 5 %" in text


def test_differences_have_a_p_and_the_smallest_that_is_found(files):
    files.add("clip", 0.2)
    files.add("indirect", 0.212, scatter=0.004)
    files.add("oracle", 0.9)
    rows = part(files.rows(), "difference").set_index(["method", "other"])
    row = rows.loc["clip", "indirect"]
    assert row["p"] == pytest.approx(2 * stats.t.sf(1.2 / 0.4, 49), rel=1e-3)
    assert row[["p_holm", "p_fdr"]].tolist() == [row["p"]] * 2, "of one pair"
    assert row["smallest"] == pytest.approx(0.4 * stats.t.ppf([0.975, 0.8], 49).sum(), rel=1e-3)
    assert rows.loc["clip", "oracle"][["p_holm", "p_fdr"]].isna().all()
    table = blocks(files.rows())[0].tables[2]
    assert table.caption.startswith("The smallest difference that so many queries can show")
    assert table.cells == [["50", "1.14", "1.14 to 1.14", "—", "—"]]


def test_few_queries_leave_all_ranks_open(files):
    files.add("clip", 0.2, n=29)
    files.add("indirect", 0.3, n=29)
    ranks = part(files.rows(), "notion_rank")
    assert ranks[["method", "value", "low", "high", "groups"]].to_numpy().tolist() == [
        ["indirect", 1, 1, 2, "a"],
        ["clip", 2, 1, 2, "a"],
    ]
    assert part(files.rows(), "difference")[["p", "p_fdr", "smallest"]].isna().all(axis=None)


def test_seeds_of_fit_and_clustering_are_apart(three):
    rows = three.rows()
    stds = rows[(rows["method"] == "ae") & (rows["notion"] == "car_color")]
    stds = stds.dropna(subset="metric").set_index(["metric", "part"])["value"]
    assert stds["ami", "clustering_std"] == pytest.approx(0.1)
    assert stds["ami", "fit_std"] == pytest.approx(0.05)
    runs = pd.concat(map(pd.read_parquet, three.paths[0]))
    runs = runs[(runs["method"] == "ae") & (runs["notion"] == "car_color")]
    assert stds["map_at_r", "fit_std"] == pytest.approx(runs["map_at_r"].std(ddof=0))
    assert ("map_at_r", "clustering_std") not in stds


def test_csv_and_markdown_say_the_same(three, tmp_path):
    three.add("lae", 0.4, notion="car_color")
    rows = three.rows()
    paths = [tmp_path / "significance.csv", tmp_path / "significance.md"]
    write_significance(rows, paths)
    assert blocks(read_significance(paths[0])) == blocks(rows)
    assert tuple(read_significance(paths[0]).columns) == COLUMNS
    text = paths[1].read_text()
    line = next(line for line in text.splitlines() if line.startswith("|  | Car Color | CLIP"))
    assert line.split(" | ")[3:6] == ["+20.00", "20.00 to 20.00", "higher"]
    assert "|  |  | LAE | +0.00 | 0.00 to 0.00 | tie |" in text
    assert "- — PCA, Demo Cars Car Color: too few prompts" in text
    assert "Oracle is not ranked: sees labels." in text
    differences = text[: text.index("Mean ranks")]
    assert "| Oracle |" not in differences, "what sees labels is no competitor"


def test_sentences_for_several_notions(three):
    assert three.finding() == (
        "InDiReCT's MAP@R is higher than CLIP's on 3 of 3 notions; the difference (95 % intervals "
        "for other images of these classes and other fits of these methods) goes from 10.0 points "
        "[10.0 to 10.0] on Demo Cars Car Model (50 queries) to 30.0 points [30.0 to 30.0] on Demo "
        "Cars Background Color (50 queries). Of the 3 methods that see no labels and have a value "
        "on each of 3 notions, InDiReCT ranks first by MAP@R on average (mean rank 1.33). Over 3 "
        "notions signed ranks can tell no two methods apart: they give p = 0.25 at the least, 0.5 "
        "after correction for 2 pairs."
    )


def test_what_is_open_and_ranks_that_are_shared(files):
    means = {"car_model": (0.3, 0), "car_color": (0.1, 0), "fit": (0.2, 0),
             "fabric": (0.202, 0.002), "texture": (0.198, 0.002)}  # fmt: skip
    for notion, (mean, scatter) in means.items():
        files.add("clip", 0.2, notion=notion)
        files.add("indirect", mean, notion=notion, scatter=scatter)
    finding = files.finding()
    assert (
        "higher than CLIP's on 1 of 5 notions, lower than CLIP's on 1 of 5 notions, not told apart "
        "from CLIP's on 2 of 5 notions, equal to CLIP's on 1 of 5 notions" in finding
    )
    assert "CLIP and InDiReCT rank first together" in finding
    assert finding.endswith("apart: they give p = 0.062 at the least.")


def only(rows):
    """The one difference by MAP@R."""
    (row,) = part(rows, "difference").itertuples()
    return row


def test_an_interval_is_for_other_images_and_other_fits(files):
    """By hand: 49 degrees of freedom of the images, 4 of each method's five fits."""
    files.add("indirect", 0.21, seeds=range(6), failed=[5], spread=0.01, scatter=0.003)
    files.add("ae", 0.2, seeds=range(5), spread=0.02)
    row = only(files.rows())
    # Of five, three lie above the mean and two below.
    value = 1 + (1 - 2) / 5
    fits = np.array([1, 2]) * np.std([1, 1, 1, -1, -1], ddof=1) / np.sqrt(5)
    assert row.value == pytest.approx(value)
    assert row.se_images == pytest.approx(0.3)
    assert row.se_fits == pytest.approx(np.hypot(*fits))
    variances = np.array([0.3, *fits]) ** 2
    df = variances.sum() ** 2 / (variances**2 / [49, 4, 4]).sum()
    assert row.df == pytest.approx(df)
    reach = stats.t.ppf(0.975, df) * np.sqrt(variances.sum())
    assert (row.low, row.high) == pytest.approx((value - reach, value + reach))
    assert not row.decided
    assert row.low_queries == pytest.approx(row.value, abs=1e-3), "queries differ alike"
    assert row.note == "InDiReCT has a value for 5 of 6 seeds"
    assert files.finding().endswith(f"{BASIS}.")


def test_of_one_seed_chance_in_fitting_is_not_in_it(files, tmp_path):
    files.add("clip", 0.2)
    files.add("indirect", 0.3, seeds=range(5), failed=range(1, 5))
    rows = files.rows()
    row = only(rows)
    assert row.se_fits == 0
    one = "with one seed of InDiReCT, chance in fitting is not in it"
    assert row.note == f"InDiReCT has a value for 1 of 5 seeds; {one}"
    assert files.finding().endswith(
        "(95 % interval for other images of these classes; with one seed, chance in fitting is not "
        "in it)."
    )
    write_significance(rows, [tmp_path / "a.md"])
    text = (tmp_path / "a.md").read_text()
    assert "- InDiReCT has a value for 1 of 5 seeds.\n- With one seed of InDiReCT, chance" in text


def test_without_chance_in_fitting_other_fits_are_the_same(files):
    """Seeds of such a method share their draws, too."""
    files.add("clip", 0.2, spread=1)
    files.add("text_subspace", 0.3, seeds=range(5))
    row = only(files.rows())
    assert (row.se_fits, row.decided) == (0, True)
    assert pd.isna(row.note)
    assert files.finding().endswith("(95 % interval for other images of these classes).")


@pytest.mark.parametrize("method", ["oracle", "clay"])
def test_what_uses_the_images_is_not_refitted_to_others(files, method):
    files.add("clip", 0.2)
    files.add(method, 0.3)
    name = METHOD_NAMES[method]
    assert only(files.rows()).note == f"{name} is not refitted to other images"


def test_notes_name_their_notions_unless_all_have_them(three, tmp_path):
    three.add("clay", 0.4, notion="car_color")
    for notion in NOTIONS:
        three.add("lae", 0.1, notion=notion, failed=[1])
    write_significance(three.rows(), [tmp_path / "a.md"])
    text = (tmp_path / "a.md").read_text()
    assert "- CLAY is not refitted to other images (Demo Cars Car Color).\n" in text
    assert "- With one seed of LAE, chance in fitting is not in it.\n" in text
    assert "- LAE: on some notion its value is that of some of its seeds.\n" in text, "ranks"


@pytest.mark.parametrize(("differing", "decided"), [(5, False), (6, True)])
def test_few_queries_that_differ_decide_nothing(files, differing, decided):
    """However sure the draws are."""
    files.add("clip", 0.2)
    files.add("text_subspace", 0.2)
    metrics, queries = (pd.read_parquet(paths[1]) for paths in files.paths[:2])
    queries.loc[queries["image_id"].isin([f"image {i}" for i in range(differing)]), "map_at_r"] += 1
    queries.to_parquet(files.paths[1][1])
    metrics["map_at_r"] += differing / N
    metrics.to_parquet(files.paths[0][1])
    row = only(files.rows())
    assert row.high < 0
    assert row.decided == decided


@pytest.mark.parametrize("change", ["seed", "none"])
def test_draws_of_other_fits_are_an_error(files, change):
    files.add("clip", 0.2)
    files.add("indirect", 0.3)
    for path in files.paths[3][2 if change == "seed" else 1 :]:
        pd.read_parquet(path).iloc[:0].to_parquet(path)
    with pytest.raises(LanzdmlError, match=r"demo_cars/car_color are not those .* of indirect"):
        files.rows()


def classes(tmp_path, labels):
    """A manifest with these labels of the queries, as the notion car_color."""
    path = tmp_path / "manifest.parquet"
    rows = pd.DataFrame({"image_id": [f"image {i}" for i in range(N)], "car_color": labels})
    rows.to_parquet(path)
    return {("paper", "demo_cars", "car_color"): (path, "car_color")}


def test_where_classes_are_a_sample_there_is_an_interval_for_others(files, tmp_path):
    files.add("clip", 0.2)
    files.add("indirect", 0.3, scatter=0.001)
    files.add("indirect", 0.3, notion="fit", scatter=0.001)
    files.add("clip", 0.2, notion="fit")
    # Ten classes of five, and half of them gain 20 points more than the others.
    labels = np.repeat(list("abcdefghij"), 5)
    gains = np.where(np.isin(labels, list("abcde")), 0.1, -0.1)
    for path in files.paths[1][1:3]:  # InDiReCT's seeds
        queries = pd.read_parquet(path)
        queries["map_at_r"] += gains
        queries.to_parquet(path)
    rows = files.rows(sampled=classes(tmp_path, labels))
    row = part(rows, "difference").set_index("notion").loc["car_color"]
    assert row["se_classes"] == pytest.approx(np.std([10, -10] * 5, ddof=1) / np.sqrt(10))
    assert row["df_classes"] == pytest.approx(9, abs=1e-3)
    reach = stats.t.ppf(0.975, 9) * row["se_classes"]
    bounds = row["value"] - reach, row["value"] + reach
    assert (row["low_classes"], row["high_classes"]) == pytest.approx(bounds)
    assert row["high"] - row["low"] < 1, "images of these classes say no word on others"
    paths = [tmp_path / "a.csv", tmp_path / "a.md"]
    write_significance(rows, paths)
    assert blocks(read_significance(paths[0])) == blocks(rows)
    text = paths[1].read_text()
    assert f"[9.8 to 10.2; for other classes, too, {10 - reach:.1f} to {10 + reach:.1f}]" in text
    assert f"| 9.80 to 10.20 | {10 - reach:.2f} to {10 + reach:.2f} | higher |" in text
    assert "| 9.80 to 10.20 | — | higher |" in text, "of the other notion nobody asked it"


def test_queries_without_a_class_are_an_error(files, tmp_path):
    files.add("clip", 0.2)
    files.add("indirect", 0.3)
    with pytest.raises(LanzdmlError, match="no label of the query 'image 7'"):
        files.rows(sampled=classes(tmp_path, ["a"] * 7 + [None] + ["b"] * (N - 8)))


@pytest.mark.parametrize(
    ("mean", "n", "expected"),
    [
        (0.3, N, "InDiReCT's MAP@R is higher than CLIP's: the difference is 10.0 points "
         f"[10.0 to 10.0]{BASIS}."),
        (0.1, N, "InDiReCT's MAP@R is lower than CLIP's: the difference is -10.0 points "
         f"[-10.0 to -10.0]{BASIS}."),
        (0.2, N, "InDiReCT's and CLIP's MAP@R are equal: the difference is 0.0 points "
         f"[0.0 to 0.0]{BASIS}."),
        (0.3, 1, "InDiReCT's and CLIP's MAP@R are not told apart: the difference is 10.0 points "
         "[too few queries for an interval]."),
    ],
)  # fmt: skip
def test_one_notion_is_not_tested_over(files, mean, n, expected):
    files.add("clip", 0.2, n=n)
    files.add("indirect", mean, n=n)
    queries = "1 query" if n == 1 else f"{n} queries"
    assert files.finding() == f"On Demo Cars Car Color ({queries}) {expected}"


def test_many_notions_decide(files):
    for i in range(8):
        files.add("clip", 0.2, notion=f"notion {i}")
        files.add("lae", 0.3 + 0.01 * i, notion=f"notion {i}")
    finding = files.finding()
    assert "LAE ranks first" in finding
    assert "Over 8 notions CLIP differs significantly from 1 of 1 methods" in finding


def test_without_indirect_clip_is_the_reference(files):
    """Also after a method that the registry has before it, and where InDiReCT has no value."""
    files.add("random", 0.1)
    files.add("clip", 0.2)
    files.add("lae", 0.3)
    files.add("indirect", None)
    assert files.finding() == (
        "On Demo Cars Car Color (50 queries) CLIP's MAP@R is higher than Random's: the difference "
        f"is 10.0 points [10.0 to 10.0]{BASIS}. On Demo Cars Car Color (50 queries) CLIP's MAP@R "
        f"is lower than LAE's: the difference is -10.0 points [-10.0 to -10.0]{BASIS}."
    )
    (block,) = blocks(files.rows())
    assert block.tables[0].caption.startswith("CLIP minus each method")


@pytest.mark.parametrize(
    ("shift", "interval"), [(0.0003, "0.03 to 0.03"), (-0.0003, "-0.03 to -0.03")]
)
def test_a_bound_that_is_not_0_is_not_printed_as_0(files, shift, interval):
    files.add("clip", 0.2)
    files.add("indirect", 0.2 + shift)
    assert f"[{interval}]" in files.finding()


@pytest.mark.parametrize("methods", [["indirect"], ["oracle"], ["indirect", "oracle"]])
def test_one_method_or_none_without_labels(files, methods):
    for method in methods:
        files.add(method, 0.3)
    assert files.finding() == "There are no two methods to compare."


def test_nothing_could_be_made(files, tmp_path):
    for method in ("pca", "lae"):
        files.add(method, None)
    write_significance(files.rows(), [tmp_path / "a.csv"])
    (block,) = blocks(read_significance(tmp_path / "a.csv"))
    assert (block.finding, block.tables) == ("There are no two methods to compare.", [])


def test_a_method_of_the_models_own_size_is_beside_every_dim(files):
    files.add("clip", 0.2)
    for dim, mean in ((16, 0.3), (64, 0.1)):
        files.add("indirect", mean, dim=dim)
    found = dict(by_setting(files.rows()))
    assert list(found) == ["with m, r' = 16", "with m, r' = 64"]
    values = [part(block, "difference")["value"].tolist() for block in found.values()]
    assert values == [pytest.approx([-10]), pytest.approx([10])]


def test_methods_of_the_models_own_size_are_compared_without_a_dim(files, tmp_path):
    files.add("clip", 0.2)
    files.add("prompt_posterior", 0.3)
    rows = files.rows()
    assert only(rows).value == pytest.approx(-10)
    write_significance(rows, [tmp_path / "a.csv"])
    read = read_significance(tmp_path / "a.csv")
    assert blocks(read) == blocks(rows)
    assert [setting for setting, _ in by_setting(read)] == ["with m"]


def test_values_of_another_notions_labels_are_not_compared(files):
    for method in ("clip", "indirect", "ae"):
        files.add(method, 0.3, dataset="deepfashion", notion="texture", protocol="released")
    rows = files.rows()
    assert len(part(rows, "difference")) == 1
    left_out = rows[(rows["part"] == "difference") & rows["reason"].notna()]
    assert left_out[["method", "reason"]].to_numpy().tolist() == [
        ["ae", "scored by the labels of clothing_category"]
    ]
    assert by_setting(rows)[0][0].endswith(", released protocol")


def test_other_queries_are_an_error(files):
    files.add("clip", 0.2)
    files.add("indirect", 0.3, n=N - 1)
    with pytest.raises(LanzdmlError, match="other images of demo_cars/car_color"):
        files.rows()


def test_bars_join_the_largest_groups_that_the_limit_does_not_part():
    ranks = pd.Series({"a": 1.0, "b": 1.5, "c": 3.0, "d": 3.4, "e": 6.0})
    assert joined(ranks, 2.1) == [(1.0, 3.0), (1.5, 3.4)]
    assert joined(ranks, 0.3) == []
    assert joined(ranks, 9) == [(1.0, 6.0)]
    assert joined(ranks, 0.5) == [(3.0, 3.4)], "equal to the limit is different"


def test_the_figure_names_the_ranked_methods(three):
    figure = draw(three.rows())
    (axis,) = figure.axes
    assert axis.get_title() == "Mean ranks by MAP@R, with m, r' = 16, over 3 notions"
    texts = [text.get_text().strip() for text in axis.texts]
    assert texts == [
        "1", "2", "3", "critical difference 1.91", "InDiReCT  1.33", "AE  1.67", "3.00  CLIP"
    ]  # fmt: skip
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axis.texts]
    for i, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_the_figure_says_where_there_are_no_ranks(files):
    for notion in NOTIONS:
        files.add("clip", 0.2, notion=notion)
        files.add("pca", None, notion=notion)
        files.add("oracle", 0.9, notion=notion)
    (axis,) = draw(files.rows()).axes
    assert "fewer than two methods have a value on every notion" in axis.get_title()


def test_sizes_that_nobody_chooses_may_differ_by_seed(files, monkeypatch):
    monkeypatch.setattr(METHODS["prompt_posterior"], "deterministic", False)
    files.add("clip", 0.2)
    for seed in SEEDS:
        files.add("prompt_posterior", 0.4, dim=5 + seed, seeds=[seed])
    (row,) = part(files.rows(), "difference").to_dict("records")
    assert row["value"] == pytest.approx(-20)
