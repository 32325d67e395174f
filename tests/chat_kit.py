"""Chat services on this machine, in the shape that their documentation gives; none is the real one."""

import json
import re
from urllib.parse import parse_qs, urlsplit

from receiver_kit import Hook


class Service(Hook):
    """Keeps messages by their id.

    Attributes:
        messages: text of each, as it is now.
        answers: what each message answers to; None for nothing.
        failing: status, headers and object of the next answers; empty for none.
    """

    def __init__(self):
        super().__init__(self.served)
        self.messages, self.answers, self.failing = {}, {}, []

    def served(self, request):
        said = json.loads(request.body)
        status, headers, found = self.failing.pop(0) if self.failing else (*self.called(request, said),)
        return status, {"content-type": "application/json", **headers}, json.dumps(found).encode()

    def sent(self, text, to=None):
        number = len(self.messages) + 1000
        self.messages[number], self.answers[number] = text, to
        return number


class Discord(Service):
    """https://docs.discord.com/developers/resources/webhook: Execute Webhook and Edit Webhook Message."""

    PATH = "/api/webhooks/112233/hidden-token"

    @property
    def address(self):
        return f"discord:{self.url.removesuffix('/hook')}{self.PATH}"

    def called(self, request, said):
        parts = urlsplit(request.path)
        found = re.fullmatch(rf"{self.PATH}(?:/messages/(\d+))?", parts.path)
        assert found, parts.path
        assert said["allowed_mentions"] == {"parse": []}
        if not 0 < len(said["content"]) <= 2000:
            return 400, {}, {"code": 50035, "message": "Invalid Form Body"}
        if found[1] is None:
            assert (request.method, parse_qs(parts.query)["wait"]) == ("POST", ["true"])
            return 200, {}, {"id": str(self.sent(said["content"])), "content": said["content"]}
        assert request.method == "PATCH"
        if int(found[1]) not in self.messages:
            return 404, {}, {"code": 10008, "message": "Unknown Message"}
        self.messages[int(found[1])] = said["content"]
        return 200, {}, {"id": found[1], "content": said["content"]}


class Telegram(Service):
    """https://core.telegram.org/bots/api: sendMessage and editMessageText."""

    PATH = "/bot123:hidden-token"

    @property
    def address(self):
        return f"telegram:{self.url.removesuffix('/hook')}{self.PATH}?chat_id=-100123"

    def called(self, request, said):
        assert said["chat_id"] == "-100123"
        assert request.method == "POST"
        method = request.path.removeprefix(f"{self.PATH}/")
        if not 0 < len(said["text"].encode("utf-16-le")) // 2 <= 4096:
            return 400, {}, refused("Bad Request: message is too long")
        if method == "sendMessage":
            to = said.get("reply_parameters", {}).get("message_id")
            assert to is None or said["reply_parameters"]["allow_sending_without_reply"]
            return 200, {}, {"ok": True, "result": {"message_id": self.sent(said["text"], to)}}
        assert method == "editMessageText"
        number = said["message_id"]
        if number not in self.messages:
            return 400, {}, refused("Bad Request: message to edit not found")
        if self.messages[number] == said["text"]:
            return 400, {}, refused("Bad Request: message is not modified: specified new message content ...")
        self.messages[number] = said["text"]
        return 200, {}, {"ok": True, "result": {"message_id": number}}


class Slack(Service):
    """https://docs.slack.dev/reference/methods: chat.postMessage and chat.update."""

    @property
    def address(self):
        return f"slack:{self.url.removesuffix('/hook').replace('//', '//xoxb-hidden@')}/api?channel=C012AB"

    def called(self, request, said):
        assert request.headers["authorization"] == "Bearer xoxb-hidden"
        assert (request.method, said["channel"]) == ("POST", "C012AB")
        if not 0 < len(said["text"]) <= 40_000:
            return 200, {}, {"ok": False, "error": "msg_too_long"}
        if request.path == "/api/chat.postMessage":
            to = said.get("thread_ts")
            number = self.sent(said["text"], to and int(to.partition(".")[0]))
            return 200, {}, {"ok": True, "channel": "C012AB", "ts": f"{number}.000100"}
        assert request.path == "/api/chat.update"
        number = int(said["ts"].partition(".")[0])
        if number not in self.messages:
            return 200, {}, {"ok": False, "error": "message_not_found"}
        self.messages[number] = said["text"]
        return 200, {}, {"ok": True, "channel": "C012AB", "ts": said["ts"], "text": said["text"]}


def refused(words, code=400, **more):
    """An answer of Telegram that says no."""
    return {"ok": False, "error_code": code, "description": words, **more}
