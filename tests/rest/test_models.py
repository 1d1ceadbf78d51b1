"""The models: names, defaults, rules, and what becomes of JSON that is too much, too little or wrong."""

import contextlib
import copy
import datetime
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_api import models
from event_streamer_sdk.exceptions import EventStreamerSDKError, EventStreamerValidationError
from event_streamer_sdk.models import (
    ABIEvent,
    ABIInput,
    ChainConfigRequest,
    ChainListResponse,
    CircuitBreakerMetrics,
    CircuitBreakerStatusResponse,
    ClientHeartbeatRequest,
    StreamingEventBatch,
    StreamingHeartbeat,
    SubscriptionCreate,
    SubscriptionListResponse,
    SubscriptionResponse,
    SubscriptionUpdate,
)

pytestmark = pytest.mark.quick

TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
ADDRESS = "0xA0b86a33E6417b3c4555ba476F04245600306D5D"
TRANSFER: dict[str, Any] = {
    "type": "event",
    "name": "Transfer",
    "inputs": [
        {"name": "from", "type": "address", "indexed": True, "internalType": "address"},
        {"name": "value", "type": "uint256"},
    ],
}
SUBSCRIPTION: dict[str, Any] = {
    "id": 123,
    "topic0": TOPIC0,
    "event_signature": TRANSFER,
    "addresses": [ADDRESS],
    "start_block": 19_000_000,
    "chain_id": 1,
    "subscriber_id": "my-app",
}


def create(**changes: Any) -> SubscriptionCreate:
    given: dict[str, Any] = {"event_signature": ABIEvent.from_dict(TRANSFER), "start_block": 0, "chain_id": 1}
    return SubscriptionCreate(**{**given, **changes})


class TestShape:
    def test_names_are_those_of_the_wire(self) -> None:
        event = ABIEvent(
            type="event", name="Transfer", inputs=[ABIInput(type="tuple", internalType="struct Order")]
        )
        assert event.type == "event"
        assert event.inputs[0].internalType == "struct Order"
        assert event.to_dict()["inputs"][0]["internalType"] == "struct Order"

    def test_defaults_are_those_of_the_document(self) -> None:
        event = ABIEvent(type="event", name="Ping")
        assert (event.inputs, event.anonymous) == ([], False)
        parameter = ABIInput(type="address")
        assert (parameter.name, parameter.indexed, parameter.components) == (None, False, None)
        subscription = create()
        assert (subscription.addresses, subscription.end_block, subscription.subscriber_id) == (
            [],
            None,
            None,
        )
        config = ChainConfigRequest(chain_id=1, name="Ethereum", rpc_urls=["http://node"])
        assert (config.historical_max_chunk_size, config.live_enable_gap_detection) == (10000, True)

    def test_lists_are_not_shared(self) -> None:
        assert ABIEvent(type="event", name="A").inputs is not ABIEvent(type="event", name="B").inputs
        assert ABIEvent.from_dict({"type": "event", "name": "A"}).inputs is not create().addresses

    def test_fields_are_given_by_name_only(self) -> None:
        with pytest.raises(TypeError):
            ABIInput("from", "address")  # type: ignore[misc]

    def test_equal_values_are_equal(self) -> None:
        assert ABIEvent.from_dict(TRANSFER) == ABIEvent.from_dict(copy.deepcopy(TRANSFER))
        assert ABIEvent.from_dict(TRANSFER) != ABIEvent.from_dict({**TRANSFER, "name": "Approval"})

    def test_repr_shows_what_is_there(self) -> None:
        assert (
            repr(ABIInput(name="to", type="address")) == "ABIInput(name='to', type='address', indexed=False)"
        )
        assert "UNSET" not in repr(SubscriptionUpdate())

    def test_repr_hides_tokens(self) -> None:
        response = SubscriptionResponse.from_dict({**SUBSCRIPTION, "resume_token": "rt_secret"})
        assert response.resume_token == "rt_secret"
        assert "rt_secret" not in repr(response)
        assert "resume_token=***" in repr(response)

    def test_models_survive_copy_and_pickle(self) -> None:
        subscription = SubscriptionResponse.from_dict({**SUBSCRIPTION, "more": 1})
        assert copy.deepcopy(subscription) == subscription
        assert pickle.loads(pickle.dumps(subscription)) == subscription
        assert attrs.evolve(subscription, id=4).additional_properties == {"more": 1}

    def test_a_plain_map_is_a_dict(self) -> None:
        status = CircuitBreakerStatusResponse.from_dict(
            {"circuit_breakers": {"ethereum_rpc": {"state": "closed", "failure_count": 0}}}
        )
        assert {name: breaker.state for name, breaker in status.circuit_breakers.items()} == {
            "ethereum_rpc": "closed"
        }

    def test_every_model_and_field_is_described(self) -> None:
        for name in models.__all__:
            model = getattr(models, name)
            described = model.__doc__ or ""
            assert "Attributes:" in described
            for attribute in attrs.fields(model):
                assert f"{attribute.alias}: " in described, f"{name}.{attribute.alias}"


