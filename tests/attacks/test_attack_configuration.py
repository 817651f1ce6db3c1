"""Configurations and folders of results that others made: what they run, write over and exhaust."""

import json
import os
from pathlib import Path

import pytest
import yaml

from lanzdml.config.config import parse_config
from lanzdml.config.extent import BYTES, DEPTH, LETTERS, VALUES
from lanzdml.config.file import parse_given, read_values
from lanzdml.config.owner import RECORD, record_owner
from lanzdml.config.place import check_links, check_place
from lanzdml.config.section import LETTERS_OF_NAME
from lanzdml.errors import LanzdmlError
from lanzdml.experiments.grid import MOST_RUNS
from lanzdml.files import temporary_name
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs, score_jobs
from tests.attacks.bounded import attack
from tests.workflow_runs import run_workflow

ROOT = Path(__file__).parents[2]
SMALL = yaml.safe_load((ROOT / "tests/configs/small.yaml").read_text())
PLAIN = SMALL | {"experiments": {}, "figures": {}}
NOTIONS = SMALL["datasets"]["demo_cars"]["notions"]
MANIFEST = "results/datasets/demo_cars/manifest.parquet"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder in a home with a file of its own; the resources are the repository's."""
    folder = tmp_path / "home/work"
    folder.mkdir(parents=True)
    (tmp_path / "home/.bashrc").write_text("mine\n")
    (folder / "resources").symlink_to(ROOT / "resources")
    monkeypatch.chdir(folder)
    return folder


def refusal(call, *arguments, **others):
    """The one line that is said."""
    with pytest.raises(LanzdmlError) as raised:
        call(*arguments, **others)
    (line,) = raised.value.lines
    assert len(line) < 1000
    return line


def place(folder, *, elsewhere=False, apart=()):
    check_place(folder, elsewhere=elsewhere, apart=apart)


class TestPlacesOfResults:
    @pytest.mark.parametrize(
        ("folder", "said"),
        [
            ("../..", "results: ../.. is or holds the working folder; name a folder for nothing"),
            ("../work", "results: ../work is or holds the working folder"),
            ("a/..", "results: a/.. is or holds the working folder"),
            (
                "../other",
                "results: ../other is outside of the working folder; if that is meant, say",
            ),
            ("/etc", "results: /etc is outside of the working folder"),
            (".snakemake/log", "results: .snakemake/log is in .snakemake; name another folder"),
            ("a/.git/hooks", "results: a/.git/hooks is in .git"),
            ("link/a", "results: link/a leads to /"),
            ("data", "results: data is or holds data/cars.csv; name a folder for nothing else"),
            ("notes", "results: notes holds mine/todo.txt, of which no run made a record; name a"),
            (
                "/".join(["a" * 200] * 6),
                "results: the path has more than 1,024 bytes; name another",
            ),
        ],
    )
    def test_what_is_not_for_results_is_refused(self, here, folder, said):
        Path("link").symlink_to("../other")
        for file in ("data/cars.csv", "notes/mine/todo.txt"):
            Path(file).parent.mkdir(parents=True)
            Path(file).touch()
        assert refusal(place, folder, apart=["data/cars.csv"]).startswith(said)

    def test_the_configuration_says_so_in_one_line(self, here):
        outside = refusal(parse_config, SMALL | {"results": "../a"})
        assert outside.startswith("results: ../a is outside of the working folder; if")
        assert refusal(parse_config, SMALL | {"results": "resources"}).startswith(
            "results: resources leads to "
        )

    def test_a_folder_elsewhere_is_confirmed_and_for_results_only(self, here, tmp_path):
        scratch = tmp_path / "scratch"
        place(scratch, elsewhere=True)
        scratch.mkdir()
        place(scratch, elsewhere=True)
        parse_config(SMALL | {"results": str(scratch), "results_elsewhere": True})
        (tmp_path / "home/other").mkdir()
        for folder in (tmp_path, "..", "/etc", ROOT / "lanzdml"):
            assert " holds " in refusal(place, folder, elsewhere=True)
        record_owner(scratch, ["a.yaml"], {"results": "x", "results_elsewhere": True})
        record_owner(scratch, ["a.yaml"])
        place(scratch, elsewhere=True)

    def test_an_empty_folder_may_hold_what_git_and_macos_put_there(self, here):
        Path("results").mkdir()
        for name in (".gitkeep", ".gitignore", ".DS_Store"):
            Path("results", name).touch()
        place("results")
        Path("results/.bashrc").touch()
        assert "results holds .bashrc, of which" in refusal(place, "results")

    def test_folders_of_results_hold_others(self, here):
        record_owner(Path("results/paper"), ["a.yaml"])
        place("results")
        Path("results/tables").mkdir()
        Path("results/tables/table1.md").touch()
        said = refusal(place, "results")
        assert said.endswith(", or, if it is one, make an empty file results/configuration.txt")
        Path("results", RECORD).touch()
        place("results")
        record_owner(Path("results"), ["b.yaml"])
        assert "results/tables holds table1.md" in refusal(place, "results/tables")

    def test_a_record_that_was_being_written_is_one(self, here):
        Path("results").mkdir()
        temporary_name(Path("results", RECORD)).touch()
        place("results")


