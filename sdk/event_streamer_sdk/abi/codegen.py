"""
Writes Python classes for the events of an ABI.

The written module holds an attrs class for each event, and one for each struct in it; it passes mypy strict
and pyright. A class of an event has (and this is all that a streaming client asks of one, see `EventClass`)

- `__abi_event__`, the event's `ABIEvent`;
- `from_event(event)`, a class method that makes an instance of an event object of the stream.

A handler takes it in place of a name, and gets a list of instances::

    from my_events import Transfer

    @streaming_client.on_event(Transfer)
    async def handle(transfers: list[Transfer]) -> None:
        for transfer in transfers:
            print(transfer.from_, transfer.to, transfer.value + 1, transfer.block_number)
"""

from ._event_class import EventClass, event_name, is_event_class

__all__ = ["EventClass", "event_name", "is_event_class"]
