"""
Write Uniswap V3 swaps of a range of blocks into Parquet files, and draw the price.

    python uniswap_swaps.py https://your-service.example 1 19000000 19000100

Interrupted, the same command goes on where it was; run again, it draws what is there. POOL chooses a pool, by
default USDC/WETH 0.05 %. Install what it needs with `pip install '.[files,pandas,plot]'`.
"""

import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # pictures go into a file, also where there is no screen
import matplotlib.pyplot as plt
import pandas as pd

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.sinks import FileSink

POOL = os.environ.get("POOL", "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640")
SWAP = (
    "Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, "
    "uint160 sqrtPriceX96, uint128 liquidity, int24 tick)"
)
DECIMALS = (6, 18)
"""Of the pool's two tokens."""


def export(url: str, chain: int, first: int, last: int, folder: Path) -> None:
    """Write the swaps into part files, each once."""
    with SyncEventStreamer(url, "uniswap-example") as client:
        subscription = client.subscribe(
            SWAP, chain_id=chain, addresses=[POOL], start_block=first, end_block=last
        )
        report = client.create_streaming_client(subscription.id).run(into=FileSink(folder))
    print(f"{report.events} new swaps into {folder}")


def price_of_token1(sqrt_price: str) -> float:
    """
    Read a price: token0 for one token1.

    `sqrtPriceX96` is the root of token1's amount for one token0, times 2**96, both in their smallest units
    (Uniswap V3 whitepaper, 6.1). It has 160 bits, so it is text in the files, which is exact.
    """
    ratio: float = (int(sqrt_price) / 2**96) ** 2
    return float(10 ** (DECIMALS[1] - DECIMALS[0])) / ratio


def draw(folder: Path, picture: Path) -> None:
    """Draw the price and the volume."""
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        print("no swaps in these blocks")
        return
    swaps = pd.concat([pd.read_parquet(part) for part in parts])
    price = swaps["sqrtPriceX96"].map(price_of_token1)
    volume = swaps["amount0"].map(int).abs() / 10 ** DECIMALS[0]

    figure, (above, below) = plt.subplots(
        2, sharex=True, figsize=(10, 6), height_ratios=[2, 1], layout="constrained"
    )
    above.step(swaps["timestamp"], price, where="post")
    above.set(ylabel="token0 for one token1", title=f"{len(swaps)} swaps of {POOL}")
    below.bar(swaps["timestamp"], volume, width=1e-4)
    below.set(ylabel="volume (token0)", xlabel="time (UTC)")
    figure.savefig(picture, dpi=120)
    print(f"{picture}: {len(swaps)} swaps, last price {price.iloc[-1]:,.2f}")


def main() -> None:
    url, chain, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    folder = Path(f"swaps-{chain}-{first}-{last}")
    export(url, chain, first, last, folder)
    draw(folder, Path(f"{folder}.png"))


if __name__ == "__main__":
    main()
