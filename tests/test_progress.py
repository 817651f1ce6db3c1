"""What long work tells of itself."""

from lanzdml.progress import EVERY, Progress


def told(total, steps):
    """The lines when steps of (seconds, done) go by."""
    now, lines = [100.0], []
    progress = Progress("scored", total, "runs", lines.append, lambda: now[0])
    for seconds, n in steps:
        now[0] += seconds
        progress(n)
    return lines


def test_now_and_then_a_line():
    assert told(140, [(4.0, 1)] * 12) == [
        "scored 5 of 140 runs, some 9 minutes left",
        "scored 10 of 140 runs, some 9 minutes left",
    ]


def test_nothing_of_short_work():
    assert told(1000, [(EVERY / 1001, 1)] * 1000) == []
    assert told(1, [(1e6, 1)]) == [], "that it is done its job says"


def test_what_was_kept_says_nothing_of_what_is_left():
    kept = [(0.001, 1)] * 100
    assert told(104, [*kept, (25.0, 1)]) == ["scored 101 of 104 runs, some 80 seconds left"]
    assert told(10, [(30.0, 0), (0.0, 5)]) == []


def test_hours_and_seconds():
    assert told(3, [(3600.0, 1)]) == ["scored 1 of 3 runs, some 2 hours left"]
    assert told(3, [(25.0, 1), (1.0, 1)]) == ["scored 1 of 3 runs, some 50 seconds left"]
