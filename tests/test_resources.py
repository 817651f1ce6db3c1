"""Our data files: classes, prompts and published numbers."""

import re
from collections import Counter
from itertools import pairwise, product
from pathlib import Path

import pandas as pd
import pytest
import webcolors
import yaml

from demo_assets.captions import vocabulary
from demo_assets.scenes import color_table
from lanzdml.datasets.cars196 import CLASSES_FILE
from lanzdml.datasets.clevr4 import CLASSES
from lanzdml.embeddings.prompts import FROM_LABELS, PLACEHOLDER, make_prompts, read_aspects
from lanzdml.methods import PAPER_METHODS
from lanzdml.metrics.scores import METRICS
from lanzdml.names import DATASET_NAMES, NOTION_NAMES
from lanzdml.tables.overview import PAPER_COUNTS
from lanzdml.tables.published_values import FOLDER as PUBLISHED

ROOT = Path(__file__).parents[1]
RESOURCES = ROOT / "resources"
PROMPTS = RESOURCES / "prompts"
PAPER_DATASETS = {"synthetic_cars", "cars196", "cub200", "deepfashion", "movie_posters"}


def read_table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False)


@pytest.fixture(scope="module")
def classes():
    return read_table(CLASSES_FILE)


@pytest.fixture(scope="module")
def second_half(classes):
    return classes.iloc[98:]


@pytest.fixture(scope="module")
def notions():
    return read_table(PAPER_COUNTS)


@pytest.fixture(scope="module")
def published():
    return read_table(PUBLISHED / "indirect.csv")


# Cars196

BODY_TYPES = {
    "Sedan": "sedan",
    "SUV": "SUV",
    "Coupe": "coupe",
    "Convertible": "convertible",
    "Hatchback": "hatchback",
    "Wagon": "wagon",
    "Van": "van",
    "Minivan": "van",
    "SuperCab": "pickup",
    **dict.fromkeys(["Crew Cab", "Regular Cab", "Extended Cab", "Quad Cab", "Club Cab"], "pickup"),
}
# Names that do not end in a body word: resources/README.md says why.
TYPES_BY_HAND = {
    "Acura TL Type-S 2008": "sedan",
    "Acura Integra Type R 2001": "hatchback",
    "Buick Regal GS 2012": "sedan",
    "Chevrolet Corvette ZR1 2012": "coupe",
    "Chevrolet Corvette Ron Fellows Edition Z06 2007": "coupe",
    "Chevrolet HHR SS 2010": "wagon",
    "Chevrolet Cobalt SS 2010": "coupe",
    "Chevrolet TrailBlazer SS 2009": "SUV",
    "Chrysler 300 SRT-8 2010": "sedan",
    "Dodge Challenger SRT8 2011": "coupe",
    "Dodge Charger SRT-8 2009": "sedan",
    "FIAT 500 Abarth 2012": "hatchback",
    "Infiniti G Coupe IPL 2012": "coupe",
    "Jaguar XK XKR 2012": "coupe",
    "Lamborghini Gallardo LP 570-4 Superleggera 2012": "coupe",
}


def test_cars196_classes_are_in_order(classes):
    assert classes.columns.tolist() == [
        "class_id", "class_name", "manufacturer", "model", "car_type", "year",
    ]  # fmt: skip
    assert classes["class_id"].tolist() == [str(number) for number in range(196)]
    assert classes["class_name"].is_unique
    anchors = {
        0: "AM General Hummer SUV 2000",
        1: "Acura RL Sedan 2012",
        97: "Eagle Talon Hatchback 1998",
        98: "FIAT 500 Abarth 2012",
        173: "Ram C/V Cargo Van Minivan 2012",
        195: "smart fortwo Convertible 2012",
    }
    assert {number: classes["class_name"][number] for number in anchors} == anchors


