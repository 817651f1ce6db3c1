"""What users hand to methods and metrics: taken, or refused in one line that says what is wrong."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from lanzdml import Oracle, TextSubspace
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.methods.base import EmbeddingError, EmbeddingTypeError
from lanzdml.metrics import MetricsInputError, compute_metrics

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(12, 4)).astype(np.float32)
CODES = np.arange(12) % 3
LABELS = np.array(["red", "green", "blue"])[CODES]


@pytest.fixture(autouse=True)
def warnings_are_errors():
    """What NumPy makes of something strange it mostly says in a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation")  # older torch, of a series
        # Whether a few iterations are enough depends on how a machine rounds.
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def masked(array, *where):
    array = np.ma.array(array)
    array[where] = np.ma.masked
    return array


EMBEDDINGS = {
    "list of lists": lambda x: x.tolist(),
    "tuple of tuples": lambda x: tuple(map(tuple, x.tolist())),
    "list of arrays": list,
    "list of series": lambda x: [pd.Series(row) for row in x],
    "list of tensors": lambda x: list(torch.tensor(x)),
    "list of tensors with gradient": lambda x: list(torch.tensor(x, requires_grad=True)),
    "series of arrays": lambda x: pd.Series(list(x), index=range(50, 62)),
    "series of lists": lambda x: pd.Series(x.tolist()),
    "data frame": lambda x: pd.DataFrame(x, columns=list("abcd")),
    "nullable data frame": lambda x: pd.DataFrame(x).convert_dtypes(),
    "tensor": torch.tensor,
    "tensor with gradient": lambda x: torch.tensor(x, requires_grad=True),
    "float64 tensor": lambda x: torch.tensor(x).double(),
    "objects": lambda x: x.astype(object),
    "array of arrays": lambda x: np.array([*x, None], dtype=object)[:-1],
    "nothing masked": np.ma.array,
    "list of rows with nothing masked": lambda x: list(np.ma.array(x)),
    "arrow": lambda x: pa.array(list(x)),
    "float64": lambda x: x.astype(np.float64),
    "big endian": lambda x: x.astype(">f4"),
    "columns first": np.asfortranarray,
    "read only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}
OF_OTHER_TYPES = {
    "float16": lambda x: x.astype(np.float16),
    "float16 tensor": lambda x: torch.tensor(x).half(),
    "bfloat16 tensor": lambda x: torch.tensor(x).bfloat16(),
    "whole numbers": lambda x: (10 * x).astype(np.int64),
    "small whole numbers": lambda x: (10 * x).astype(np.int8),
    "whole tensor": lambda x: (10 * torch.tensor(x)).int(),
    "booleans": lambda x: x > -2,
    "boolean tensor": lambda x: torch.tensor(x) > -2,
}
UNUSABLE = {
    "ragged lists": (
        lambda x: [[1.0, 2.0], *x.tolist()],
        r"row 1 has shape \(4,\), and row 0 \(2,\)",
    ),
    "ragged arrays": (lambda x: [*x[:3], x[3, :2]], r"row 3 has shape \(2,\), and row 0 \(4,\)"),
    "ragged series": (lambda x: pd.Series([*x[:3], x[3, :2]]), r"row 3 has shape \(2,\)"),
    "a row that is none": (lambda x: pd.Series([*x[:3], None]), "row 3: NoneType is no matrix"),
    "masked": (lambda x: masked(x, 2, 1), "1 of them are masked"),
    "masked row": (lambda x: list(masked(x, 2)), "row 2: 4 of them are masked"),
    "complex": (lambda x: x + 1j, "Complex data not supported"),
    "complex tensor": (lambda x: torch.tensor(x) + 1j, "Complex data not supported"),
    "text": (lambda x: x.astype(str), "their type is <U"),
    "text objects": (lambda x: x.astype(str).astype(object), "there is text among them"),
    "a column of text": (lambda x: pd.DataFrame(x).assign(label="red"), "there is text among them"),
    "bytes": (lambda x: x.astype("S8"), r"their type is \|S8"),
    "dates": (lambda x: np.zeros(x.shape, "M8[s]"), r"their type is datetime64\[s\]"),
    "durations": (lambda x: np.zeros(x.shape, "m8[s]"), r"their type is timedelta64\[s\]"),
    "objects": (lambda x: np.full(x.shape, object()), "float.* not 'object'"),
    "sparse": (sparse.csr_matrix, r"sparse matrix, of which toarray\(\)"),
    "sparse array": (sparse.coo_array, "sparse matrix"),
    "sparse tensor": (lambda x: torch.tensor(x).to_sparse(), "[Ss]parse"),
    "tensor without values": (lambda x: torch.empty(x.shape, device="meta"), "no data"),
    "nothing": (lambda x: None, "NoneType is no matrix"),
    "dict": (lambda x: dict(enumerate(x)), "dict is no matrix"),
    "set": (lambda x: set(map(tuple, x)), "set is no matrix"),
    "generator": (iter, "is no matrix"),
    "name of a file": (lambda x: "embeddings.npy", "their type is <U14"),
}
SHAPES = {
    "one vector": (lambda x: x[0], r"shape.* \(4,\)"),
    "one list": (lambda x: x[0].tolist(), r"shape.* \(4,\)"),
    "empty list": (lambda x: [], r"shape.* \(0,\)"),
    "list of empty lists": (lambda x: [[]] * 12, r"shape.*\(12, 0\)"),
    "a number": (lambda x: 5, r"shape.* \(\)"),
    "three axes": (lambda x: x[None], r"shape.* \(1, 12, 4\)"),
    "NaN": (lambda x: np.where(np.arange(12)[:, None] == 3, np.nan, x), "row 3"),
    "infinity": (lambda x: np.where(np.arange(12)[:, None] == 3, -np.inf, x), "row 3"),
    "none among numbers": (lambda x: [*x[:3].tolist(), [None] * 4], "row 3"),
    "missing in a data frame": (
        lambda x: pd.DataFrame(x).convert_dtypes().mask(pd.DataFrame(x) == x[3, 0]), "NAType|row 3",
    ),
    "too large for float32": (lambda x: [*x[:3].tolist(), [1e300] * 4], "row 3"),
}  # fmt: skip


def one_line(error):
    assert isinstance(error.value, LanzdmlError)
    assert isinstance(error.value, ValueError)
    assert "\n" not in str(error.value)


class TestEmbeddings:
    @pytest.mark.parametrize("convert", EMBEDDINGS.values(), ids=EMBEDDINGS)
    def test_the_same_numbers_give_the_same(self, convert):
        given = convert(VECTORS)
        assert compute_metrics(given, LABELS) == compute_metrics(VECTORS, LABELS)
        assert_same_fits(given, VECTORS)

    @pytest.mark.parametrize("convert", OF_OTHER_TYPES.values(), ids=OF_OTHER_TYPES)
    def test_numbers_of_any_type_are_taken(self, convert):
        given = convert(VECTORS)
        plain = [[float(value) for value in row] for row in given]
        assert compute_metrics(given, LABELS) == compute_metrics(plain, LABELS)
        assert_same_fits(given, plain)

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_tensors_of_a_gpu(self):
        given = torch.tensor(VECTORS, device="cuda", requires_grad=True)
        labels = torch.tensor(CODES, device="cuda")
        assert compute_metrics(given, labels) == compute_metrics(VECTORS, CODES)
        assert compute_metrics(list(given), list(labels)) == compute_metrics(VECTORS, CODES)
        assert_same_fits(given, VECTORS)

    @pytest.mark.parametrize(
        ("spoil", "message"), [*UNUSABLE.values(), *SHAPES.values()], ids=[*UNUSABLE, *SHAPES]
    )
    def test_what_is_wrong_is_said_in_one_line(self, spoil, message):
        with pytest.raises(EmbeddingError, match=f"^text_embeddings.*{message}") as error:
            TextSubspace(3).fit(spoil(VECTORS))
        one_line(error)
        with pytest.raises(EmbeddingError, match=f"^image_embeddings.*{message}") as error:
            Oracle(2).fit(spoil(VECTORS), LABELS)
        one_line(error)
        fitted = TextSubspace(3).fit(VECTORS)
        with pytest.raises(EmbeddingError, match=f"^image_embeddings.*{message}") as error:
            fitted.transform(spoil(VECTORS))
        one_line(error)

    @pytest.mark.parametrize(("spoil", "message"), UNUSABLE.values(), ids=UNUSABLE)
    def test_metrics_say_it_in_the_same_words(self, spoil, message):
        with pytest.raises(MetricsInputError, match=f"^embeddings.*{message}") as error:
            compute_metrics(spoil(VECTORS), LABELS)
        one_line(error)

    @pytest.mark.parametrize(("spoil", "_"), SHAPES.values(), ids=SHAPES)
    def test_metrics_refuse_the_same_shapes_and_values(self, spoil, _):
        given = spoil(VECTORS)
        with pytest.raises(MetricsInputError, match=r"^embeddings (have shape|must be)") as error:
            compute_metrics(given, LABELS)
        one_line(error)

    def test_what_holds_no_numbers_is_a_type_error_too(self):
        """As with scikit-learn, whose users may catch that."""
        with pytest.raises(TypeError):
            TextSubspace(3).fit(sparse.csr_matrix(VECTORS))
        with pytest.raises(ValueError) as error:
            TextSubspace(3).fit(masked(VECTORS, 2, 1))
        assert not isinstance(error.value, EmbeddingTypeError)


def assert_same_fits(given, plain):
    fit = TextSubspace(3).fit(given)
    np.testing.assert_array_equal(fit.components_, TextSubspace(3).fit(plain).components_)
    np.testing.assert_array_equal(fit.transform(given), fit.transform(plain))
    oracle, same = (Oracle(2, max_iter=20).fit(vectors, LABELS) for vectors in (given, plain))
    np.testing.assert_array_equal(oracle.U_, same.U_)


LABELS_TAKEN = {
    "list of text": lambda y: [f"class {code}" for code in y],
    "array of text": lambda y: y.astype(str),
    "objects": lambda y: y.astype(str).astype(object),
    "series": lambda y: pd.Series(y.astype(str), index=y),
    "categorical": lambda y: pd.Categorical(y, categories=[2, 0, 1]),
    "series of categories": lambda y: pd.Series(y.astype(str)).astype("category"),
    "index": pd.Index,
    "nullable": lambda y: pd.array(y, dtype="Int64"),
    "arrow": lambda y: pa.array(y.astype(str)),
    "numbers": lambda y: y / 7,
    "dates": lambda y: pd.to_datetime([f"2020-01-0{code + 1}" for code in y]),
    "tensor": torch.tensor,
    "float tensor with gradient": lambda y: torch.tensor(y, dtype=torch.float, requires_grad=True),
    "bfloat16 tensor": lambda y: torch.tensor(y).bfloat16(),
    "list of tensors": lambda y: list(torch.tensor(y)),
    "series of tensors": lambda y: pd.Series(list(torch.tensor(y)), dtype=object),
    "list of arrays of one number": lambda y: [np.array(code) for code in y],
    "list of NumPy's numbers": list,
    "nothing masked": np.ma.array,
    "tuple": lambda y: tuple(y.tolist()),
}
LABELS_REFUSED = {
    "none": (lambda y: None, "labels must be one a row, not NoneType|y to be passed"),
    "one for all": (lambda y: "red", "labels must be one a row, not str"),
    "a number": (lambda y: 5, "labels must be one a row, not int"),
    "generator": (iter, "labels must be one a row, not .*iterator"),
    "dict by row": (lambda y: dict(enumerate(y)), "labels must be one a row, not dict"),
    "set": (set, "labels must be one a row, not set"),
    "too few": (lambda y: y[:-1], "there are 11"),
    "too many": (lambda y: [*y, 0], "there are 13"),
    "empty": (lambda y: [], "there are 0"),
    "a column": (lambda y: y[:, None], r"labels have shape \(12, 1\)"),
    "data frame": (pd.DataFrame, r"labels have shape \(12, 1\)"),
    "column tensor": (lambda y: torch.tensor(y)[:, None], r"labels have shape \(12, 1\)"),
    "list of tensors of one number": (
        lambda y: list(torch.tensor(y)[:, None]), r"that of row 0 has shape \(1,\)",
    ),
    "lists in lists": (lambda y: [*y[:3], *y[3:, None, None].tolist()], "row 3 is a list"),
    "sparse": (sparse.csr_matrix, "labels must be one a row, not csr_matrix"),
    "None": (lambda y: ["a", "b", "c", None, *y[4:].astype(str)], "row 3"),
    "NaN": (lambda y: [0, 1, 2, np.nan, *y[4:]], "row 3"),
    "NaN among text": (lambda y: ["a", "b", "c", np.nan, *y[4:].astype(str)], "row 3"),
    "NA": (lambda y: pd.array([0, 1, 2, pd.NA, *y[4:]], dtype="Int64"), "row 3"),
    "NaN among tensors": (lambda y: list(torch.tensor([0, 1, 2, np.nan, *y[4:]])), "row 3"),
    "no category": (lambda y: pd.Categorical(["a", "b", "c", None] * 3), "row 3"),
    "no date": (lambda y: pd.to_datetime(["2020", "2021", "2022", None] * 3), "row 3"),
    "masked": (lambda y: masked(y, 3), "row 3"),
}  # fmt: skip


class TestLabels:
    @pytest.mark.parametrize("convert", LABELS_TAKEN.values(), ids=LABELS_TAKEN)
    def test_the_same_classes_give_the_same(self, convert):
        given = convert(CODES)
        assert compute_metrics(VECTORS, given) == compute_metrics(VECTORS, CODES)
        fits = [Oracle(2, max_iter=20).fit(VECTORS, labels) for labels in (given, CODES)]
        np.testing.assert_array_equal(fits[0].U_, fits[1].U_)

    @pytest.mark.parametrize(("spoil", "message"), LABELS_REFUSED.values(), ids=LABELS_REFUSED)
    def test_what_is_wrong_is_said_in_one_line(self, spoil, message):
        with pytest.raises(MetricsInputError, match=message) as error:
            compute_metrics(VECTORS, spoil(CODES))
        one_line(error)
        with pytest.raises(EmbeddingError, match=message) as error:
            Oracle(2).fit(VECTORS, spoil(CODES))
        one_line(error)

    def test_numbers_and_text_are_not_the_same_class(self):
        """In one array NumPy makes text of both; as classes they can be told apart, not sorted."""
        labels = [1, "1"] * 6
        by_kind = np.arange(12) % 2
        assert compute_metrics(VECTORS, labels) == compute_metrics(VECTORS, by_kind)
        with pytest.raises(EmbeddingTypeError, match="labels must be of one type") as error:
            Oracle(2).fit(VECTORS, labels)
        one_line(error)

    def test_one_class_is_none(self):
        with pytest.raises(CannotFitError, match="at least two classes, but there is one class"):
            Oracle(2).fit(VECTORS, [0] * 12)
