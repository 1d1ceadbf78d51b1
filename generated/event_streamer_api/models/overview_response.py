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
    from .overview_caller import OverviewCaller
    from .overview_chain import OverviewChain
    from .overview_connection import OverviewConnection
    from .overview_notice import OverviewNotice
    from .overview_replica import OverviewReplica
    from .overview_subscription import OverviewSubscription


@_attrs_define(kw_only=True, repr=False)
class OverviewResponse(Model):
    """
    What goes on in the service.

    Attributes:
        timestamp: When this was so.
        started_at: When the service was started.
        version: The service's release.
        caller: Who asks, and may do what.
        events_per_second: Events that were written to streams of the last seconds, per second. 0 or more.
        chains: The active chains.
        subscriptions: The subscriptions that have an open stream.
        connections: The open connections, those that only watch too.
        notices: What went wrong lately, newest first; 200 at most are kept.
        replica: Where several processes share the database, the one that answers: pace, chains and notices
            are what it sees, connections are those of all.
        replicas: The processes that share the database; none where there is one.
        additional_properties: What the service sent beyond these fields.
    """

    timestamp: datetime.datetime = _attrs_field(validator=_check.validated(_check.moment()))
    started_at: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    version: str = _attrs_field(validator=_check.validated(_check.text()))
    caller: OverviewCaller = _attrs_field(validator=_check.validated(_check.instance("OverviewCaller")))
    events_per_second: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    chains: list[OverviewChain] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("OverviewChain")))
    )
    subscriptions: list[OverviewSubscription] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("OverviewSubscription")))
    )
    connections: list[OverviewConnection] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("OverviewConnection")))
    )
    notices: list[OverviewNotice] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("OverviewNotice")))
    )
    replica: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    replicas: list[OverviewReplica] | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.array(_check.instance("OverviewReplica")))),
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
        from .overview_caller import OverviewCaller
        from .overview_chain import OverviewChain
        from .overview_connection import OverviewConnection
        from .overview_notice import OverviewNotice
        from .overview_replica import OverviewReplica
        from .overview_subscription import OverviewSubscription

        read = _read.Reader("OverviewResponse", src_dict)
        return read.finished(
            cls(
                timestamp=read.required("timestamp", _read.to_datetime),
                started_at=read.optional_or_null("started_at", _read.to_datetime, None),
                version=read.required("version", _read.as_is),
                caller=read.required("caller", OverviewCaller.from_dict),
                events_per_second=read.optional("events_per_second", _read.as_is, None),
                chains=read.required("chains", _read.list_of(OverviewChain.from_dict)),
                subscriptions=read.required("subscriptions", _read.list_of(OverviewSubscription.from_dict)),
                connections=read.required("connections", _read.list_of(OverviewConnection.from_dict)),
                notices=read.required("notices", _read.list_of(OverviewNotice.from_dict)),
                replica=read.optional_or_null("replica", _read.as_is, None),
                replicas=read.optional("replicas", _read.list_of(OverviewReplica.from_dict), None),
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
        result["timestamp"] = _send.to_iso(self.timestamp)
        if self.started_at is not None:
            result["started_at"] = _send.to_iso(self.started_at)
        elif include_none:
            result["started_at"] = None
        result["version"] = self.version
        result["caller"] = self.caller.to_dict(include_none=include_none)
        if self.events_per_second is not None or include_none:
            result["events_per_second"] = self.events_per_second
        result["chains"] = [item.to_dict(include_none=include_none) for item in self.chains]
        result["subscriptions"] = [item.to_dict(include_none=include_none) for item in self.subscriptions]
        result["connections"] = [item.to_dict(include_none=include_none) for item in self.connections]
        result["notices"] = [item.to_dict(include_none=include_none) for item in self.notices]
        if self.replica is not None or include_none:
            result["replica"] = self.replica
        if self.replicas is not None:
            result["replicas"] = [item.to_dict(include_none=include_none) for item in self.replicas]
        elif include_none:
            result["replicas"] = None
        return result if include_none else self._as_arrived(result)