def test_cars196_fields_follow_from_the_names(classes):
    by_hand = {}
    for row in classes.itertuples():
        assert re.fullmatch(r"19\d\d|20[01]\d", row.year)
        assert row.model
        head, tail = f"{row.manufacturer} {row.model}", f" {row.year}"
        assert row.class_name.startswith(head), row.class_name
        assert row.class_name.endswith(tail), row.class_name
        body = row.class_name.removeprefix(head).removesuffix(tail).strip()
        if body:
            assert row.car_type == BODY_TYPES[body], row.class_name
        else:
            by_hand[row.class_name] = row.car_type
    assert by_hand == TYPES_BY_HAND


def test_cars196_models_hold_no_body_word_at_their_end(classes):
    without_body = ~classes["class_name"].isin(TYPES_BY_HAND)
    ends = classes.loc[without_body, "model"].str.split().str[-1]
    # "E-Series Wagon", "C/V Cargo Van" and "Phantom Drophead Coupe" are names of models.
    kept = classes.loc[without_body & ends.isin(BODY_TYPES).reindex(classes.index), "model"]
    assert kept.tolist() == ["E-Series Wagon", "C/V Cargo Van", "Phantom Drophead Coupe"]


def test_cars196_manufacturers_are_whole(classes):
    names = set(classes["manufacturer"])
    assert {name for name in names if " " in name} == {"AM General", "Aston Martin", "Land Rover"}
    assert {name for name in names if "-" in name} == {"Mercedes-Benz", "Rolls-Royce"}
    assert len({name.lower() for name in names}) == len(names) == 49
    assert not [a for a, b in product(names, names) if a != b and b.startswith(f"{a} ")]


def test_cars196_test_half_has_the_papers_counts(second_half):
    assert second_half["class_name"].nunique() == 98
    assert second_half["manufacturer"].nunique() == 35
    assert Counter(second_half["car_type"]) == {
        "sedan": 25, "SUV": 21, "coupe": 15, "convertible": 11, "hatchback": 11, "van": 8,
        "pickup": 7,
    }  # fmt: skip


def test_car_types_are_those_of_the_test_half(classes, second_half):
    types = read_aspects(str(PROMPTS / "car_types.txt"))
    assert sorted(types) == sorted(set(second_half["car_type"]))
    assert set(classes["car_type"]) == {*types, "wagon"}


# Prompts

# Models that do not start with their make and a space.
OWN_NAMES = {
    "Mazda3": "Mazda",
    "Mercedes-AMG": "Mercedes-Benz",
    "Mercedes-Maybach": "Mercedes-Benz",
}


def test_car_models_and_manufacturers():
    models = read_table(PROMPTS / "us_car_models.csv")
    manufacturers = read_aspects(str(PROMPTS / "us_manufacturers.txt"))
    assert models.columns.tolist() == ["aspect", "manufacturer"]
    assert len(models) == 569
    assert not models["aspect"].str.lower().duplicated().any()
    assert len(manufacturers) == len({name.lower() for name in manufacturers}) == 46
    assert list(dict.fromkeys(models["manufacturer"])) == manufacturers
    for row in models.itertuples():
        first = row.aspect.split()[0]
        if first in OWN_NAMES:
            assert row.manufacturer == OWN_NAMES[first]
        else:
            assert row.aspect.startswith(f"{row.manufacturer} "), row.aspect
            assert not row.aspect.startswith(f"{row.manufacturer} {row.manufacturer}")
    # What the paper gives as examples, and kinds of variants that guides list.
    examples = {"Volvo S60", "BMW X5 M", "Audi S4", "BMW M3", "Mercedes-AMG GT"}
    assert examples <= set(models["aspect"])
    assert {"Tesla", "BMW"} <= set(manufacturers)


def test_templates_are_the_papers(notions):
    assert notions.columns.tolist() == [
        "dataset", "notion", "template", "aspects", "paper_classes", "paper_aspects",
    ]  # fmt: skip
    assert len(notions) == 13
    assert not notions.duplicated(["dataset", "notion"]).any()
    assert set(notions["dataset"]) == PAPER_DATASETS
    assert set(notions["dataset"]) < set(DATASET_NAMES)
    assert set(notions["notion"]) < set(NOTION_NAMES)
    assert (notions["template"].str.count(re.escape(PLACEHOLDER)) == 1).all()
    templates = notions.set_index(["dataset", "notion"])["template"]
    assert (
        templates["synthetic_cars", "background_color"] == "a car in front of a {aspect} background"
    )
    assert templates["synthetic_cars", "car_model"] == templates["cars196", "car_model"]


