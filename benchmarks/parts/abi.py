"""
The ABI part: parsing the artifacts of npm packages, and decoding logs.

The logs are written here, with values of every size, so that the benchmark needs nothing that isn't in the
repository.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.npm_abis import PACKAGES, event_items, json_files

from event_streamer_sdk.abi import encode_log, extract_abi_event, topic0

from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work

PUBLISHED = "published 0.5.0"
LOGS = 100

EVENTS = {
    "ERC-20 Transfer": "event Transfer(address indexed from, address indexed to, uint256 value)",
    "Uniswap V3 Swap": (
        "event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1,"
        " uint160 sqrtPriceX96, uint128 liquidity, int24 tick)"
    ),
    "Seaport OrderFulfilled": (
        "struct SpentItem { uint8 itemType; address token; uint256 identifier; uint256 amount; }"
        " struct ReceivedItem { uint8 itemType; address token; uint256 identifier; uint256 amount;"
        " address recipient; }"
        " event OrderFulfilled(bytes32 orderHash, address indexed offerer, address indexed zone,"
        " address recipient, SpentItem[] offer, ReceivedItem[] consideration)"
    ),
}

DECODERS = {
    "eth-abi 6": ("eth_abi", "eth_abi", 1),
    "faster-eth-abi": ("faster_eth_abi", "faster_eth_abi", 1),
    "web3.py 8": ("web3", "web3", 1),
    "ours": ("fast", "ours", 10),
    "ours, wire form": ("fast", "ours_json", 10),
}
"""Contestant → its environment, its name in the worker, and how many times as often it decodes."""

GOALS = {"eth-abi 6": 10.0, "faster-eth-abi": 2.5}
"""Peer → how many times as fast as it our decoder must be."""


def run(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of parsing, then those of decoding."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _parsing(Path(folder), quick)
        yield from _decoding(Path(folder), quick)


def _parsing(folder: Path, quick: bool) -> Iterator[Row]:
    """Every artifact as it lies in its package, and the ABIs alone; once in a fresh process, and again."""
    corpus = folder / "corpus.json"
    texts: dict[str, list[str]] = {"files": [], "ABIs alone": []}
    for package in PACKAGES:
        for path in json_files(package):
            text = path.read_text(encoding="utf-8-sig")
            document = json.loads(text)
            if event_items(document) is not None:
                texts["files"].append(text)
                texts["ABIs alone"].append(
                    json.dumps(document["abi"] if isinstance(document, dict) else document)
                )
    corpus.write_text(json.dumps(texts))
    usable = set(work("published", "abi_parse", corpus, "ABIs alone", 0)["usable"])
    alone = len(work("fast", "abi_parse", corpus, "files", 0)["usable"])
    note = f"{len(usable)} of {len(texts['files'])} ABIs: the published client parses them; ours {alone}"
    corpus.write_text(
        json.dumps(
            {
                form: [text for index, text in enumerate(all_) if index in usable]
                for form, all_ in texts.items()
            }
        )
    )
    for form in texts:
        for passes, how in ((1, "once"), (20, "again and again")):
            contestants: dict[str, Callable[[], Sample]] = {
                PUBLISHED: partial(work, "published", "abi_parse", corpus, form, passes),
                "fast": partial(work, "fast", "abi_parse", corpus, form, passes),
                "plain": partial(work, "plain", "abi_parse", corpus, form, passes),
            }
            results = interleave(contestants, 2 if quick else 7)
            for name, samples in results.items():
                yield compared(
                    f"parse packages' {form}, {how}: {name}",
                    samples,
                    ratio=ratio(results[PUBLISHED], samples, "cpu"),
                    against=PUBLISHED,
                    bound=None if name == PUBLISHED else 5.0,
                    rate=samples[0]["events"] / middle(samples, "cpu"),
                    note=note if name == PUBLISHED else "",
                )


def _decoding(folder: Path, quick: bool) -> Iterator[Row]:
    """Three events, from bytes and from hex, each library's answer the same."""
    logs = folder / "logs.json"
    logs.write_text(json.dumps({name: _logs(declaration) for name, declaration in EVENTS.items()}))
    repeats = 5 if quick else 30
    for name in EVENTS:
        for form in ("bytes", "hex"):
            contestants: dict[str, Callable[[], Sample]] = {
                label: partial(work, environment, "abi_decode", logs, library, name, form, repeats * factor)
                for label, (environment, library, factor) in DECODERS.items()
            }
            results = interleave(contestants, 2 if quick else 7)
            _check_answers(results)
            yield from _decoding_rows(name, form, results)


def _decoding_rows(name: str, form: str, results: dict[str, list[Sample]]) -> Iterator[Row]:
    """Compare the time of one log."""
    for samples in results.values():
        for sample in samples:
            sample["each"] = sample["cpu"] / sample["events"]
    for library, samples in results.items():
        bounds: dict[str, float] | dict[str, None] = GOALS if library == "ours" else {"eth-abi 6": None}
        for peer, bound in bounds.items():
            yield compared(
                f"decode {name} from {form}: {library}",
                samples,
                ratio=ratio(results[peer], samples, "each"),
                against=peer,
                bound=bound,
                rate=1 / middle(samples, "each"),
            )


def _check_answers(results: dict[str, list[Sample]]) -> None:
    """The contestants must agree, or the comparison means nothing. The wire form has text for numbers."""
    answers = {library: json.dumps(samples[0]["found"]) for library, samples in results.items()}
    del answers["ours, wire form"]
    if len(set(answers.values())) != 1:
        raise RuntimeError("the libraries decode different values")


def _logs(declaration: str) -> dict[str, Any]:
    """Write logs of an event, always the same."""
    chance = random.Random(17173049)
    name = declaration.rpartition("event ")[2].partition("(")[0]
    event = extract_abi_event(declaration, name)
    item = event.to_dict()
    logs = [
        encode_log(event, {each["name"]: _value(each, chance) for each in item["inputs"]})
        for _ in range(LOGS)
    ]
    return {"event": item, "topic0": topic0(event), "logs": logs}


def _value(parameter: dict[str, Any], chance: random.Random) -> Any:
    """A value of a type, of any size."""
    kind: str = parameter["type"]
    if kind.endswith("[]"):
        return [_value({**parameter, "type": kind[:-2]}, chance) for _ in range(chance.randint(1, 4))]
    if kind == "tuple":
        return [_value(each, chance) for each in parameter["components"]]
    if kind == "address":
        return f"0x{chance.randbytes(20).hex()}"
    if kind == "bytes32":
        return chance.randbytes(32)
    bits = chance.randint(1, int(kind.lstrip("uint")) - 1)
    return chance.getrandbits(bits) * (-1 if kind[0] == "i" and chance.random() < 0.5 else 1)
