"""
Parse the ABIs of npm packages into events: ours, or the published client's, by what the environment has.

The published client takes a JSON list alone, so for an artifact its user has to take the list out and write
it as JSON again; that is counted, as it is what it takes to get the events of such a file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from meter import Meter

try:
    from event_streamer_sdk.abi import extract_abi_events

    OURS = True
except ImportError:
    from event_streamer_sdk.abi_parser import extract_abi_events

    OURS = False


def unwrapped(text: str) -> dict[str, Any]:
    """What a user of the published client writes."""
    document = json.loads(text)
    return extract_abi_events(json.dumps(document["abi"]) if isinstance(document, dict) else text)


def usable(texts: list[str], parse: Callable[[str], dict[str, Any]]) -> list[int]:
    """The indexes of the files that can be parsed."""
    found = []
    for index, text in enumerate(texts):
        try:
            parse(text)
        except ValueError:
            continue
        except Exception as error:
            if type(error).__name__ != "ABIParsingError":
                raise
            continue
        found.append(index)
    return found


def main(corpus: str, form: str, passes: int) -> None:
    """Parse every file so many times; with no passes, tell which files can be parsed at all."""
    with open(corpus) as file:
        texts: list[str] = json.load(file)[form]
    parse = extract_abi_events if OURS or form != "files" else unwrapped
    meter = Meter()
    meter.start()
    if passes == 0:
        found = usable(texts, parse)
        meter.stop()
        meter.report(events=0, usable=found)
        return
    parse('[{"type": "event", "name": "Warm", "inputs": []}]')
    meter.start()
    events = sum(len(parse(text)) for _ in range(passes) for text in texts)
    meter.stop()
    meter.report(events=events)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
