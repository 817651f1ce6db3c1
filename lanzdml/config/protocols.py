"""The names of protocols, as values of the configuration."""

from typing import TYPE_CHECKING, Literal

from lanzdml.metrics.protocols import PROTOCOLS

if TYPE_CHECKING:
    ProtocolName = str
else:
    ProtocolName = Literal[*PROTOCOLS]
