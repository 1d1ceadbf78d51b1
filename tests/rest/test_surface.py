"""The public surface: the twins are alike, the document's signatures hold, its import paths are there."""

import importlib
import inspect
import re
from typing import Any

import pytest

import event_streamer_sdk
from event_streamer_sdk import EventStreamer, StreamingClient, SyncEventStreamer, SyncStreamingClient
from event_streamer_sdk import exceptions as exceptions_module

pytestmark = pytest.mark.quick


def public(client: type) -> dict[str, Any]:
    return {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}


def without_await(text: str | None) -> str:
    """A docstring or a signature as the blocking twin would have it."""
    text = re.sub(r"\basync (for|with|def)\b", r"\1", text or "")
    for asynchronous, blocking in (
        ("await ", ""),
        ("AsyncIterator", "Iterator"),
        ("SyncStreamingClient", "StreamingClient"),
        ("SyncEventStreamer", "EventStreamer"),
        ("AsyncRawResponses", "SyncRawResponses"),
        ("for asyncio.", "blocking."),
    ):
        text = text.replace(asynchronous, blocking)
    return text


def test_the_twins_have_the_same_names() -> None:
    assert set(public(EventStreamer)) == set(public(SyncEventStreamer))


@pytest.mark.parametrize("name", sorted(public(EventStreamer)))
def test_the_twins_have_the_same_parameters_and_docstrings(name: str) -> None:
    one, other = (
        thing.fget if isinstance(thing := public(client)[name], property) else thing
        for client in (EventStreamer, SyncEventStreamer)
    )
    assert without_await(str(inspect.signature(one))) == without_await(str(inspect.signature(other)))
    assert without_await(one.__doc__) == without_await(other.__doc__)
    assert one.__doc__
    assert "Returns:" in one.__doc__ or "Yields:" in one.__doc__ or name == "close"
    for parameter in list(inspect.signature(one).parameters)[1:]:
        assert f"{parameter}: " in one.__doc__, f"{name} does not describe {parameter}"


def test_the_streaming_twins_have_the_same_methods_and_docstrings() -> None:
    one, other = public(StreamingClient), public(SyncStreamingClient)
    assert set(one) == set(other)
    for name in one:
        assert one[name].__doc__, name
        assert without_await(one[name].__doc__) == without_await(other[name].__doc__), name
        if not isinstance(one[name], property):
            assert without_await(str(inspect.signature(one[name]))) == without_await(
                str(inspect.signature(other[name]))
            )
    assert inspect.signature(StreamingClient) == inspect.signature(SyncStreamingClient)


def test_the_twins_are_made_alike() -> None:
    assert inspect.signature(EventStreamer.__init__) == inspect.signature(SyncEventStreamer.__init__)
    assert without_await(EventStreamer.__doc__) == without_await(SyncEventStreamer.__doc__)


ASYNC = [
    "create_subscription(self, subscription: SubscriptionCreate) -> SubscriptionResponse",
    "list_subscriptions(self, page: int = 1, page_size: int = 20) -> SubscriptionListResponse",
    "get_subscription(self, subscription_id: int) -> SubscriptionResponse",
    "update_subscription(self, subscription_id: int, update: SubscriptionUpdate) -> SubscriptionResponse",
    "delete_subscription(self, subscription_id: int) -> bool",
    "get_circuit_breaker_status(self) -> CircuitBreakerStatusResponse",
    "get_circuit_breaker_health(self) -> CircuitBreakerHealthResponse",
    "get_circuit_breaker_metrics(self, name: str) -> CircuitBreakerMetrics",
    "reset_all_circuit_breakers(self) -> CircuitBreakerResetResponse",
    "reset_circuit_breaker(self, name: str) -> CircuitBreakerResetResponse",
    "get_circuit_breaker_config(self) -> CircuitBreakerConfigResponse",
    "get_all_chains(self) -> ChainListResponse",
    "get_chain_stats(self) -> ChainStatsResponse",
    "get_chain(self, chain_id: int) -> ChainConfigResponse",
    "create_chain(self, config: ChainConfigRequest) -> ChainConfigResponse",
    "update_chain(self, chain_id: int, config: ChainConfigRequest) -> ChainConfigResponse",
    "delete_chain(self, chain_id: int) -> ChainConfigResponse",
    "refresh_chains(self) -> ChainConfigResponse",
]


