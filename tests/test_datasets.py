"""Datasets: each is built small in its original format and read into an exact manifest."""

import logging
import shutil
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import webcolors
from pandas.testing import assert_frame_equal
from PIL import Image

from lanzdml.datasets import (
    DATASETS,
    Dataset,
    cars196,
    cub200,
    files_read,
    images_listed,
    movie_posters,
    raw,
)
from lanzdml.datasets.archives import unpacked
from lanzdml.datasets.cub200_attributes import GROUPS
from lanzdml.datasets.manifest import (
    NOT_NOTIONS,
    check_manifest,
    read_manifest,
    split_excluded,
    summary,
    write_excluded,
    write_manifest,
)
from lanzdml.datasets.synthetic_cars import CSS21_COLORS, color_name, nearest_color
from lanzdml.errors import LanzdmlError
from tests.raw_datasets import (
    ATTRIBUTE_NAMES,
    BUILDERS,
    EXCLUDED_POSTERS,
    build_cars196,
    build_cars196_split,
    build_clevr4,
    build_cub200,
    build_deepfashion,
    build_movie_posters,
    build_stanford40,
    build_synthetic_cars,
    save_annotations,
    save_image,
)

ROOT = Path(__file__).parents[1]


def root_of(name: str, folder: Path) -> Path:
    return folder / "test.parquet" if name == "demo_cars" else folder


def dataset_of(name: str) -> Dataset:
    return DATASETS[name.split()[0]]


def read(name: str, root: Path) -> pd.DataFrame:
    return dataset_of(name).read_manifest(root)


def error_of(name: str, root: Path) -> str:
    with pytest.raises(LanzdmlError) as caught:
        read(name, root)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Contract of every dataset


def test_every_registered_dataset_can_be_built():
    assert {name.split()[0] for name in BUILDERS} == set(DATASETS)


@pytest.mark.parametrize("name", BUILDERS)
def test_manifest_is_exact(name, tmp_path):
    expected = BUILDERS[name](tmp_path)
    manifest, _ = split_excluded(read(name, root_of(name, tmp_path)))
    assert_frame_equal(manifest, expected)
    labels = tuple(column for column in manifest if column not in NOT_NOTIONS)
    assert labels == dataset_of(name).notions
    check_manifest(manifest, dataset_of(name).notions, name)
    for path in manifest.get("path", []):
        assert (tmp_path / path).is_file()


@pytest.mark.parametrize("name", BUILDERS)
def test_manifest_survives_its_file(name, tmp_path):
    expected = BUILDERS[name](tmp_path)
    manifest, _ = split_excluded(read(name, root_of(name, tmp_path)))
    write_manifest(tmp_path / "m.parquet", manifest, dataset_of(name).notions, name)
    assert_frame_equal(read_manifest(tmp_path / "m.parquet"), expected, check_dtype=False)


OPENED: set[Path] = set()
sys.addaudithook(
    lambda event, arguments: (
        event == "open" and isinstance(arguments[0], str | Path) and OPENED.add(Path(arguments[0]))
    )
)


def is_image(path: Path) -> bool:
    return path.suffix in {".jpg", ".png"}


@pytest.mark.parametrize("name", BUILDERS)
def test_what_a_reader_looks_for_is_known_before(name, tmp_path, monkeypatch):
    """A manifest is made anew when one of these files comes, goes or changes."""
    dataset, folder = dataset_of(name), tmp_path / "original"
    folder.mkdir()
    BUILDERS[name](folder)
    locate, sought = raw.locate, set()

    def remember(root, file, archives=()):
        sought.update([file, *archives])
        return locate(root, file, archives)

    monkeypatch.setattr(raw, "locate", remember)
    OPENED.clear()
    read(name, root_of(name, folder))
    read_files = {path for path in OPENED if path.is_relative_to(folder) and not is_image(path)}
    assert read_files <= {*files_read(dataset, root_of(name, folder))}
    # Also what is not there: a file in an otherwise empty folder, and in one below.
    files = {file for file in sought if Path(file).suffix and not is_image(Path(file))}
    for file, below in [(file, below) for file in files for below in ("", "below")]:
        alone = tmp_path / "alone" / below / file
        alone.parent.mkdir(parents=True)
        alone.write_text("")
        assert files_read(dataset, tmp_path / "alone") == [alone]
        shutil.rmtree(tmp_path / "alone")


@pytest.mark.parametrize("name", ["cub200", "movie_posters"])
def test_images_that_no_list_names_are_listed(name, tmp_path):
    BUILDERS[name](tmp_path)
    before = images_listed(dataset_of(name), tmp_path)
    assert before
    copy = before[0].with_name("another.jpg")
    shutil.copy(before[0], copy)
    assert {*images_listed(dataset_of(name), tmp_path)} == {*before, copy}
    assert not images_listed(DATASETS["deepfashion"], tmp_path)


@pytest.mark.parametrize("name", [name for name in BUILDERS if name != "demo_cars"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["in its own folder", "bare"])
def test_an_archive_gives_the_same_labels(name, wrapped, tmp_path):
    (tmp_path / "original").mkdir()
    expected = BUILDERS[name](tmp_path / "original")
    shutil.make_archive(
        str(tmp_path / "archive"), "gztar", tmp_path if wrapped else tmp_path / "original",
        "original" if wrapped else ".",
    )  # fmt: skip
    root = unpacked(tmp_path / "archive.tar.gz")
    manifest, _ = split_excluded(read(name, root))
    labels = [column for column in expected if column != "path"]
    assert_frame_equal(manifest[labels], expected[labels])
    assert all((root / path).is_file() for path in manifest["path"])


def test_the_script_unpacks_reads_and_writes_both_files(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "workflow_scripts"))
    (tmp_path / "original").mkdir()
    expected = build_movie_posters(tmp_path / "original")
    shutil.make_archive(str(tmp_path / "posters"), "zip", tmp_path / "original")
    job = SimpleNamespace(
        wildcards=SimpleNamespace(dataset="movie_posters"),
        params=SimpleNamespace(
            root=str(tmp_path / "posters.zip"),
            labels=None,
            torchvision=None,
            linked=[],
            notions=("genre", "production_country"),
            skip_unreadable=False,
        ),
        output=SimpleNamespace(
            manifest=str(tmp_path / "out/m.parquet"), excluded=str(tmp_path / "out/e.csv")
        ),
    )
    import_module("prepare_dataset").main(job)
    manifest = read_manifest(tmp_path / "out/m.parquet")
    assert_frame_equal(manifest, expected.drop(columns="genres"), check_dtype=False)
    assert len(pd.read_csv(tmp_path / "out/e.csv")) == len(EXCLUDED_POSTERS)
    assert capsys.readouterr().out.startswith("movie_posters: 4 images; left out: 1 no poster, ")