class TestLinksBelowResults:
    @pytest.mark.parametrize(
        ("link", "target"),
        [
            ("results/tables", ".."),
            ("results/benchmarks/datasets/demo_cars/manifest.tsv", "../.bashrc"),
            ("results/logs", "/nowhere/that/is"),
            ("results/kept/x.unpacked", "../work/resources"),
        ],
    )
    def test_links_that_lead_outside_are_refused(self, here, link, target):
        Path(link).parent.mkdir(parents=True)
        Path(link).symlink_to(os.path.abspath(target))
        said = refusal(check_links, "results")
        assert said == (
            f"{link} leads to {os.path.realpath(target)}, out of results, by a link: delete that "
            "and run again"
        )

    def test_what_never_ends_is_refused(self, here):
        Path("results").mkdir()
        os.mkfifo("results/metrics.parquet")
        assert refusal(check_links, "results").startswith("results/metrics.parquet is a pipe or a")

    def test_links_within_and_hard_links_are_results(self, here):
        Path("real/a").mkdir(parents=True)
        Path("real/a/file").touch()
        Path("real/b").hardlink_to("real/a/file")
        Path("real/c").symlink_to("a")
        Path("results").symlink_to("real")
        check_links("results")
        check_links("not/made")

    def test_a_received_folder_writes_nothing_elsewhere(self, here):
        """Benchmarks and logs are written by Snakemake itself."""
        Path("config.yaml").write_text(yaml.safe_dump(PLAIN))
        Path("results/benchmarks/datasets/demo_cars").mkdir(parents=True)
        Path("results", RECORD).touch()
        link = Path("results/benchmarks/datasets/demo_cars/manifest.tsv")
        link.symlink_to("../../../../../.bashrc")
        code, output = run(here, "--cores", "1", MANIFEST)
        assert code != 0
        assert f"Error: {link} leads to {here.parent}/.bashrc, out of results, by a link" in output
        assert (here.parent / ".bashrc").read_text() == "mine\n"
        assert not Path(MANIFEST).exists()


def run(folder, *arguments):
    return run_workflow(folder, ["--snakefile", ROOT / "Snakefile", *arguments])


def test_python_in_a_configuration_does_not_run(here):
    code = "__use_yte__: true\n__definitions__: [\"open('marker', 'w')\"]\n"
    for name in ("config.yaml", "mine.yaml"):
        Path(name).write_text(code + yaml.safe_dump(PLAIN))
    for given in ([], ["--configfile", "mine.yaml"]):
        returned, output = run(here, "-n", *given)
        assert returned != 0
        name = given[-1] if given else "config.yaml"
        assert f"Error: {name}: __use_yte__ is not allowed: a configuration holds no" in output
        assert not Path("marker").exists()


@pytest.mark.parametrize(
    "text",
    ["__use_yte__: false", "a: &a {__use_yte__: true}\n<<: *a", '{"__use_yte__": []}'],
)
def test_what_snakemake_evaluates_is_refused_however_it_is_written(here, text):
    Path("mine.yaml").write_text(text)
    assert refusal(read_values, ["mine.yaml"]).endswith("a configuration holds no code")
    assert refusal(read_values, [], {"__use_yte__": True}).startswith("--config: __use_yte__ is")