def test_aspects_are_as_many_as_in_the_paper(notions):
    counts = {}
    for row in notions.itertuples():
        if not row.aspects:
            assert row.dataset == "movie_posters"  # taken from the data
            continue
        prompts = make_prompts(row.template, str(ROOT / row.aspects))
        assert len(prompts) == len(read_aspects(str(ROOT / row.aspects)))  # distinct
        # CLIP's tokenizer sees lower case only.
        assert prompts["prompt"].str.lower().is_unique
        if len(prompts) != int(row.paper_aspects):
            counts[row.dataset, row.notion] = (len(prompts), int(row.paper_aspects))
    # CSS 2.1 has 17 distinct colours where the paper counts 18.
    assert counts == {
        ("synthetic_cars", "car_color"): (17, 18),
        ("synthetic_cars", "background_color"): (17, 18),
    }


def test_every_prompt_file_is_used_or_explained(notions):
    used = {Path(path).name for path in notions["aspects"] if path}
    field = (ROOT / "configs/field.yaml").read_text(encoding="utf-8")
    used |= {Path(path).name for path in re.findall(r"resources/prompts/[\w.]+", field)}
    rest = {path.name for path in PROMPTS.iterdir() if path.is_file()} - used
    assert rest - set(of_others()) == {"demo_car_names.csv", "cars196_colors.txt"}


def of_others():
    """Lists for datasets that are none of the paper's, and how many entries README says."""
    readme = (RESOURCES / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `prompts/(\w+\.txt)` \| (\d+) \|", readme, re.MULTILINE))


def test_lists_for_other_datasets_are_as_they_are_described():
    for name, number in of_others().items():
        aspects = read_aspects(str(PROMPTS / name))
        assert len(aspects) == int(number), name
        assert len({aspect.lower() for aspect in aspects}) == len(aspects), name


@pytest.mark.parametrize("name", ["clevr4"])
def test_configurations_of_other_datasets_use_their_lists(name):
    """Each list of a dataset, and prompts that CLIP tells apart."""
    config = yaml.safe_load((ROOT / f"configs/{name}.yaml").read_text(encoding="utf-8"))
    used = set()
    for notion in config["datasets"][name]["notions"].values():
        if "combine" in notion:
            continue
        for wording in [notion, *(notion | other for other in notion["variants"].values())]:
            prompts = make_prompts(wording["template"], str(ROOT / wording["aspects"]))
            assert prompts["prompt"].str.lower().is_unique
            used.add(wording["aspects"].removeprefix("resources/prompts/"))
    ours = {f"{path.relative_to(PROMPTS)}" for path in PROMPTS.rglob(f"{name}_*.txt")}
    assert ours <= used


def test_clevr4_lists_are_its_classes():
    """What no prompt names is told by comparing the two."""
    for notion, classes in CLASSES.items():
        assert read_aspects(str(PROMPTS / f"clevr4_{notion}s.txt")) == list(classes)


def test_paper_config_uses_these_prompts(notions):
    path = ROOT / "configs" / "paper.yaml"
    datasets = yaml.safe_load(path.read_text(encoding="utf-8"))["datasets"]
    used = [notion for dataset in datasets.values() for notion in dataset["notions"].values()]
    assert sum(notion.get("scored", True) for notion in used) == len(notions)
    for row in notions.itertuples():
        notion = datasets[row.dataset]["notions"][row.notion]
        assert notion["template"] == row.template
        assert notion["aspects"] == (row.aspects or FROM_LABELS)


def test_lists_of_other_wordings_are_as_they_are_described():
    """Their lengths, too, and what they must or must not share with the lists beside them."""
    readme = (RESOURCES / "README.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| `(\w+\.txt)` \| (\d+) \|", readme, re.MULTILINE))
    found = {path.name: read_aspects(str(path)) for path in (PROMPTS / "variants").iterdir()}
    assert {name: str(len(words)) for name, words in found.items()} == described
    lists = {name.removesuffix(".txt"): {*map(str.lower, words)} for name, words in found.items()}
    assert {name: len(words) for name, words in lists.items()} == {
        name.removesuffix(".txt"): len(words) for name, words in found.items()
    }
    birds = pd.read_csv(RESOURCES / "class_counts.csv").query("dataset == 'cub200'")["class"]
    beside = {
        path.stem: {*map(str.lower, read_aspects(str(path)))}
        for path in PROMPTS.iterdir() if path.is_file()
    } | {"birds": {*birds.str.lower()}}  # fmt: skip
    for name, others in {
        "car_models_elsewhere": ["us_car_models"], "car_makes_elsewhere": ["us_manufacturers"],
        "birds_elsewhere": ["cub200_species", "birds"], "other_colors": ["css21_colors"],
        "car_type_words": ["car_types"], "texture_words": ["deepfashion_textures"],
        "fabric_words": ["deepfashion_fabrics"], "fit_words": ["deepfashion_fits"],
        "clothing_words": ["deepfashion_categories"],
    }.items():  # fmt: skip
        for other in others:
            assert not lists[name] & beside[other], (name, other)
    assert lists["car_makes_short"] < beside["us_manufacturers"]
    assert lists["few_colors"] < lists["basic_colors"]
    assert beside["css21_colors"] < lists["colors_and_types"]
    assert beside["deepfashion_fabrics"] < lists["fabrics_and_qualities"]
    strangers = lists["colors_and_types"] - beside["css21_colors"]
    assert strangers == lists["types_and_colors"] - lists["few_colors"] < lists["demo_car_types"]