def test_the_script_leaves_out_what_cannot_be_read(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "workflow_scripts"))
    for name in ("a.png", "b.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("image,kind\na.png,x\nc.png,x\nb.png,y\n")
    params = {"root": str(tmp_path), "labels": str(tmp_path / "labels.csv"), "notions": ("kind",)}
    output = SimpleNamespace(manifest=tmp_path / "m.parquet", excluded=tmp_path / "e.csv")
    job = SimpleNamespace(
        wildcards=SimpleNamespace(dataset="mine"),
        params=SimpleNamespace(**params, torchvision=None, linked=[], skip_unreadable=True),
        output=output,
        threads=2,
    )
    import_module("prepare_dataset").main(job)
    assert read_manifest(output.manifest)["path"].tolist() == ["a.png", "b.png"]
    excluded = pd.read_csv(output.excluded)
    assert excluded.to_numpy().tolist() == [["c.png", "c.png", "unreadable: it is empty"]]
    assert capsys.readouterr().out == "mine: 2 images; left out: 1 unreadable\n"


@pytest.mark.parametrize("name", BUILDERS)
def test_nothing_there(name, tmp_path):
    missing = tmp_path / "nowhere"
    assert f"there is no {'file ' * (name == 'demo_cars')}{missing}" in error_of(name, missing)
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in error_of(name, tmp_path / "empty")


@pytest.mark.parametrize(
    "name",
    [
        "synthetic_cars",
        "synthetic_cars release",
        "cars196",
        "cars196 split",
        "cub200",
        "clevr4",
        "stanford40",
    ],
)
def test_a_missing_image_is_named(name, tmp_path):
    expected = BUILDERS[name](tmp_path)
    path = expected["path"].iloc[-1]
    (tmp_path / path).unlink()
    message = error_of(name, tmp_path)
    assert "1 of " in message
    assert Path(path).name in message


# Counts of the paper


def test_a_small_collection_is_only_warned_about(tmp_path, caplog):
    build_cub200(tmp_path)
    read("cub200", tmp_path)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cub200: 7 images where the complete collection has 11,788" in caplog.text


def published_as(module, monkeypatch, **changes):
    values = {"total": 7, "unit": "images", "images": 5} | changes
    monkeypatch.setattr(module, "PUBLISHED", raw.Published(**values))


def test_the_complete_collection_must_have_the_counts_of_the_paper(tmp_path, monkeypatch, caplog):
    build_cub200(tmp_path)
    monkeypatch.setattr(cub200, "MATCHED", (4, 2))
    published_as(cub200, monkeypatch, classes={"bird_species": 3})
    read("cub200", tmp_path)
    assert not caplog.records
    published_as(cub200, monkeypatch, images=4, classes={"bird_species": 2})
    message = error_of("cub200", tmp_path)
    assert "has all of its 7 images, but 5 images instead of 4" in message
    assert "3 values of bird_species instead of 2" in message


def test_other_matched_birds_are_a_warning(tmp_path, monkeypatch, caplog):
    build_cub200(tmp_path)
    published_as(cub200, monkeypatch)
    read("cub200", tmp_path)
    assert (
        "cub200: 4 images of 2 classes match the names of their classes, but 4,462 of 75 in the"
    ) in caplog.text


def test_posters_that_differ_are_a_warning(tmp_path, monkeypatch, caplog):
    build_movie_posters(tmp_path)
    published_as(movie_posters, monkeypatch, total=10, unit="records", images=5)
    read("movie_posters", tmp_path)
    assert "has all of its 10 records, but 4 images instead of 5" in caplog.text


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("synthetic_cars", (1000, 6)),
        ("cars196", (8131, 98, 35, 7)),
        ("cub200", (5924, 100)),
        ("stanford40", (9532, 40)),
        ("deepfashion", (4000, 41, 7, 6, 3)),
        ("movie_posters", (8052, 25, 69)),
    ],
)
def test_published_counts_are_those_of_the_collections(name, counts):
    module = import_module(DATASETS[name].module)
    assert (module.PUBLISHED.images, *module.PUBLISHED.classes.values()) == counts
    assert set(module.PUBLISHED.classes) <= set(DATASETS[name].notions)


# synthetic_cars


def test_css21_colors_are_the_prompts_colors():
    prompts = (ROOT / "resources/prompts/css21_colors.txt").read_text().split("\n")
    assert [line for line in prompts if line and line[0] != "#"] == sorted(CSS21_COLORS)
    for name, rgb in CSS21_COLORS.items():
        assert tuple(webcolors.name_to_rgb(name, webcolors.CSS21)) == rgb


def test_color_name_is_the_nearest():
    rng = np.random.default_rng(0)
    for hue, saturation, value in rng.uniform((0, 0, 0), (1, 2, 2), (50, 3)):
        red, green, blue = (
            np.array(webcolors.name_to_rgb(name, webcolors.CSS21))
            for name in ("red", "lime", "blue")
        )
        # HSV as a mixture: the pure hue, towards white by saturation, towards black by value.
        angle = ((hue + 0.5) % 1) * 6
        weights = np.clip(
            [abs(angle - 3) - 1, 2 - abs(angle - 2), 2 - abs(angle - 4)], 0, 1
        )  # fmt: skip
        pure = weights[0] * red + weights[1] * green + weights[2] * blue
        rgb = np.floor(value / 2 * (255 + saturation / 2 * (pure - 255)) + 1e-9)
        distances = {
            name: ((rgb - np.array(color)) ** 2).sum() for name, color in CSS21_COLORS.items()
        }
        assert distances[color_name(hue, saturation, value)] == min(distances.values())


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        ((64, 64, 64), "teal"),  # as near to black, navy, green, maroon, olive, purple and gray
        ((64, 0, 0), "maroon"),  # black
        ((0, 64, 128), "teal"),  # navy
        ((128, 64, 128), "purple"),  # gray
        ((128, 192, 192), "silver"),  # no tie
        ((64, 128, 128), "teal"),  # gray
        ((160, 160, 160), "silver"),  # gray
        ((255, 210, 0), "yellow"),  # orange, the first in that order
    ],
)
def test_colors_that_are_equally_near_are_the_last_of_the_released_order(levels, name):
    assert nearest_color(levels) == name


