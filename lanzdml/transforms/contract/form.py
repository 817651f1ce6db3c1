"""What a class says of itself, and that it can be made, fitted and copied."""

import inspect
import re
from typing import Any

import numpy as np
from sklearn.base import clone

from lanzdml.methods import METHODS, QUICK
from lanzdml.methods.needs import AGAINST, LABELS, PROMPTS
from lanzdml.methods.needs import IMAGES as COLLECTION
from lanzdml.transforms.contract.subject import (
    DATA,
    DIM,
    IMAGES,
    BrokenPromise,
    R,
    Subject,
    difference,
)

_FLAGS = ("has_dim", "deterministic", "transductive", "by_position",
         "uses_logit_scale")  # fmt: skip
_NEEDS = ((PROMPTS,), (PROMPTS, AGAINST), (PROMPTS, COLLECTION), (PROMPTS, AGAINST, COLLECTION),
          (COLLECTION, LABELS), (PROMPTS, COLLECTION, LABELS))  # fmt: skip
_LEAVE = "leave fit and transform to Method, and define _fit and _transform"


def has_a_name_of_its_own(subject: Subject) -> None:
    """Its name can stand in a file's name, and is no other method's."""
    cls, name = subject.cls, subject.cls.name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise BrokenPromise(
            f"name is {name!r}, but may hold letters without accents, digits, '_', '.' and '-' only"
        )
    if name == QUICK or (name in METHODS and METHODS[name] is not cls):
        raise BrokenPromise(f"name is {name!r}, which is another method's: choose one of its own")


def says_what_it_is(subject: Subject) -> None:
    """It has a name, and class attributes of the types that Method gives them."""
    cls = subject.cls
    if not isinstance(getattr(cls, "name", None), str):
        raise BrokenPromise(f'{cls.__name__} has no name: give it a line name = "..."')
    for flag in _FLAGS:
        if not isinstance(getattr(cls, flag), bool):
            raise BrokenPromise(f"{flag} is {getattr(cls, flag)!r}: it is True or False")
    if not isinstance(cls.cost, int):
        raise BrokenPromise(f"cost is {cls.cost!r}: it is a whole number")
    if (*cls.needs,) not in _NEEDS:
        allowed = ", ".join(f"({', '.join(each)})" for each in _NEEDS)
        raise BrokenPromise(f"needs is {cls.needs!r}: it is one of {allowed}")
    if isinstance(cls.learned, str):
        raise BrokenPromise(
            f"learned is the text {cls.learned!r}: a tuple of one name has a comma, "
            f'("{cls.learned}",)'
        )
    names: tuple[object, ...] = cls.learned
    for name in names:
        if not isinstance(name, str) or not name.endswith("_"):
            raise BrokenPromise(
                f"learned holds {name!r}: what fit sets has a name with '_' at its end"
            )


def stores_its_parameters(subject: Subject) -> None:
    """Its constructor has defaults, random_state among them, and only stores what it is given."""
    cls = subject.cls
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise BrokenPromise(f"__init__ takes *{name}: name each parameter")
        if parameter.default is parameter.empty:
            raise BrokenPromise(f"parameter {name!r} of __init__ has no default")
        given[name] = parameter.default
    given |= {name: value for name, value in (("random_state", 3), ("dim", DIM)) if name in given}
    with subject.calling("the constructor"):
        stored = vars(cls(**given))
    for name, value in given.items():
        if name not in stored:
            raise BrokenPromise(f"__init__ does not store {name!r}: write self.{name} = {name}")
        if stored[name] is not value:
            raise BrokenPromise(
                f"__init__ stores {stored[name]!r} as {name!r} where it is given {value!r}: store "
                "it as it is, and compute in _fit"
            )
    for name in stored.keys() - given.keys():
        raise BrokenPromise(
            f"__init__ sets {name!r}, which is no parameter: set it in _fit, with '_' at its end"
        )
    if "random_state" not in given:
        raise BrokenPromise("__init__ has no parameter random_state, the seed: every method has it")
    if cls.has_dim != ("dim" in given):
        has = "no" if cls.has_dim else "a"
        raise BrokenPromise(f"__init__ has {has} parameter dim, but has_dim is {cls.has_dim}")
    if cls.uses_logit_scale and "logit_scale" not in given:
        raise BrokenPromise("__init__ has no parameter logit_scale, but uses_logit_scale is True")


def makes_a_vector_an_image(subject: Subject) -> None:
    """Fitted to vectors of 24 components, it makes finite float32 vectors, of dim at most."""
    cls, estimator = subject.cls, subject.fitted()
    for name in cls.learned:
        if not hasattr(estimator, name):
            raise BrokenPromise(f"fit does not set {name}, which learned names")
        with subject.calling(f"to make an array of {name}"):
            array = np.asarray(getattr(estimator, name))
        if array.dtype.kind not in "biuf":
            raise BrokenPromise(
                f"{name} is a {type(getattr(estimator, name)).__name__}: what learned names are "
                "arrays of numbers, which can be stored"
            )
    if getattr(estimator, "n_features_in_", None) != R or not hasattr(estimator, "fit_seconds_"):
        raise BrokenPromise(f"fit does not set n_features_in_ and fit_seconds_: {_LEAVE}")
    out: Any
    for unit_images in (True, False):
        with subject.calling(f"transform with unit_images={unit_images}"):
            out = estimator.transform(IMAGES, unit_images=unit_images)
        if not isinstance(out, np.ndarray) or out.dtype != np.float32:
            kind = getattr(out, "dtype", type(out).__name__)
            raise BrokenPromise(f"transform gives {kind} in place of float32: {_LEAVE}")
        if out.ndim != 2 or len(out) != len(IMAGES) or not out.shape[1]:
            raise BrokenPromise(
                f"transform makes an array {out.shape} of {len(IMAGES)} images: give a row each"
            )
        if cls.has_dim and out.shape[1] > DIM:
            raise BrokenPromise(
                f"vectors have {out.shape[1]} components with dim={DIM}, which is the most that "
                "they may have: say has_dim = False if the method chooses by itself"
            )
        if not np.isfinite(out).all():
            raise BrokenPromise("vectors hold NaN or infinite values")


def can_be_copied(subject: Subject) -> None:
    """scikit-learn's clone copies its parameters and no fit, and set_params changes them."""
    estimator = subject.fitted()
    copy = clone(estimator)
    if hasattr(copy, "n_features_in_"):
        raise BrokenPromise("a clone is fitted already: keep what is learned in self only")
    changed = subject.fit(copy.set_params(random_state=4))
    made = subject.fitted(random_state=4)
    if words := difference(subject.result(made), subject.result(changed)):
        raise BrokenPromise(
            f"set_params(random_state=4) gives {words}, than random_state=4 at once"
        )


def fit_sets_what_it_learns(subject: Subject) -> None:
    """fit gives the method itself, keeps its parameters, and sets only what ends in '_'."""
    estimator = subject.make()
    params = dict(vars(estimator))
    with subject.calling("fit"):
        result = subject.call_fit(estimator, DATA)
    if result is not estimator:
        raise BrokenPromise("fit does not give self: it needs a line return self")
    for name, value in params.items():
        if vars(estimator).get(name) is not value:
            raise BrokenPromise(
                f"fit changes the parameter {name!r} from {value!r} to "
                f"{vars(estimator).get(name)!r}: keep what is computed as {name}_"
            )
    for name in vars(estimator).keys() - params.keys():
        if not name.endswith("_"):
            raise BrokenPromise(
                f"fit sets {name!r}, which is no parameter: what is learned has a name with '_' at "
                f"its end, and is stored if learned names it"
            )
