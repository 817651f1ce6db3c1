"""What builds, installs and checks packages, for tests; where none can be had they are skipped."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
# What uv says where a package cannot be fetched or stored; all else is a fault of ours.
NO_PACKAGES = re.compile(r"error sending request|request failed|timed out|dns|No space left", re.I)

_spec = importlib.util.spec_from_file_location("check_release", ROOT / ".ci/check_release.py")
check_release = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check_release)


def uv(*arguments, folder=ROOT):
    command = [UV, *arguments]
    done = run(command, folder)
    if done.returncode and NO_PACKAGES.search(done.stderr):
        pytest.skip(f"packages cannot be had: {' '.join(done.stderr.split())}")
    assert done.returncode == 0, done.stderr


def run(command, folder=ROOT):
    # Nothing of the environment that the tests run in.
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
