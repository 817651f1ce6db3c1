"""Captions of the demo CLIPs' training images."""

import webcolors

from demo_assets.captions import (
    BODY_TYPE_WORDS,
    CaptionWriter,
    ColorWords,
    read_car_names,
    spaced_color,
    vocabulary,
)
from demo_assets.scenes import CAR_MODELS, color_table

PAINT, BACKGROUND = ColorWords("red", "firebrick"), ColorWords("navy", "midnightblue")


def captions(seed, *, full, n=200):
    writer = CaptionWriter(seed)
    return [writer.write("van", PAINT, BACKGROUND, full=full) for _ in range(n)]


def test_car_names_cover_every_model_and_are_many():
    names = read_car_names()
    assert set(names) == set(CAR_MODELS)
    listed = [name for group in names.values() for name in group]
    assert len(listed) == len(set(listed)) >= 150
    # prompts are car names, never the names of the classes
    assert not set(listed) & {word for words in BODY_TYPE_WORDS.values() for word in words}


def test_full_captions_mention_all_three_factors():
    vans = (*read_car_names()["van"], *BODY_TYPE_WORDS["van"])
    for caption in captions(0, full=True):
        assert any(van in caption for van in vans)
        assert any(word in caption for word in ("red", "firebrick", "fire brick"))
        assert any(word in caption for word in ("navy", "midnight blue", "midnightblue"))


def test_partial_captions_leave_something_out():
    vans = (*read_car_names()["van"], *BODY_TYPE_WORDS["van"])
    for caption in captions(0, full=False):
        mentioned = (
            any(van in caption for van in vans)
            + any(word in caption for word in ("red", "firebrick", "fire brick"))
            + any(word in caption for word in ("navy", "midnight blue", "midnightblue"))
        )
        assert mentioned in (1, 2)


def test_the_paper_templates_occur():
    drawn = set(captions(0, full=False, n=2000))
    assert {"a red car", "a car in front of a navy background", "a photo of a van"} <= drawn


def test_a_seed_gives_the_same_captions():
    assert captions(1, full=True) == captions(1, full=True) != captions(2, full=True)


def test_spaced_colors_keep_their_letters():
    for name in webcolors.names(webcolors.CSS3):
        assert spaced_color(name).replace(" ", "") == name
    assert spaced_color("lightgoldenrodyellow") == "light goldenrod yellow"


def test_vocabulary_holds_every_word():
    known = vocabulary(list(color_table(webcolors.CSS3)))
    drawn = captions(3, full=True) + captions(3, full=False)
    assert {word for caption in drawn for word in caption.split()} <= known