def test_ties_of_colors_everywhere():
    order = [
        "orange", "aqua", "black", "blue", "fuchsia", "green", "gray", "lime", "maroon", "navy",
        "olive", "purple", "red", "silver", "teal", "white", "yellow",
    ]  # fmt: skip
    colors = np.array([webcolors.name_to_rgb(name, webcolors.CSS21) for name in order])
    steps = [0, 32, 64, 96, 105, 128, 160, 192, 210, 224, 255]
    levels = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    distances = ((levels[:, None] - colors) ** 2).sum(axis=-1)
    nearest = distances == distances.min(axis=1, keepdims=True)
    assert (nearest.sum(axis=1) > 1).sum() > 100, "these are ties"
    last = len(order) - 1 - nearest[:, ::-1].argmax(axis=1)
    assert [nearest_color(row) for row in levels.tolist()] == [order[index] for index in last]


def test_gray_that_ties_is_reached_by_parameters_of_frames():
    assert color_name(0.3, 0, 2 * 64.5 / 255) == "teal"
    assert color_name(0.3, 0, 2 * 65 / 255) == "gray"


def rename_frames(folder, spell):
    for path in sorted(folder.iterdir()):
        path.rename(folder / spell(int(path.stem)))


@pytest.mark.parametrize("spell", ["{}.jpg", "{:06}.png", "{:04}.PNG", "{:02}.jpeg"])
def test_frames_are_found_however_their_numbers_are_written(spell, tmp_path):
    expected = build_synthetic_cars(tmp_path)
    rename_frames(tmp_path / "cars", spell.format)
    (tmp_path / "cars/mask_0001.png").touch()
    manifest = read("synthetic_cars", tmp_path)
    expected["path"] = [f"cars/{spell.format(int(number))}" for number in expected["image_id"]]
    assert_frame_equal(manifest, expected)


def test_frames_with_numbers_of_two_kinds_are_refused(tmp_path):
    build_synthetic_cars(tmp_path)
    shutil.copy(tmp_path / "cars/2.png", tmp_path / "cars/0002.png")
    message = "frame 2 is there as cars/0002.png and as cars/2.png: delete one of them"
    assert message in error_of("synthetic_cars", tmp_path)
    (tmp_path / "cars/2.png").unlink()
    message = "cars/ numbers its frames in two ways, such as 0002 and 1: "
    assert message in error_of("synthetic_cars", tmp_path)


def test_two_layouts_of_synthetic_cars_are_refused(tmp_path):
    build_synthetic_cars(tmp_path)
    shutil.copy(tmp_path / "cars.csv", tmp_path / "samples.csv")
    message = f"{tmp_path}/samples.csv and {tmp_path}/cars.csv are two layouts"
    assert message in error_of("synthetic_cars", tmp_path)


def test_parameters_are_read_whatever_wrote_the_table(tmp_path):
    expected = build_synthetic_cars(tmp_path)
    path = tmp_path / "cars.csv"
    table = pd.read_csv(path, dtype="str")
    rows = [table.columns[::-1].tolist(), *table.iloc[:, ::-1].to_numpy().tolist()]
    lines = [", ".join(f'"{cell} "' for cell in row) for row in rows]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert_frame_equal(read("synthetic_cars", tmp_path), expected)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("color_hue", "hue", "has no column 'color_hue', but frame"),
        ("\n3,tesla,0.5", "\n3,tesla,red", "line 2: color_hue is 'red', no number"),
        ("\n3,tesla,0.5", "\n3,tesla,inf", "line 2: color_hue is 'inf', no number"),
        ("\n3,tesla,", "\n3, ,", "line 2: model is empty"),
        ("\n2,", "\n1,", "frame 1 occurs twice"),
        ("\n2,", "\n2.5,", "line 5: frame is '2.5', no number"),
        ("\n2,", "\n,", "line 5: frame is '', no number"),
    ],
)
def test_bad_rows_of_synthetic_cars(old, new, message, tmp_path):
    build_synthetic_cars(tmp_path)
    path = tmp_path / "cars.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    assert message in error_of("synthetic_cars", tmp_path)


# cars196


def test_both_layouts_have_the_same_classes(tmp_path):
    whole, split = build_cars196(tmp_path), build_cars196_split(tmp_path / "split")
    columns = ["car_model", "manufacturer", "car_type"]
    assert_frame_equal(whole[columns], split[columns])


def test_other_class_names_are_refused(tmp_path, monkeypatch):
    build_cars196(tmp_path)
    table = pd.read_csv(cars196.CLASSES_FILE)
    table.loc[5, "class_name"] = "Acura Legend 1990"
    table.to_csv(tmp_path / "classes.csv", index=False)
    monkeypatch.setattr(cars196, "CLASSES_FILE", tmp_path / "classes.csv")
    assert "but 'Acura Legend 1990' in classes.csv" in error_of("cars196", tmp_path)


def test_colors_are_read_whatever_wrote_the_table(tmp_path):
    expected = build_cars196(tmp_path)
    (tmp_path / "car_color.csv").write_bytes(
        b'\xef\xbb\xbfcar_color , "image"\r\n black, "car_ims/008055.jpg"\r\n,\r\n'
        b"N/A,car_ims/008056.jpg \r\n"
    )
    manifest = read("cars196", tmp_path)
    assert manifest["car_color"].iloc[:2].tolist() == ["black", "N/A"]
    assert manifest["car_color"].iloc[2:].isna().all()
    assert_frame_equal(manifest.drop(columns="car_color"), expected.drop(columns="car_color"))


