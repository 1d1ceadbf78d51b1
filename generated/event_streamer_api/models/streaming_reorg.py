from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model

if TYPE_CHECKING:
    from .block_reference import BlockReference


@_attrs_define(kw_only=True, repr=False)
class StreamingReorg(Model):
    """
    Blocks whose events were delivered are no longer part of the chain. Acknowledged like a batch; the events
    of the blocks that took their place follow.

    Attributes:
        type: Always `reorg`.
        batch_id: The id to acknowledge.
        resume_token: The token behind this message.
        connection_id: The connection.
        subscription_id: The subscription.
        chain_id: The chain.
        common_ancestor: The newest block that both branches share; -1 where they share none, as after a
            development node was started anew. -1 or more.
        removed_blocks: The blocks that are gone, in the order of the chain.
        timestamp: When the service saw it.
        additional_properties: What the service sent beyond these fields.
    """

    type: Literal["reorg"] = _attrs_field(
        default=_check.fixed("reorg"), validator=_check.validated(_check.constant("reorg"))
    )
    batch_id: str = _attrs_field(validator=_check.validated(_check.text()))
    resume_token: str = _attrs_field(
        validator=_check.validated(_check.text(secret=True)), metadata={"secret": True}
    )
    connection_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    subscription_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    chain_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    common_ancestor: int = _attrs_field(validator=_check.validated(_check.integer(minimum=-1)))
    removed_blocks: list[BlockReference] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("BlockReference")))
    )
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
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
        from .block_reference import BlockReference

        read = _read.Reader("StreamingReorg", src_dict)
        return read.finished(
            cls(
                type=read.required("type", _read.as_is),
                batch_id=read.required("batch_id", _read.as_is),
                resume_token=read.required("resume_token", _read.as_is),
                connection_id=read.optional_or_null("connection_id", _read.as_is, None),
                subscription_id=read.optional_or_null("subscription_id", _read.to_integer, None),
                chain_id=read.optional_or_null("chain_id", _read.to_integer, None),
                common_ancestor=read.required("common_ancestor", _read.to_integer),
                removed_blocks=read.required("removed_blocks", _read.list_of(BlockReference.from_dict)),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
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
        result["type"] = self.type
        result["batch_id"] = self.batch_id
        result["resume_token"] = self.resume_token
        if self.connection_id is not None or include_none:
            result["connection_id"] = self.connection_id
        if self.subscription_id is not None or include_none:
            result["subscription_id"] = self.subscription_id
        if self.chain_id is not None or include_none:
            result["chain_id"] = self.chain_id
        result["common_ancestor"] = self.common_ancestor
        result["removed_blocks"] = [item.to_dict(include_none=include_none) for item in self.removed_blocks]
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result if include_none else self._as_arrived(result)