class TestReading:
    def test_what_is_not_known_is_kept(self) -> None:
        response = SubscriptionResponse.from_dict({**SUBSCRIPTION, "shard": {"of": 7}})
        assert response.additional_properties == {"shard": {"of": 7}}
        assert response["shard"] == {"of": 7}
        assert "shard" in response
        assert response.to_dict()["shard"] == {"of": 7}

    def test_what_is_missing_or_null_is_none(self) -> None:
        missing = SubscriptionResponse.from_dict(SUBSCRIPTION)
        null = SubscriptionResponse.from_dict({**SUBSCRIPTION, "end_block": None, "created_at": None})
        assert missing == null
        assert missing.end_block is None

    def test_null_means_the_default_where_there_is_one(self) -> None:
        parameter = ABIInput.from_dict({"type": "address", "name": None, "indexed": None, "components": None})
        assert parameter == ABIInput(type="address")

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2024-05-23T10:30:00.000Z", "2024-05-23T10:30:00+00:00"),
            ("2024-05-23T12:30:00+02:00", "2024-05-23T10:30:00+00:00"),
            ("2024-05-23T10:30:00", "2024-05-23T10:30:00+00:00"),
            ("Thu, 23 May 2024 10:30:00 GMT", "2024-05-23T10:30:00+00:00"),
            ("2024-05-23 10:30:00 UTC", "2024-05-23T10:30:00+00:00"),
        ],
    )
    def test_times_have_a_zone(self, written: str, meant: str) -> None:
        heartbeat = StreamingHeartbeat.from_dict({"type": "heartbeat", "timestamp": written})
        assert heartbeat.timestamp == datetime.datetime.fromisoformat(meant)
        assert heartbeat.timestamp.utcoffset() is not None

    @pytest.mark.parametrize(
        ("model", "source", "told"),
        [
            (SubscriptionResponse, {}, "SubscriptionResponse.id is missing"),
            (SubscriptionResponse, [], "SubscriptionResponse must be a JSON object, got [] (list)"),
            (
                SubscriptionResponse,
                {**SUBSCRIPTION, "id": "7"},
                "SubscriptionResponse.id must be an integer, got '7'",
            ),
            (
                SubscriptionListResponse,
                {"subscriptions": [SUBSCRIPTION, {"id": 1}], "total": 2, "page": 1, "page_size": 20},
                "SubscriptionListResponse.subscriptions[1].topic0 is missing",
            ),
            (
                SubscriptionResponse,
                {
                    **SUBSCRIPTION,
                    "event_signature": {**TRANSFER, "inputs": [{"type": "address"}, {"type": 5}]},
                },
                "SubscriptionResponse.event_signature.inputs[1].type must be a string, got 5",
            ),
            (
                CircuitBreakerStatusResponse,
                {"circuit_breakers": {"a": {"state": "open"}}},
                "CircuitBreakerStatusResponse.circuit_breakers['a'].failure_count is missing",
            ),
            (
                StreamingHeartbeat,
                {"type": "heartbeat", "timestamp": "soon"},
                "StreamingHeartbeat.timestamp must be an ISO 8601 time, got 'soon'",
            ),
            (
                StreamingHeartbeat,
                {"type": "error"},
                "StreamingHeartbeat.type must be 'heartbeat', got 'error'",
            ),
            (ChainListResponse, {"chains": 1}, "ChainListResponse.chains must be a list, got 1"),
            (
                ABIEvent,
                {"type": "event", "name": "A", "inputs": None},
                "ABIEvent.inputs must not be null: leave it out instead",
            ),
            (
                SubscriptionUpdate,
                {"topic0": None},
                "SubscriptionUpdate.topic0 must not be null: leave it out instead",
            ),
        ],
    )
    def test_an_error_names_the_path(self, model: Any, source: Any, told: str) -> None:
        with pytest.raises(EventStreamerValidationError) as caught:
            model.from_dict(source)
        assert str(caught.value) == told
        assert caught.value.field is not None
        assert str(caught.value).startswith(caught.value.field)

    def test_a_batch_keeps_its_events_as_they_are(self) -> None:
        events = {"Transfer": [{"from": ADDRESS, "value": "1000000000000000000", "block_number": 19000001}]}
        batch = StreamingEventBatch.from_dict(
            {
                "type": "event_batch",
                "response_id": "r",
                "resume_token": "rt_x",
                "events": events,
                "batch_size": 1,
            }
        )
        assert batch.events == events


