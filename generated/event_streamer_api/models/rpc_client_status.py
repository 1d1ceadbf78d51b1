from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class RpcClientStatus(Model):
    """
    The circuit breaker of one RPC client.

    Attributes:
        state: `closed`, `open` or `half_open`.
        metrics: Its counts by name.
        is_healthy: Whether calls go through.
        additional_properties: What the service sent beyond these fields.
    """

    state: str = _attrs_field(validator=_check.validated(_check.text()))
    metrics: dict[str, Any] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.mapping(_check.anything())))
    )
    is_healthy: bool | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.boolean()))
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

        read = _read.Reader("RpcClientStatus", src_dict)
        return read.finished(
            cls(
                state=read.required("state", _read.as_is),
                metrics=read.optional_or_null("metrics", _read.map_of(_read.as_is), None),
                is_healthy=read.optional_or_null("is_healthy", _read.as_is, None),
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
        result["state"] = self.state
        if self.metrics is not None:
            result["metrics"] = dict(self.metrics)
        elif include_none:
            result["metrics"] = None
        if self.is_healthy is not None or include_none:
            result["is_healthy"] = self.is_healthy
        return result if include_none else self._as_arrived(result)
