from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class ErrorDetail(Model):
    """
    One fault of a request.

    Attributes:
        loc: Where it is, such as `["body", "chain_id"]`.
        msg: What is wrong there.
        type: The kind of fault.
        additional_properties: What the service sent beyond these fields.
    """

    loc: list[Any] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.array(_check.anything())))
    )
    msg: str | None = _attrs_field(default=None, validator=_check.validated(_check.nullable(_check.text())))
    type: str | None = _attrs_field(default=None, validator=_check.validated(_check.nullable(_check.text())))
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

        read = _read.Reader("ErrorDetail", src_dict)
        return read.finished(
            cls(
                loc=read.optional("loc", _read.list_of(_read.as_is), None),
                msg=read.optional_or_null("msg", _read.as_is, None),
                type=read.optional_or_null("type", _read.as_is, None),
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
        if self.loc is not None:
            result["loc"] = list(self.loc)
        elif include_none:
            result["loc"] = None
        if self.msg is not None or include_none:
            result["msg"] = self.msg
        if self.type is not None or include_none:
            result["type"] = self.type
        return result if include_none else self._as_arrived(result)
