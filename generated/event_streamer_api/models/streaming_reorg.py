from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Model,
    Reader,
    array,
    as_is,
    constant,
    instance,
    integer,
    list_of,
    moment,
    nullable,
    text,
    to_datetime,
    to_integer,
    to_iso,
    validated,
)

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

    type: Literal["reorg"] = _attrs_field(default="reorg", validator=validated(constant("reorg")))
    batch_id: str = _attrs_field(validator=validated(text()))
    resume_token: str = _attrs_field(validator=validated(text(secret=True)), metadata={"secret": True})
    connection_id: str | None = _attrs_field(default=None, validator=validated(nullable(text())))
    subscription_id: int | None = _attrs_field(default=None, validator=validated(nullable(integer())))
    chain_id: int | None = _attrs_field(default=None, validator=validated(nullable(integer())))
    common_ancestor: int = _attrs_field(validator=validated(integer(minimum=-1)))
    removed_blocks: list[BlockReference] = _attrs_field(
        validator=validated(array(instance("BlockReference")))
    )
    timestamp: datetime.datetime | None = _attrs_field(default=None, validator=validated(nullable(moment())))
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

        read = Reader("StreamingReorg", src_dict)
        return cls(
            type=read.required("type", as_is),
            batch_id=read.required("batch_id", as_is),
            resume_token=read.required("resume_token", as_is),
            connection_id=read.optional_or_null("connection_id", as_is, None),
            subscription_id=read.optional_or_null("subscription_id", to_integer, None),
            chain_id=read.optional_or_null("chain_id", to_integer, None),
            common_ancestor=read.required("common_ancestor", to_integer),
            removed_blocks=read.required("removed_blocks", list_of(BlockReference.from_dict)),
            timestamp=read.optional_or_null("timestamp", to_datetime, None),
            additional_properties=read.rest(),
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
            result["timestamp"] = to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result
