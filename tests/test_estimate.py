"""What a run will cost: by its plan, by what finished jobs took, and told beside what it took."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from lanzdml.commands.main import lanzdml
from lanzdml.config.config import parse_config
from lanzdml.config.owner import RECORD
from lanzdml.errors import LanzdmlError
from lanzdml.estimate.estimate import estimate
from lanzdml.estimate.measured import Measured, as_record
from lanzdml.estimate.models import size_of
from lanzdml.estimate.planned import PlannedJob
from lanzdml.estimate.rates import rates
from lanzdml.estimate.schedule import schedule
from lanzdml.estimate.written import write_estimate
from lanzdml.experiments import EXPERIMENTS
from lanzdml.experiments.measured import Measured as MeasuredExperiment
from lanzdml.methods import METHODS
from lanzdml.plan import Plan
from lanzdml.report.cost import used
from lanzdml.report.estimated import NAME, beside_taken, read_estimate
from tests.workflow_runs import run_workflow

ROOT = Path(__file__).parents[1]
SMALL = yaml.safe_load((ROOT / "tests/configs/small.yaml").read_text())
PAPER = yaml.safe_load((ROOT / "configs/paper.yaml").read_text())
NOTIONS = SMALL["datasets"]["demo_cars"]["notions"]
HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Where paths of the configurations lead, and nothing else is."""
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def estimate_of(config=SMALL, folders=(), **changes):
    values = yaml.safe_load(yaml.safe_dump(config | changes))
    return estimate(Plan(parse_config(values)), folders)


def main_only(**changes):
    """The small configuration's tables and nothing else."""
    return {
        "experiments": {"main": SMALL["experiments"]["main"]},
        "figures": {},
        "explorer": None,
    } | changes


def make(job):
    """What a job makes, in a folder that a run made."""
    Path("results").mkdir(exist_ok=True)
    (Path("results") / RECORD).touch()
    for path in job.outputs:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()


def write_benchmark(folder, job, seconds, memory=300.0):
    path = folder / "benchmarks" / f"{job.benchmark}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).touch()
    row = f"1\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t100\t{seconds}\n"
    path.write_text(HEAD + row)


@pytest.mark.parametrize("rank_shards", [1, 3])
def test_all_jobs_of_the_workflow_are_estimated(here, rank_shards):
    config = yaml.safe_load(yaml.safe_dump(SMALL))
    config["datasets"]["demo_cars"]["rank_shards"] = rank_shards
    np.save(here / "vectors.npy", np.ones((3, 512), np.float32))
    config["collections"] = {
        "ours": {
            "vectors": "vectors.npy", "dataset": "demo_cars", "notion": "car_color",
            "method": "pca", "model": "demo-S",
        }
    }  # fmt: skip
    (here / "config.yaml").write_text(yaml.safe_dump(config))
    code, printed = run_workflow(here, ["--snakefile", ROOT / "Snakefile", "-n", "--cores", "1"])
    assert code == 0, printed
    total = int(re.search(r"^total\s+(\d+)$", printed, re.MULTILINE)[1])
    assert len(estimate_of(config).jobs) == total - 1, "all but `all`"


def test_every_method_and_every_experiment_has_a_rate():
    known = rates()
    assert {name for name, cls in METHODS.items() if not cls.cost} <= {*known.fit}
    assert {name for name, cls in METHODS.items() if cls.cost} <= {*known.iteration}
    assert {*METHODS} <= {*known.transform}
    plan = estimate_of().plan
    measured = {name for name in EXPERIMENTS if issubclass(EXPERIMENTS[name], MeasuredExperiment)}
    assert measured == {*plan.measured}, "the small configuration has all, and all were estimated"


@pytest.mark.parametrize(
    "more",
    [{"seeds": [0, 1, 2]}, {"dims": [16, 64]}, {"protocol": ["paper", "released"]},
     {"kmeans_repeats": 5}, {"metrics": ["silhouette"]},
     {"methods": [*SMALL["methods"], "splice"]}],
    ids=str,
)  # fmt: skip
def test_more_costs_more(more):
    few, many = estimate_of(**main_only()), estimate_of(**main_only(**more))
    assert many.total > few.total
    assert many.disk >= few.disk
    assert many.on(4).seconds >= few.on(4).seconds * 0.99


