"""A real Anvil node for the tests, and the few calls they make on it.

The helpers use the standard library only: nothing of txpipe is under test here.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path

PINNED = Path(__file__).parent / "nodes/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
ANVIL = os.environ.get("TXPIPE_ANVIL") or (str(PINNED) if PINNED.exists() else shutil.which("anvil"))
GENESIS = 1_700_000_000  # a fixed clock: two runs of one script make the same hashes
INTERVAL_S = 12
READY_S = 30  # 0.1 s is usual; a loaded machine is no failure
CALL_GAS = 500_000  # fixed, so that a transaction that reverts is mined too
DEPLOY_GAS = 3_000_000


def free_port():
    """A port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Anvil:
    """An Anvil that mines only when told; ``with`` starts it and takes it down.

    Args:
        port: Where it listens; None: a free port, kept over restarts.
        state: A file that the chain is loaded from at the start, and saved to by stop() and as time passes.
        save_s: Seconds between saves. A kill() in the midst of one leaves a torn file that anvil refuses; a
            great number leaves it to stop(): stop, start, mine(2), kill, start = a node that lost two blocks.
        chain_id: 1 looks like mainnet.
        args: Further arguments of anvil.
    """

    def __init__(self, *, port=None, state=None, save_s=1, chain_id=1, args=()):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        saved = ["--state", str(state), "-s", str(save_s)] if state else []
        self.command = [
            *(ANVIL, "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(chain_id)),
            *("--silent", "--no-mining", "--order", "fifo", "--timestamp", str(GENESIS)),
            *(*saved, *args),
        ]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start it, also once more after kill() or stop(), and wait until it answers.

        Raises:
            OSError: Somebody else listens on its port.
            RuntimeError: It ended, or did not answer in time; what it says is on stderr.
        """
        socket.create_server(("127.0.0.1", self.port)).close()  # else another's node may answer for it
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            self._wait()
            self.rpc("anvil_setBlockTimestampInterval", INTERVAL_S)
            self.rpc("anvil_autoImpersonateAccount", True)
            # After a restart, --timestamp would put the next block before the ones that were loaded.
            head_s = int(self.block()["timestamp"], 16)
            self.rpc("evm_setNextBlockTimestamp", head_s + INTERVAL_S)
        except BaseException:
            self.kill()
            raise
        return self

    def _wait(self):
        deadline = time.monotonic() + READY_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.rpc("eth_chainId")
            except ConnectionError:
                time.sleep(0.01)
            else:
                return
        raise RuntimeError(f"anvil does not answer at {self.url}, status {self.process.poll()}")

    def stop(self):
        """End it with SIGTERM, on which it saves its state; SIGKILL if it does not end."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        """End it at once with SIGKILL: blocks since the last save are lost."""
        self.process.kill()
        self.process.wait()

    def rpc(self, method, *params):
        """The result of one JSON-RPC call; RuntimeError with the node's own message."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/", json.dumps(call), {"Content-Type": "application/json"})
            answer = json.load(connection.getresponse())
        finally:
            connection.close()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def block(self, number="latest"):
        """The block of that number (or tag) with whole transactions; None beyond the head."""
        return self.rpc("eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, True)

    def mine(self, count=1):
        """Mine that many blocks, 12 s apart; the first takes every transaction that waits."""
        self.rpc("anvil_mine", hex(count))

    def fund(self, address, wei=10**20):
        """Set the balance of an address."""
        self.rpc("anvil_setBalance", address, hex(wei))

    def send(self, sender, to, value=0, data="0x", gas=CALL_GAS):
        """Put a transaction from any funded address into the pool, unmined; its hash."""
        tx = {"from": sender, "value": hex(value), "data": data, "gas": hex(gas)}
        return self.rpc("eth_sendTransaction", tx | ({"to": to} if to else {}))

    def deploy_token(self, owner, code, supply=10**12):
        """Mine the token whose creation code (hex) is in the file ``code``; its lower-case address.

        The funded owner holds the whole supply, in units; 6 decimals, symbol TUSD.
        """
        arguments = TOKEN_HEAD + _word(supply) + TOKEN_NAMES
        made = self.send(owner, None, data="0x" + Path(code).read_text().strip() + arguments, gas=DEPLOY_GAS)
        self.mine()
        receipt = self.rpc("eth_getTransactionReceipt", made)
        if receipt["status"] != "0x1":
            raise RuntimeError(f"the token of {code} was not deployed: {receipt}")
        return receipt["contractAddress"].lower()

    def reorg(self, depth):
        """Replace the last blocks with as many empty ones; their transactions vanish."""
        self.rpc("anvil_reorg", depth, [])


def _word(value):
    """A number or an address as one ABI word, without 0x."""
    return f"{value:064x}" if isinstance(value, int) else value[2:].lower().rjust(64, "0")


def _text(text):
    """A short string as ABI: its length and one padded word."""
    return _word(len(text)) + text.encode().hex().ljust(64, "0")


# constructor(string name, string symbol, uint8 decimals, uint256 supply): offsets of the two strings first
TOKEN_HEAD = _word(128) + _word(192) + _word(6)
TOKEN_NAMES = _text("Test USD") + _text("TUSD")


def transfer_data(to, units):
    """The calldata of ERC-20 transfer(address,uint256)."""
    return "0xa9059cbb" + _word(to) + _word(units)


def approve_data(spender, units):
    """The calldata of ERC-20 approve(address,uint256)."""
    return "0x095ea7b3" + _word(spender) + _word(units)
