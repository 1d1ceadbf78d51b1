"""The SDK's errors in the words of the command line: `--address`, not `SubscriptionCreate.addresses[0]`."""

import re

_OPTIONS = {
    "addresses": "--address",
    "average_block_time": "--average-block-time",
    "chain_id": "--chain",
    "confirmation_blocks": "--confirmation-blocks",
    "end_block": "--end-block",
    "max_blocks_per_request": "--max-blocks-per-request",
    "name": "--name",
    "page": "--page",
    "page_size": "--page-size",
    "rpc_urls": "--rpc",
    "service_url": "--url",
    "start_block": "--start-block",
    "subscriber_id": "--subscriber-id",
}
"""Field or argument → the option that sets it."""

_FIELD = re.compile(r"(?:\w+(?:\.|: ))?(\w+)(?:\[\d+\])?")


def in_options(problem: Exception) -> str:
    """
    Write an error for somebody who typed options.

    Args:
        problem: The error; one of a value names its `field`.

    Returns:
        Its message, which names the option instead of the field; a field without one is named by itself.
    """
    message, field = str(problem), getattr(problem, "field", None) or ""
    found = _FIELD.fullmatch(field)
    if found is None or not message.startswith(field):
        return message
    return _OPTIONS.get(found[1], found[1]) + message[len(field) :]
