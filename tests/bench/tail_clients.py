"""What reads the same blocks and receipts beside txtail: ``python tail_clients.py NAME URL FIRST LAST``.

Each runs with the interpreter of an environment of its own, so that what a client imports is counted, too.
"""

import sys

BATCH = 8  # blocks, as txtail asks


def bare(url, first, last):
    """The least there is to do: a connection, batches, and parsing what comes."""
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    import orjson

    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)

    def asked(method, heights, *more):
        body = [
            {"jsonrpc": "2.0", "id": one, "method": method, "params": [hex(one), *more]} for one in heights
        ]
        connection.request("POST", "/", orjson.dumps(body), {"content-type": "application/json"})
        return orjson.loads(connection.getresponse().read())

    count = 0
    for begin in range(first, last + 1, BATCH):
        heights = range(begin, min(begin + BATCH, last + 1))
        asked("eth_getBlockByNumber", heights, True)
        count += sum(len(one["result"]) for one in asked("eth_getBlockReceipts", heights))
    print(count)


def web3(url, first, last):
    """As web3.py's documentation has it."""
    from web3 import Web3

    eth = Web3(Web3.HTTPProvider(url)).eth
    count = 0
    for height in range(first, last + 1):
        eth.get_block(height, True)
        count += len(eth.get_block_receipts(height))
    print(count)


if __name__ == "__main__":
    {"bare": bare, "web3": web3}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