class TestRules:
    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"start_block": -1}, "SubscriptionCreate.start_block must be 0 or more, got -1"),
            ({"start_block": True}, "SubscriptionCreate.start_block must be an integer, got True"),
            ({"start_block": 1.0}, "SubscriptionCreate.start_block must be an integer, got 1.0"),
            ({"chain_id": 0}, "SubscriptionCreate.chain_id must be 1 or more, got 0"),
            ({"end_block": -5}, "SubscriptionCreate.end_block must be 0 or more, got -5"),
            ({"topic0": "0x12"}, "SubscriptionCreate.topic0 must match ^0x[0-9a-fA-F]{64}$, got '0x12'"),
            ({"topic0": TOPIC0 + "\n"}, "SubscriptionCreate.topic0 must match"),
            (
                {"addresses": [ADDRESS, "0x1"]},
                "SubscriptionCreate.addresses[1] must match ^0x[0-9a-fA-F]{40}$",
            ),
            ({"addresses": ADDRESS}, "SubscriptionCreate.addresses must be a list, got '0xA0b8"),
            (
                {"addresses": [ADDRESS] * 1001},
                "SubscriptionCreate.addresses must have 1000 items at most, got 1001",
            ),
            (
                {"subscriber_id": ""},
                "SubscriptionCreate.subscriber_id must have 1 character or more, got ''",
            ),
            (
                {"subscriber_id": "x\ud800"},
                "SubscriptionCreate.subscriber_id must be text that UTF-8 can hold",
            ),
            (
                {"event_signature": TRANSFER},
                "SubscriptionCreate.event_signature must be of the model ABIEvent, got {'type': 'event'",
            ),
            (
                {"event_signature": None},
                "SubscriptionCreate.event_signature must be of the model ABIEvent, got None",
            ),
        ],
    )
    def test_a_wrong_value_fails_when_the_model_is_built(self, changes: dict[str, Any], told: str) -> None:
        with pytest.raises(EventStreamerValidationError) as caught:
            create(**changes)
        assert str(caught.value).startswith(told)
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, EventStreamerSDKError)
        assert "\n" not in str(caught.value)

    def test_a_wrong_value_fails_when_it_is_set(self) -> None:
        subscription = create()
        with pytest.raises(
            EventStreamerValidationError, match=r"SubscriptionCreate\.chain_id must be 1 or more"
        ):
            subscription.chain_id = 0

    def test_the_event_type_is_fixed(self) -> None:
        with pytest.raises(
            EventStreamerValidationError, match=r"ABIEvent\.type must be 'event', got 'function'"
        ):
            ABIEvent(type="function", name="transfer")  # type: ignore[arg-type]

    def test_a_chain_needs_an_endpoint(self) -> None:
        with pytest.raises(
            EventStreamerValidationError, match="ChainConfigRequest needs rpc_urls or historical"
        ):
            ChainConfigRequest(chain_id=1, name="Ethereum")
        assert ChainConfigRequest(chain_id=1, name="E", historical_rpc_url="http://node").rpc_urls is None

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), 0, -1.5, "2", True])
    def test_a_block_time_is_a_positive_number(self, value: Any) -> None:
        with pytest.raises(
            EventStreamerValidationError, match=r"ChainConfigRequest\.average_block_time must be"
        ):
            ChainConfigRequest(chain_id=1, name="E", rpc_urls=["http://node"], average_block_time=value)

    def test_a_time_needs_a_zone(self) -> None:
        with pytest.raises(EventStreamerValidationError, match="must be a datetime with a zone"):
            ClientHeartbeatRequest(timestamp=datetime.datetime(2024, 5, 23))
        with pytest.raises(EventStreamerValidationError, match="must be a datetime, got '2024'"):
            ClientHeartbeatRequest(timestamp="2024")  # type: ignore[arg-type]

    def test_a_wrong_token_is_not_shown(self) -> None:
        with pytest.raises(EventStreamerValidationError) as caught:
            StreamingEventBatch(response_id="r", resume_token=b"rt_secret", events={})  # type: ignore[arg-type]
        assert "rt_secret" not in str(caught.value)