def test_twice_the_images_take_four_times_the_ranking():
    known = rates()
    assert known.ranked(20_000, 128) == pytest.approx(4 * known.ranked(10_000, 128))
    assert known.embedded(2_000, 4.4) == pytest.approx(2 * known.embedded(1_000, 4.4))


def test_an_explorer_costs_what_it_shows():
    """Runs by the first seed and dim; and where nothing is scored, there is none."""

    def explorers(found):
        return [job for job in found.jobs if job.stage == "explorer"]

    few, many = (estimate_of(**main_only(explorer={}, seeds=seeds)) for seeds in ([0], [0, 1, 2]))
    (one,), (other,) = explorers(few), explorers(many)
    assert (one.seconds, len(one.inputs)) == (other.seconds, len(other.inputs))
    notions = {
        name: {key: value for key, value in of.items() if key != "sampled_classes"}
        | {"scored": False}
        for name, of in NOTIONS.items()
    }
    demo_cars = SMALL["datasets"]["demo_cars"] | {"notions": notions}
    config = main_only(explorer={}, datasets={"demo_cars": demo_cars}, experiments={})
    assert not explorers(estimate_of(**config))


def test_what_is_done_costs_nothing_more(here):
    before = estimate_of()
    assert before.left == before.jobs
    for job in before.jobs:
        if job.stage in ("datasets", "embeddings", "transforms"):
            make(job)
    after = estimate_of()
    assert {job.stage for job in after.left}.isdisjoint({"datasets", "embeddings", "transforms"})
    assert after.total < before.total
    assert len(after.jobs) == len(before.jobs)
    for job in before.jobs:
        make(job)
    nothing = estimate_of()
    assert (nothing.left, nothing.total, nothing.on(2).seconds) == ([], 0, 0)
    (here / "config.yaml").write_text(yaml.safe_dump(SMALL))
    printed = CliRunner().invoke(lanzdml, ["estimate"])
    assert printed.output == f"Nothing is left: all {len(before.jobs)} jobs are done.\n"


def test_a_machine_of_half_the_speed_takes_twice_as_long(here):
    shipped = estimate_of()
    for job in shipped.jobs:
        if job.benchmark:
            write_benchmark(here / "results", job, 2 * job.seconds)
    slow = estimate_of()
    assert slow.measured.n_jobs == sum(bool(job.benchmark) for job in shipped.jobs)
    # A kind of less than a second says nothing, and tables are as all others.
    assert slow.total == pytest.approx(2 * shipped.total, rel=0.02)


def test_other_results_say_how_fast_a_machine_is_by_the_estimate_in_them(here):
    shipped = estimate_of(results="results/elsewhere")
    ours = estimate_of(results="results/ours")
    other = here / "results/elsewhere"
    for job in shipped.jobs:
        if job.benchmark:
            write_benchmark(other, job, 3 * job.seconds)
    again = estimate_of(folders=[other], results="results/ours")
    assert again.total == ours.total, "nothing says what those jobs were"
    write_estimate(shipped)
    again = estimate_of(folders=[other], results="results/ours")
    assert again.total == pytest.approx(3 * ours.total, rel=0.02)


def test_a_method_of_others_is_as_quick_as_the_median(here):
    own = here / "mine.py"
    own.write_text((ROOT / "lanzdml/methods/text_subspace.py").read_text().replace(
        'name = "text_subspace"', 'name = "mine"'))  # fmt: skip
    found = estimate_of(**main_only(methods=["clip", "mine.py:TextSubspace"]))
    assert found.total > estimate_of(**main_only(methods=["clip"])).total


@pytest.mark.parametrize(
    "text",
    ["", "s\n", "no table", HEAD, HEAD + "x\ty\n", HEAD + "-1\t0\t-\t-\t-\t-\t-\t-\tNA\tNA\n",
     HEAD + "1\t0\tinf\t1\t1\t1\t0\t0\t100\tinf\n", "\x00" * 99, HEAD + '"',
     HEAD + "1\t0\t1e308\t1\t1\t1\t0\t0\t100\t1e308\n", HEAD + "True\t0" + "\tTrue" * 8 + "\n",
     HEAD + "9\t0\t" + "9" * 400 + "\t1\t1\t1\t0\t0\t100\t-3\n"],
    ids=range(12),
)  # fmt: skip
def test_a_damaged_benchmark_says_nothing(here, text):
    before = estimate_of()
    job = next(job for job in before.jobs if job.stage == "transforms")
    path = here / "results/benchmarks" / f"{job.benchmark}.tsv"
    path.parent.mkdir(parents=True)
    (here / "results" / RECORD).touch()
    path.write_text(text)
    after = estimate_of()
    assert after.total == before.total
    assert after.on(2) == before.on(2)


