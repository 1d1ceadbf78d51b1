from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class OverviewSubscription(Model):
    """
    The pace of a subscription that is being delivered.

    Attributes:
        subscription_id: The subscription. 1 or more.
        streams: Its open streams. 0 or more.
        events_per_second: Events that were written lately, per second. 0 or more.
        blocks_per_second: Blocks by which its progress moves, per second. 0 or more.
        blocks_behind: Blocks between its progress and the head, or its end block where that is lower. 0 or
            more.
        seconds_left: About how long it takes to get there at this pace; none where it stands still. 0 or
            more.
        additional_properties: What the service sent beyond these fields.
    """

    subscription_id: int = _attrs_field(validator=_check.validated(_check.integer(minimum=1)))
    streams: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    events_per_second: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    blocks_per_second: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    blocks_behind: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    seconds_left: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
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

        read = _read.Reader("OverviewSubscription", src_dict)
        return read.finished(
            cls(
                subscription_id=read.required("subscription_id", _read.to_integer),
                streams=read.optional("streams", _read.to_integer, None),
                events_per_second=read.optional("events_per_second", _read.as_is, None),
                blocks_per_second=read.optional("blocks_per_second", _read.as_is, None),
                blocks_behind=read.optional_or_null("blocks_behind", _read.to_integer, None),
                seconds_left=read.optional_or_null("seconds_left", _read.as_is, None),
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
        result["subscription_id"] = self.subscription_id
        if self.streams is not None or include_none:
            result["streams"] = self.streams
        if self.events_per_second is not None or include_none:
            result["events_per_second"] = self.events_per_second
        if self.blocks_per_second is not None or include_none:
            result["blocks_per_second"] = self.blocks_per_second
        if self.blocks_behind is not None or include_none:
            result["blocks_behind"] = self.blocks_behind
        if self.seconds_left is not None or include_none:
            result["seconds_left"] = self.seconds_left
        return result if include_none else self._as_arrived(result)
