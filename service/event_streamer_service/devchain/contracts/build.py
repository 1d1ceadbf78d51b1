"""
Compile `Token.sol` into `Token.json`: the ABI, the bytecode and the functions' selectors.

    python -m event_streamer_service.devchain.contracts.build

The compiler is npm's `solc`, pinned, fetched into the cache folder. The output does not depend on the
machine: no metadata hash, fixed settings.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .. import npm

SOLC_VERSION = "0.8.37"
_FOLDER = Path(__file__).parent
_SETTINGS = {
    "optimizer": {"enabled": True, "runs": 200},
    # The oldest instruction set that today's nodes and the compiler's defaults share.
    "evmVersion": "paris",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.methodIdentifiers"]}},
}


def build() -> Path:
    """
    Compile the token and return the written file.

    Raises:
        npm.NpmError: The compiler can't be installed or run.
        RuntimeError: The source does not compile; the message is the compiler's.
    """
    source = _FOLDER / "Token.sol"
    compiler = npm.install("solc", SOLC_VERSION) / "solc" / "solc.js"
    question = {
        "language": "Solidity",
        "sources": {source.name: {"content": source.read_text(encoding="utf-8")}},
        "settings": _SETTINGS,
    }
    done = subprocess.run(  # noqa: S603 - our own command, no input from outside
        [npm.program("node"), str(compiler), "--standard-json"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    errors = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    if errors:
        raise RuntimeError("\n".join(errors))
    contract = answer["contracts"][source.name]["Token"]
    compiled = {
        "contractName": "Token",
        "compiler": f"solc {SOLC_VERSION}",
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "methodIdentifiers": contract["evm"]["methodIdentifiers"],
    }
    target = source.with_suffix(".json")
    target.write_text(json.dumps(compiled, indent=2) + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{build()}\n")
    except (npm.NpmError, RuntimeError) as error:
        sys.exit(str(error))
