"""The service's settings, with every limit and default in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import Attribute, Converter, field, frozen
from attrs.validators import optional

from event_streamer_service.errors import WrongArgument


def _positive(_: object, attribute: Attribute[Any], value: float) -> None:
    if not value > 0:
        raise WrongArgument(f"{attribute.name} must be more than 0, not {value!r}.")


def _number(value: Any, attribute: Attribute[Any]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongArgument(f"{attribute.name} must be a number, not {value!r}.")
    return float(value)


def _is_number(_: object, attribute: Attribute[Any], value: Any) -> None:
    _number(value, attribute)


def _is_positive_number(_: object, attribute: Attribute[Any], value: Any) -> None:
    _positive(_, attribute, _number(value, attribute))


def _whole_number(value: Any, attribute: Attribute[Any]) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongArgument(f"{attribute.name} must be a whole number, not {value!r}.")
    return value


def _texts(values: Any, attribute: Attribute[Any]) -> frozenset[str]:
    """Read a list of texts; one text alone would be taken for its letters."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise WrongArgument(f"{attribute.name} must be a list of strings, not {values!r}.")
    found = frozenset(values)
    if not all(isinstance(text, str) for text in found):
        raise WrongArgument(f"{attribute.name} must hold only strings.")
    return found


def _lower(names: Any, attribute: Attribute[Any]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in _texts(names, attribute))


