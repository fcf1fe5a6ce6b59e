"""Raw HTTP/1.1: requests of any bytes, answers read by the letter."""
import json
import re

from lib import tap
from lib.stream import Stream

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\x21-\x7e\t -]*")


class Answer:
    def __init__(self, status, phrase, fields, body):
        self.status = status
        self.phrase = phrase
        self.fields = fields  # (name in lower case, value), as they came
        self.body = body

    def field(self, name):
        found = [value for key, value in self.fields if key == name]
        tap.true(len(found) < 2, f"{name} comes twice")
        return found[0] if found else None

    def json(self):
        tap.equal(self.field("content-type"), "application/json")
        return json.loads(self.body)

    def error(self):
        """(status, errorType, message or None) of an error's body, which says
        the same as its header."""
        value = self.json()
        tap.equal(list(value), ["errors"])
        tap.equal(len(value["errors"]), 1)
        error = value["errors"][0]
        tap.true(set(error) <= {"errorType", "message"}, f"{error}")
        tap.equal(self.field("x-amzn-errortype"), error["errorType"])
        return self.status, error["errorType"], error.get("message")


class Http(Stream):
    """One connection."""

    def head(self):
        lines = self.take_until(b"\r\n\r\n").split(b"\r\n")[:-2]
        match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) ([ -~]+)", lines[0])
        tap.true(match, f"a status line: {lines[0]!r}")
        for line in lines[1:]:
            tap.true(FIELD.fullmatch(line), f"a header field: {line!r}")
        fields = [line.decode().split(": ", 1) for line in lines[1:]]
        return Answer(int(match[1]), match[2].decode(),
                      [(name.lower(), value) for name, value in fields], b"")

    def answer(self, bodiless=False):
        """The next final or interim answer; `bodiless`: to a HEAD."""
        answer = self.head()
        length = answer.field("content-length")
        if answer.status < 200 or answer.status == 204:
            tap.equal(length, None, f"Content-Length of a {answer.status}")
        elif not bodiless:
            tap.true(length is not None, "no Content-Length")
            answer.body = self.take(int(length))
        return answer

    def ask(self, method, path, fields=(), body=None, bodiless=None):
        self.send(request(method, path, fields, body))
        return self.answer(method == "HEAD" if bodiless is None else bodiless)

    def post(self, key, body, fields=()):
        """POST /event with a body: bytes, text, or what becomes JSON."""
        return self.ask("POST", "/event",
                        [("x-api-key", key), *fields], encode(body))

    def publish(self, key, channel, *events):
        """Publish what must be taken; the identifiers."""
        answer = self.post(key, {"channel": channel, "events": list(events)})
        tap.equal(answer.status, 200, f"the status, with {answer.body[:300]}")
        value = answer.json()
        tap.equal(value["failed"], [])
        tap.equal([item["index"] for item in value["successful"]],
                  list(range(len(events))))
        return [item["identifier"] for item in value["successful"]]


def encode(body):
    if isinstance(body, bytes):
        return body
    if not isinstance(body, str):
        body = json.dumps(body)
    return body.encode()


def request(method, path, fields=(), body=None, version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1") + (body or b"")


def post_bytes(key, channel, *events, fields=()):
    """The bytes of a good publish."""
    body = encode({"channel": channel, "events": list(events)})
    return request("POST", "/event", [("x-api-key", key), *fields], body)
