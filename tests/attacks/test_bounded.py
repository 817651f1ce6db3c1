"""What attacks are run in ends those that take too much."""

import pytest

from lanzdml.errors import LanzdmlError
from tests.attacks.bounded import GIB, attack


def refuse(text):
    raise LanzdmlError(text)


def forever():
    while True:
        pass


def test_what_is_returned_and_what_is_refused_comes_back():
    assert attack(len, "four").value == 4
    assert attack(refuse, "no").error == "no"


@pytest.mark.parametrize(
    ("function", "arguments", "says"),
    [(bytes, [2 * GIB], "MemoryError"), (forever, [], "ended by signal"), (int, ["x"], "ValueErr")],
)
def test_what_takes_too_much_or_breaks_fails(function, arguments, says):
    with pytest.raises(pytest.fail.Exception, match=says):
        attack(function, *arguments, cpu_seconds=1)
