"""What both clients are made of and do without sending anything: settings, and reading ABIs."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

from event_streamer_api.errors import EventStreamerValidationError

from ._core.call.hooks import hooks_of
from ._core.call.service import service_of
from ._core.words import unknown_argument
from ._http_options import MAX_RESPONSE_BYTES, HTTPOptions
from ._logging import set_up_logging

if TYPE_CHECKING:
    import ssl

    import httpx

    from event_streamer_api.models import ABIEvent
    from event_streamer_api.types import CallOptions

    from ._core.call.hooks import EventHooks
    from ._core.call.outcome import Response
    from ._core.call.service import Service
    from ._core.stream.observing import Observer

    Source = str | bytes | os.PathLike[str] | list[Any] | dict[str, Any]


HEALTHY = "healthy"
"""The `status` of a service that can do its work."""


VARIABLES = {
    "service_url": "EVENT_STREAMER_URL",
    "subscriber_id": "EVENT_STREAMER_SUBSCRIBER_ID",
    "api_key": "EVENT_STREAMER_API_KEY",
}
"""The variables of the environment that `from_env` reads, by the argument that they stand for."""

OPTIONS_OF_A_CALL = frozenset({"timeout", "max_retries", "headers"})
"""The names of `CallOptions`."""

NOT_GIVEN: Final[Any] = object()


class _NoLimit:
    """A time-out without any limit, in the form of an httpx.Timeout."""

    def as_dict(self) -> dict[str, None]:
        """Give the limits by step."""
        return dict.fromkeys(("connect", "read", "write", "pool"))


class BaseClient:
    """What both clients are made of and do without sending anything."""

    _http_class: Any

    def __init__(
        self,
        service_url: str,
        subscriber_id: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = 30.0,
        headers: Mapping[str, str] | None = None,
        api_key: str | Callable[[], Any] | None = None,
        max_retries: int = 2,
        http_client: Any = None,
        transport: Any = None,
        proxy: str | httpx.Proxy | None = None,
        verify: ssl.SSLContext | str | bool = True,
        cert: str | tuple[str, str] | tuple[str, str, str] | None = None,
        trust_env: bool = True,
        limits: httpx.Limits | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        event_hooks: EventHooks | None = None,
    ) -> None:
        """
        Make a client. Nothing is sent before the first call.

        Args:
            service_url: Where the service is, such as `http://localhost:8000`.
            subscriber_id: Who subscribes; the client puts it into every subscription. With an `api_key` it
                may be left out: a key belongs to one subscriber, which the service knows.
            timeout: Seconds for one attempt of a call, from connecting to the end of the answer. An
                `httpx.Timeout` limits each step by itself, and an attempt to the sum of its four values;
                None, also as one of them, sets no limit. The body of a stream is not limited by it.
            headers: Headers of every request, streams included.
            api_key: The service's key, sent as `X-API-Key`; or a function that gives it, for keys that
                change: it is called for each call and each connection of a stream. With asyncio it may be a
                coroutine function.
            max_retries: How often a call that is safe to repeat is repeated, 0 or more.
            max_response_bytes: Most bytes that the answer to a call may have, also when it is inflated, 1 or
                more; 64 MiB by default. A stream has limits of its own.
            http_client: Your own `httpx.AsyncClient` or `httpx.Client`; you close it. It excludes the
                options below.
            transport: An httpx transport.
            proxy: The proxy, as httpx takes it. Without it the environment's proxies count.
            verify: Whether to check the service's certificate, or the SSL context to do it with.
            cert: Your own certificate, as httpx takes it.
            trust_env: Whether proxies and certificates of the environment count.
            limits: How many connections may be open, as an `httpx.Limits`.
            event_hooks: Functions that are called for each request and each response, such as
                `{"response": [log]}`. They get a `RequestInfo` or a `ResponseInfo`, and what they raise, the
                call raises. With asyncio they may be coroutine functions.

        Raises:
            EventStreamerValidationError: If an argument is wrong.
        """
        if subscriber_id is not None and (not isinstance(subscriber_id, str) or not subscriber_id):
            raise EventStreamerValidationError(
                f"subscriber_id must be a non-empty string, got {subscriber_id!r}",
                field="subscriber_id",
            )
        set_up_logging()
        self._key_function = api_key if callable(api_key) else None
        service = service_of(service_url, headers, None if callable(api_key) else api_key)
        if subscriber_id is None and not (service.secrets or callable(api_key) or http_client is not None):
            raise EventStreamerValidationError(
                "subscriber_id is missing: say who subscribes. Only with an api_key may it be left out: "
                "the service knows whose key that is",
                field="subscriber_id",
            )
        changing_is_exposed = callable(api_key) and service_of(service_url, headers, "any").exposed
        if service.exposed or changing_is_exposed:
            warnings.warn(
                f"A key is sent to {service.url} without TLS: anyone on the way can read it. Use https://.",
                stacklevel=2,
            )
        options = HTTPOptions(
            timeout=timeout,
            max_retries=max_retries,
            http_client=http_client,
            transport=transport,
            proxy=proxy,
            verify=verify,
            cert=cert,
            trust_env=trust_env,
            limits=limits,
            max_response_bytes=max_response_bytes,
            hooks=hooks_of(event_hooks),
        )
        self.service_url: str = service.url
        self.subscriber_id: str | None = subscriber_id
        self._http: Any = self._http_class(service, options)
        self._service = service
        # What `with_options` sets for a client of its own; None is what the options above say.
        self._retries: int | None = None
        self._timeout: Any = None
        self._seen: Callable[[Response], None] | None = None
        # The streaming clients made by this one, as long as somebody uses them: `close` stops them.
        self._streams: WeakSet[Any] = WeakSet()
        # Who looks at the runs of its streams: traces and metrics.
        self._observers: list[Observer] = []
        _clients.add(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.service_url!r}, subscriber_id={self.subscriber_id!r})"

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """
        Make a client as the environment says.

        `EVENT_STREAMER_URL` says where the service is, `EVENT_STREAMER_SUBSCRIBER_ID` who subscribes (unless
        the key tells), and `EVENT_STREAMER_API_KEY`, where it is set, the key. The command `event-streamer`
        takes the same ones.

        Args:
            **options: Arguments of the client; they win over the environment.

        Returns:
            The client.

        Raises:
            EventStreamerValidationError: If a variable is missing, or a value is wrong.

        Example:
            >>> client = type(client).from_env(timeout=10)
        """
        for name, variable in VARIABLES.items():
            value = os.environ.get(variable)
            if name not in options and value:
                options[name] = value
        needed = ("service_url",) if "api_key" in options else ("service_url", "subscriber_id")
        for name in needed:
            if name not in options:
                raise EventStreamerValidationError(
                    f"{VARIABLES[name]} is not set: set it, or give from_env {name}=", field=name
                )
        return cls(**options)

    def with_options(
        self,
        *,
        timeout: float | httpx.Timeout | None = NOT_GIVEN,
        max_retries: int = NOT_GIVEN,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """
        Give this client with other options, for many calls; this one stays as it is.

        For a single call they are arguments of the call: see `CallOptions`. Both clients use the same
        connections: closing one closes those of both.

        Args:
            timeout: Seconds for one attempt of a call, as the client takes it; None for no limit. Streams
                have limits of their own.
            max_retries: How often a call that is safe to repeat is repeated, 0 or more.
            headers: More headers of every request, streams included; they win over the client's.

        Returns:
            The client with these options.

        Raises:
            EventStreamerValidationError: If a value is wrong.

        Example:
            >>> patient = client.with_options(timeout=120, max_retries=5, headers={"X-Trace": "a1"})
        """
        made = copy(self)
        if timeout is not NOT_GIVEN:
            HTTPOptions(timeout=timeout)  # refuses what can't be one
            made._timeout = _NoLimit() if timeout is None else timeout
        if max_retries is not NOT_GIVEN:
            made._retries = HTTPOptions(max_retries=max_retries).max_retries
        made._service = self._service.with_headers(headers or {})
        _clients.add(made)
        return made

    def _observed(self, service: Service) -> Service:
        """Give the service with headers that observers add, such as the current trace context."""
        for observer in self._observers:
            service = service.with_headers(observer.headers())
        return service

    def _with(self, options: CallOptions | None, method: str) -> Self:
        """Give this client with the options of one call."""
        if not options:
            return self
        self._check_options(method, options)
        return self.with_options(**options)

    def _check_options(self, method: str, options: Mapping[str, Any]) -> None:
        """Refuse an argument that a call doesn't have. A call that makes others asks before them."""
        unknown = sorted(options.keys() - OPTIONS_OF_A_CALL)
        if unknown:
            name = method.partition(" ")[0].lower()  # a call by path is named by its method and path
            method = name if hasattr(type(self), name) else "request"
            declared = inspect.signature(getattr(type(self), method)).parameters
            own = [name for name in declared if name not in ("self", "options")]
            raise TypeError(unknown_argument(unknown[0], method, own, sorted(OPTIONS_OF_A_CALL)))

    def _recording(self, seen: Callable[[Response], None]) -> Self:
        """Give this client, telling of each response that a result is read from."""
        made = copy(self)
        made._seen = seen
        return made

    def extract_abi_event(
        self, abi_json: Source, event_name: str, *, contract: str | None = None
    ) -> ABIEvent:
        """
        Take one event out of a contract's ABI.

        Args:
            abi_json: The ABI: JSON text, a compiler's artifact, human-readable lines, or what `json.loads`
                made of one. A path is read where it is an `os.PathLike`; a string is always the text itself.
            event_name: The event's name, its signature, or its topic0.
            contract: `Name` or `path:Name`, where a compiler's output holds several contracts with events.

        Returns:
            The event.

        Raises:
            ABIParsingError: If the ABI cannot be read, or has no such event; the message lists what there is.

        Example:
            >>> event = client.extract_abi_event(erc20_abi, "Transfer")
        """
        from .abi import extract_abi_event

        return extract_abi_event(abi_json, event_name, contract=contract)

    def extract_abi_events(self, abi_json: Source, *, contract: str | None = None) -> dict[str, ABIEvent]:
        """
        Take all events out of a contract's ABI.

        Args:
            abi_json: The ABI, in any form that `extract_abi_event` reads.
            contract: `Name` or `path:Name`, where a compiler's output holds several contracts with events.

        Returns:
            The events by name; overloaded ones by their full signature.

        Raises:
            ABIParsingError: If the ABI cannot be read.

        Example:
            >>> transfer = client.extract_abi_events(erc20_abi)["Transfer"]
        """
        from .abi import extract_abi_events

        return extract_abi_events(abi_json, contract=contract)

    def parse_contract_abi(self, abi_json: Source, *, contract: str | None = None) -> dict[str, Any]:
        """
        Take a contract's ABI apart.

        Args:
            abi_json: The ABI, in any form that `extract_abi_event` reads.
            contract: `Name` or `path:Name`, where a compiler's output holds several contracts with events.

        Returns:
            Its parts by kind, among them `events` and `functions`.

        Raises:
            ABIParsingError: If the ABI cannot be read.

        Example:
            >>> parsed = client.parse_contract_abi(erc20_abi)
            >>> sorted(parsed["functions"])
        """
        from .abi import parse_contract_abi

        return parse_contract_abi(abi_json, contract=contract)


_clients: WeakSet[BaseClient] = WeakSet()


def _after_fork_in_child() -> None:
    """Leave connections and streams to the parent, whose they are: a child opens and starts its own."""
    for client in list(_clients):
        client._http.leave_to_parent()
        for streaming_client in list(client._streams):
            streaming_client._leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