def bomb(section, first, reference):
    """Ten times as many of them for each line."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, 9):
        parts = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} {section % parts}")
    return "\n".join([*lines, reference])


MANY = f"holds more than {VALUES:,} values, with what its anchors stand for"
DEEP = ("has too many brackets in brackets", f"has more than {DEPTH} brackets or sections in each")
LONG = f"holds a text of more than {LETTERS:,} letters: '"
FILES = {
    "anchors in lists": (bomb("[%s]", "[a, a]", "seeds: *a8"), MANY),
    "merged sections": (bomb("{<<: [%s]}", "{a: 1}", "b: *a8"), MANY),
    "what holds itself": ("seeds: &a [*a]", MANY),
    "long texts in anchors": (f"a: &a {'b' * 4000}\nc: [{', '.join(['*a'] * 9000)}]", MANY),
    "values in JSON": (json.dumps({"seeds": [1] * 200_000}), MANY),
    "brackets in YAML": ("a: " + "[" * 300 + "]" * 300, DEEP),
    "more of them": ("a: " + "[" * 100_000, DEEP),
    "brackets in JSON": ('{"a": ' + "[" * 300 + "]" * 300 + "}", DEEP),
    "more of them in JSON": ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", DEEP),
    "a long text": (f"a: {'b' * 10**6}", LONG),
    "a long key": (f"? {'b' * 5000}\n: 1", LONG),
    "a long key in JSON": (json.dumps({"b" * 5000: 1}), LONG),
    "digits": (f"seeds: [{'1' * 4000}]", "a number of more than 50 digits"),
    "digits of base 16": (f"seeds: [0x{'1' * 4000}]", "a number of more than 50 digits"),
    "digits in JSON": (f'{{"seeds": [{"1" * 10**5}]}}', "holds a number of more than 4,300 digits"),
    "a large file": ("#" * (BYTES + 1), "holds more than 1,024 KiB; long lists of prompts go into"),
}  # fmt: skip


def what_is_said(folder):
    """Of each file, and of each value on the command line."""
    said = {}
    for number, (name, (text, _)) in enumerate(FILES.items()):
        path = Path(folder, f"{number}.yaml")
        path.write_text(text)
        said[name] = refusal(read_values, [path])
    for name in ("brackets in YAML", "anchors in lists", "a long text"):
        given = FILES[name][0].replace("\n", ", ")
        said[f"{name}, given"] = refusal(parse_given, [f"seeds={{{given}}}"])
    return said


@pytest.fixture(scope="module")
def said_of_files(tmp_path_factory):
    outcome = attack(what_is_said, tmp_path_factory.mktemp("files"), cpu_seconds=20, gib=0.5)
    return outcome.value


@pytest.mark.slow
def test_many_values_are_not_read_to_the_end(tmp_path):
    """What is read is read twice, and by a reader that takes seconds for a MiB."""
    path = tmp_path / "mine.yaml"
    path.write_text(f"seeds: [{'1,' * 500_000}]")
    assert MANY in attack(refusal, read_values, [path], cpu_seconds=5, gib=0.5).value


@pytest.mark.parametrize("name", FILES)
def test_small_files_that_would_take_long_are_one_line(said_of_files, name):
    _, expected = FILES[name]
    options = expected if isinstance(expected, tuple) else (expected,)
    assert any(option in said_of_files[name] for option in options), said_of_files[name]


def test_values_on_the_command_line_are_bounded_alike(said_of_files):
    assert said_of_files["anchors in lists, given"] == f"--config seeds: {MANY}; long lists of " + (
        "prompts go into files of their own"
    )


def with_notions(notions):
    return PLAIN | {
        "datasets": {"demo_cars": SMALL["datasets"]["demo_cars"] | {"notions": notions}}
    }


UNSCORED = {"prompts": ["a", "b"], "scored": False}
UNKNOWN = [f"n{i}" for i in range(500)]
MUCH = {
    "seeds": (PLAIN | {"seeds": range(60_000)}, "seeds: should have at most 500 entries"),
    "dims": (PLAIN | {"dims": [10**6]}, "dims[0]: should be less than or equal to 65536"),
    "methods": (PLAIN | {"methods": [f"m{i}" for i in range(10**6)]}, "methods: should have at mo"),
    "protocols": (PLAIN | {"protocol": ["paper"] * 10**5}, "protocol: "),
    "notions": (
        with_notions({f"n{i}": UNSCORED for i in range(20_000)}),
        "datasets.demo_cars.notions: should have at most 500 entries",
    ),
    "parts": (
        with_notions(NOTIONS | {"all": {"combine": ["car_model"] * 10**5}}),
        "datasets.demo_cars.notions.all.combine: should have at most 500 entries",
    ),
    "datasets": (
        PLAIN | {"datasets": {f"d{i}": SMALL["datasets"]["demo_cars"] for i in range(10**4)}},
        "datasets: should have at most 500 entries",
    ),
    "models": (
        PLAIN | {"models": {f"m{i}": SMALL["models"]["again"] for i in range(10**4)}},
        "models: should have at most 500 entries",
    ),
    "shards": (
        PLAIN | {"datasets": {"demo_cars": SMALL["datasets"]["demo_cars"] | {"shards": 10**6}}},
        "datasets.demo_cars.shards: should be less than or equal to 10000, not 1000000",
    ),
    "rank_shards": (
        PLAIN | {"datasets": {"demo_cars": SMALL["datasets"]["demo_cars"] | {"rank_shards": 5000}}},
        "datasets.demo_cars.rank_shards: should be less than or equal to 4096, not 5000",
    ),
    "workers": (
        PLAIN | {"embeddings": {"workers": 10**6}},
        "embeddings.workers: should be less than or equal to 256, not 1000000",
    ),
    "batch_size": (
        PLAIN | {"embeddings": {"batch_size": 10**9}},
        "embeddings.batch_size: should be less than or equal to 65536",
    ),
    "limits": (PLAIN | {"limits": {"table_mib": 10**30}}, "limits.table_mib: should be less than"),
    "keys": (PLAIN | {f"k{i}": 1 for i in range(10**5)}, "and 99,950 more"),
    "names": (
        PLAIN | {"experiments": {"clip_size": {"dataset": "demo_cars", "models": ["x"] * 10**5}}},
        "experiments.clip_size.models: should have at most 500 entries",
    ),
    "chosen": (
        PLAIN
        | {
            "experiments": {
                "dimensions": {"dataset": "demo_cars", "notions": UNKNOWN, "dims": [2]},
                "clip_size": {"dataset": "demo_cars", "notions": UNKNOWN, "models": ["x"]},
            }
        },
        "and 51 more",
    ),
}  # fmt: skip


def what_is_said_of_much():
    os.chdir(ROOT)
    said = {}
    for name, (values, _) in MUCH.items():
        values = values | ({"seeds": list(values["seeds"])} if name == "seeds" else {})
        try:
            parse_config(values)
        except LanzdmlError as error:
            said[name] = error.lines
    return said


@pytest.fixture(scope="module")
def said_of_much():
    return attack(what_is_said_of_much, cpu_seconds=30, gib=1).value


@pytest.mark.parametrize("name", MUCH)
def test_more_than_anybody_lists_is_told_in_few_lines(said_of_much, name):
    lines = said_of_much[name]
    assert lines[-1].startswith(MUCH[name][1])
    assert len(lines) <= 51


def n_runs(seeds, dims, notions=4):
    os.chdir(ROOT)
    of_labels = {f"n{i}": NOTIONS["car_color"] | {"labels": "car_color"} for i in range(notions)}
    values = with_notions(of_labels) | {
        "seeds": list(range(seeds)),
        "dims": list(range(1, dims + 1)),
    }
    plan = Plan(parse_config(values | {"methods": ["clip", "indirect", "lae", "pca"]}))
    jobs = score_jobs(plan, lambda method: "1")
    return len(plan.runs), sum(len(job.parameters) for job in jobs)


def test_more_runs_than_can_be_planned_are_told_before():
    outcome = attack(n_runs, 500, 100, 500)
    assert outcome.error.startswith(
        f"the configuration asks for up to 200,000,000 runs, and {MOST_RUNS:,} are the most: list"
    )


@pytest.mark.slow
def test_hundreds_of_seeds_are_planned_in_seconds():
    """Each score knows the fits by all seeds."""
    outcome = attack(n_runs, 500, 1, 20, cpu_seconds=20, gib=0.5)
    assert outcome.value == (2 * 20 * (1 + 3 * 500),) * 2


class TestNames:
    @pytest.mark.parametrize("group", ["datasets", "models", "notions"])
    def test_a_name_of_300_letters_is_one_line(self, here, group):
        name = "a" * 300
        if group == "notions":
            values = with_notions(NOTIONS | {name: UNSCORED})
        else:
            values = PLAIN | {group: {**SMALL[group], name: next(iter(SMALL[group].values()))}}
        said = refusal(parse_config, values)
        assert "aaa…: a name may hold letters" in said
        assert said.endswith(f"and has at most {LETTERS_OF_NAME} of all")

    def test_files_of_the_longest_names_have_names(self, here, monkeypatch):
        """Snakemake calls the script of a job elsewhere by its rule, and that by all three."""
        monkeypatch.setattr("lanzdml.plan.jobs.LARGE", 1)  # jobs of one notion
        dataset, model, notion = (letter * LETTERS_OF_NAME for letter in "abc")
        labelled = NOTIONS["car_color"] | {"labels": "car_color"}
        datasets = {dataset: {"labels": "mine.csv", "notions": {notion: labelled}}}
        Path("mine.csv").write_text("image,car_color\na.png,red\nb.png,blue\n")
        models = {model: SMALL["models"]["again"]}
        plan = Plan(
            parse_config(
                PLAIN | {"datasets": datasets, "models": models, "protocol": ["paper", "released"]}
            )
        )
        jobs = [*fit_jobs(plan, lambda method: "1"), *score_jobs(plan, lambda method: "1")]
        names = [f"snakejob.score_{job.name}__.12345678.sh" for job in jobs]
        for job in jobs:
            outputs = [
                path for task in job.tasks for path in getattr(task, "outputs", [task.output])
            ]
            names += [part for path in (*outputs, job.path) for part in temporary(path).parts]
        names += temporary(plan.paths.prompts(dataset, model, notion)).parts
        assert 200 < max(map(len, names)) <= 255

    @pytest.mark.parametrize("value", ["a" * 300, "a/" * 1500, "a\0b", "\ud800"])
    @pytest.mark.parametrize("key", ["results", "root", "aspects", "architecture"])
    def test_a_path_that_no_file_has_is_one_line(self, here, key, value):
        values = json.loads(json.dumps(PLAIN))
        section = {
            "results": values,
            "root": values["datasets"]["demo_cars"],
            "aspects": values["datasets"]["demo_cars"]["notions"]["car_color"],
            "architecture": values["models"]["again"],
        }[key]
        section[key] = value
        assert f"{key}: " in refusal(parse_config, values)

    def test_a_file_with_a_name_of_300_letters_is_one_line(self, here):
        assert refusal(read_values, ["a" * 300]).startswith("there is no file aaa")


def temporary(path):
    return temporary_name(Path(path))


def test_numbers_that_are_none_are_one_line(here):
    combined = {"combine": ["car_model", "car_color"]}
    for weight in (float("nan"), float("inf"), 1e308):
        weighted = with_notions(NOTIONS | {"both": combined | {"weights": [1, weight]}})
        assert "both.weights[1]: should be " in refusal(parse_config, weighted)
    Path("mine.json").write_text('{"seeds": [NaN, -Infinity]}')
    with pytest.raises(LanzdmlError, match=r"seeds\[0\]: should be a valid integer, not nan"):
        parse_config(PLAIN | read_values(["mine.json"]))


def test_what_honest_configurations_list_is_read(here):
    """Dozens of datasets, some hundred notions, thousands of prompts, hundreds of seeds."""
    prompts = [f"a photo of the {number}th kind of thing" for number in range(10_000)]
    notions = (
        NOTIONS
        | {f"n{i}": UNSCORED for i in range(300)}
        | {"long": UNSCORED | {"prompts": prompts}}
    )
    datasets = {
        "demo_cars": SMALL["datasets"]["demo_cars"] | {"notions": notions, "shards": 10_000}
    }
    values = PLAIN | {"datasets": datasets, "seeds": list(range(300)), "methods": ["clip", "pca"]}
    Path("mine.json").write_text(json.dumps(values))
    assert len(parse_config(read_values(["mine.json"])).seeds) == 300
