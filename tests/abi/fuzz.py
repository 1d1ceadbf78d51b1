"""
Look for input on which the ABI part hangs, or raises anything but its own errors: atheris finds its way.

    python tests/abi/fuzz.py documents --seconds 600
    python tests/abi/fuzz.py logs --seconds 600

What it finds is printed and written to the folder .cache/fuzz. It becomes an example in test_properties.py.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["event_streamer_sdk.abi"]):
    from event_streamer_sdk.abi import (
        ABIParsingError,
        EventDecoder,
        LogDecodeError,
        encode_log,
        extract_abi_event,
        extract_abi_events,
        human_readable,
        parse_abi,
        parse_contract_abi,
        topic0,
    )

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "fuzz"

DECLARATIONS = """
struct Item { uint8 kind; address token; uint256 amount; }
struct Deep { bytes32 id; string[] names; Item[2] pair; Item[][] rest; }
event Transfer(address indexed from, address indexed to, uint256 value);
event Fulfilled(bytes32 hash, address indexed offerer, Item[] offer, Deep deep);
event Words(string indexed a, bytes b, string c, bytes[] d, bool e, int24 f, uint160 g);
event Nested(bytes[][][][] a, tuple(tuple(tuple(string s)[] b)[] c)[] d);
event Fixed(fixed128x18 a, ufixed8x1 b, function() external c, bytes4[3][2] d, int256[] indexed e);
event Note(bytes4 indexed a, bool indexed b, uint8 indexed c, address indexed d, bytes e) anonymous;
event Empty();
"""
EVENTS = list(parse_abi(DECLARATIONS))
DECODERS = [EventDecoder(event, strict=strict) for event in EVENTS for strict in (True, False)]


def documents(data: bytes) -> None:
    """Any bytes as an ABI."""
    for ask in (
        lambda: [human_readable(event) for event in parse_abi(data)],
        lambda: [topic0(event) for event in extract_abi_events(data, contract="C").values()],
        lambda: extract_abi_event(data, "E(uint256)"),
        lambda: parse_contract_abi(data),
    ):
        with contextlib.suppress(ABIParsingError):
            ask()


def logs(data: bytes) -> None:
    """Any bytes as the topics and the data of a log of one of the events above."""
    if not data:
        return
    decoder = DECODERS[data[0] % len(DECODERS)]
    indexed = decoder.topic_count - (not decoder.event.anonymous)
    topics = [data[1 + 32 * index : 33 + 32 * index].rjust(32, b"\0") for index in range(indexed)]
    if not decoder.event.anonymous:
        topics.insert(0, bytes.fromhex(decoder.topic0[2:]))
    rest = data[1 + 32 * indexed :]
    with contextlib.suppress(LogDecodeError):
        decoded = decoder.decode(topics, rest)
        wire = decoder.decode_json([f"0x{topic.hex()}" for topic in topics], f"0x{rest.hex()}")
        typed = decoder.decode_event(json.loads(json.dumps(wire)))
        assert list(typed.values()) == list(decoded.values())
        if not decoded.dirty:
            assert decoder.decode(*encode_log(decoder.event, decoded)) == decoded


def seeds(target: str) -> list[bytes]:
    """Documents and logs to begin with."""
    if target == "logs":
        return [bytes([number]) + bytes(1200) for number in range(len(DECODERS))]
    abi = [event.to_dict() for event in EVENTS]
    shapes = [
        abi,
        abi[1],
        {"abi": abi},
        {"contracts": {"c.sol": {"C": {"abi": abi}}}},
        [human_readable(EVENTS[1])],
    ]
    return [DECLARATIONS.encode(), *(json.dumps(shape).encode() for shape in shapes)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("target", choices=["documents", "logs"])
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    corpus = CACHE / options.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(options.target)):
        (corpus / f"seed-{number}").write_bytes(seed)
    run: Callable[[bytes], None] = documents if options.target == "documents" else logs
    atheris.Setup(
        [sys.argv[0], str(corpus), f"-max_total_time={options.seconds}", "-max_len=8192", "-timeout=10",
         "-rss_limit_mb=2048", f"-artifact_prefix={CACHE}/", "-print_final_stats=1"],
        run,
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