def test_the_demo_models_know_the_words_of_their_wordings():
    known = vocabulary([*color_table(webcolors.CSS21), *color_table(webcolors.CSS3)])
    for name in ("demo_car_types", "types_and_colors", "colors_and_types", "other_colors"):
        words = " ".join(read_aspects(str(PROMPTS / f"variants/{name}.txt"))).lower().split()
        assert {*words} <= known


def test_bird_names():
    birds = read_aspects(str(PROMPTS / "cub200_species.txt"))
    assert len(birds) == 100
    assert {1: birds[0], 11: birds[10], 22: birds[21], 100: birds[99]} == {
        1: "Black footed Albatross",
        11: "Rusty Blackbird",
        22: "Chuck will Widow",
        100: "Brown Pelican",
    }
    assert not [name for name in birds if re.search(r"[^A-Za-z ]", name)]
    # The dataset orders its classes by the last word, but for two kinds of bird.
    groups = [name.split()[-1] for name in birds]
    descents = [(above, below) for above, below in pairwise(groups) if above > below]
    assert descents == [("Widow", "Cormorant"), ("Violetear", "Jaeger")]


def test_deepfashion_names():
    categories = read_aspects(str(PROMPTS / "deepfashion_categories.txt"))
    assert len(categories) == 50
    # Upper body, lower body, full body; each in alphabetical order. Indices count from 1.
    for first, last in ((1, 20), (21, 36), (37, 50)):
        group = categories[first - 1 : last]
        assert group == sorted(group)
    assert {number: categories[number - 1] for number in (1, 20, 21, 36, 37, 41, 50)} == {
        1: "Anorak", 20: "Turtleneck", 21: "Capris", 36: "Trunks", 37: "Caftan", 41: "Dress",
        50: "Sundress",
    }  # fmt: skip
    for name, expected in {
        "textures": ["floral", "graphic", "striped", "embroidered", "pleated", "solid", "lattice"],
        "fabrics": ["denim", "chiffon", "cotton", "leather", "faux", "knit"],
        "fits": ["tight", "loose", "conventional"],
    }.items():
        assert read_aspects(str(PROMPTS / f"deepfashion_{name}.txt")) == expected


