"""Methods of others: from a file or an installed package, known by name in jobs, failing alone."""

import os
import subprocess
import sys
import textwrap
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.figures.style import method_look
from lanzdml.methods import METHODS, in_order, method_on_paper
from lanzdml.methods.elsewhere import (
    GROUP,
    code_of,
    load_class,
    reasons_of,
    registered,
    welcome,
)
from lanzdml.metrics.runs import traits_of
from lanzdml.metrics.scoring import score_runs
from lanzdml.metrics.task import ScoreTask
from lanzdml.plan import Plan
from lanzdml.plan.jobs import fit_jobs, score_jobs
from lanzdml.plan.versions import version_told, version_with
from lanzdml.sources import ROOT, source_fingerprint
from lanzdml.transforms.fitting import fit_transforms
from lanzdml.transforms.storage import read_metadata
from tests.test_documents import MINIMAL
from tests.test_fitting import task, write_images, write_prompts

MINE = '''
"""Mine."""
import numpy as np
from helper import FACTOR
from lanzdml.methods.base import Method

class FirstAxis(Method):
    """The first axis.

    More of it.
    """
    title = "First axis"
    color = "#123456"
    has_dim = False
    deterministic = True
    learned = ("axis_",)

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def _fit(self, unit):
        self.axis_ = FACTOR * unit[:1]

    def _transform(self, images):
        return images @ self.axis_.T

class Other(FirstAxis):
    explanation = "Another one."

class Raises(FirstAxis):
    def _fit(self, unit):
        raise KeyError("this")

class RaisesLater(FirstAxis):
    def _transform(self, images):
        raise ValueError("first line\\nsecond line")

class OutOfMemory(FirstAxis):
    def _fit(self, unit):
        raise MemoryError

class Forgets(FirstAxis):
    learned = ("axes_",)

class Needs(FirstAxis):
    def __init__(self, wanted, *, random_state=0):
        self.wanted, self.random_state = wanted, random_state

class Clip(FirstAxis):
    name = "clip"

class Slash(FirstAxis):
    name = "a/b"

class Quick(FirstAxis):
    name = "quick"

class Number(FirstAxis):
    title = 5

class Costly(FirstAxis):
    cost = "much"

class Sized(FirstAxis):
    has_dim = True

class Seedless(FirstAxis):
    def __init__(self):
        pass

class Exits(FirstAxis):
    def _fit(self, unit):
        raise SystemExit("bye")

class Leaves(FirstAxis):
    def _fit(self, unit):
        import os
        os.chdir("/")
        super()._fit(unit)

class Centred(FirstAxis):
    def _transform(self, images):
        images -= images.mean(axis=0)
        return images

class Large(FirstAxis):
    has_dim = True

    def __init__(self, *, dim=8, random_state=0):
        self.dim, self.random_state = 1 // (dim // 8), random_state

class Coloured(FirstAxis):
    color = "red"

nothing = 1
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a file of methods, and one that it imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/methods.py").write_text(MINE)
    (tmp_path / "mine/helper.py").write_text("FACTOR = 1.0\n")
    yield tmp_path
    sys.modules.pop("helper", None)


def source(name):
    return f"mine/methods.py:{name}"


class TestWords:
    def test_are_those_of_the_class_and_not_of_what_it_extends(self, folder):
        assert [welcome(source(name)) for name in ("FirstAxis", "Other")] == ["first_axis", "other"]
        first, other = map(METHODS.guest, ("first_axis", "other"))
        assert (first.title, first.explanation) == ("First axis", "The first axis.")
        assert (other.title, other.explanation, other.color) == ("", "Another one.", "")
        assert [*map(method_on_paper, ("first_axis", "other", "unknown", "clip"))] == [
            "First axis", "other", "unknown", "CLIP"
        ]  # fmt: skip
        assert method_look("first_axis")["color"] == "#123456"
        assert method_look("other")["color"] != "#123456"

    def test_come_after_ours_and_unknown_ones_last(self, folder):
        welcome(source("FirstAxis"))
        assert list(METHODS)[-1] == "first_axis"
        assert in_order(["theirs", "first_axis", "clip", "theirs", "also"]) == [
            "clip", "first_axis", "theirs", "also"
        ]  # fmt: skip

    def test_are_known_in_processes_that_start_from_here(self, folder):
        welcome(source("FirstAxis"))
        code = "from lanzdml.methods import METHODS; print(METHODS['first_axis'].title)"
        made = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert made.stdout == "First axis\n"

    def test_a_row_says_what_tables_have_to_know(self, folder):
        welcome(source("FirstAxis"))
        assert traits_of("first_axis") == {
            "has_dim": False, "supervised": False, "sees_images": False, "deterministic": True,
            "transductive": False, "external": False, "source": source("FirstAxis"),
        }  # fmt: skip
        assert traits_of("oracle")["supervised"]
        assert traits_of("oracle")["source"] is None


WRONG = {
    "no file": ("no.py:A", "no.py:A: there is no file no.py"),
    "no class named": ("mine/methods.py", "name the class, too, as mine/methods.py:MyMethod"),
    "no such class": (source("No"), "mine/methods.py has no class No"),
    "no class": (source("nothing"), "is no subclass of lanzdml.methods.base.Method"),
    "no method": (source("np"), "is no subclass of lanzdml.methods.base.Method"),
    "a folder": ("mine:FirstAxis", "there is no method 'mine:FirstAxis'"),
    "a name with a slash": (source("Slash"), "its name is 'a/b', and should be letters, digits"),
    "no color": (source("Coloured"), "its color is 'red', and should be like #117733"),
    "ours": (source("Clip"), "calls itself 'clip', as one of ours: give it another `name`"),
    "a job's": (source("Quick"), "calls itself 'quick', as one of ours: give it another `name`"),
    "a number": (source("Number"), "its title is 5, and should be a text"),
    "words": (source("Costly"), "its cost is 'much', and should be a whole number"),
    "no dim": (source("Sized"), "its __init__ has no parameter dim, but has_dim is True"),
    "no seed": (source("Seedless"), "its __init__ has no parameter random_state"),
    "arguments": (source("Needs"), "TypeError: Needs.__init__() missing 1 required positional"),
    "not registered": ("theirs", "there is no method 'theirs'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_method_is_one_line_with_its_key(name, folder):
    listed, says = WRONG[name]
    with pytest.raises(ConfigError) as error:
        parse(methods=["clip", listed])
    (line,) = error.value.lines
    assert line.startswith("methods[1]: ")
    assert says in line


@pytest.mark.parametrize(("code", "says"), [
    ("import nowhere_at_all", "No module named 'nowhere_at_all' (broken.py, line 1)"),
    ("def broken(:", "SyntaxError"),
    ("raise SystemExit(0)", "SystemExit: 0 (broken.py, line 1)"),
    ("\n1 / 0", "ZeroDivisionError: division by zero (broken.py, line 2)"),
])  # fmt: skip
def test_code_that_cannot_be_imported_is_one_line(code, says, folder):
    (folder / "broken.py").write_text(code)
    with pytest.raises(LanzdmlError) as error:
        load_class("broken.py:A")
    assert error.value.lines[0].startswith("broken.py:A cannot be loaded: ")
    assert says in error.value.lines[0]


class TestSeveralFiles:
    def test_of_one_name_are_refused_wherever_they_are_listed(self, folder):
        (folder / "other.py").write_text(MINE.replace("from helper import", "#"))
        ablation = {"dataset": "demo_cars", "dims": [8], "methods": ["other.py:FirstAxis"]}
        with pytest.raises(ConfigError, match="calls itself 'first_axis', as mine"):
            parse(methods=["clip", source("FirstAxis")], experiments={"dimensions": ablation})
        # An earlier configuration is no matter.
        assert parse(methods=["clip", "other.py:FirstAxis"]).methods == ["clip", "first_axis"]
        with pytest.raises(ConfigError, match="no method 'first_axis'"):
            parse(methods=["clip", "first_axis"])

    def test_each_import_what_lies_beside_them(self, folder):
        welcome(source("FirstAxis"))
        (folder / "yours").mkdir()
        for name in ("methods", "helper"):
            (folder / f"yours/{name}.py").write_bytes((folder / f"mine/{name}.py").read_bytes())
        with pytest.raises(LanzdmlError, match="imports helper, which lies beside it, but is also"):
            load_class("yours/methods.py:Other")

    def test_beside_the_library_count_as_alone(self, folder):
        (folder / "lanzdml").symlink_to(ROOT / "lanzdml")
        (folder / "alone.py").write_text("from lanzdml.methods.base import Method")
        assert [file.name for file in code_of("alone.py:A")] == ["alone.py"]


def test_a_row_tells_no_place_of_the_machine(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "methods.py"
    elsewhere.write_text(MINE.replace("from helper import FACTOR", "FACTOR = 1"))
    sources = [f"{folder}/{source('FirstAxis')}", f"{elsewhere}:Other"]
    assert [traits_of(welcome(each))["source"] for each in sources] == [
        source("FirstAxis"), "…/methods.py:Other"
    ]  # fmt: skip


def parse(**changes):
    config = MINIMAL | changes
    root = os.path.join(os.path.dirname(__file__), "..", "resources")
    (name,) = config["models"]
    at = {key: os.path.join(root, "demo_clip", f"{name}.{suffix}")
          for key, suffix in (("architecture", "json"), ("pretrained", "safetensors"))}  # fmt: skip
    cars = config["datasets"]["demo_cars"] | {"root": os.path.join(root, "demo_cars")}
    notion = {"car_color": {"template": "a {aspect} car", "aspects": ["red", "blue"]}}
    return parse_config(
        config | {"models": {name: at}, "datasets": {"demo_cars": cars | {"notions": notion}}}
    )


class TestPlan:
    def test_names_stand_for_files(self, folder):
        ablation = {"dataset": "demo_cars", "methods": ["indirect", source("FirstAxis")]}
        config = parse(
            methods=["clip", "indirect", source("FirstAxis")],
            experiments={"dimensions": ablation | {"dims": [8]},
                         "prompt_count": ablation | {"counts": [1]}},
        )  # fmt: skip
        assert config.methods == ["clip", "indirect", "first_axis"]
        for section in (config.experiments.dimensions, config.experiments.prompt_count):
            assert section.methods == ["indirect", "first_axis"]

    def test_a_method_of_others_is_a_job_of_its_own(self, folder):
        plan = Plan(parse(methods=["clip", "pca_rank", source("FirstAxis"), source("Other")]))
        for jobs in (fit_jobs(plan, str), score_jobs(plan, str)):
            kinds = sorted(job.key[-1] for job in jobs)
            assert kinds == ["first_axis", "other", "quick"]

    def test_a_changed_file_is_another_version_of_its_methods_only(self, folder):
        names = [welcome(source("FirstAxis")), "pca_rank"]

        def versions():
            version_with.cache_clear()
            files = [source_fingerprint(*METHODS.code(name)[0]) for name in names]
            return files, [version_with("fit_transforms", name) for name in names]

        before = versions()
        (folder / "mine/helper.py").write_text("FACTOR = 2.0\n")
        (files, _), (old_files, _) = versions(), before
        assert files[0] != old_files[0]
        assert files[1] == old_files[1]
        (folder / "mine/beside.py").write_text("other = 1\n")
        assert versions()[0] == files, "nothing imports it"

    def test_other_words_print_names_anew(self, folder):
        before = version_told("make_beyond")
        welcome(source("FirstAxis"))
        with_it = version_told("make_beyond")
        (folder / "mine/methods.py").write_text(MINE.replace('"First axis"', '"Axis"'))
        os.utime("mine/methods.py", ns=(1, 1))  # whatever the clock of the file system
        welcome(source("FirstAxis"))
        assert len({before, with_it, version_told("make_beyond")}) == 3


class TestFailing:
    @pytest.mark.parametrize(("name", "reason"), [
        ("Raises", r"it raised KeyError: 'this' \(methods.py, line \d+\)"),
        ("Forgets", r"it raised AttributeError: .*'axes_'"),
        ("Exits", r"it raised SystemExit: bye \(methods.py, line \d+\)"),
    ])  # fmt: skip
    def test_a_method_that_raises_has_a_reason_and_the_others_go_on(self, name, reason, folder):
        prompts, method = write_prompts(folder), welcome(source(name))
        tasks = [task(folder / f"{each}.safetensors", each, None, prompts=prompts)
                 for each in (method, "clip")]  # fmt: skip
        fit_transforms(tasks, kept=folder / "kept")
        (failed, made) = (read_metadata(each.output) for each in tasks)
        assert (failed["status"], made["status"]) == ("not_fitted", "ok")
        assert pd.Series([failed["reason"]]).str.match(reason).all(), failed["reason"]

    def test_one_that_raises_at_images_has_a_row_with_the_reason(self, folder):
        method = welcome(source("RaisesLater"))
        fits = task(folder / "fit.safetensors", method, None, prompts=write_prompts(folder))
        fit_transforms([fits], kept=folder / "kept")
        run = {"dataset": "d", "notion": "n", "model": "m", "protocol": "paper", "method": method}
        output = str(folder / "row.parquet")
        scores = ScoreTask(output, run, fits.output, [0, 1], "1", **write_images(folder))
        score_runs([scores], kept=folder / "kept")
        rows = pd.read_parquet(scores.output)
        assert set(rows["status"]) == {"not_fitted"}
        assert rows["reason"].str.startswith("it raised ValueError: first line second line").all()
        assert rows["map_at_r"].isna().all()

    def test_what_failed_is_tried_again(self, folder):
        made = []
        fits = task(
            folder / "fit", welcome(source("FirstAxis")), None, prompts=write_prompts(folder)
        )
        for factor in ("none", 1.0):
            METHODS["first_axis"]._fit.__globals__["FACTOR"] = factor
            fit_transforms([fits], kept=folder / "kept")
            made.append(read_metadata(fits.output)["status"])
        assert made == ["not_fitted", "ok"]

    def test_results_lie_where_they_should_whatever_folder_it_goes_to(self, folder):
        fits = task(
            "fit.safetensors", welcome(source("Leaves")), None, prompts=write_prompts(folder)
        )
        fit_transforms([fits], kept="kept")
        assert read_metadata(folder / "fit.safetensors")["status"] == "ok"

    def test_images_that_it_changes_are_those_of_the_next_run(self, folder):
        methods, prompts = [welcome(source("Centred")), "clip"], write_prompts(folder)
        fits = [task(folder / f"{name}.safetensors", name, None, prompts=prompts)
                for name in methods]  # fmt: skip
        fit_transforms(fits, kept=folder / "kept")
        run = {"dataset": "d", "notion": "n", "model": "m", "protocol": "released"}
        images = write_images(folder)

        def scores(*made):
            tasks = [
                ScoreTask(str(folder / f"{of.method}.parquet"), run | {"method": of.method},
                          of.output, [0], "1", **images)
                for of in made
            ]  # fmt: skip
            score_runs(tasks, kept=folder / f"kept{len(made)}")
            return pd.concat(pd.read_parquet(task.output) for task in tasks)

        centred, clip = scores(*fits).to_dict("records")
        assert "read-only" in centred["reason"]
        (alone,) = scores(fits[1]).to_dict("records")
        assert clip["map_at_r"] == alone["map_at_r"]

    def test_one_that_is_not_made_with_a_size_is_one_line(self, folder):
        fits = task(folder / "fit", welcome(source("Large")), 3, prompts=write_prompts(folder))
        with pytest.raises(LanzdmlError, match="large cannot be made with "):
            fit_transforms([fits], kept=folder / "kept")

    def test_exhausted_memory_ends_the_job_which_is_tried_again(self, folder):
        method = welcome(source("OutOfMemory"))
        fits = task(folder / "fit.safetensors", method, None, prompts=write_prompts(folder))
        with pytest.raises(MemoryError):
            fit_transforms([fits], kept=folder / "kept")

    def test_what_ours_raise_is_a_mistake_of_ours(self, folder):
        with pytest.raises(KeyError), reasons_of("clip"):
            raise KeyError
        with pytest.raises(CannotFitError, match=r"^few prompts$"), reasons_of("first_axis"):
            raise CannotFitError("few prompts")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Where a small package is installed that registers methods."""
    folder = tmp_path_factory.mktemp("package")
    about = "their_methods-1.2.dist-info"
    wheel = folder / "their_methods-1.2-py3-none-any.whl"
    registers = (
        f"[{GROUP}]\nfirst_axis = their_methods.axes:FirstAxis\n"
        "another = their_methods.axes:Other\ngone = their_methods.gone:Gone\n"
    )
    files = {
        "their_methods/__init__.py": "",
        "their_methods/axes.py": MINE.replace("from helper", "from .helper"),
        "their_methods/helper.py": "FACTOR = 1.0\n",
        "their_methods/unused.py": "1 / 0\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: their-methods\nVersion: 1.2\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": registers,
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    with ZipFile(wheel, "w") as archive:
        for name, text in (files | {f"{about}/RECORD": record}).items():
            archive.writestr(name, textwrap.dedent(text))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
         "--target", folder / "site", wheel], check=True,
    )  # fmt: skip
    return folder / "site"


class TestPackages:
    def test_register_methods_by_their_names(self, package, folder, monkeypatch):
        monkeypatch.syspath_prepend(package)
        assert {"first_axis", "another", "gone"} <= set(registered())
        config = parse(methods=["clip", "first_axis"])
        assert config.methods == ["clip", "first_axis"]
        assert traits_of("first_axis")["source"] == "first_axis"
        files = {path.relative_to(package).as_posix() for path in code_of("first_axis")}
        # The package around the module is run, too.
        assert files == {f"their_methods/{name}.py" for name in ("axes", "helper", "__init__")}

    @pytest.mark.parametrize(("name", "says"), [
        ("another", "the class calls itself 'other'"),
        ("gone", "ModuleNotFoundError: No module named 'their_methods.gone'"),
        ("first_axes", "there is no method 'first_axes'; did you mean 'first_axis'?"),
    ])  # fmt: skip
    def test_that_are_not_right_are_one_line(self, name, says, package, folder, monkeypatch):
        monkeypatch.syspath_prepend(package)
        with pytest.raises(ConfigError) as error:
            parse(methods=["clip", name])
        assert says in error.value.lines[0]


def test_a_transform_of_theirs_is_loaded_by_the_file_that_one_names(folder):
    from click.testing import CliRunner

    from lanzdml.commands.main import lanzdml

    np.save("prompts.npy", np.eye(3, 4, dtype=np.float32))
    run = CliRunner()
    args = ["fit", "prompts.npy", "-o", "fit.safetensors", "--method", source("FirstAxis")]
    assert run.invoke(lanzdml, args, catch_exceptions=False).exit_code == 0
    args = ["transform", "fit.safetensors", "prompts.npy", "-o", "out.npy"]
    os.environ.pop("LANZDML_METHODS")
    unknown = run.invoke(lanzdml, args)
    assert "it is of the method 'first_axis', which is not known here" in unknown.output
    assert "--method" in unknown.output
    made = run.invoke(lanzdml, [*args, "--method", source("FirstAxis")], catch_exceptions=False)
    assert made.exit_code == 0
    assert np.load("out.npy").shape == (3, 1)