def test_test_annotations_without_labels(tmp_path):
    build_cars196_split(tmp_path)
    (tmp_path / "cars_test_annos_withlabels.mat").unlink()
    save_annotations(tmp_path / "devkit/cars_test_annos.mat", "fname", [("00001.jpg", 1)])
    message = error_of("cars196", tmp_path)
    assert f"there is no cars_test_annos_withlabels.mat in {tmp_path}" in message


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file" + bytes(300), b"no matrix"])
def test_broken_mat_file(content, tmp_path):
    build_cars196(tmp_path)
    (tmp_path / "cars_annos.mat").write_bytes(content)
    assert "cars_annos.mat is no annotation of Cars196" in error_of("cars196", tmp_path)


def test_a_mat_file_that_is_cut_off(tmp_path):
    build_cars196(tmp_path)
    path = tmp_path / "cars_annos.mat"
    path.write_bytes(path.read_bytes()[:-1000])
    assert "cars_annos.mat is no annotation of Cars196, or a damaged" in error_of(
        "cars196", tmp_path
    )


@pytest.mark.parametrize("before", [b"", b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512)])
def test_a_mat_file_of_a_newer_format(before, tmp_path):
    build_cars196(tmp_path)
    (tmp_path / "cars_annos.mat").write_bytes(before + b"\x89HDF\r\n\x1a\n" + bytes(100))
    message = error_of("cars196", tmp_path)
    assert "cars_annos.mat is a file of MATLAB 7.3 (HDF5), which is not read" in message


def struct(**fields):
    """A MATLAB struct array of one annotation."""
    array = np.zeros((1, 1), dtype=[(name, "O") for name in fields])
    for name, value in fields.items():
        array[0, 0][name] = value
    return array


NO_FIELDS = "cars_annos.mat: annotations have no fields 'relative_im_path' and 'class' of names"
NO_VALUES = "cars_annos.mat: 'relative_im_path' and 'class' of annotation 1 are not a name and a"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"other": 1}, "cars_annos.mat is no annotation of Cars196: no annotations"),
        ({"annotations": np.arange(3)}, NO_FIELDS),
        ({"annotations": "text"}, NO_FIELDS),
        ({"annotations": np.zeros(0)}, NO_FIELDS),
        ({"annotations": struct(relative_im_path="a.jpg")}, NO_FIELDS),
        ({"annotations": struct(**{"class": 1})}, NO_FIELDS),
        ({"annotations": struct(relative_im_path=5, **{"class": 1})}, NO_VALUES),
        ({"annotations": struct(relative_im_path="", **{"class": 1})}, NO_VALUES),
        ({"annotations": struct(relative_im_path="a.jpg", **{"class": "one"})}, NO_VALUES),
        ({"annotations": struct(relative_im_path="a.jpg", **{"class": 1.5})}, NO_VALUES),
        ({"annotations": struct(relative_im_path="a.jpg", **{"class": np.nan})}, NO_VALUES),
        ({"annotations": struct(relative_im_path="a.jpg", **{"class": np.inf})}, NO_VALUES),
        ({"annotations": struct(relative_im_path="a.jpg", **{"class": [1, 2]})}, NO_VALUES),
        (
            {"annotations": struct(relative_im_path="a.jpg", **{"class": 99})},
            "cars_annos.mat is no annotation of Cars196: no class_names",
        ),
    ],
)
def test_a_mat_file_of_other_content(variables, message, tmp_path):
    from scipy.io import savemat

    build_cars196(tmp_path)
    savemat(tmp_path / "cars_annos.mat", variables)
    assert message in error_of("cars196", tmp_path)


# clevr4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"rubber"', '"wood"', "CLEVR_new_000102: texture is 'wood', and none of rubber, metal, "),
        ('"count": 10', '"count": 11', "CLEVR_new_000102: count is 11, and none of 1, 2, 3, "),
        ('"count": 10', '"count": 10.0', "count is 10.0, and none of"),
        ('"count": 1,', '"count": true,', "count is True, and none of"),
        ('"shape": "torus", ', "", "CLEVR_new_000007: shape is None, and none of cube, "),
        ("000007", "000102", "'CLEVR_new_000102' is there twice"),
        ('"color": "gray"', '"count": 2', "'count' is there twice"),
        ("CLEVR_new_000007", "../a", ": ../a leads out of its folder"),
    ],
)
def test_other_annotations_of_clevr4_are_refused(old, new, message, tmp_path):
    build_clevr4(tmp_path)
    path = tmp_path / "clevr_4_annots.json"
    path.write_text(path.read_text().replace(old, new, 1))
    assert message in error_of("clevr4", tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", "null", "3"])
def test_clevr4_without_names(content, tmp_path):
    build_clevr4(tmp_path)
    (tmp_path / "clevr_4_annots.json").write_text(content)
    assert "it has no names of images" in error_of("clevr4", tmp_path)


def test_clevr4_s_archives_are_read_where_they_lie(tmp_path):
    """The larger one, too, and the smaller one where both are there."""
    expected = build_clevr4(tmp_path / "10k")
    build_clevr4(tmp_path / "100k")
    one = tmp_path / "100k/clevr_4_annots.json"
    one.write_text(one.read_text().replace("rubber", "metal"))
    root = tmp_path / "data"
    for size, texture in (("100k", "metal"), ("10k", "rubber")):
        shutil.make_archive(str(root / f"clevr_4_{size}_v1"), "zip", tmp_path / size)
        manifest = read("clevr4", root)
        assert manifest["texture"].iloc[-1] == texture
        assert all((root / path).is_file() for path in manifest["path"])
    labels = ["image_id", *DATASETS["clevr4"].notions]
    assert_frame_equal(manifest[labels], expected[labels])


def test_images_of_another_folder_are_not_taken_for_clevr4_s(tmp_path):
    build_clevr4(tmp_path / "here")
    build_clevr4(tmp_path / "another")
    (tmp_path / "another/clevr_4_annots.json").unlink()
    shutil.rmtree(tmp_path / "here/images")
    message = error_of("clevr4", tmp_path)
    assert f"there is no images/CLEVR_new_000007.png in {tmp_path}/here" in message


# stanford40


def test_stanford40_without_added_labels_has_actions(tmp_path, caplog):
    expected = build_stanford40(tmp_path)
    (tmp_path / "mood.txt").unlink()
    manifest = read("stanford40", tmp_path)
    assert_frame_equal(manifest.drop(columns="mood"), expected.drop(columns="mood"))
    assert manifest["mood"].isna().all()
    assert f"there is no mood.txt in {tmp_path}: without it mood has no labels" in caplog.text
    assert "location.txt" not in caplog.text


def test_stanford40_s_archives_are_read_where_they_lie(tmp_path):
    expected = build_stanford40(tmp_path)
    for name in ("ImageSplits", "JPEGImages"):
        shutil.make_archive(str(tmp_path / f"Stanford40_{name}"), "zip", tmp_path, name)
        shutil.rmtree(tmp_path / name)
    manifest = read("stanford40", tmp_path)
    assert_frame_equal(manifest.drop(columns="path"), expected.drop(columns="path"))
    assert all((tmp_path / path).is_file() for path in manifest["path"])


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("ImageSplits/actions.txt", "\t2", "\ttwo", "line 2: 'applauding\\ttwo' is no action and"),
        ("ImageSplits/actions.txt", "applauding\t", "\t", "line 2: '\\t2' is no action and its"),
        (
            "ImageSplits/actions.txt",
            "applauding",
            "../a",
            "line 2: '../a\\t2' is no action and its",
        ),
        ("ImageSplits/actions.txt", "applauding", "clapping", "clapping_train.txt; docs/"),
        ("ImageSplits/applauding_test.txt", "001", "284", "line 1: applauding_284.jpg is there al"),
        (
            "ImageSplits/applauding_test.txt",
            "appl",
            "\nappl",
            "line 1: '' is no image of applauding",
        ),
        ("ImageSplits/applauding_test.txt", "appl", "../", "line 1: ../auding_001.jpg leads out"),
        ("location.txt", "bike_010", "bike_011", "line 1: riding_a_bike_011.jpg is none of the co"),
        ("location.txt", "bike_010", "bike_002", "line 2: riding_a_bike_002.jpg is there already"),
        ("location.txt", " urban", "_urban", "is no image and its location"),
        ("mood.txt", "joyful", "", "line 2: 'applauding_001.jpg' is no image and its mood"),
    ],
)
def test_wrong_lines_of_stanford40_are_named(file, old, new, message, tmp_path):
    build_stanford40(tmp_path)
    path = tmp_path / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert message in error_of("stanford40", tmp_path)


