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

_WORDS = {
    r"must match \^0x\[0-9a-fA-F\]\{(\d+)\}\$": r"must be 0x and \1 hex digits",
    r"must match \^\(\(http.*\), got": "must be the address of a node, such as https://node.example, got",
    r"is before start_block (\d+)": r"is before --start-block \1",
    r"is service_url right\?": "is --url right?",
    r"change it with PUT\.": "change it with event-streamer chains update.",
    r'let the stream begin anew by itself with on_token_lost="restart"': "say --on-token-lost restart",
}
"""What the SDK says to programmers → the same in the words of the command line."""

_FIELD = re.compile(r"(?:\w+(?:\.|: ))?(\w+)(?:\[\d+\])?")


def in_options(problem: Exception) -> str:
    """
    Write an error for somebody who typed options.

    Args:
        problem: The error; one of a value names its `field`.

    Returns:
        Its message, which names the option instead of the field; a field without one is named by itself. What
        is to be 0x-hex is said in words, not as a pattern. Its notes come behind.
    """
    message, field = str(problem), getattr(problem, "field", None) or ""
    found = _FIELD.fullmatch(field)
    if found is not None and message.startswith(field):
        message = _OPTIONS.get(found[1], found[1]) + message[len(field) :]
    message = " ".join([message, *getattr(problem, "__notes__", ())])
    for pattern, words in _WORDS.items():
        message = re.sub(pattern, words, message)
    return message
