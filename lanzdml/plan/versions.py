"""Versions of the code behind results, which rules have as parameters: changed code runs again."""

from collections.abc import Iterable
from dataclasses import astuple
from functools import cache
from pathlib import Path

from lanzdml.experiments.measuring import module_of
from lanzdml.files import digest
from lanzdml.methods import METHODS
from lanzdml.methods.elsewhere import guests
from lanzdml.sources import ROOT, source_fingerprint
from lanzdml.transforms.parameters import contents_of


def no_version(*names: str) -> str:
    """In place of a version, where a plan is asked what it does: versions take long to tell."""
    return ""


@cache
def version_of(script: str, *sources: str | Path) -> str:
    """Fingerprint of what a script of the workflow runs.

    Args:
        script: its name.
        sources: what it does not import by name: modules, and other files that it depends on.
    """
    scripts = (ROOT / "workflow_scripts" / f"{name}.py" for name in (script, "job"))
    return source_fingerprint(*scripts, *sources)


def version_told(script: str, *sources: str | Path) -> str:
    """That of a script that prints names of methods: with what those of others are called."""
    told = [(name, *astuple(guest)) for name, guest in guests().items()]
    return " ".join([version_of(script, *sources), *([digest(told)] if told else [])])


@cache
def version_with(script: str, method: str, *sources: str) -> str:
    """That of a script that runs a method: with its code, its class there, and files it reads.

    A method that is not known has been run elsewhere.
    """
    if method not in METHODS:
        return version_of(script, *sources)
    code, class_name = METHODS.code(method)
    return " ".join([version_of(script, *code, *sources), class_name, *contents_of(method)])


def version_showing(script: str, methods: Iterable[str], *sources: str | Path) -> str:
    """That of a script that prints names of methods and runs what these learned."""
    known = [name for name in methods if name in METHODS]  # others have been run elsewhere
    code = (path for name in known for path in METHODS.code(name)[0])
    return version_told(script, *sources, *dict.fromkeys(code))


def version_measured(experiment: str, method: str) -> str:
    """That of what an experiment measures of a method: with its module ``measure``."""
    return version_with("measure_runs", method, module_of(experiment, "measure"))
