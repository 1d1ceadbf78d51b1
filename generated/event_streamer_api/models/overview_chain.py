from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model

if TYPE_CHECKING:
    from .overview_node import OverviewNode


@_attrs_define(kw_only=True, repr=False)
class OverviewChain(Model):
    """
    A chain as it is read now.

    Attributes:
        chain_id: The EIP-155 id of the chain. 0 or more.
        name: The chain's name.
        head_block: The number of the newest block, where it is known. 0 or more.
        head_changed_at: When the head changed last, where somebody follows it.
        average_block_time: The mean time between two blocks, in seconds, as configured. 0 or more.
        reorgs: Reorganisations that were seen since the start. 0 or more.
        streams: Streams that follow the chain. 0 or more.
        problem: Why the chain can't be read, where that is known.
        nodes: Its nodes, each with its circuit breaker.
        additional_properties: What the service sent beyond these fields.
    """

    chain_id: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    name: str = _attrs_field(validator=_check.validated(_check.text()))
    head_block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    head_changed_at: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    average_block_time: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    reorgs: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    streams: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    problem: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    nodes: list[OverviewNode] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("OverviewNode")))
    )
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """
        Read the model from decoded JSON.

        Args:
            src_dict: The JSON object. Fields that the model does not know are kept.

        Returns:
            The model.

        Raises:
            EventStreamerValidationError: If a field is missing or breaks its rule; the message names its path.
        """
        from .overview_node import OverviewNode

        read = _read.Reader("OverviewChain", src_dict)
        return read.finished(
            cls(
                chain_id=read.required("chain_id", _read.to_integer),
                name=read.required("name", _read.as_is),
                head_block=read.optional_or_null("head_block", _read.to_integer, None),
                head_changed_at=read.optional_or_null("head_changed_at", _read.to_datetime, None),
                average_block_time=read.optional_or_null("average_block_time", _read.as_is, None),
                reorgs=read.optional("reorgs", _read.to_integer, None),
                streams=read.optional("streams", _read.to_integer, None),
                problem=read.optional_or_null("problem", _read.as_is, None),
                nodes=read.required("nodes", _read.list_of(OverviewNode.from_dict)),
                additional_properties=read.rest(),
            )
        )

    def to_dict(self, *, include_none: bool = False) -> dict[str, Any]:
        """
        Write the model as JSON values.

        Args:
            include_none: Whether fields that are None are written as null; otherwise they are left out.

        Returns:
            A new dict that `json.dumps` can write.
        """
        result: dict[str, Any] = dict(self.additional_properties)
        result["chain_id"] = self.chain_id
        result["name"] = self.name
        if self.head_block is not None or include_none:
            result["head_block"] = self.head_block
        if self.head_changed_at is not None:
            result["head_changed_at"] = _send.to_iso(self.head_changed_at)
        elif include_none:
            result["head_changed_at"] = None
        if self.average_block_time is not None or include_none:
            result["average_block_time"] = self.average_block_time
        if self.reorgs is not None or include_none:
            result["reorgs"] = self.reorgs
        if self.streams is not None or include_none:
            result["streams"] = self.streams
        if self.problem is not None or include_none:
            result["problem"] = self.problem
        result["nodes"] = [item.to_dict(include_none=include_none) for item in self.nodes]
        return result if include_none else self._as_arrived(result)
