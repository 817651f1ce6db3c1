"""The ranking for the web: what is ranked with what, what is told, and what is written."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from markupsafe import escape
from tiny_report import EVIL
from tiny_results import METHODS, SECRET, SEEDS, fit, fits, make_results, not_fitted

from lanzdml.commands.main import lanzdml
from lanzdml.errors import LanzdmlError
from lanzdml.metrics.runs import PER_QUERY
from lanzdml.report.provenance import Commit
from lanzdml.sharing.parts import MERGED
from lanzdml.sharing.record import RECORD
from lanzdml.sharing.site.boards import rank_entries
from lanzdml.sharing.site.entries import read_entries
from lanzdml.sharing.site.source import folder_name, read_sources
from lanzdml.sharing.site.table import board_names, table_rows
from lanzdml.sharing.site.write import MARKER, SUMS, write_site
from lanzdml.significance.compute import compute_significance
from lanzdml.spreadsheet import read_csv

RANKED = [name for name in METHODS if name != "oracle"]


def places(*folders):
    sources = read_sources(folders)
    return rank_entries(read_entries(sources), sources[0].metrics)


def ranks(places, metric="map_at_r"):
    """Rank, low and high by method, of places on one board."""
    found = {}
    for place in places:
        rank = place.ranks.get(metric)
        found[place.entry.told["method"]] = rank and (rank.rank, rank.low, rank.high)
    assert len(found) == len(places)
    return found


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# --- what is ranked with what -----------------------------------------------------------------


def test_k_means_in_batches_is_ranked_apart(tmp_path):
    a = make_results(tmp_path / "a")
    b = make_results(tmp_path / "b", fits(kmeans_batch_size=100))
    found = places(a, b)
    names = board_names(table_rows(found, ["map_at_r"]))
    assert [name.endswith(", k-means in batches of 100") for name in names] == [False, True]
    for place in found:
        assert place.entry.told.get("kmeans_batch_size") == (None, 100)[place.board]
        (differs,) = place.entry.differs
        assert differs.startswith("clustered in other batches")


@pytest.mark.parametrize("metric", PER_QUERY)
def test_ranks_and_intervals_are_those_of_the_statistics(tmp_path, metric):
    folder = make_results(tmp_path / "a")
    below = {kind: sorted((folder / kind).rglob("*.parquet")) for kind in ("queries", "draws")}
    rows = compute_significance(
        [folder / "metrics.parquet"], below["queries"], [], below["draws"],
        {("synthetic_cars", "car_color")}, {},
    )  # fmt: skip
    rows = rows[(rows["part"] == "notion_rank") & (rows["metric"] == metric)]
    expected = {row.method: (row.value, row.low, row.high) for row in rows.itertuples()}
    assert ranks(places(folder), metric) == expected | {"oracle": None}
    assert len({low for _, low, _ in expected.values()}) > 1, "something is decided"


def test_methods_of_two_folders_are_ranked_together_as_those_of_one(tmp_path):
    one = make_results(tmp_path / "one")
    a = make_results(tmp_path / "a", [fit(name) for name in ("random", "lae", "oracle")])
    b = make_results(tmp_path / "b", [fit(name) for name in ("clip", "indirect")])
    assert ranks(places(a, b)) == ranks(places(one))


@pytest.mark.parametrize(
    "changes",
    [
        {"labels_sha256": "ff" * 32},
        {"weights_sha256": "ff" * 32},
        {"protocol": "query_gallery"},
        {"notion": "shape"},
        {"dataset": "cars196"},
        {"dim": 16},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_cannot_be_compared_is_never_ranked_together(tmp_path, changes):
    a = make_results(tmp_path / "a", [fit("indirect"), fit("lae")])
    b = make_results(tmp_path / "b", [fit("pca", **changes)])
    found = places(a, b)
    boards = [{p.entry.told["method"] for p in found if p.board == number} for number in (0, 1)]
    assert boards == [{"indirect", "lae"}, {"pca"}]
    assert {p.ranks["map_at_r"].n for p in found if p.board == 1} == {1}


def test_rankings_that_are_called_alike_say_by_which_checksums_they_differ(tmp_path):
    a = make_results(tmp_path / "a", [fit("indirect"), fit("indirect", dim=16)])
    b = make_results(tmp_path / "b", [fit("lae", labels_sha256="ff" * 32)])
    names = board_names(table_rows(places(a, b), ["map_at_r"]))
    start = "Synthetic Cars: Car Color, tiny, r′"
    assert names == [
        f"{start} 4, labels a1a1a1a1, weights c3c3c3c3", f"{start} 16",
        f"{start} 4, labels ffffffff, weights c3c3c3c3",
    ]  # fmt: skip


def test_fewer_prompts_are_a_ranking_of_their_own(tmp_path):
    folder = make_results(
        tmp_path / "a", [fit("indirect"), fit("lae"), fit("indirect", n_prompts=2, kept=False)]
    )
    assert [(p.board, p.entry.told["n_prompts"]) for p in places(folder)] == [
        (0, 3),
        (0, 3),
        (1, 2),
    ]


def test_another_name_of_the_same_weights_is_ranked_together(tmp_path):
    a = make_results(tmp_path / "a", [fit("indirect")])
    b = make_results(tmp_path / "b", [fit("lae", model="theirs")])
    assert {place.board for place in places(a, b)} == {0}


def test_vectors_made_elsewhere_are_ranked_with_the_model_that_they_stand_beside(tmp_path):
    external = fit("indirect", called="qwen", external=True, weights_sha256="ee" * 32)
    folder = make_results(tmp_path / "a", [fit("lae"), external])
    assert {place.board for place in places(folder)} == {0}


def test_a_method_without_dim_is_in_the_ranking_of_each(tmp_path):
    folder = make_results(tmp_path / "a", [fit("clip"), fit("lae"), fit("lae", dim=16)])
    found = places(folder)
    assert [(p.entry.told["method"], p.size) for p in found] == [
        ("lae", 4), ("clip", 4), ("lae", 16), ("clip", 16),
    ]  # fmt: skip
    assert len({p.entry.id for p in found}) == 3


def test_what_keeps_no_draws_is_ranked_and_told_apart_from_none(tmp_path):
    kept = [fit("random"), fit("indirect")]
    folder = make_results(tmp_path / "a", [*kept, fit("lae", better=-0.3, kept=False)])
    assert ranks(places(folder)) == {"indirect": (1, 1, 2), "lae": (2, None, None),
                                     "random": (3, 2, 3)}  # fmt: skip


def test_a_method_that_could_not_be_made_has_no_rank(tmp_path):
    folder = make_results(tmp_path / "a", [*fits(), not_fitted("pca", "too few prompts")])
    found = ranks(places(folder))
    assert found["pca"] is None
    assert list(found)[-1] == "pca"
    assert {rank.n for p in places(folder) for rank in p.ranks.values()} == {len(RANKED)}


# --- several folders --------------------------------------------------------------------------


def test_equal_rows_of_two_folders_are_one(tmp_path):
    a, b = make_results(tmp_path / "a"), make_results(tmp_path / "b", fits()[::-1])
    entries = read_entries(read_sources([a, b]))
    assert len(entries) == len(METHODS)
    assert all([s.name for s in entry.sources] == ["a", "b"] for entry in entries)
    assert not any(entry.differs for entry in entries)


def test_other_seconds_and_rounding_are_no_other_row(tmp_path):
    rows, kept = fit("indirect")
    rows["fit_seconds"] = 9.0
    rows["map_at_r"] += 1e-12
    sources = (
        make_results(tmp_path / "a", [fit("indirect")]),
        make_results(tmp_path / "b", [(rows, kept)]),
    )
    assert len(read_entries(read_sources(sources))) == 1


def test_contradicting_rows_stand_side_by_side_and_say_so(tmp_path):
    a = make_results(tmp_path / "a")
    b = make_results(tmp_path / "b", [fit("indirect", better=0.05)])
    entries = [e for e in read_entries(read_sources([a, b])) if e.told["method"] == "indirect"]
    ours, theirs = (entry.value("map_at_r").mean for entry in entries)
    assert theirs - ours > 0.02, "neither is an average"
    for entry, other, folder in zip(entries, entries[::-1], "ba", strict=True):
        values = [round(float(e.seeds["map_at_r"].iloc[0]), 8) for e in (entry, other)]
        assert entry.differs == (
            f"contradicts {folder}: MAP@R of seed 0 is {values[0]} here and {values[1]} there",
        )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": (0, 1)}, "has other seeds than the row of this name from a"),
        ({"prompts_sha256": "ff" * 32}, "made with other prompts than the row of this name from a"),
        ({"weights_sha256": "ff" * 32}, "made with other weights than the row of this name from a"),
    ],
)
def test_what_differs_is_said(tmp_path, changes, said):
    a = make_results(tmp_path / "a", [fit("indirect")])
    b = make_results(tmp_path / "b", [fit("indirect", **changes)])
    assert [e.differs for e in read_entries(read_sources([a, b]))][1] == (said,)


def test_folders_of_one_name_are_told_apart(tmp_path):
    folders = [make_results(tmp_path / name / "results") for name in "ab"]
    assert [source.name for source in read_sources(folders)] == ["results (1)", "results (2)"]


# --- what is refused --------------------------------------------------------------------------


def altered(folder, change):
    path = folder / "metrics.parquet"
    rows = change(pd.read_parquet(path))
    rows.to_parquet(path, index=False)


def kept(folder, kind, change):
    path = min((folder / kind).rglob("*.parquet"))
    change(pd.read_parquet(path)).to_parquet(path, index=False)


def _forge(rows):
    return rows.assign(map_at_r=rows["map_at_r"].mask(rows["method"] == "clip", 0.99))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / RECORD).unlink(), "no record.json"),
        (lambda f: (f / "metrics.parquet").unlink(), "metrics.parquet is not there"),
        (lambda f: (f / "metrics.parquet").write_bytes(b"PAR1"), "cannot be read"),
        (lambda f: altered(f, _forge), "its queries have MAP@R"),
        (lambda f: altered(f, lambda r: r.assign(mrr=1.5)), "MRR of the run of"),
        (lambda f: altered(f, lambda r: r.assign(nmi=np.inf)), "NMI of the run of"),
        (lambda f: altered(f, lambda r: r.assign(loss=np.inf)), "loss of the run of"),
        (lambda f: altered(f, lambda r: r.assign(chance_mrr=5.0)), "chance_mrr of the run of"),
        (lambda f: altered(f, lambda r: r.assign(dim=-5)), "dim of the run of"),
        (lambda f: altered(f, lambda r: r.assign(n_images=2**62)), "n_images of the run of"),
        (lambda f: altered(f, lambda r: r.assign(status="not_fitted")), "MAP@R of the run of"),
        (lambda f: altered(f, lambda r: r.assign(supervised=False)), "method oracle.* is False"),
        (lambda f: altered(f, lambda r: r.head(0)), "has no rows"),
        (lambda f: kept(f, "draws", lambda r: r.assign(map_at_r=np.nan)), "no score in each row"),
        (lambda f: kept(f, "draws", lambda r: r.assign(map_at_r=1e6)), "no score in each row"),
        (lambda f: kept(f, "draws", lambda r: r.assign(draw=r["draw"] + 1)), "numbered from 0"),
        (lambda f: kept(f, "queries", lambda r: r.assign(map_at_r=-r["map_at_r"])), "no score"),
        (lambda f: kept(f, "queries", lambda r: r.assign(more=1)), "a column 'more'"),
        (lambda f: altered(f, lambda r: r.assign(protocol="mine")), "no protocol 'mine'"),
        (lambda f: altered(f, lambda r: r.assign(map="high")), "a column of another kind"),
        (lambda f: altered(f, lambda r: r.assign(notion=None)), "a row has no notion"),
        (lambda f: altered(f, lambda r: r.drop(columns="seed")), "no column 'seed'"),
        (lambda f: altered(f, lambda r: pd.concat([r, r])), "there twice"),
        (lambda f: next((f / "draws").rglob("*.parquet")).write_bytes(b""), "cannot be read"),
        (lambda f: (f / "figures/critical_difference.png").write_bytes(b"<script>"), "no PNG"),
        (lambda f: (f / RECORD).write_text(
            (f / RECORD).read_text().replace('"paper"', "NaN")), "no run has such"),
    ],
)  # fmt: skip
def test_what_no_run_writes_is_refused_and_nothing_is_left(tmp_path, spoil, said):
    folder = make_results(tmp_path / "a")
    spoil(folder)
    with pytest.raises(LanzdmlError, match=said) as error:
        write_site([folder], tmp_path / "site")
    assert str(tmp_path / "a") in str(error.value)
    assert os.listdir(tmp_path) == ["a"]


def test_draws_of_other_fits_are_refused(tmp_path):
    folder = make_results(tmp_path / "a")
    for path in (folder / "draws").rglob("*.parquet"):
        pd.read_parquet(path).query("seed < 2").to_parquet(path, index=False)
    with pytest.raises(LanzdmlError, match="draws of images"):
        places(folder)


def test_links_out_of_a_folder_are_refused(tmp_path):
    folder = make_results(tmp_path / "a")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "figures/gallery.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(LanzdmlError, match="by a link"):
        write_site([folder], tmp_path / "site")


def test_folders_are_named_once_and_are_there(tmp_path):
    folder = make_results(tmp_path / "a")
    for folders, said in (
        ([folder, tmp_path / "b/../a"], "twice"),
        ([tmp_path / "no"], "no folder"),
    ):
        with pytest.raises(LanzdmlError, match=said):
            read_sources(folders)
    with pytest.raises(LanzdmlError, match="--own"):
        write_site([folder], tmp_path / "site", [tmp_path])


def test_a_picture_that_would_fill_a_browsers_memory_is_refused(tmp_path):
    folder = make_results(tmp_path / "a")
    path = folder / "figures/critical_difference.png"
    content = bytearray(path.read_bytes())
    content[16:24] = (30_000).to_bytes(4, "big") * 2
    path.write_bytes(content)
    with pytest.raises(LanzdmlError, match="too large"):
        write_site([folder], tmp_path / "site")


# --- what is written --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A site of one folder whose every text tries to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    told = {"notion": EVIL, "model": f"=cmd|{EVIL}", "source": f"{SECRET}/a.py:{EVIL}"}
    made = [
        fit("indirect", **told), fit("lae", **told, called="<b>\u202e" + "x" * 10_000),
        not_fitted("pca", f"{EVIL} in {SECRET}/prompts.csv", **told),
    ]  # fmt: skip
    config = {
        "datasets": EVIL,
        "models": {f"=cmd|{EVIL}": f"models of {SECRET}"},
        "protocol": [EVIL],
    }
    source = make_results(folder / "<b>&'", made, config=config, commit=Commit(EVIL, True))
    write_site([source], folder / "site")
    return folder / "site"


def test_texts_of_others_are_text(hostile):
    page = (hostile / "index.html").read_text()
    assert "<script>window.stolen" not in page
    assert "<b>&" not in page
    assert "\u202e" not in page
    assert len(page) < 150_000, "what is endless is cut"
    table = read_csv(hostile / "data.csv")
    assert set(table["notion"]) == {EVIL}
    assert "'=cmd" in (hostile / "data.csv").read_text()


def test_no_file_tells_where_files_lie(hostile, tmp_path):
    write_site([make_results(tmp_path / "a")], tmp_path / "site")
    for site in (hostile, tmp_path / "site"):
        for name, content in files(site).items():
            assert b"/home" not in content, name
            assert os.fsencode(tmp_path) not in content, name


def test_a_row_to_download(tmp_path):
    a = make_results(tmp_path / "a")
    b = make_results(tmp_path / "b", [fit("indirect")], commit=Commit("", True))
    site = tmp_path / "site"
    write_site([a, b], site)
    found = [json.loads(path.read_text()) for path in (site / "rows").iterdir()]
    (row,) = (row for row in found if row["method"] == "indirect")
    rows = fit("indirect")[0]
    assert [seed["map_at_r"] for seed in row["seeds"]] == rows["map_at_r"].tolist()
    assert row["scores"]["map_at_r"]["mean"] == pytest.approx(rows["map_at_r"].mean())
    assert row["checksums"]["labels_sha256"] == rows["labels_sha256"][0]
    assert row["rankings"][0]["map_at_r"]["ranked"] == len(RANKED)
    first, second = row["sources"]
    assert (first["commit"], first["local_changes"]) == ("d4" * 20, False)
    assert (second["commit"], second["local_changes"]) == ("", True)
    assert first["date"] == "2026-05-04T03:02:01+00:00"
    assert first["versions"] == {"numpy": "2.0"}
    assert [*first["configuration"]["datasets"]["synthetic_cars"]["notions"]] == ["car_color"]
    assert first["configuration"]["models"]["tiny"]["pretrained"] == "…/tiny.safetensors"
    assert "other" in json.loads((site / first["all_of_it"]).read_text())["configuration"][
        "datasets"]["synthetic_cars"]["notions"]  # fmt: skip


def test_a_merged_folder_says_of_which(tmp_path):
    """Their names are others' words."""
    part = {
        "folder": EVIL, "commit": "d4" * 20, "dirty": False, "versions": {"numpy": "2.0"},
        "date": "2026-05-04T03:02:01+00:00", "datasets": {}, "models": {"tiny": "/home/me/tiny"},
    }  # fmt: skip
    a = make_results(tmp_path / "a")
    (a / MERGED).write_text(json.dumps([part, part | {"folder": "b", "parts": [part]}]))
    write_site([a], tmp_path / "site")
    page = (tmp_path / "site/index.html").read_text()
    assert f"merged of {escape(folder_name(EVIL))}, b</small>" in page
    first, second = json.loads((tmp_path / "site/sources/1.json").read_text())["merged_of"]
    assert first["commit"] == "d4" * 20
    assert first["models"] == {"tiny": "…/tiny"}
    assert second["merged_of"] == [first]