# Of what torchvision reads

FIELD = {
    "aircraft_variants": 100, "aircraft_families": 70, "aircraft_manufacturers": 30,
    "pets_breeds": 37, "pets_cat_breeds": 12, "pets_dog_breeds": 25, "pets_species": 2,
    "flowers102": 102, "food101": 101, "dtd_textures": 47, "cifar100_fine": 100,
    "cifar100_coarse": 20,
}  # fmt: skip


def classes_of(name):
    return pd.read_csv(RESOURCES / f"classes/{name}.csv", dtype="str", keep_default_na=False)


@pytest.mark.parametrize(("name", "length"), FIELD.items())
def test_lists_of_the_field_are_as_long_as_published(name, length):
    names = read_aspects(str(PROMPTS / f"{name}.txt"))
    assert len({each.lower() for each in names}) == len(names) == length
    assert not [each for each in names if "_" in each]


def test_pets_are_cats_or_dogs():
    pets = classes_of("oxford_pets")
    assert pets["species"].value_counts().to_dict() == {"dog": 25, "cat": 12}
    for kind in ("cat", "dog"):
        of_kind = pets["species"] == kind
        assert (pets[f"{kind}_breed"] == pets["class"].where(of_kind, "")).all()
        said = read_aspects(str(PROMPTS / f"pets_{kind}_breeds.txt"))
        assert [name.removesuffix(" Pointer") for name in said] == [*pets["class"][of_kind]]
    both = {*read_aspects(str(PROMPTS / "pets_breeds.txt"))}
    assert {name.removesuffix(" Pointer") for name in both} == {*pets["class"]}


def test_superclasses_have_five_classes_each():
    classes = classes_of("cifar100")
    assert [*classes["class"]] == read_aspects(str(PROMPTS / "cifar100_fine.txt"))
    assert classes["class"].is_monotonic_increasing, "as CIFAR-100 numbers them"
    assert set(classes["coarse"].value_counts()) == {5}
    coarse = sorted(set(classes["coarse"]))
    said = read_aspects(str(PROMPTS / "cifar100_coarse.txt"))
    other = {first: second for first, second in zip(coarse, said, strict=True) if first != second}
    assert other == {
        "medium mammals": "medium-sized mammals",
        "vehicles 1": "everyday vehicles",
        "vehicles 2": "special vehicles",
    }


def test_flowers_are_those_of_torchvision():
    from torchvision.datasets import Flowers102

    flowers = classes_of("flowers102")
    assert [*flowers["number"]] == [str(number) for number in range(102)]
    assert [*flowers["flower"]] == read_aspects(str(PROMPTS / "flowers102.txt"))
    if names := getattr(Flowers102, "classes", None):  # 0.22 and later
        assert [*flowers["flower"]] == [name.rstrip("?") for name in names]


def test_colour_labels_of_the_figure():
    labels = read_aspects(str(PROMPTS / "cars196_colors.txt"))
    assert labels == ["black", "blue", "white", "yellow", "silver", "red", "mixed", "other"]


# Published numbers

KEY = ["source", "dataset", "notion", "metric", "method"]
SLIP = "computed with the labels and prompts of clothing_category"
MISPRINT = ["appendix_table1", "deepfashion", "fit", "map", "ae"]
TABLE_METRICS = {
    "table2": ["map_at_r", "precision_at_1"],
    "appendix_table1": list(METRICS),
}


def test_published_values_are_complete(published, notions):
    assert not published.duplicated(KEY).any()
    expected = set()
    for row in notions.itertuples():
        methods = [name for name in PAPER_METHODS if name != "pca" or row.notion == "car_model"]
        for source, metrics in TABLE_METRICS.items():
            expected |= set(product([source], [row.dataset], [row.notion], metrics, methods))
    # The appendix at hand breaks off in Genre: of MAP there is only the first value.
    broken_off = {
        key
        for key in expected
        if key[0] == "appendix_table1"
        and (
            key[2] == "production_country"
            or (key[2] == "genre" and key[3] == "mrr")
            or (key[2] == "genre" and key[3] == "map" and key[4] != "random")
        )
    }
    assert set(published[KEY].itertuples(index=False, name=None)) == expected - broken_off


