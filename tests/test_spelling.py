"""Names of models as others write them."""

import pytest

from lanzdml.embeddings.models import open_clip_models
from lanzdml.embeddings.spelling import advice, is_of_transformers, meant, same
from lanzdml.errors import suggest

NAMES = list(open_clip_models())


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ViT-B/32", "ViT-B-32"),
        ("ViT-L/14@336px", "ViT-L-14-336"),
        ("vit-b-32", "ViT-B-32"),
        ("VIT_B_32", "ViT-B-32"),
        ("ViTB32", "ViT-B-32"),
        ("RN50X4", "RN50x4"),
        ("rn50-x4", "RN50x4"),
        ("ViT-B/16-quickgelu", "ViT-B-16-quickgelu"),
        ("ViT-B/32@336px", "ViT-B-32"),  # which there is not
        ("openai/clip-vit-base-patch32", "ViT-B-32"),
        ("openai/clip-vit-large-patch14-336", "ViT-L-14-336"),
        ("vit_base_patch16", "ViT-B-16"),
        ("CLIP-ViT-B-32", "ViT-B-32"),
        ("a model", None),
    ],
)
def test_what_is_meant(written, name):
    assert meant(written, NAMES) == name


def test_every_name_means_itself():
    assert [meant(name, NAMES) for name in NAMES] == NAMES
    assert [same(name, NAMES) for name in NAMES] == NAMES


def test_a_repository_with_a_name_in_it_is_not_the_same():
    assert same("ViT-B/32", NAMES) == "ViT-B-32"
    assert same("org/ViT-B-32", NAMES) is None
    assert meant("org/ViT-B-32", NAMES) == "ViT-B-32"


def test_advice_names_openais_own_weights_where_they_have_a_name_of_their_own():
    assert advice("ViT-B/32", NAMES) == (
        "did you mean 'ViT-B-32' ('ViT-B-32-quickgelu' for OpenAI's own weights)?"
    )
    assert advice("vitamin-l", NAMES) == "did you mean 'ViTamin-L'?"
    assert advice("a model", NAMES) == "open_clip.list_models() lists those that there are"


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("openai/clip-vit-base-patch32", True),
        ("openai/clip-vit-large-patch14-336", True),
        ("openai/whisper-base", False),
        ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", False),
        ("timm/vit_base_patch32_clip_224.openai", False),
        ("openai", False),
    ],
)
def test_repositories_of_transformers_alone(repository, expected):
    assert is_of_transformers(repository) is expected


TAGS = ["openai", "laion400m_e31", "laion2b_e16", "laion2b_s34b_b79k"]


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("laion2b", "did you mean 'laion2b_e16' or 'laion2b_s34b_b79k'? allowed: openai, "),
        ("laion2B_s34B", "did you mean 'laion2b_s34b_b79k'? allowed: openai, "),
        ("OpenAI", "did you mean 'openai'? allowed: openai, "),
        ("opennai", "did you mean 'openai'? allowed: openai, "),
        ("o", "allowed: openai, "),
    ],
)
def test_a_name_whose_end_is_missing_is_suggested(name, guess):
    assert suggest(name, TAGS).startswith(guess)