def test_tables_to_download_hold_all_rows(tmp_path):
    write_site([make_results(tmp_path / "a")], tmp_path / "site")
    table = pd.read_parquet(tmp_path / "site/data.parquet").set_index("method")
    assert table.loc["indirect", "n_runs"] == len(SEEDS)
    assert table["map_at_r_rank"].sort_values().dropna().tolist() == [1, 2, 3, 4]
    assert table["nmi_rank"].notna().sum() == 4
    csv = read_csv(tmp_path / "site/data.csv").set_index("method")
    assert csv["map_at_r"].tolist() == table["map_at_r"].tolist()


def test_the_same_folders_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_site([make_results(tmp_path / "a")], tmp_path / name)
    one = files(tmp_path / "one")
    assert one == files(tmp_path / "two")
    assert {SUMS, MARKER, "index.html", "figures.html", ".nojekyll"} <= one.keys()
    assert len(one[SUMS].splitlines()) == len(one) - 1


def test_pages_with_scripts_are_copied_of_own_folders_only(tmp_path):
    folders = [make_results(tmp_path / name) for name in "ab"]
    for folder in folders:
        (folder / "report.html").write_text("<script>mine()</script>")
        (folder / "tables").mkdir()
        (folder / "tables/table2.csv").write_text("a,b\n")
    write_site(folders, tmp_path / "site", [folders[1]])
    copied = {name for name in files(tmp_path / "site") if name.startswith("folders/")}
    assert copied == {f"folders/2/{name}" for name in (
        "report.html", "metrics.parquet", "tables/table2.csv", "figures/critical_difference.png",
        "figures/critical_difference.pdf")}  # fmt: skip
    assert b'href="folders/2/report.html"' in files(tmp_path / "site")["index.html"]