def test_published_values_are_numbers(published):
    mean = published["value"].astype(float)
    scale = published["unit"].map({"percent": 100.0, "fraction": 1.0})
    assert (published["unit"] == published["source"].map(
        {"table2": "percent", "appendix_table1": "fraction"}
    )).all()  # fmt: skip
    chance = published["metric"] == "ami"  # AMI is about 0 for random clusters, on either side
    assert (mean / scale)[~chance].between(0, 1).all()
    assert (mean / scale)[chance].between(-0.005, 1).all()
    assert ((published["std"] == "") == (published["method"] == "clip")).all()


def test_not_comparable_are_two_methods_of_three_notions(published):
    slipped = {
        (source, "deepfashion", notion, metric, method)
        for source, metrics in TABLE_METRICS.items()
        for notion, metric, method in product(
            ["texture", "fabric", "fit"], metrics, ["random_transform", "ae"]
        )
    }
    assert len(slipped) == 2 * 3 * (2 + 7)
    assert set(published["comparable"]) == {"true", "released", "false"}
    flagged = published[published["comparable"] != "true"]
    assert set(flagged[KEY].itertuples(index=False, name=None)) == slipped
    assert flagged["note"].str.contains(SLIP).all()
    assert (flagged.query("comparable == 'released'")["note"] == SLIP).all()


def test_a_misprint_is_the_value_of_the_row_before(published):
    misprint = published[published["comparable"] == "false"]
    assert misprint[KEY].to_numpy().tolist() == [MISPRINT]
    assert misprint[["value", "std"]].to_numpy().tolist() == [["0.320", "0.016"]], "as printed"
    assert "0.280 ± 0.019" in misprint["note"].item()
    values = published.set_index(KEY)
    nmi = values.loc[(*MISPRINT[:3], "nmi", *MISPRINT[4:])]
    assert (nmi["value"], nmi["std"]) == ("0.320", "0.016")


def test_no_other_value_is_printed_twice(published):
    """What is copied to another metric's row has the same mean and std there."""
    appendix = published[published["source"] == "appendix_table1"]
    appendix = appendix[(appendix["std"] != "") & (appendix["value"].astype(float) > 0.1)]
    appendix = appendix[~appendix["value"].isin(["1.000", "0.999"])]
    copies = appendix[appendix.duplicated(["dataset", "notion", "method", "value", "std"])]
    assert set(copies[KEY[1:]].itertuples(index=False, name=None)) == {
        tuple(MISPRINT[1:]),
        # AMI and NMI, or R-Precision and MAP, that are near each other for other methods, too
        ("cars196", "car_type", "nmi", "oracle"),
        ("deepfashion", "clothing_category", "map", "oracle"),
        ("synthetic_cars", "car_color", "map", "random_transform"),
    }


def test_values_that_no_embedding_can_have(published):
    """What holds for every single query, or for any clustering, holds for means as well."""
    appendix = published[published["source"] == "appendix_table1"]
    table = appendix.pivot_table(
        index=[*KEY[1:3], "method"], columns="metric", values="value", aggfunc="first"
    ).astype(float)
    rounded = 0.0011
    for lower, upper in (
        ("map_at_r", "r_precision"), ("map_at_r", "map"), ("precision_at_1", "mrr"), ("ami", "nmi"),
    ):  # fmt: skip
        assert not (table[lower] > table[upper] + rounded).any(), (lower, upper)


