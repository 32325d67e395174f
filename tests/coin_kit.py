"""A real litecoind node for the tests, on a chain of its own (regtest), and the few calls they make on it.

Litecoin Core 0.21 speaks as Bitcoin Core 0.21 does. The helpers use the standard library only: nothing of
txpipe is under test here.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from http.client import HTTPConnection

from node_kit import READY_S, free_port

LITECOIND = os.environ.get("TXPIPE_LITECOIND") or shutil.which("litecoind")
AUTH = "tail:s3cretpass"  # of a node that only its test can reach
SPENDABLE = 101
"""Blocks after which the first one's reward may be spent."""


class Litecoind:
    """A litecoind that mines only when told; ``with`` starts it and takes it down.

    Args:
        folder: Where its files go.
        port: Where it listens; None: a free port, kept over restarts.
        args: Further arguments, such as -txindex=1.
    """

    def __init__(self, folder, *, port=None, args=("-txindex=1",)):
        self.port = port or free_port()
        self.url = f"http://{AUTH}@127.0.0.1:{self.port}"
        self.folder = folder
        self.process = None
        user, password = AUTH.split(":")
        self.command = [
            *(LITECOIND, "-regtest", f"-datadir={folder}", "-server", "-rpcbind=127.0.0.1"),
            *("-rpcallowip=127.0.0.1", f"-rpcport={self.port}", f"-rpcuser={user}"),
            *(f"-rpcpassword={password}", "-listen=0", "-dnsseed=0", "-connect=0", "-printtoconsole=0"),
            *("-fallbackfee=0.0002", "-keypool=20", *args),
        ]

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        self.start()
        self.rpc("createwallet", "w", False, False, "", False, False, True)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)  # 20 MB, and pytest keeps what three runs leave

    def start(self):
        """Start it, also once more after kill() or stop(), and wait until it answers.

        Raises:
            OSError: Somebody else listens on its port.
            RuntimeError: It ended, or did not answer in time.
        """
        socket.create_server(("127.0.0.1", self.port)).close()  # else another's node may answer for it
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.rpc("getblockcount")
            except (ConnectionError, RuntimeError):  # not there yet, or "Loading block index"
                time.sleep(0.02)
            else:
                return self
        self.kill()
        raise RuntimeError(f"litecoind does not answer on {self.port}, status {self.process.poll()}")

    def stop(self):
        """End it as its users do. It waits 30 s for a client whose connection is open: end those before."""
        self.process.terminate()
        self.process.wait(60)

    def kill(self):
        """End it at once: blocks since its last stop() may be lost."""
        self.process.kill()
        self.process.wait()

    def answer(self, method, *params):
        """The bytes of the answer to one JSON-RPC call."""
        auth = base64.b64encode(AUTH.encode()).decode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = json.dumps({"id": 1, "method": method, "params": params})
            connection.request("POST", "/", body, {"Authorization": f"Basic {auth}"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def rpc(self, method, *params):
        """The result of one JSON-RPC call; RuntimeError with the node's own message."""
        answer = json.loads(self.answer(method, *params))
        if answer["error"]:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def address(self, kind="bech32"):
        """A new address of the node's wallet: legacy, p2sh-segwit, bech32, or mweb."""
        return self.rpc("getnewaddress", "", kind)

    def mine(self, count=1):
        """Mine that many blocks; the first takes every transaction that waits. Their hashes.

        To a new address each time: two blocks of one second to the same one would be the same block.
        """
        return self.rpc("generatetoaddress", count, self.address())

    def send(self, to, coins):
        """Pay from the wallet, unmined (``coins`` a decimal string); the transaction's id."""
        return self.rpc("sendtoaddress", to, coins)

    def height(self):
        return self.rpc("getblockcount")

    def hash(self, height):
        return self.rpc("getblockhash", height)

    def reorg(self, depth, *, further=1):
        """Replace the last blocks by as many, and some further ones; transactions are mined again."""
        self.rpc("invalidateblock", self.hash(self.height() - depth + 1))
        self.mine(depth + further)

    def canonical(self):
        """What a reader of the whole chain holds: hash by height."""
        return {height: self.hash(height) for height in range(self.height() + 1)}
