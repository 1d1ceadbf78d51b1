from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class ChainConfigRequest(Model):
    """
    How the service reads a chain. At least one of `rpc_urls` and `historical_rpc_url` is needed.

    Attributes:
        chain_id: The EIP-155 id of the chain. 1 or more.
        name: The chain's name.
        rpc_urls: The JSON-RPC endpoints (http, https, ws or wss), the preferred one first. A chain that
            lives in the service's own process is named as the service names it (`embedded:`). 1 item or more;
            32 items at most.
        average_block_time: The mean time between two blocks, in seconds; sets how often the head is asked
            for. More than 0.
        max_blocks_per_request: The widest range of blocks of one request for logs. 1 or more.
        confirmation_blocks: How many blocks have to follow a block before its events are delivered. 0 or
            more.
        historical_rpc_url: The JSON-RPC endpoint for history. Has the form
            `^(http|https|ws|wss)://[^/?#\\s]`.
        live_websocket_url: The WebSocket endpoint that announces new blocks. Has the form
            `^wss?://[^/?#\\s]`.
        historical_max_chunk_size: The widest range of blocks of one request while history is read. 1 or
            more; default 10000.
        historical_max_retries: How often a request for history is repeated before it counts as failed. 0 or
            more; default 3.
        historical_max_concurrent: How many ranges of history are read at a time. 1 or more; default 5.
        historical_progress_interval: After how many ranges of history the service logs its progress. 1 or
            more; default 100.
        live_max_retries: How often a failed look at the head is repeated before the connection counts as
            lost. 0 or more; default 5.
        live_retry_delay: Seconds between two such attempts. 0 or more; default 5.
        live_reconnect_delay: Seconds to wait, once these attempts have failed, before the connection to the
            head is built anew. 0 or more; default 30.
        live_enable_gap_detection: Whether blocks that the head skipped are read. Default True.
        live_max_gap_size: The widest gap that is filled at the head; a wider one is read as history. 0 or
            more; default 1000.
        live_block_check_interval: Seconds between two looks at the head, also where a WebSocket has
            announced nothing for so long. 1 or more; default 10.
        live_gap_fill_chunk_size: The widest range of blocks of one request while a gap is filled. 1 or
            more; default 100.
        additional_properties: What the service sent beyond these fields.
    """

    chain_id: int = _attrs_field(
        validator=_check.validated(_check.integer(minimum=1, maximum=9007199254740991))
    )
    name: str = _attrs_field(validator=_check.validated(_check.text(min_length=1, max_length=255)))
    rpc_urls: list[str] | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(
                _check.array(
                    _check.text(max_length=2048, pattern="^((http|https|ws|wss)://[^/?#\\s]|embedded:)"),
                    min_items=1,
                    max_items=32,
                )
            )
        ),
    )
    average_block_time: float | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.number(exclusive_minimum=0, maximum=86400))),
    )
    max_blocks_per_request: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=1, maximum=1000000)))
    )
    confirmation_blocks: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0, maximum=100000)))
    )
    historical_rpc_url: str | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(_check.text(max_length=2048, pattern="^(http|https|ws|wss)://[^/?#\\s]"))
        ),
    )
    live_websocket_url: str | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(_check.text(max_length=2048, pattern="^wss?://[^/?#\\s]"))
        ),
    )
    historical_max_chunk_size: int = _attrs_field(
        default=10000, validator=_check.validated(_check.integer(minimum=1, maximum=1000000))
    )
    historical_max_retries: int = _attrs_field(
        default=3, validator=_check.validated(_check.integer(minimum=0, maximum=100))
    )
    historical_max_concurrent: int = _attrs_field(
        default=5, validator=_check.validated(_check.integer(minimum=1, maximum=100))
    )
    historical_progress_interval: int = _attrs_field(
        default=100, validator=_check.validated(_check.integer(minimum=1, maximum=1000000000))
    )
    live_max_retries: int = _attrs_field(
        default=5, validator=_check.validated(_check.integer(minimum=0, maximum=100))
    )
    live_retry_delay: int = _attrs_field(
        default=5, validator=_check.validated(_check.integer(minimum=0, maximum=3600))
    )
    live_reconnect_delay: int = _attrs_field(
        default=30, validator=_check.validated(_check.integer(minimum=0, maximum=3600))
    )
    live_enable_gap_detection: bool = _attrs_field(default=True, validator=_check.validated(_check.boolean()))
    live_max_gap_size: int = _attrs_field(
        default=1000, validator=_check.validated(_check.integer(minimum=0, maximum=1000000000))
    )
    live_block_check_interval: int = _attrs_field(
        default=10, validator=_check.validated(_check.integer(minimum=1, maximum=3600))
    )
    live_gap_fill_chunk_size: int = _attrs_field(
        default=100, validator=_check.validated(_check.integer(minimum=1, maximum=1000000))
    )
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def __attrs_post_init__(self) -> None:
        _check.needs(
            "ChainConfigRequest",
            "rpc_urls or historical_rpc_url",
            [[self.rpc_urls], [self.historical_rpc_url]],
            exactly_one=False,
        )

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

        read = _read.Reader("ChainConfigRequest", src_dict)
        return read.finished(
            cls(
                chain_id=read.required("chain_id", _read.to_integer),
                name=read.required("name", _read.as_is),
                rpc_urls=read.optional("rpc_urls", _read.list_of(_read.as_is), None),
                average_block_time=read.optional_or_null("average_block_time", _read.as_is, None),
                max_blocks_per_request=read.optional_or_null(
                    "max_blocks_per_request", _read.to_integer, None
                ),
                confirmation_blocks=read.optional_or_null("confirmation_blocks", _read.to_integer, None),
                historical_rpc_url=read.optional_or_null("historical_rpc_url", _read.as_is, None),
                live_websocket_url=read.optional_or_null("live_websocket_url", _read.as_is, None),
                historical_max_chunk_size=read.optional("historical_max_chunk_size", _read.to_integer, 10000),
                historical_max_retries=read.optional("historical_max_retries", _read.to_integer, 3),
                historical_max_concurrent=read.optional("historical_max_concurrent", _read.to_integer, 5),
                historical_progress_interval=read.optional(
                    "historical_progress_interval", _read.to_integer, 100
                ),
                live_max_retries=read.optional("live_max_retries", _read.to_integer, 5),
                live_retry_delay=read.optional("live_retry_delay", _read.to_integer, 5),
                live_reconnect_delay=read.optional("live_reconnect_delay", _read.to_integer, 30),
                live_enable_gap_detection=read.optional("live_enable_gap_detection", _read.as_is, True),
                live_max_gap_size=read.optional("live_max_gap_size", _read.to_integer, 1000),
                live_block_check_interval=read.optional("live_block_check_interval", _read.to_integer, 10),
                live_gap_fill_chunk_size=read.optional("live_gap_fill_chunk_size", _read.to_integer, 100),
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
        result["name"] = self.name
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
        if self.historical_rpc_url is not None or include_none:
            result["historical_rpc_url"] = self.historical_rpc_url
        if self.live_websocket_url is not None or include_none:
            result["live_websocket_url"] = self.live_websocket_url
        result["historical_max_chunk_size"] = self.historical_max_chunk_size
        result["historical_max_retries"] = self.historical_max_retries
        result["historical_max_concurrent"] = self.historical_max_concurrent
        result["historical_progress_interval"] = self.historical_progress_interval
        result["live_max_retries"] = self.live_max_retries
        result["live_retry_delay"] = self.live_retry_delay
        result["live_reconnect_delay"] = self.live_reconnect_delay
        result["live_enable_gap_detection"] = self.live_enable_gap_detection
        result["live_max_gap_size"] = self.live_max_gap_size
        result["live_block_check_interval"] = self.live_block_check_interval
        result["live_gap_fill_chunk_size"] = self.live_gap_fill_chunk_size
        return result if include_none else self._as_arrived(result)
