from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class OverviewConnection(Model):
    """
    An open connection.

    Attributes:
        connection_id: Its id.
        subscription_id: Whose events it delivers. 1 or more.
        subscriber_id: Whose subscription that is.
        chain_id: The chain. 0 or more.
        watches: Whether it only looks on.
        opened_at: When it was opened.
        client: What the client said about itself.
        events: Events that were written to it. 0 or more.
        unacknowledged: Batches that wait for an acknowledgement. 0 or more.
        block: The last block that was written to it. 0 or more.
        replica: The process that holds it, where that is another one; then no more is known of it here.
        additional_properties: What the service sent beyond these fields.
    """

    connection_id: str = _attrs_field(validator=_check.validated(_check.text()))
    subscription_id: int = _attrs_field(validator=_check.validated(_check.integer(minimum=1)))
    subscriber_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    chain_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    watches: bool | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.boolean()))
    )
    opened_at: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    client: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    events: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    unacknowledged: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    replica: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
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

        read = _read.Reader("OverviewConnection", src_dict)
        return read.finished(
            cls(
                connection_id=read.required("connection_id", _read.as_is),
                subscription_id=read.required("subscription_id", _read.to_integer),
                subscriber_id=read.optional("subscriber_id", _read.as_is, None),
                chain_id=read.optional("chain_id", _read.to_integer, None),
                watches=read.optional("watches", _read.as_is, None),
                opened_at=read.optional("opened_at", _read.to_datetime, None),
                client=read.optional_or_null("client", _read.as_is, None),
                events=read.optional("events", _read.to_integer, None),
                unacknowledged=read.optional("unacknowledged", _read.to_integer, None),
                block=read.optional_or_null("block", _read.to_integer, None),
                replica=read.optional_or_null("replica", _read.as_is, None),
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
        result["connection_id"] = self.connection_id
        result["subscription_id"] = self.subscription_id
        if self.subscriber_id is not None or include_none:
            result["subscriber_id"] = self.subscriber_id
        if self.chain_id is not None or include_none:
            result["chain_id"] = self.chain_id
        if self.watches is not None or include_none:
            result["watches"] = self.watches
        if self.opened_at is not None:
            result["opened_at"] = _send.to_iso(self.opened_at)
        elif include_none:
            result["opened_at"] = None
        if self.client is not None or include_none:
            result["client"] = self.client
        if self.events is not None or include_none:
            result["events"] = self.events
        if self.unacknowledged is not None or include_none:
            result["unacknowledged"] = self.unacknowledged
        if self.block is not None or include_none:
            result["block"] = self.block
        if self.replica is not None or include_none:
            result["replica"] = self.replica
        return result if include_none else self._as_arrived(result)
