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
class ChainConfigResponse(Model):
    """
    A chain's configuration, or the answer to a change of it. Sent back as a ChainConfigRequest it changes
    nothing: masked URLs mean those behind them.

    Attributes:
        chain_id: The EIP-155 id of the chain; 0 where the answer is about all chains.
        message: What was done, in one sentence.
        timestamp: When it was done.
        name: The chain's name.
        status: `active` or `inactive`.
        rpc_urls: The RPC endpoints; credentials in them are masked.
        average_block_time: The mean time between two blocks, in seconds. 0 or more.
        max_blocks_per_request: The widest range of blocks of one request for logs. 0 or more.
        confirmation_blocks: How many blocks have to follow a block before its events are delivered. 0 or
            more.
        head_block: The number of the chain's newest block, where one chain was asked for. None while the
            chain isn't active or no node gives an answer. 0 or more.
        historical_rpc_url: The endpoint that is asked first for history; credentials in it are masked.
        live_websocket_url: The endpoint that announces new blocks; credentials in it are masked.
        additional_properties: What the service sent beyond these fields.
    """

    chain_id: int = _attrs_field(validator=_check.validated(_check.integer()))
    message: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    name: str | None = _attrs_field(default=None, validator=_check.validated(_check.nullable(_check.text())))
    status: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    rpc_urls: list[str] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.array(_check.text())))
    )
    average_block_time: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    max_blocks_per_request: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    confirmation_blocks: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    head_block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    historical_rpc_url: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    live_websocket_url: str | None = _attrs_field(
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

        read = _read.Reader("ChainConfigResponse", src_dict)
        return read.finished(
            cls(
                chain_id=read.required("chain_id", _read.to_integer),
                message=read.optional_or_null("message", _read.as_is, None),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
                name=read.optional_or_null("name", _read.as_is, None),
                status=read.optional_or_null("status", _read.as_is, None),
                rpc_urls=read.optional_or_null("rpc_urls", _read.list_of(_read.as_is), None),
                average_block_time=read.optional_or_null("average_block_time", _read.as_is, None),
                max_blocks_per_request=read.optional_or_null(
                    "max_blocks_per_request", _read.to_integer, None
                ),
                confirmation_blocks=read.optional_or_null("confirmation_blocks", _read.to_integer, None),
                head_block=read.optional_or_null("head_block", _read.to_integer, None),
                historical_rpc_url=read.optional_or_null("historical_rpc_url", _read.as_is, None),
                live_websocket_url=read.optional_or_null("live_websocket_url", _read.as_is, None),
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
        result["chain_id"] = self.chain_id
        if self.message is not None or include_none:
            result["message"] = self.message
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        if self.name is not None or include_none:
            result["name"] = self.name
        if self.status is not None or include_none:
            result["status"] = self.status
        if self.rpc_urls is not None:
            result["rpc_urls"] = list(self.rpc_urls)
        elif include_none:
            result["rpc_urls"] = None
        if self.average_block_time is not None or include_none:
            result["average_block_time"] = self.average_block_time
        if self.max_blocks_per_request is not None or include_none:
            result["max_blocks_per_request"] = self.max_blocks_per_request
        if self.confirmation_blocks is not None or include_none:
            result["confirmation_blocks"] = self.confirmation_blocks
        if self.head_block is not None or include_none:
            result["head_block"] = self.head_block
        if self.historical_rpc_url is not None or include_none:
            result["historical_rpc_url"] = self.historical_rpc_url
        if self.live_websocket_url is not None or include_none:
            result["live_websocket_url"] = self.live_websocket_url
        return result if include_none else self._as_arrived(result)
