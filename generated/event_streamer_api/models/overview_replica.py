from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model

if TYPE_CHECKING:
    from .overview_replica_chain import OverviewReplicaChain


@_attrs_define(kw_only=True, repr=False)
class OverviewReplica(Model):
    """
    One of the processes that share the database.

    Attributes:
        name: Its name, new with each start.
        host: Its machine, where the caller may know it.
        streams: Its open streams, as of some seconds ago. 0 or more.
        seconds_up: How long it has been there. 0 or more.
        chains: The chains that it reads.
        additional_properties: What the service sent beyond these fields.
    """

    name: str = _attrs_field(validator=_check.validated(_check.text()))
    host: str | None = _attrs_field(default=None, validator=_check.validated(_check.nullable(_check.text())))
    streams: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    seconds_up: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    chains: list[OverviewReplicaChain] | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.array(_check.instance("OverviewReplicaChain")))),
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
        from .overview_replica_chain import OverviewReplicaChain

        read = _read.Reader("OverviewReplica", src_dict)
        return read.finished(
            cls(
                name=read.required("name", _read.as_is),
                host=read.optional_or_null("host", _read.as_is, None),
                streams=read.optional("streams", _read.to_integer, None),
                seconds_up=read.optional("seconds_up", _read.as_is, None),
                chains=read.optional("chains", _read.list_of(OverviewReplicaChain.from_dict), None),
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
        result["name"] = self.name
        if self.host is not None or include_none:
            result["host"] = self.host
        if self.streams is not None or include_none:
            result["streams"] = self.streams
        if self.seconds_up is not None or include_none:
            result["seconds_up"] = self.seconds_up
        if self.chains is not None:
            result["chains"] = [item.to_dict(include_none=include_none) for item in self.chains]
        elif include_none:
            result["chains"] = None
        return result if include_none else self._as_arrived(result)