def _yes_or_no(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value not in (True, False, None) or isinstance(value, int) is not isinstance(value, bool):
        raise WrongArgument(f"{attribute.name} must be true or false, not {value!r}.")


def _text(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        raise WrongArgument(f"{attribute.name} must be a string, not {value!r}.")


def _seconds(default: float) -> float:
    result: float = field(
        default=default, converter=Converter(_number, takes_field=True), validator=_positive
    )
    return result


def _count(default: int) -> int:
    result: int = field(
        default=default, converter=Converter(_whole_number, takes_field=True), validator=_positive
    )
    return result


def _set(convert: Callable[[Any, Attribute[Any]], frozenset[str]], *, is_secret: bool) -> frozenset[str]:
    result: frozenset[str] = field(
        default=(), converter=Converter(convert, takes_field=True), repr=not is_secret
    )
    return result


def _switch(default: bool | None) -> Any:
    return field(default=default, validator=_yes_or_no)


@frozen(kw_only=True)
class Settings:
    """
    What a service is started with. Times are in seconds, sizes in bytes.

    Attributes:
        database: SQLAlchemy URL: `sqlite:///file.db` (WAL mode) or `postgresql://user@host/name`.
            `sqlite://` keeps everything in memory.
        replicas: Share the database with other processes that are started so too; PostgreSQL only. Without
            it a service is the only one on its database. `max_streams` holds over all.
        replica_url: Where the other replicas reach this one; unless given, the address on the way to the
            database, and the port.
        replica_lease: A replica that doesn't renew its lease for so long is gone to the others.
        database_connections: Connections to PostgreSQL, at most.
        database_queue: Requests that may wait for the database (503 with Retry-After beyond).
        database_timeout: A request waits no longer than this for the database (503).
        api_keys: API key → subscriber; a key may be given as `sha256:` and its digest in hexadecimal. Empty:
            anybody may do anything (loopback only). `serve` refuses keys of fewer than 16 characters; here,
            where tests set them, any length will do.
        admin_keys: Keys that may change chains and breakers and see every subscription.
        metrics_keys: Keys that may read `/metrics` and what `/ready` says in detail, and nothing else.
        open_metrics: Answer `/metrics` and `/ready`'s details without a key.
        private_nodes: Whether calls may name nodes of private networks and of this machine; `None`: only
            where there are no keys, so that nobody but this machine's users calls.
        show_nodes: Whether subscribers see the nodes' hosts; admins always do.
        heartbeat_interval: Time between two heartbeats of a stream; clients are told it.
        client_timeout: A stream whose client sends neither heartbeat nor acknowledgement for so
            long is closed; 0 never closes one. Three heartbeats, and 90 s at least, unless told
            otherwise: some clients send theirs every 30 s whatever they are told.
        write_timeout: A reader that takes no byte for so long is cut off.
        token_lifetime: How long a resume token is valid.
        max_batch_events: Events in a batch, at most.
        max_batch_bytes: Size of a batch's line, at most, unless one event alone is larger.
            Published clients read lines up to 512 KiB.
        chunk_bytes: Lines are written together until there are so many bytes.
        max_unacknowledged: Batches of a stream whose acknowledgement is still remembered.
        late_ack_window: How long a closed stream still takes acknowledgements.
        max_body_bytes: Size of a request's body, at most.
        max_addresses: Contracts in a subscription, at most.
        max_head_bytes: Size of a request's line and header fields together, at most (431 beyond).
        head_timeout: A request's head comes within this time, or its connection is closed (408).
        body_timeout: A request's body comes within this time (408).
        idle_timeout: A connection without a request is kept this long.
        max_connections: Open connections, at most (503 beyond); fewer where the process may not open so many
            files.
        max_connections_per_address: Open connections of one address, at most (429 beyond), and never more
            than three quarters of all. Those of trusted proxies don't count.
        allowed_hosts: Names of the service beside those of loopback, and of sites whose pages may change
            something here. Without keys other names are refused (421); with keys every name will do.
        trusted_proxies: Addresses of reverse proxies, whose `X-Forwarded-For` and `X-Forwarded-Proto` are
            believed.
        max_definition_bytes: Size of an event's definition, at most, with all that it holds.
        max_stored_bytes: What the subscriptions of one subscriber take up, at most (429 beyond).
        max_page_size: Subscriptions on a page, at most.
        max_bulk_acks: Batch ids in one acknowledgement, at most.
        max_streams: Open streams of one subscriber, at most (429 beyond).
        max_watchers: Open connections that only watch one subscriber's subscriptions, at most (429 beyond).
        resumed_streams_per_second: Streams that go on where they were are let in at this rate in the first
            half minute (503 with Retry-After beyond): after a restart all come back at once.
        max_subscriptions: Subscriptions of one subscriber, at most (429 beyond).
        requests_per_second: Requests of one subscriber, at most, with bursts of twice as many, over all
            replicas; `None` sets no limit.
        shutdown_timeout: A stop takes no longer than this.
        testing: Offer fault injection and the journal (`/admin/...`).
        seed: Makes ids and tokens the same on every run; for tests.
    """

    database: str = field(default="sqlite:///event-streamer.db", validator=_text)
    replicas: bool = _switch(False)
    replica_url: str | None = field(default=None, validator=optional(_text))
    replica_lease: float = _seconds(6)
    database_connections: int = _count(8)
    database_queue: int = _count(256)
    database_timeout: float = _seconds(10)
    api_keys: Mapping[str, str] = field(factory=dict, repr=False)
    admin_keys: frozenset[str] = _set(_texts, is_secret=True)
    metrics_keys: frozenset[str] = _set(_texts, is_secret=True)
    open_metrics: bool = _switch(False)
    private_nodes: bool | None = _switch(None)
    show_nodes: bool = _switch(False)
    heartbeat_interval: float = _seconds(30)
    client_timeout: float = field(validator=_is_number)
    write_timeout: float = _seconds(30)
    token_lifetime: float = _seconds(7 * 24 * 3600)
    max_batch_events: int = _count(1000)
    max_batch_bytes: int = _count(400_000)
    chunk_bytes: int = _count(256 * 1024)
    max_unacknowledged: int = _count(10_000)
    late_ack_window: float = _seconds(60)
    max_body_bytes: int = _count(1024 * 1024)
    max_head_bytes: int = _count(64 * 1024)
    head_timeout: float = _seconds(20)
    body_timeout: float = _seconds(30)
    idle_timeout: float = _seconds(75)
    max_connections: int = _count(10_000)
    max_connections_per_address: int = _count(2_000)
    allowed_hosts: frozenset[str] = _set(_lower, is_secret=False)
    trusted_proxies: frozenset[str] = _set(_texts, is_secret=False)
    max_addresses: int = _count(1000)
    max_definition_bytes: int = _count(64 * 1024)
    max_stored_bytes: int = _count(32 * 1024 * 1024)
    max_page_size: int = _count(1000)
    max_bulk_acks: int = _count(1000)
    max_streams: int = _count(1000)
    max_watchers: int = _count(50)
    resumed_streams_per_second: float = _seconds(32)
    max_subscriptions: int = _count(10_000)
    requests_per_second: float | None = field(default=None, validator=optional(_is_positive_number))
    shutdown_timeout: float = _seconds(4)
    testing: bool = _switch(False)
    seed: int | str | None = None

    @client_timeout.default
    def _three_heartbeats(self) -> float:
        return max(90.0, 3 * self.heartbeat_interval)

    @property
    def has_keys(self) -> bool:
        """Whether requests need a key."""
        return bool(self.api_keys or self.admin_keys or self.metrics_keys)

    @property
    def private_nodes_allowed(self) -> bool:
        """Whether calls may name nodes of private networks."""
        return not self.has_keys if self.private_nodes is None else self.private_nodes