@pytest.mark.parametrize("documented", ASYNC)
@pytest.mark.parametrize("client", [EventStreamer, SyncEventStreamer])
def test_the_documents_signatures_hold(documented: str, client: Any) -> None:
    name = documented.partition("(")[0]
    method = getattr(client, name)
    signature = inspect.signature(method)
    *parameters, options = signature.parameters.values()
    assert str(options) == "**options: 'Unpack[CallOptions]'"
    if parameters[-1].name == "idempotency_key":  # ours, too
        assert parameters.pop().default is None
    of_the_document = signature.replace(parameters=parameters)
    assert f"{name}{of_the_document}".replace("'", "") == documented
    assert inspect.iscoroutinefunction(method) is (client is EventStreamer)


@pytest.mark.parametrize("client", [EventStreamer, SyncEventStreamer])
def test_the_documents_keyword_arguments_hold(client: Any) -> None:
    made = inspect.signature(client.__init__).parameters
    assert [*made][:3] == ["self", "service_url", "subscriber_id"]
    assert (made["timeout"].default, made["headers"].default) == (30.0, None)
    streaming = inspect.signature(client.create_streaming_client).parameters
    documented = {
        "resume_token": None,
        "client_metadata": None,
        "auto_acknowledge": True,
        "batch_ack_interval": 3.0,
    }
    assert {name: streaming[name].default for name in documented} == documented
    assert all(streaming[name].kind is inspect.Parameter.KEYWORD_ONLY for name in documented)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("event_streamer_sdk", "EventStreamer SyncEventStreamer AsyncEventStreamer EventStreamerSDKError"),
        (
            "event_streamer_sdk.models.subscriptions",
            "SubscriptionCreate SubscriptionUpdate SubscriptionResponse SubscriptionListResponse",
        ),
        ("event_streamer_sdk.models.abi", "ABIEvent ABIInput"),
        ("event_streamer_sdk.models.circuit_breaker", "CircuitBreakerMetrics RpcClientStatus"),
        ("event_streamer_sdk.models.confirmations", "ConfirmationRequest ConfirmationResponse"),
        ("event_streamer_sdk.models.streaming", "StreamingHeartbeat StreamingError StreamingEventBatch"),
        ("event_streamer_sdk.models", "SubscriptionCreate StreamingHeartbeat"),
        ("event_streamer_schemas", "ChainConfigRequest SubscriptionCreate CircuitBreakerMetrics ABIEvent"),
        (
            "event_streamer_sdk.exceptions",
            "EventStreamerSDKError EventStreamerConnectionError EventStreamerAuthError"
            " EventStreamerTimeoutError EventStreamerValidationError EventStreamerSubscriptionError"
            " ABIParsingError LogDecodeError",
        ),
    ],
)
def test_the_import_paths_of_the_document_are_there(module: str, names: str) -> None:
    imported = importlib.import_module(module)
    for name in names.split():
        assert getattr(imported, name).__name__.removeprefix("Async") == name.removeprefix("Async")
        assert name in imported.__all__


@pytest.mark.parametrize(
    "module",
    [
        "event_streamer_sdk",
        "event_streamer_sdk.models",
        "event_streamer_schemas",
        "event_streamer_api.models",
    ],
)
def test_lazy_modules_say_what_they_have_and_what_not(module: str) -> None:
    imported = importlib.import_module(module)
    assert set(imported.__all__) <= set(dir(imported))
    with pytest.raises(AttributeError, match=f"'{module}' has no attribute 'Nothing'"):
        imported.Nothing  # noqa: B018  # the look-up is the point
    with pytest.raises(ImportError):
        exec(f"from {module} import Nothing")


def test_there_is_one_class_of_each_model() -> None:
    import event_streamer_schemas
    from event_streamer_sdk import models

    for name in models.__all__:
        assert getattr(models, name) is getattr(event_streamer_schemas, name)


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert event_streamer_sdk.__version__ == version("event-streamer-sdk")


def test_every_exception_is_listed() -> None:
    defined = {
        name
        for name, value in vars(exceptions_module).items()
        if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("_")
    }
    assert defined <= set(exceptions_module.__all__)
