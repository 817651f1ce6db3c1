"""What files that others made may take of a machine: see :mod:`lanzdml.limits`."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pydantic import create_model

from lanzdml.config.section import Count, Section
from lanzdml.limits import Limits


class _Limits(Section):
    """How much data sets, archives, images and tables may take of a machine."""

    def limits(self) -> Limits:
        """As readers take them."""
        return Limits(**self.model_dump())


def _with_limits() -> Any:
    """A key for each limit."""
    keys: dict[str, Any] = {field.name: (Count, field.default) for field in fields(Limits)}
    return create_model("LimitsConfig", __base__=_Limits, __doc__=_Limits.__doc__, **keys)


if TYPE_CHECKING:
    LimitsConfig = _Limits
else:
    LimitsConfig = _with_limits()