def test_slipped_values_repeat_those_of_the_category(published):
    """The reason for the flags: these values belong to another notion."""
    values = published[published["source"] == "table2"].set_index(KEY[1:])["value"].astype(float)
    for notion, metric, method in product(
        ["texture", "fabric", "fit"], TABLE_METRICS["table2"], ["random_transform", "ae"]
    ):
        category = values["deepfashion", "clothing_category", metric, method]
        assert values["deepfashion", notion, metric, method] == pytest.approx(category, abs=2)
        # A method that was not mixed up scores far from its category row.
        other = values["deepfashion", notion, metric, "lae"]
        assert abs(other - values["deepfashion", "clothing_category", metric, "lae"]) > 5


def test_published_notes(published):
    notes = published[published["note"] != ""].groupby("note")
    kinds = {
        note: set(rows[["dataset", "notion"]].itertuples(index=False, name=None))
        for note, rows in notes
        if not note.startswith("the two tables differ by rounding")
    }
    (misprint,) = [note for note in kinds if "notebook" in note]
    assert kinds == {
        SLIP: {
            ("deepfashion", "texture"), ("deepfashion", "fabric"), ("deepfashion", "fit"),
        },
        misprint: {tuple(MISPRINT[1:3])},
        "on 4,462 images of 75 classes: file names were matched to class folders with case": {
            ("cub200", "bird_species"),
        },
    }  # fmt: skip
    birds = published["dataset"] == "cub200"
    assert published.loc[birds, "note"].str.contains("4,462").all()
    assert (published.loc[birds, "comparable"] == "true").all()


def test_noted_roundings_are_where_the_tables_differ(published):
    both = published.pivot_table(
        index=KEY[1:], columns="source", values="value", aggfunc="first"
    ).dropna()
    # Each table is rounded on its own: half a unit of its last digit.
    gap = (both["table2"].astype(float) - 100 * both["appendix_table1"].astype(float)).abs()
    differ = set(gap[gap > 0.04].index)
    noted = published[published["note"].str.startswith("the two tables differ by rounding")]
    assert set(noted[KEY[1:]].itertuples(index=False, name=None)) == differ
    assert differ == {
        ("synthetic_cars", "car_model", "map_at_r", "lae"),
        ("deepfashion", "fabric", "precision_at_1", "lae"),
    }
    assert len(noted) == 4
    for row in noted.itertuples():
        assert f"{row.value} here" in row.note


def test_clays_values_are_complete():
    clay = read_table(PUBLISHED / "clay.csv")
    assert not clay.duplicated(["dataset", "notion", "model", "method"]).any()
    methods = {("CLIP-B", "clip"), ("SigLIP-B", "clip"), ("CLIP-B", "clay"), ("SigLIP-B", "clay")}
    methods |= {("-", name) for name in ("GeneCIS", "GeneCIS symmetric", "InstructBLIP")}
    notions = clay.groupby(["dataset", "notion"])[["model", "method"]]
    assert len(notions) == 14
    assert all(set(rows.itertuples(index=False, name=None)) == methods for _, rows in notions)
    values = clay["value"].astype(float)
    assert values.between(10, 100).all(), "in percent"
    same = clay["method"].eq("GeneCIS") & clay["value"].eq("24.7")
    assert (clay["note"] != "").equals(same), "a value that stands three times is told"
    for column, value in (("metric", "map"), ("unit", "percent"), ("protocol", "query_gallery")):
        assert set(clay[column]) == {value}


def test_readme_names_every_file():
    readme = (RESOURCES / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./]+)`", readme))
    files = {path.name for path in PROMPTS.iterdir() if path.is_file()} | {
        path.name + ("/" if path.is_dir() else "") for path in RESOURCES.iterdir()
    }
    files |= {f"published/{path.name}" for path in PUBLISHED.iterdir()}
    files |= {f"classes/{path.name}" for path in (RESOURCES / "classes").iterdir()}
    listed = {"README.md", "prompts/", "published/", "classes/"}
    assert files - listed <= {name.removeprefix("prompts/") for name in named}
    tables = {str(path.relative_to(ROOT)) for path in (ROOT / "lanzdml").rglob("*.csv")}
    assert tables == {name for name in named if name.startswith("lanzdml/")}