# Files of a collection that are damaged, or something else

ANNOTATIONS = [
    ("demo_cars", "test.parquet"), ("synthetic_cars", "cars.csv"), ("cars196", "cars_annos.mat"),
    ("cars196", "car_color.csv"), ("cars196 split", "devkit/cars_meta.mat"),
    ("cars196 split", "devkit/cars_train_annos.mat"), ("cub200", "CUB_200_2011/images.txt"),
    ("cub200", "CUB_200_2011/classes.txt"), ("cub200", "CUB_200_2011/image_class_labels.txt"),
    ("cub200", "attributes.txt"), ("cub200", "CUB_200_2011/attributes/image_attribute_labels.txt"),
    *(("deepfashion", f"Anno_fine/{name}.txt") for name in (
        "test", "test_cate", "test_attr", "list_category_cloth", "list_attr_cloth"
    )),
    *(("movie_posters", f"groundtruth/{year}.txt") for year in (1980, 1981, 1982)),
    ("clevr4", "clevr_4_annots.json"), ("stanford40", "ImageSplits/actions.txt"),
    ("stanford40", "ImageSplits/applauding_test.txt"), ("stanford40", "location.txt"),
]  # fmt: skip
GARBAGE = {
    "nothing": b"",
    "blank lines": b"\n \n\n",
    "zeros": bytes(3000),
    "noise": np.random.default_rng(0).bytes(3000),
    "brackets": b"[" * 100_000,
    "digits": b"9" * 6000,
    "quotes": b'"' * 9999,
}


@pytest.mark.parametrize(("name", "file"), ANNOTATIONS)
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_place_of_a_file_is_named(garbage, name, file, tmp_path):
    BUILDERS[name](tmp_path)
    (tmp_path / file).write_bytes(GARBAGE[garbage])
    message = error_of(name, root_of(name, tmp_path))
    assert str(tmp_path) in message
    assert message.isprintable()
    assert len(message.replace(str(tmp_path), "")) < 400
    if file != "Anno_fine/test.txt":  # each of the others has to have as many lines
        assert Path(file).name in message


@pytest.mark.parametrize(("name", "file"), ANNOTATIONS)
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run `git lfs pull`"),
        (b"<!DOCTYPE html>\n<html>Sign in: here", "fetch it with a browser that is signed in"),
    ],
)
def test_what_was_saved_in_place_of_a_file_is_told(content, kind, name, file, tmp_path):
    BUILDERS[name](tmp_path)
    (tmp_path / file).write_bytes(content)
    message = error_of(name, root_of(name, tmp_path))
    assert str(tmp_path / file) in message
    assert kind in message


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "line"),
    [
        ("synthetic_cars", "cars.csv", "\n2,enzo,", "\n2,", "line 5: the number of cells is 7"),
        ("synthetic_cars", "cars.csv", "\n2,enzo,", "\n2,enzo,0,", "line 5: the number of cells"),
        ("cars196", "car_color.csv", "jpg,red", "jpg,red,", "line 2: the number of cells is 3"),
        ("cars196", "car_color.csv", "jpg,red", "jpg", "line 2: the number of cells is 1"),
        ("cars196", "car_color.csv", "jpg,red", 'jpg,"red', "is no CSV: "),
        ("cub200", "CUB_200_2011/images.txt", "\n2 ", "\n2", "line 2: '2100.Brown_Pelican"),
    ],
)
def test_lines_with_other_cells_are_named(name, file, old, new, line, tmp_path):
    BUILDERS[name](tmp_path)
    path = tmp_path / file
    path.write_text(path.read_text().replace(old, new, 1))
    message = error_of(name, tmp_path)
    assert str(path) in message
    assert line in message


