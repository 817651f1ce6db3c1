"""The contract that all methods keep, ours and others': a check a promise.

A check is a function of a :class:`Subject`; its docstring is the promise.
"""

import contextlib
import inspect
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lanzdml.methods.base import Method
from lanzdml.transforms.contract import form, inputs, results, seeds
from lanzdml.transforms.contract.subject import BrokenPromise, Subject

__all__ = ["CHECKS", "Outcome", "broken", "check_method"]

Check = Callable[[Subject], None]

CHECKS: tuple[Check, ...] = (
    form.says_what_it_is,
    form.has_a_name_of_its_own,
    form.stores_its_parameters,
    form.makes_a_vector_an_image,
    seeds.same_seed_same_fit,
    form.can_be_copied,
    form.fit_sets_what_it_learns,
    seeds.another_seed_differs_unless_deterministic,
    seeds.other_fits_do_not_matter,
    seeds.leaves_shared_generators_alone,
    seeds.fit_forgets_the_last,
    seeds.estimators_share_nothing,
    seeds.transform_learns_nothing,
    inputs.leaves_arrays_alone,
    inputs.takes_any_array,
    inputs.lengths_do_not_matter,
    inputs.refuses_transform_before_fit,
    inputs.refuses_another_size,
    inputs.refuses_unusable_embeddings,
    inputs.refuses_unusable_parameters,
    inputs.takes_auto_for_a_number_or_refuses,
    inputs.few_directions_give_vectors_or_a_reason,
    results.goes_by_the_image_alone_unless_transductive,
    results.equal_images_have_equal_vectors_unless_by_position,
    results.a_stored_fit_makes_the_same,
    results.does_not_go_by_the_working_folder,
    results.prints_nothing,
)
NEEDED = {
    form.says_what_it_is,
    form.stores_its_parameters,
    form.makes_a_vector_an_image,
    seeds.same_seed_same_fit,
}
"""Checks without which those after them would say nothing of their own promise."""


@dataclass(frozen=True)
class Outcome:
    """What a check found: the promise, and what breaks it, empty where it is kept."""

    promise: str
    fault: str


def check_method(cls: type[Method]) -> Iterator[Outcome]:
    """Whether a class keeps the contract, check by check.

    It ends early where a promise is broken that the other checks stand on (:data:`NEEDED`).

    Raises:
        ModuleNotFoundError: the method needs torch, which is not installed.
    """
    for check in CHECKS:
        fault = broken(check, cls)
        yield Outcome(inspect.getdoc(check) or "", fault)
        if fault and check in NEEDED:
            return


def broken(check: Check, cls: type[Method]) -> str:
    """What of a promise a class breaks, in a line; empty where it keeps it.

    What the method prints, and its warnings, are not shown.
    """
    subject, nowhere = Subject(cls), io.StringIO()
    with (
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
        warnings.catch_warnings(action="ignore"),
    ):
        try:
            with subject.calling("it"):
                check(subject)
        except BrokenPromise as error:
            return str(error)
    return ""
