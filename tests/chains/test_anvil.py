"""Starting a real node, and the token on it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from event_streamer_sdk.abi import EventDecoder, extract_abi_event
from event_streamer_service.chains import ChainUnavailable, RpcError
from event_streamer_service.devchain import npm
from event_streamer_service.devchain.anvil import BINARY_VARIABLE, Anvil, AnvilError, find_anvil
from event_streamer_service.devchain.contracts import build
from event_streamer_service.devchain.node import DevNode, DevToken, token_artifact


@pytest.fixture
def anvil() -> None:
    try:
        find_anvil()
    except AnvilError as missing:
        pytest.skip(str(missing))


@pytest.mark.anvil
def test_the_token_emits_what_its_abi_says(anvil: None) -> None:
    abi = token_artifact()["abi"]
    transfer = EventDecoder(extract_abi_event(abi, "Transfer"))
    approval = EventDecoder(extract_abi_event(abi, "Approval"))
    with Anvil() as node:
        owner, other = node.accounts()[:2]
        token = DevToken.deploy(node, supply=1_000)
        (log,) = token.transfer(other, 5)["logs"]
        assert log["address"] == token.address
        assert transfer.decode(log["topics"], log["data"]) == {"from": owner, "to": other, "value": 5}
        logs = token.transfer_many(other, 2, 300)["logs"]
        assert len(logs) == 300
        assert transfer.decode(logs[-1]["topics"], logs[-1]["data"])["value"] == 2
        (log,) = token.approve(other, 7)["logs"]
        assert approval.decode(log["topics"], log["data"]) == {"owner": owner, "spender": other, "value": 7}
        (log,) = token.transfer(owner, 605, sender=other)["logs"]
        with pytest.raises(RpcError):
            token.transfer(owner, 1, sender=other)


@pytest.mark.anvil
def test_a_node_keeps_its_state_and_its_port_from_start_to_start(anvil: None, tmp_path: Path) -> None:
    node = Anvil(chain_id=5, state=tmp_path / "state.json")
    with node:
        assert int(node.call("eth_chainId"), 16) == 5
        token = DevToken.deploy(node)
        height = node.mine(3)
        url = node.url
    with pytest.raises(ChainUnavailable):
        node.call("eth_chainId")
    with node:
        assert node.url == url
        assert node.block_number() == height
        assert token.transfer(node.accounts()[1], 1)["logs"]


@pytest.mark.anvil
def test_two_nodes_run_side_by_side(anvil: None) -> None:
    with Anvil() as one, Anvil(block_time=1) as two:
        assert one.url != two.url
        assert DevToken.deploy(one).address == DevToken.deploy(two).address


@pytest.mark.anvil
def test_a_wrong_option_is_told_with_the_nodes_words(anvil: None) -> None:
    with pytest.raises(AnvilError, match=r"anvil does not start: .*--no-such-option"):
        Anvil(options=["--no-such-option"]).start()


def test_a_missing_npm_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(npm.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(BINARY_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnvilError, match=r"^npm is needed and not installed: install Node\.js"):
        find_anvil()


def test_a_failing_npm_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "npm"
    fake.write_text("#!/bin/sh\necho 'npm error network down' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv(npm.CACHE_VARIABLE, str(tmp_path / "cache"))
    with pytest.raises(npm.NpmError, match=r"npm could not install left-pad 1\.0\.0: npm error network down"):
        npm.install("left-pad", "1.0.0")
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_binary_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "anvil"
    binary.touch()
    monkeypatch.setenv(BINARY_VARIABLE, str(binary))
    assert find_anvil() == binary
    monkeypatch.setenv(BINARY_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(AnvilError, match=r"names .*none, which is not a file"):
        find_anvil()


@pytest.mark.npm
@pytest.mark.slow
def test_the_committed_bytecode_is_what_the_compiler_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = token_artifact()
    source = Path(build.__file__).with_name("Token.sol")
    (tmp_path / "Token.sol").write_text(source.read_text())
    monkeypatch.setattr(build, "_FOLDER", tmp_path)
    try:
        compiled = build.build()
    except npm.NpmError as missing:
        pytest.skip(str(missing))
    assert json.loads(compiled.read_text()) == committed


@pytest.mark.quick
def test_the_development_chain_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "event_streamer_service.devchain.server"]
    options = ["--chain-id", "7", "--first-block", "50", "--blocks", "10", "--mine-every", "0.05"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with DevNode(process.stdout.readline().strip()) as node:
                assert int(node.call("eth_chainId"), 16) == 7
                assert node.block_number() >= 59
                assert node.call("eth_getBlockByNumber", "0x31", False) is None
                height = node.mine(3)
                assert height >= 62
                with pytest.raises(RpcError, match="blocks must be 1 to"):
                    node.mine(0)
                with pytest.raises(RpcError, match="depth must be"):
                    node.reorg(100_000)
        finally:
            process.terminate()
        assert process.wait(10) in (0, -15)


@pytest.mark.quick
def test_a_wrong_option_of_the_development_chain_is_one_sentence() -> None:
    command = [sys.executable, "-m", "event_streamer_service.devchain.server", "--blocks", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert done.stderr == "DevChain: blocks must be 1 or more, not 0\n"