@pytest.mark.parametrize("name", ["synthetic_cars", "cars196", "cub200", "movie_posters"])
def test_a_file_in_place_of_the_folder(name, tmp_path):
    (tmp_path / "data.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    message = error_of(name, tmp_path / "data.tar.zst")
    assert (
        f"{name}: {tmp_path}/data.tar.zst is neither a folder nor an archive of a kind" in message
    )
    assert "(.zip, .tar, .tgz, .tar.gz, " in message


@pytest.mark.parametrize("name", ["cub200", "movie_posters"])
def test_what_macos_adds_to_a_zip_is_passed_over(name, tmp_path):
    (tmp_path / "original").mkdir()
    expected = BUILDERS[name](tmp_path / "original")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in sorted((tmp_path / "original").rglob("*")):
            inside = path.relative_to(tmp_path / "original")
            archive.write(path, inside)
            if path.is_file():
                archive.writestr(f"__MACOSX/{inside.parent}/._{inside.name}", b"\0\5\26\7")
        archive.writestr(".DS_Store", b"\0\0\0\1Bud1")
    root = unpacked(tmp_path / "x.zip")
    manifest, _ = split_excluded(read(name, root))
    assert_frame_equal(manifest, expected)
    assert not [path for path in raw.look_up(root, ["*.txt"]) if "__MACOSX" in path.parts]


def test_class_out_of_range(tmp_path):
    build_cars196_split(tmp_path)
    save_annotations(tmp_path / "devkit/cars_train_annos.mat", "fname", [("00001.jpg", 197)])
    assert "cars_train/00001.jpg has a class that is not 1" in error_of("cars196", tmp_path)


def test_annotations_with_other_fields(tmp_path):
    build_cars196_split(tmp_path)
    save_annotations(tmp_path / "devkit/cars_train_annos.mat", "relative_im_path", [("a", 1)])
    assert "annotations have no fields 'fname'" in error_of("cars196", tmp_path)


def test_no_color_file_means_no_colors(tmp_path):
    build_cars196(tmp_path)
    (tmp_path / "car_color.csv").unlink()
    manifest = read("cars196", tmp_path)
    assert manifest["car_color"].isna().all()
    check_manifest(manifest, DATASETS["cars196"].notions, "cars196")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,color\na,b\n", "needs the columns image and car_color, not file, color"),
        ("image,car_color\na,red\na,blue\n", "image 'a' occurs twice"),
        (
            "image,car_color\ncar_ims/000001.jpg,red\n008055.jpg,blue\n",
            "'008055.jpg' is no image of the collection (unknown: 1 of 2); they are called as "
            "'car_ims/000001.jpg' is",
        ),
        ("", "needs the columns image and car_color, not"),
    ],
)
def test_bad_color_file(text, message, tmp_path):
    build_cars196(tmp_path)
    (tmp_path / "car_color.csv").write_text(text)
    assert message in error_of("cars196", tmp_path)


def test_images_in_an_archive_beside_the_annotation(tmp_path):
    expected = build_cars196(tmp_path)
    shutil.make_archive(str(tmp_path / "car_ims"), "gztar", tmp_path, "car_ims")
    (tmp_path / "car_ims.tar.gz").rename(tmp_path / "car_ims.tgz")
    shutil.rmtree(tmp_path / "car_ims")
    manifest = read("cars196", tmp_path)
    expected["path"] = "car_ims.tgz.unpacked/" + expected["path"]
    assert_frame_equal(manifest, expected)
    assert all((tmp_path / path).is_file() for path in manifest["path"])


# cub200


def test_cub200_without_lists_goes_by_folders(tmp_path):
    expected = build_cub200(tmp_path)
    for path in (tmp_path / "CUB_200_2011").glob("*.txt"):
        path.unlink()
    save_image(tmp_path / "CUB_200_2011/images/101.White_Pelican/._White_Pelican_0001_97316.jpg")
    manifest = read("cub200", tmp_path)
    expected = expected.sort_values("path", ignore_index=True)
    # Attributes are of images by their numbers in a list.
    expected[[*GROUPS]] = pd.DataFrame(None, expected.index, [*GROUPS], dtype="str")
    assert_frame_equal(manifest, expected)


LABELS = "CUB_200_2011/attributes/image_attribute_labels.txt"


def test_attributes_lie_where_copies_have_them(tmp_path):
    expected = build_cub200(tmp_path)
    (tmp_path / "attributes.txt").rename(tmp_path / "CUB_200_2011/attributes/attributes.txt")
    assert_frame_equal(read("cub200", tmp_path), expected)
    manifest = read("cub200", tmp_path / "CUB_200_2011")
    assert_frame_equal(manifest.drop(columns="path"), expected.drop(columns="path"))


@pytest.mark.parametrize("missing", [LABELS, "attributes.txt"])
def test_copies_without_attributes_have_no_labels_of_them(missing, tmp_path, caplog):
    build_cub200(tmp_path)
    (tmp_path / missing).unlink()
    manifest = read("cub200", tmp_path)
    assert manifest[[*GROUPS]].isna().all().all()
    assert manifest["bird_species"].notna().all()
    told = f"without {tmp_path}/attributes.txt or attributes/attributes.txt primary_color, upper"
    assert (told in caplog.text) == (missing == "attributes.txt")


def test_names_of_attributes_above_the_root_are_not_looked_for(tmp_path):
    build_cub200(tmp_path)
    assert read("cub200", tmp_path / "CUB_200_2011")[[*GROUPS]].isna().all().all()


