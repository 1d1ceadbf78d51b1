from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model

if TYPE_CHECKING:
    from .subscription_response import SubscriptionResponse


@_attrs_define(kw_only=True, repr=False)
class SubscriptionListResponse(Model):
    """
    One page of subscriptions.

    Attributes:
        subscriptions: The subscriptions of this page.
        total: How many subscriptions there are on all pages. 0 or more.
        page: Which page this is, counted from 1. 1 or more.
        page_size: How many subscriptions a page holds. 1 or more.
        additional_properties: What the service sent beyond these fields.
    """

    subscriptions: list[SubscriptionResponse] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("SubscriptionResponse")))
    )
    total: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    page: int = _attrs_field(validator=_check.validated(_check.integer(minimum=1)))
    page_size: int = _attrs_field(validator=_check.validated(_check.integer(minimum=1)))
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
        from .subscription_response import SubscriptionResponse

        read = _read.Reader("SubscriptionListResponse", src_dict)
        return read.finished(
            cls(
                subscriptions=read.required("subscriptions", _read.list_of(SubscriptionResponse.from_dict)),
                total=read.required("total", _read.to_integer),
                page=read.required("page", _read.to_integer),
                page_size=read.required("page_size", _read.to_integer),
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
        result["subscriptions"] = [item.to_dict(include_none=include_none) for item in self.subscriptions]
        result["total"] = self.total
        result["page"] = self.page
        result["page_size"] = self.page_size
        return result if include_none else self._as_arrived(result)
