"""Small folders of results as a run leaves them: rows, queries, draws, a record and a figure."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from lanzdml.figures.style import new_figure, write_figure
from lanzdml.metrics.evidence import EVIDENCE_COLUMNS
from lanzdml.metrics.runs import traits_of, write_runs
from lanzdml.metrics.scores import METRICS
from lanzdml.report.provenance import Commit
from lanzdml.sharing.record import RECORD

N, DRAWS, SEEDS = 60, 100, (0, 1, 2)
# How well each does it; CLIP has no r' and no seed, and Oracle sees the labels.
METHODS = {"random": 0.1, "clip": 0.4, "indirect": 0.7, "lae": 0.72, "oracle": 0.95}
RUN = {
    "dataset": "synthetic_cars", "notion": "car_color", "model": "tiny", "protocol": "paper",
    "dim": 4,
}  # fmt: skip
DIGESTS = {"labels_sha256": "a1" * 32, "prompts_sha256": "b2" * 32, "weights_sha256": "c3" * 32}
COMMIT = Commit("d4" * 20, False)
SECRET = "/home/somebody/data"


def fit(method, *, called=None, better=0.0, kept=True, seeds=SEEDS, **changes):
    """A method's rows, and scores of its queries and draws (None where these are not kept).

    Args:
        method: of the registry.
        called: another name for it.
        better: what its scores are above those of :data:`METHODS`.
        kept: whether it is of a table.
        seeds: of its fits.
        changes: of :data:`RUN`, :data:`DIGESTS` or other columns.
    """
    run = RUN | DIGESTS | changes
    rng = np.random.default_rng([*f"{method} {run['notion']} {run['dim']}".encode()])
    queries_hard = np.random.default_rng(0).normal(size=N, scale=0.15)  # alike for all methods
    traits = traits_of(method)
    rows, queries, draws = [], [], []
    drawn = np.random.default_rng(1).integers(N, size=(DRAWS, N))
    base = None
    for seed in seeds:
        if base is None or not traits["deterministic"]:
            noise = rng.normal(size=N, scale=0.1)
            base = np.clip(METHODS.get(method, 0.5) + better + queries_hard + noise, 0, 1)
            base = base.astype(np.float32)
        named = {name: run[name] for name in RUN} | {"method": called or method, "seed": seed}
        named |= {"dim": 8} if not traits["has_dim"] else {}
        values = {"map_at_r": base, "precision_at_1": (base > 0.5).astype(np.float32)}
        means = {name: float(scores.astype("float64").mean()) for name, scores in values.items()}
        others = {name: means["map_at_r"] for name in METRICS if name not in means}
        counts = {"n_images": N, "n_classes": 5, "n_queries": N, "tied_queries": 0}
        row = {"n_prompts": 3, "dim_auto": False, "status": "ok", "reason": None, **counts}
        rows.append(run | traits | row | named | means | others | changes | {"dim": named["dim"]})
        ids = [f"{n:03}" for n in range(N)]
        queries.append(pd.DataFrame({**named, "image_id": ids, **values}))
        of_draws = {name: scores[drawn].mean(axis=1) for name, scores in values.items()}
        draws.append(pd.DataFrame({**named, "draw": range(DRAWS), **of_draws}))
    of_seeds = slice(1 if traits["deterministic"] else None)  # those of the others are the same
    tables = pd.concat(queries[of_seeds]), pd.concat(draws[of_seeds])
    return pd.DataFrame(rows), tables if kept else None


def not_fitted(method, reason, **changes):
    """Rows of a method that could not be made."""
    rows, _ = fit(method, **changes)
    rows[list(METRICS)] = np.nan
    return rows.assign(status="not_fitted", reason=reason), None


def fits(**changes):
    """All of :data:`METHODS`."""
    return [fit(method, **changes) for method in METHODS]


def make_results(folder, made=None, *, config=None, commit=COMMIT):
    """Write a folder of results and return it.

    Args:
        folder: that.
        made: what :func:`fit` gives, of each method.
        config: of the record, in place of a small one.
        commit: of the record.
    """
    folder, made = Path(folder), fits() if made is None else made
    folder.mkdir(parents=True, exist_ok=True)
    write_runs(folder / "metrics.parquet", pd.concat([rows for rows, _ in made]))
    for rows, kept in made:
        for kind, table in zip(("queries", "draws"), kept or (), strict=False):
            row = rows.iloc[0]
            path = folder / kind / row["protocol"] / "x" / row["notion"].encode().hex()[:40]
            path = (
                path
                / row["model"]
                / row["method"].encode().hex()[:40]
                / f"dim-{row['dim']}/every-seed.parquet"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            columns = EVIDENCE_COLUMNS[kind]
            table.reindex(columns=list(columns)).astype(columns).to_parquet(path, index=False)
    notions = {"car_color": {"template": "a {aspect} car"}, "other": {"template": "not of a row"}}
    config = config or {
        "datasets": {"synthetic_cars": {"root": f"{SECRET}/cars", "notions": notions}},
        "models": {"tiny": {"pretrained": f"{SECRET}/tiny.safetensors"}},
        "seeds": list(SEEDS), "protocol": "paper",
    }  # fmt: skip
    made = {"commit": commit.hash, "dirty": commit.dirty, "versions": {"numpy": "2.0"}}
    record = made | {"config": config, "date": "2026-05-04T03:02:01+00:00"}
    (folder / RECORD).write_text(json.dumps(record))
    figure = folder / "figures" / "critical_difference.png"
    write_figure(new_figure(2, 1), [figure, figure.with_suffix(".pdf")])
    return folder