@pytest.mark.parametrize("ending", ["\n", "\r\n", " \n", ""])
def test_attributes_are_read_however_lines_end(ending, tmp_path):
    expected = build_cub200(tmp_path)
    lines = (tmp_path / LABELS).read_text().splitlines()
    text = "".join(f"{line}{ending or chr(10)}" for line in lines).rstrip("" if ending else "\n")
    (tmp_path / LABELS).write_bytes(text.encode())
    assert_frame_equal(read("cub200", tmp_path), expected)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n4 8 1 2 ", "\n4 8 1 5 ", "certainty 5 is no certainty, 1 to 4 (image 4, attribute 8)"),
        ("\n4 8 1 2 ", "\n4 8 2 2 ", "present 2 is neither 0 nor 1 (image 4, attribute 8)"),
        ("\n4 8 1 2 ", "\n4 313 1 2 ", "attribute 313 is none of the listed attributes"),
        ("\n4 8 1 2 ", "\n99 8 1 2 ", "image 99 is none of the listed images"),
        ("\n4 8 1 2 ", "\n4 9 1 2 ", "image 4 has attribute 9 twice"),
        ("\n4 8 1 2 ", "\n4 8 yes 2 ", "is no list of attributes: "),
        ("\n4 8 1 2 ", "\n4 8 1 300 ", "is no list of attributes: "),
        ("\n4 8 1 2 27.7080", "\n4 8 1 2 soon", "is no list of attributes: "),
        ("\n4 8 1 2 27.7080", "\n4 8 1 2", "line 47: '4 8 1 2' is no image, attribute, 0 or 1, "),
        ("\n4 8 1 2 ", "\n4 8 1 2 1 2 3 ", "line 47: '4 8 1 2 1 2 3 27.7080' is no image, "),
        ("\n3 8 1 3 ", "\n3 8 1 ? ", "line 34: '3 8 1 ? 27.7080 0 1.509' is no image, attribute"),
    ],
)
def test_wrong_lines_of_attributes_are_named(old, new, message, tmp_path):
    build_cub200(tmp_path)
    path = tmp_path / LABELS
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert f"{path}" in error_of("cub200", tmp_path)
    assert message in error_of("cub200", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 has_bill", "1 has_bill", "line 2: number 1 is there already"),
        ("2 has_bill_shape::dagger", "2 has_bill_shape", "line 2: '2 has_bill_shape' is no number"),
        ("has_crown_color", "has_eye_color", "has no attribute has_crown_color::..., which crown_"),
    ],
)
def test_wrong_names_of_attributes_are_told(old, new, message, tmp_path):
    build_cub200(tmp_path)
    path = tmp_path / "attributes.txt"
    path.write_text(path.read_text().replace(old, new, 1))
    assert f"{path}" in error_of("cub200", tmp_path)
    assert message in error_of("cub200", tmp_path)


def test_lists_of_cub200_are_read_whatever_wrote_them(tmp_path):
    expected = build_cub200(tmp_path)
    for path in (tmp_path / "CUB_200_2011").glob("*.txt"):
        lines = [line.replace(" ", " \t") for line in path.read_text().splitlines()]
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, "", ""]).encode())
    assert_frame_equal(read("cub200", tmp_path), expected)


def test_images_with_an_upper_case_suffix_are_images(tmp_path):
    build_cub200(tmp_path)
    for path in (tmp_path / "CUB_200_2011").glob("*.txt"):
        path.unlink()
    before = read("cub200", tmp_path)
    path = tmp_path / before["path"].iloc[0]
    path.rename(path.with_suffix(".JPG"))
    manifest = read("cub200", tmp_path)
    assert manifest["image_id"].tolist() == before["image_id"].tolist()
    assert path.with_suffix(".JPG") in images_listed(DATASETS["cub200"], tmp_path)


def test_an_installed_library_has_no_prompts_to_warn_of(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(raw, "_PROMPT_LISTS", tmp_path)
    raw.check_prompts("cub200", "cub200_species.txt", ["Dodo"])
    assert not caplog.text


def test_species_that_the_prompts_lack_are_warned_about(tmp_path, caplog):
    build_cub200(tmp_path)
    read("cub200", tmp_path)
    assert "cub200_species.txt" not in caplog.text
    folder = tmp_path / "CUB_200_2011"
    (folder / "images/001.Black_footed_Albatross").rename(
        folder / "images/001.Blue_footed_Albatross"
    )
    for path in (folder / "classes.txt", folder / "images.txt"):
        path.write_text(path.read_text().replace("1 001.Black_footed", "1 001.Blue_footed"))
    read("cub200", tmp_path)
    assert "cub200_species.txt lacks 1 of the collection's own names" in caplog.text
    assert "'Blue footed Albatross'" in caplog.text


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("images.txt", "1 a.jpg\nb.jpg\n", "images.txt, line 2: 'b.jpg' is no number and a value"),
        ("image_class_labels.txt", "1 1\n", "image 2 (100.Brown_Pelican/"),
        ("image_class_labels.txt", "1 1\n1 2\n", "line 2: number 1 is there already"),
        ("classes.txt", "1 001.A\n", "image 1 (001.Black_footed_Albatross/"),
        (
            "classes.txt",
            "1 001.Black_footed_Albatross\n",
            "has no class that is in classes.txt, but '100'",
        ),
    ],
)
def test_bad_lists_of_cub200(file, text, message, tmp_path):
    build_cub200(tmp_path)
    (tmp_path / "CUB_200_2011" / file).write_text(text)
    assert message in error_of("cub200", tmp_path)


# deepfashion


def test_attribute_columns_are_those_of_the_authors():
    assert len(ATTRIBUTE_NAMES) == 26
    from lanzdml.datasets.deepfashion import ATTRIBUTES

    columns = {"texture": slice(0, 7), "fabric": slice(17, 23), "fit": slice(23, 26)}
    for notion, names in ATTRIBUTES.items():
        assert list(names) == ATTRIBUTE_NAMES[columns[notion]]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("test_cate.txt", "3\n", "", "has 3 lines, but test.txt has 4"),
        ("test_cate.txt", "3", "4", "line 3: '4' is no category, 1 to 3"),
        ("test_attr.txt", "1", "-1", "line 1: not 26 zeros and ones"),
        ("list_attr_cloth.txt", "floral ", "flowers ", "has no attribute 'floral'"),
        ("list_category_cloth.txt", "3\n", "50\n", "does not give the number of its names"),
        ("list_category_cloth.txt", "Tee\t\t1", "Tee", "line 5: 'Tee' is no name and its type"),
        ("test.txt", "img/Tee/img_2.jpg", " ", "line 3: is empty"),
    ],
)
def test_bad_files_of_deepfashion(file, old, new, message, tmp_path):
    build_deepfashion(tmp_path)
    path = tmp_path / "Anno_fine" / file
    path.write_text(path.read_text().replace(old, new, 1))
    error = error_of("deepfashion", tmp_path)
    assert message in error
    assert file in error


def test_files_of_deepfashion_are_read_whatever_wrote_them(tmp_path):
    expected = build_deepfashion(tmp_path)
    for path in (tmp_path / "Anno_fine").iterdir():
        lines = [f" {line} " for line in path.read_text().splitlines()]
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode())
    assert_frame_equal(read("deepfashion", tmp_path), expected)