# --- its place --------------------------------------------------------------------------------


def test_an_earlier_site_is_replaced_and_nothing_else(tmp_path):
    folder, site = make_results(tmp_path / "a"), tmp_path / "site"
    write_site([folder], site)
    before = files(site)
    write_site([make_results(tmp_path / "b", [fit("clip")])], site)
    after = files(site)
    assert before.keys() - after.keys(), "rows of the first are gone"
    (site / "CNAME").write_text("ranking.example.org")
    with pytest.raises(LanzdmlError, match="CNAME, which no earlier site had"):
        write_site([folder], site)
    assert files(site) == after | {"CNAME": b"ranking.example.org"}
    (site / "CNAME").unlink()
    (folder / RECORD).unlink()
    with pytest.raises(LanzdmlError):
        write_site([folder], site)
    assert files(site) == after, "a call that fails leaves what was there"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "site"}


def test_other_folders_are_not_replaced(tmp_path, monkeypatch):
    folder = make_results(tmp_path / "a")
    other, link = tmp_path / "other", tmp_path / "link"
    other.mkdir()
    write_site([folder], other)  # an empty one is
    shutil.rmtree(other)
    other.mkdir()
    (other / "thesis.tex").write_text("years")
    link.symlink_to(other)
    for output, said in (
        (other, "thesis.tex and is no earlier site"),
        (other / "thesis.tex", "a link or a file"),
        (link, "a link or a file"),
        (folder, "is or holds"),
        (tmp_path, "is or holds"),
    ):
        with pytest.raises(LanzdmlError, match=said):
            write_site([folder], output)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LanzdmlError, match="is or holds"):
        write_site([folder], Path())
    assert (other / "thesis.tex").read_text() == "years"


def test_the_command(tmp_path):
    folder, site = make_results(tmp_path / "a"), tmp_path / "site"
    done = CliRunner().invoke(lanzdml, ["site", str(folder), "-o", str(site)])
    assert (done.exit_code, done.stdout) == (0, f"5 rows in 1 rankings: {site / 'index.html'}\n")
    done = CliRunner().invoke(lanzdml, ["site", str(tmp_path / "no"), "-o", str(site)])
    assert f"there is no folder {tmp_path / 'no'}" in str(done.exception)
