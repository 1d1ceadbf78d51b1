from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class ActivityResponse(Model):
    """
    Figures over time, oldest first; the three lists are of the same length.

    Attributes:
        step: Seconds between two points. 0 or more.
        timestamps: The time of each point, in seconds since the Unix epoch.
        events_per_second: Events that were written, per second.
        blocks_behind: Blocks behind the head, of several subscriptions the worst; none where nothing was
            delivered.
        additional_properties: What the service sent beyond these fields.
    """

    step: float = _attrs_field(validator=_check.validated(_check.number(minimum=0)))
    timestamps: list[float] = _attrs_field(validator=_check.validated(_check.array(_check.number())))
    events_per_second: list[float] = _attrs_field(validator=_check.validated(_check.array(_check.number())))
    blocks_behind: list[float | None] = _attrs_field(
        validator=_check.validated(_check.array(_check.nullable(_check.number())))
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

        read = _read.Reader("ActivityResponse", src_dict)
        return read.finished(
            cls(
                step=read.required("step", _read.as_is),
                timestamps=read.required("timestamps", _read.list_of(_read.as_is)),
                events_per_second=read.required("events_per_second", _read.list_of(_read.as_is)),
                blocks_behind=read.required("blocks_behind", _read.list_of(_read.as_is)),
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
        result["step"] = self.step
        result["timestamps"] = list(self.timestamps)
        result["events_per_second"] = list(self.events_per_second)
        result["blocks_behind"] = list(self.blocks_behind)
        return result if include_none else self._as_arrived(result)