def test_an_image_with_no_attribute_of_a_group_or_several_is_warned_about(tmp_path, caplog):
    build_deepfashion(tmp_path)
    read("deepfashion", tmp_path)
    path = tmp_path / "Anno_fine/test_attr.txt"
    for words in (
        f"2 of 4 images have no texture or several, where the original annotation has one each; "
        f"line 1 of {path} is the first. What an image has is one label, such as 'striped + pleat",
        "3 of 4 images have no fabric or several",
        f"2 of 4 images have no fit or several, where the original annotation has one each; line 2 "
        f"of {path} is the first. What an image has is one label, such as 'none'",
    ):
        assert words in caplog.text
    caplog.clear()
    one_each = {"solid", "denim", "loose"}
    row = " ".join(str(int(name in one_each)) for name in ATTRIBUTE_NAMES)
    path.write_text(f"{row}\n" * 4)
    read("deepfashion", tmp_path)
    assert "or several" not in caplog.text


# movie_posters


def test_names_in_upper_case_and_blanks_around_ids(tmp_path):
    expected = build_movie_posters(tmp_path)
    path = tmp_path / "groundtruth/1982.txt"
    path.write_text(path.read_text().replace('"tt0000006"', '" tt0000006 "').replace("\n", "\r\n"))
    path.rename(path.with_suffix(".TXT"))
    poster = tmp_path / "Movie_Poster_Dataset/1982/tt0000006.jpg"
    poster.rename(poster.with_suffix(".JPG"))
    manifest, _ = split_excluded(read("movie_posters", tmp_path))
    expected["path"] = expected["path"].str.replace("tt0000006.jpg", "tt0000006.JPG")
    assert_frame_equal(manifest, expected)
    dataset = DATASETS["movie_posters"]
    assert path.with_suffix(".TXT") in files_read(dataset, tmp_path)
    assert poster.with_suffix(".JPG") in images_listed(dataset, tmp_path)


def test_no_metadata_at_all(tmp_path):
    build_movie_posters(tmp_path)
    for path in (tmp_path / "groundtruth").iterdir():
        path.unlink()
    message = f"there is no <year>.txt in {tmp_path}/groundtruth"
    assert message in error_of("movie_posters", tmp_path)


def test_excluded_posters_are_listed_with_their_reasons(tmp_path):
    build_movie_posters(tmp_path)
    rows = read("movie_posters", tmp_path)
    manifest, excluded = split_excluded(rows)
    assert list(excluded) == ["image_id", "path", "reason"]
    assert len(rows) == len(manifest) + len(EXCLUDED_POSTERS)
    for row, (image_id, year, reason) in zip(
        excluded.itertuples(index=False), EXCLUDED_POSTERS, strict=True
    ):
        assert image_id == row.image_id or (image_id is None and pd.isna(row.image_id))
        path = f"Movie_Poster_Dataset/{year}/{image_id}.jpg"
        assert row.path == path if year else pd.isna(row.path)
        assert row.reason.startswith(reason)
        assert str(tmp_path) not in row.reason
    assert summary(manifest, excluded) == (
        "4 images; left out: 1 no poster, 3 unreadable poster, 1 no record, 1 duplicate, "
        "1 no imdbID"
    )
    write_excluded(tmp_path / "excluded.csv", excluded)
    assert_frame_equal(pd.read_csv(tmp_path / "excluded.csv", dtype="str"), excluded)


def test_nothing_excluded_is_a_header(tmp_path):
    build_cub200(tmp_path)
    manifest, excluded = split_excluded(read("cub200", tmp_path))
    write_excluded(tmp_path / "excluded.csv", excluded)
    assert (tmp_path / "excluded.csv").read_text() == "image_id,path,reason\n"
    assert summary(manifest, excluded) == "5 images"


@pytest.mark.parametrize("folder", ["Movie_Poster_Metadata/groundtruth", "groundtruth"])
def test_posters_as_two_archives(folder, tmp_path):
    expected = build_movie_posters(tmp_path)
    posters = "Movie_Poster_Dataset"
    shutil.make_archive(str(tmp_path / posters), "zip", tmp_path, posters)
    with zipfile.ZipFile(tmp_path / "Movie_Poster_Metadata.zip", "w") as archive:
        for path in (tmp_path / "groundtruth").iterdir():
            archive.write(path, f"{folder}/{path.name}")
    shutil.rmtree(tmp_path / posters)
    shutil.rmtree(tmp_path / "groundtruth")
    manifest, _ = split_excluded(read("movie_posters", tmp_path))
    assert manifest["image_id"].tolist() == expected["image_id"].tolist()
    assert manifest["path"].tolist() == (f"{posters}.zip.unpacked/" + expected["path"]).tolist()


def test_metadata_of_joined_files(tmp_path):
    build_movie_posters(tmp_path)
    path = tmp_path / "groundtruth/1981.txt"
    path.write_bytes(path.read_bytes() + '{"imdbID" : "tt0000008"}'.encode("utf-16"))
    manifest, _ = split_excluded(read("movie_posters", tmp_path))
    assert "tt0000008" in manifest["image_id"].tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"imdbID": "tt1"}\n{"imdbID": tt2}\n', "1983.txt, line 2: Expecting value"),
        ('{"imdbID": "tt1"}\n\n["tt2"]\n', '1983.txt, line 3: ["tt2"] is no record'),
        ('{"imdbID": "tt1"', "1983.txt, line 1: Expecting ',' delimiter"),
    ],
)
def test_metadata_that_is_no_record(text, message, tmp_path):
    build_movie_posters(tmp_path)
    (tmp_path / "groundtruth/1983.txt").write_text(text)
    assert message in error_of("movie_posters", tmp_path)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
)
def test_decode(encoding):
    text = '{"Title" : "Amélie à Paris"}\n'
    assert raw.decode(text.encode(encoding)) == text


def test_decode_of_what_windows_adds_to_latin_1():
    assert raw.decode("10 €".encode("cp1252")) == "10 €"
    assert raw.decode(b"\x81\xe9") == "\x81é", "anything can be decoded"
