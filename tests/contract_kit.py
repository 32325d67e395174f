"""Contracts for a real node, written as EVM code by hand: tokens that say what they please, price feeds."""

DECIMALS, SYMBOL, LATEST = "313ce567", "95d89b41", "feaf968c"
TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TO = "bb" * 20

_SELECTOR = "60003560e01c"  # PUSH1 0 CALLDATALOAD PUSH1 224 SHR
_AT = 11  # bytes of one step of a dispatch


def word(number):
    return number.to_bytes(32, "big", signed=number < 0)


def text(raw):
    """What a function returns that returns a string."""
    return word(32) + word(len(raw)) + raw + bytes(-len(raw) % 32)


SIX = word(6)


def token(symbol, decimals=SIX, amount=1_500_000):
    """A token: an answer may be bytes to return, or code (hex) to run; any other call moves the amount."""
    moves = (
        f"63{amount:08x}600052"  # PUSH4 amount PUSH1 0 MSTORE
        f"73{TO}33"  # PUSH20 to CALLER
        f"7f{TRANSFER}60206000a300"  # PUSH32 topic, PUSH1 32 PUSH1 0 LOG3 STOP
    )
    return _dispatch({SYMBOL: symbol, DECIMALS: decimals}, moves)


def feed(decimals=8):
    """A price feed: latestRoundData() returns the five words that were sent in the last transaction."""
    taken = "".join(f"60{32 * slot:02x}3560{slot:02x}55" for slot in range(5)) + "00"
    shown = "".join(f"60{slot:02x}5460{32 * slot:02x}52" for slot in range(5)) + "60a06000f3"
    return _dispatch({LATEST: shown, DECIMALS: word(decimals)}, taken)


def round_data(answer, updated, *, number=(7 << 64) + 1, answered=None):
    """The calldata that sets what a feed says."""
    words = (number, answer, updated, updated, number if answered is None else answered)
    return "0x" + b"".join(map(word, words)).hex()


def reverting(message):
    """Code that reverts with a message, as require() does."""
    return _copied(bytes.fromhex("08c379a0") + text(message), "fd")


GREEDY = "63ffffffff6000f3"  # returns 4 GB: there is no gas for that
FAILING = "fe"  # INVALID
HUGE = "6020600052620f424060205262100000" + "6000f3"  # a string of 1,000,000 zeros


def _copied(data, end):
    return [data, end]


def _dispatch(answers, otherwise):
    """Code that runs or returns each answer for its selector, and something else for anything else."""
    bodies = {}
    for selector, answer in answers.items():
        bodies[selector] = _copied(answer, "f3") if isinstance(answer, bytes) else answer
    place = 6 + _AT * len(bodies) + len(otherwise) // 2
    steps, code, datas = "", "", []
    sizes = {key: 18 if isinstance(body, list) else 1 + len(body) // 2 for key, body in bodies.items()}
    after = place + sum(sizes.values())
    for selector, body in bodies.items():
        steps += f"8063{selector}1461{place:04x}57"
        if isinstance(body, list):
            data, end = body
            code += f"5b62{len(data):06x}61{after:04x}60003962{len(data):06x}6000{end}"
            after += len(data)
            datas.append(data.hex())
        else:
            code += "5b" + body
        place += sizes[selector]
    return "0x" + _SELECTOR + steps + otherwise + code + "".join(datas)
