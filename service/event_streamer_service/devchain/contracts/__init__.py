"""A token of our own in Solidity: `Token.sol`, compiled as `Token.json` by `build.py`."""