@pytest.mark.parametrize("memory", [-100, 1e308, float("nan")])
def test_a_memory_that_cannot_be_is_not_measured(here, memory):
    job = estimate_of().jobs[0]
    write_benchmark(here / "results", job, job.seconds, memory)
    after = estimate_of().measured
    assert after.n_jobs == 1
    assert after.memory == {}
    assert after.held(job) == job.memory


def test_a_benchmark_is_followed_by_no_link(here):
    before = estimate_of()
    job = next(job for job in before.jobs if job.stage == "transforms")
    (here / "secret.tsv").write_text(HEAD + "9\t0\t9\t1\t1\t1\t0\t0\t100\t9999\n")
    path = here / "results/benchmarks" / f"{job.benchmark}.tsv"
    path.parent.mkdir(parents=True)
    (here / "results" / RECORD).touch()
    path.symlink_to(here / "secret.tsv")
    after = estimate_of()
    assert after.measured.unread == [path]
    assert after.total == before.total


def jobs_with(**fault):
    """The text of an estimate of a job with something wrong in it."""
    right = {"stage": "", "kind": "", "benchmark": "x", "seconds": 1, "memory": 1}
    return json.dumps({"version": 1, "jobs": [right | fault]})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"version": 1}', '{"version": 2, "jobs": []}', "\udcff", "[" * 10_000,
     jobs_with(stage=1), jobs_with(benchmark="../x"), jobs_with(benchmark="/x"),
     jobs_with(seconds=float("nan")), jobs_with(seconds=True), jobs_with(memory=-1),
     jobs_with(estimated="1")],
    ids=range(15),
)  # fmt: skip
def test_a_damaged_estimate_is_told_and_written_anew(here, text):
    (here / "results").mkdir()
    (here / "results" / RECORD).touch()
    path = here / "results" / NAME
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(LanzdmlError, match=NAME):
        read_estimate(here / "results")
    found = estimate_of()
    assert found.measured.unread == [path]
    write_estimate(found)
    assert len(read_estimate(here / "results")) == sum(bool(job.benchmark) for job in found.jobs)


def test_what_was_estimated_before_a_job_ran_stays(here):
    first = estimate_of()
    write_estimate(first)
    (here / "results" / RECORD).touch()
    job = next(job for job in first.jobs if job.kind == "oracle")
    make(job)
    write_benchmark(here / "results", job, 5 * job.seconds)
    write_estimate(estimate_of())
    again = read_estimate(here / "results")
    assert again[job.benchmark]["estimated"] == round(job.seconds, 3), "and not what it took"
    other = next(other for other in first.jobs if other.kind == "ae")
    assert again[other.benchmark]["estimated"] > 1.5 * round(other.seconds, 3), "it is still to run"
    told = beside_taken(again, here / "results/benchmarks", ["demo_cars"])
    assert told.to_dict("records") == [
        {"stage": "transforms", "jobs": 1, "estimated": pytest.approx(job.seconds, abs=1e-3),
         "taken": pytest.approx(5 * job.seconds)}
    ]  # fmt: skip
    assert beside_taken(again, here / "results/benchmarks", ["others"]).empty


@pytest.mark.parametrize(
    ("wall", "sampled", "used_in_all"),
    [(8, 8, 8), (40, 15, 40), (60, 22.5, 30), (100, 75, 100), (0, 0, None)],
)
def test_what_a_job_used_after_it_was_last_sampled(here, wall, sampled, used_in_all):
    path = here / "x.tsv"
    path.write_text(HEAD + f"{wall}\t0\t1\t1\t1\t1\t0\t0\t100\t{sampled}\n")
    cpu = used(path, here)["cpu"]
    assert cpu == pytest.approx(used_in_all) if used_in_all else cpu != cpu


