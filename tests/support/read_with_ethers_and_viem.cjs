// Reads blocks and events of the URL that it is given with ethers and with viem; prints what each step gave.

const ethers = require("ethers");
const viem = require("viem");

const url = process.argv[2];
const websocket = url.replace("http", "ws");
const abi = ["event Transfer(address indexed from, address indexed to, uint256 value)"];
const address = "0xa0b86a33e6417b3c4555ba476f04245600306d5d";
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Mines every half a second until something arrives: a library may still be subscribing. */
async function mineUntil(mine, promises) {
  const everything = Promise.all(promises);
  let arrived = false;
  everything.then(() => { arrived = true; });
  while (!arrived) {
    await mine();
    await pause(500);
  }
  return everything;
}

async function withEthers(seen) {
  const provider = new ethers.JsonRpcProvider(url);
  const contract = new ethers.Contract(address, abi, provider);
  seen.chain = [Number((await provider.getNetwork()).chainId), (await provider.getBlockNumber()) >= 19];
  const block = await provider.getBlock(5, true);
  seen.block = [block.number, block.prefetchedTransactions.length, block.timestamp];
  const found = await contract.queryFilter("Transfer", 0, 9);
  seen.logs = [found.length, found[0].args.value > 0n];
  const receipt = await provider.getTransactionReceipt(found[0].transactionHash);
  seen.receipt = [receipt.status, receipt.logs.length];
  seen.transaction = (await provider.getTransaction(found[0].transactionHash)).blockNumber;
  seen.balance = await provider.getBalance(address).catch((refusal) => refusal.error.message);
  provider.destroy();

  const live = new ethers.WebSocketProvider(websocket);
  const log = new Promise((resolve) => {
    new ethers.Contract(address, abi, live).on("Transfer", (from, to, value) => resolve(value > 0n));
  });
  const head = new Promise((resolve) => live.on("block", (number) => resolve(number > 19)));
  seen.live = await mineUntil(() => live.send("evm_mine", []), [log, head]);
  await live.destroy();
}

async function withViem(seen) {
  const client = viem.createPublicClient({ transport: viem.http(url) });
  const [event] = viem.parseAbi(abi);
  const mine = () => client.request({ method: "evm_mine", params: [] });
  seen.chain = [await client.getChainId(), (await client.getBlockNumber()) >= 19n];
  const block = await client.getBlock({ blockNumber: 5n, includeTransactions: true });
  seen.block = [Number(block.number), block.transactions.length, Number(block.timestamp)];
  const found = await client.getLogs({ address, event, fromBlock: 0n, toBlock: 9n });
  seen.logs = [found.length, found[0].args.value > 0n];
  const hash = found[0].transactionHash;
  const receipt = await client.getTransactionReceipt({ hash });
  seen.receipt = [receipt.status === "success" ? 1 : 0, receipt.logs.length];
  seen.transaction = Number((await client.getTransaction({ hash })).blockNumber);
  seen.balance = await client.getBalance({ address }).catch((refusal) => refusal.details);
  const logs = await client.createEventFilter({ address, event });
  const blocks = await client.createBlockFilter();
  await mine();
  seen.filters = [
    (await client.getFilterChanges({ filter: logs })).length,
    (await client.getFilterChanges({ filter: blocks })).length,
    await client.uninstallFilter({ filter: logs }),
  ];

  const live = viem.createPublicClient({ transport: viem.webSocket(websocket) });
  const log = new Promise((resolve) => {
    live.watchEvent({ address, event, onLogs: ([first]) => resolve(first.args.value > 0n) });
  });
  const head = new Promise((resolve) => {
    live.watchBlocks({ onBlock: ({ number }) => resolve(number > 19n) });
  });
  seen.live = await mineUntil(mine, [log, head]);
}

async function main() {
  const seen = { ethers: {}, viem: {} };
  await withEthers(seen.ethers);
  await withViem(seen.viem);
  console.log(JSON.stringify(seen));
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