class TestWriting:
    def test_what_is_none_is_left_out_unless_it_is_asked_for(self) -> None:
        parameter = ABIInput(type="address")
        assert parameter.to_dict() == {"type": "address", "indexed": False}
        assert parameter.to_dict(include_none=True) == {
            "name": None,
            "type": "address",
            "indexed": False,
            "internalType": None,
            "components": None,
        }

    def test_an_update_holds_what_was_set(self) -> None:
        assert SubscriptionUpdate().to_dict() == {}
        assert SubscriptionUpdate(end_block=5).to_dict() == {"end_block": 5}
        assert SubscriptionUpdate(end_block=None).to_dict() == {"end_block": None}
        assert SubscriptionUpdate(end_block=None).end_block is None
        assert SubscriptionUpdate().end_block is None

    def test_an_update_keeps_what_was_not_set_when_it_is_changed(self) -> None:
        assert attrs.evolve(SubscriptionUpdate(), start_block=4).to_dict() == {"start_block": 4}
        update = SubscriptionUpdate.from_dict({"end_block": None})
        assert update.to_dict() == {"end_block": None}
        update.end_block = 9
        assert update.to_dict() == {"end_block": 9}
        with pytest.raises(
            EventStreamerValidationError, match=r"SubscriptionUpdate\.end_block must be 0 or more"
        ):
            update.end_block = -1

    def test_times_are_written_as_iso_8601(self) -> None:
        time = datetime.datetime(2024, 5, 23, 10, 30, tzinfo=datetime.UTC)
        assert ClientHeartbeatRequest(timestamp=time).to_dict() == {"timestamp": "2024-05-23T10:30:00Z"}

    def test_a_field_wins_over_an_extra_of_the_same_name(self) -> None:
        parameter = ABIInput(type="address", additional_properties={"type": "other", "kept": 1})
        assert parameter.to_dict() == {"type": "address", "indexed": False, "kept": 1}


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
parameters = st.deferred(
    lambda: st.builds(
        ABIInput,
        name=st.none() | names,
        type=st.sampled_from(["address", "uint256", "bytes32[]", "tuple"]),
        indexed=st.booleans(),
        internalType=st.none() | names,
        components=st.none() | st.lists(parameters, max_size=2),
    )
)


@given(st.builds(ABIEvent, name=names, inputs=st.lists(parameters, max_size=4), anonymous=st.booleans()))
def test_a_model_survives_json(event: ABIEvent) -> None:
    assert ABIEvent.from_dict(event.to_dict()) == event
    assert ABIEvent.from_dict(event.to_dict(include_none=True)) == event


@given(st.sampled_from(sorted(models.__all__)), json_values)
def test_any_json_gives_a_model_or_our_error(name: str, source: Any) -> None:
    model: Any = getattr(models, name)
    try:
        made = model.from_dict(source)
    except EventStreamerValidationError:
        return
    assert model.from_dict(made.to_dict()) == made


@given(
    st.dictionaries(
        st.sampled_from([field.name for field in attrs.fields(CircuitBreakerMetrics)]), json_values
    )
)
def test_any_value_of_a_field_is_read_or_refused(source: dict[str, Any]) -> None:
    with contextlib.suppress(EventStreamerValidationError):
        assert CircuitBreakerMetrics.from_dict(source).name == source["name"]