def job(seconds, made, needs=(), threads=1):
    return PlannedJob("s", "k", [made], [*needs], seconds, 100.0, 0, threads=threads)


def on(jobs, cores):
    seconds = {place: each.seconds for place, each in enumerate(jobs)}
    return schedule(jobs, seconds, [100.0] * len(jobs), cores)


def test_a_schedule():
    chain = [job(3, "a"), job(4, "b", ["a"]), job(5, "c", ["b"])]
    assert [on(chain, n).seconds for n in (1, 8)] == [12, 12]
    apart = [job(2, str(n)) for n in range(6)]
    assert [on(apart, n).seconds for n in (1, 2, 4, 8)] == [12, 6, 4, 2]
    assert [on(apart, n).memory for n in (1, 4, 8)] == [100, 400, 600]
    wide = [job(8, "w", threads=2), job(3, "x")]
    assert on(wide, 2).seconds == 7
    assert on(wide, 1).seconds == 11, "no more threads than cores"
    assert on([], 2).seconds == 0


@pytest.mark.parametrize("rank_shards", [1, 4])
@pytest.mark.parametrize("cores", [1, 2, 7, 1000])
def test_a_run_is_never_shorter_than_its_work(cores, rank_shards):
    demo_cars = SMALL["datasets"]["demo_cars"] | {"rank_shards": rank_shards}
    found = estimate_of(datasets={"demo_cars": demo_cars})
    longest = found.seconds(found.longest) / found.longest.threads
    assert max(longest, found.total / cores) * 0.999 <= found.on(cores).seconds
    assert found.on(cores).seconds <= found.total * 1.001


def test_the_papers_configuration_without_any_data():
    """Its collections are not here; how many images their classes have is in a list of ours."""
    found = estimate_of(PAPER)
    assert len(found.downloads.sizes) == 3
    assert 2e9 < found.downloads.total < 4e9, "three models' weights"
    assert found.images > 27_000
    assert any("8,131 images" in assumed for assumed in found.assumed)
    of_fits = sum(found.seconds(job) for job in found.jobs if job.stage == "transforms")
    assert 7200 / 1.5 < of_fits < 7200 * 1.5, "benchmarks/results.md: 120 minutes of a core"


def test_the_size_of_a_model():
    assert size_of(None).is_known is False
    assert size_of({"embed_dim": "x", "vision_cfg": {"layers": [1] * 4}}).is_known is False
    huge = {"vision_cfg": {"image_size": 10**30, "width": 2, "layers": 2, "patch_size": 2}}
    assert size_of(huge).is_known is False


def test_a_kind_that_was_not_measured_is_as_the_others_of_its_stage():
    found = Measured({("a", "x"): (20.0, 10.0), ("b", "y"): (30.0, 10.0)})
    assert [found.factor("a", "x"), found.factor("a", "z"), found.factor("c", "z")] == [2, 2, 2.5]
    assert Measured().factor("a", "x") == 1
    assert Measured({("a", "x"): (1e9, 10.0)}).factor("a", "x") == 20, "it cannot be"


def test_the_command(here):
    (here / "config.yaml").write_text(yaml.safe_dump(SMALL))
    told = CliRunner().invoke(lanzdml, ["estimate", "--cores", "4"])
    assert told.exit_code == 0, told.output
    for part in (
        "jobs are left",
        "on 4 cores",
        "Memory",
        "Disk",
        "Downloads: none",
        "shipped rates",
    ):
        assert part in told.output
    rows = CliRunner().invoke(lanzdml, ["estimate", "--format", "json"])
    found = json.loads(rows.stdout)
    assert sum(row["jobs"] for row in found) == len(estimate_of().jobs)
    assert not (here / "results").exists(), "nothing is written"
    missing = CliRunner().invoke(lanzdml, ["estimate", "--configfile", "nothing.yaml"])
    assert missing.exit_code == 1


def test_a_record_is_what_is_read_again(here):
    found = estimate_of()
    write_estimate(found)
    records = read_estimate(here / "results")
    for each in found.jobs:
        if each.benchmark:
            estimated = {"estimated": round(each.seconds, 3)}
            assert records[each.benchmark] == as_record(each) | estimated
