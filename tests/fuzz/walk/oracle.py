"""What a server may say on one connection: answers to what was asked, in that
order, then perhaps frames or an event stream. Anything else is a finding."""
import json
import re
import struct
import zlib

from lib.wanderer import reaches, vector
from lib.websocket import CLOSE, PING, PONG, TEXT

HEAD_BYTES_MAX = 65536
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*)")
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]*")
LISTS = {"allow", "cache-control", "connection", "upgrade", "vary"}
ERRORS = {400, 401, 403, 404, 405, 406, 408, 411, 412, 413, 414, 415, 417, 421,
          426, 428, 429, 431, 501, 503, 505}
MESSAGES = {"connection_ack", "ka", "connection_error", "subscribe_success",
            "subscribe_error", "unsubscribe_success", "unsubscribe_error",
            "publish_success", "publish_error", "data", "gap", "error",
            "broadcast_error"}


class Wrong(Exception):
    """The finding."""


def true(value, about):
    if not value:
        raise Wrong(about)


class Ask:
    """One request. `good`: the member of a good answer's JSON that only the
    answers of its kind have; `strange`: nobody knows what becomes of it and of
    what follows."""

    def __init__(self, data, name, **more):
        self.data = data
        self.name = name
        self.good = more.get("good")
        self.head = more.get("head", False)
        self.mark = more.get("mark")          # comes back in a field
        self.expects = more.get("expects", False)
        self.turns = more.get("turns")        # "ws" or "stream"
        self.strange = more.get("strange", False)
        self.deflate = more.get("deflate", False)

    def __repr__(self):
        return self.name


class Oracle:
    def __init__(self):
        self.asked = []         # those that wait for their answer
        self.mode = "http"
        self.loose = False      # something strange was sent
        self.held = bytearray()
        self.recent = b""
        self.answers = 0
        self.messages = 0
        self.events = 0
        self.last = None        # the fields of the last answer
        self.final = False      # it said that the connection ends
        self.deflate = None
        self.close_seen = False
        self.ids = set()        # that a subscribe named
        self.ending = {}        # id: unsubscribes without an answer
        self.left = set()       # ids whose last request was to end
        self.owed = []          # (kind, id) of messages without an answer
        self.cursors = []       # some that came
        self.tokens = []
        self.places = {}        # id: the last cursor's vector
        self.kinds = {}
        self.heard = None       # called with each message

    def asks(self, ask):
        self.asked.append(ask)
        self.loose = self.loose or ask.strange

    def feed(self, data):
        self.recent = (self.recent + data)[-1500:]
        self.held += data
        while self.held and self.step():
            pass

    def step(self):
        return {"http": self.http, "ws": self.frame, "stream": self.line,
                "blind": self.blind}[self.mode]()

    def pending(self):
        """Whether something has come that is not yet whole."""
        return bool(self.held)

    # HTTP

    def http(self):
        if self.asked and self.asked[0].strange:
            # How many requests that was, nobody knows.
            self.mode = "blind"
            return True
        end = self.held.find(b"\r\n\r\n")
        if end < 0:
            true(len(self.held) < HEAD_BYTES_MAX, "a head without an end")
            true(b"HTTP/1.1 "[:9].startswith(bytes(self.held[:9])) or
                 self.held.startswith(b"HTTP/1.1 "),
                 f"no status line: {bytes(self.held[:100])}")
            return False
        lines = bytes(self.held[:end]).split(b"\r\n")
        match = STATUS.fullmatch(lines[0])
        true(match, f"a status line {lines[0][:200]}")
        status = int(match[1])
        fields = {}
        for line in lines[1:]:
            found = FIELD.fullmatch(line)
            true(found, f"a field {line[:200]}")
            name = found[1].decode().lower()
            value = found[2].decode("latin-1")
            if name in fields:
                true(name in LISTS, f"{name} comes twice")
                value = f"{fields[name]}, {value}"
            fields[name] = value
        if 100 <= status < 200 and status != 101:
            return self.interim(status, fields, end)
        return self.final_answer(status, fields, end + 4)

    def interim(self, status, fields, end):
        true(status == 100 and not fields, f"an interim {status} {fields}")
        true(self.loose or any(a.expects for a in self.asked[:1]),
             f"100 Continue for {self.asked[:1]}")
        del self.held[:end + 4]
        return True

    def final_answer(self, status, fields, start):
        true(not self.final or self.loose,
             f"an answer after one that said close: {status}")
        # What was not asked: a 408 for what was never finished.
        ask = self.asked[0] if self.asked else None
        true(ask is not None or self.loose or status == 408,
             f"an answer ({status}) to nothing")
        stream = fields.get("content-type", "").startswith("text/event-stream")
        length = 0
        if status in (101, 204, 304):
            true("content-length" not in fields, f"a length of a {status}")
        elif stream and status == 200:
            pass
        else:
            text = fields.get("content-length", "")
            true(text.isdigit(), f"Content-Length {text!r} of a {status}")
            length = int(text)
        if ask is not None and ask.head:
            length = 0
        if len(self.held) < start + length:
            return False
        body = bytes(self.held[start:start + length])
        del self.held[:start + length]
        self.answers += 1
        self.kinds[status] = self.kinds.get(status, 0) + 1
        if ask is not None:
            self.asked.pop(0)
            if not self.loose:
                self.judge(ask, status, fields, body)
        self.last = fields
        if "close" in fields.get("connection", "").lower():
            self.final = True
        if status == 101:
            self.upgraded(ask, fields)
        elif ask is not None and ask.turns == "ws":
            self.mode = "blind"  # where it goes on, nobody knows
        elif stream and status == 200 and not (ask and ask.head):
            self.mode = "stream"
        return True

    def judge(self, ask, status, fields, body):
        about = f"to {ask}: {status} {fields} {body[:300]}"
        if ask.mark is not None and status in (200, 204):
            true(ask.mark in fields.get("access-control-allow-headers", ""),
                 f"an answer to another request {about}")
        if status in ERRORS:
            if body and fields.get("content-type") == "application/json":
                true("errors" in self.json(body), f"an error {about}")
            return
        true(status in (101, 200, 204), f"an answer {about}")
        if status == 101:
            true(ask.turns == "ws", f"an answer {about}")
            return
        if ask.head or ask.good is None:
            true(ask.head or ask.mark or status == 200, f"an answer {about}")
            return
        if ask.good == "stream":
            true(fields.get("content-type", "").startswith(
                "text/event-stream"), f"an answer {about}")
        elif ask.good.startswith("text:"):
            true(ask.good[5:].encode() in body, f"an answer {about}")
        else:
            value = self.json(body)
            true(ask.good in value, f"an answer {about}")
            if ask.good == "next":
                self.page(value)
            elif ask.good == "token":
                self.tokens = [value["token"]]

    def json(self, text):
        try:
            return json.loads(text)
        except ValueError as why:
            raise Wrong(f"not JSON ({why}): {text[:300]}") from None

    def page(self, value):
        last = None
        for event in value["events"]:
            now = vector(event["cursor"])
            true(last is None or reaches(now, last) and not reaches(last, now),
                 f"cursors of a page do not rise: {last}, {now}")
            last = now
            self.events += 1
        true(last is None or reaches(vector(value["next"]), last),
             "next is before the last event")
        self.keep(value["next"])

    def keep(self, cursor):
        if len(self.cursors) < 20:
            self.cursors.append(cursor)
        else:
            self.cursors[self.events % 20] = cursor

    def blind(self):
        self.held.clear()
        return False

    # WebSocket

    def upgraded(self, ask, fields):
        true(self.loose or ask and ask.turns == "ws", "101 to no upgrade")
        self.mode = "ws"
        self.final = False
        if "permessage-deflate" in fields.get("sec-websocket-extensions", ""):
            true(self.loose or ask.deflate, "deflate was not offered")
            quiet = "server_no_context_takeover" in fields[
                "sec-websocket-extensions"]
            self.deflate = (None if quiet else zlib.decompressobj(-15), quiet)

    def frame(self):
        held = self.held
        if len(held) < 2:
            return False
        first, second = held[0], held[1]
        true(first & 0x80 and not second & 0x80, f"a frame's head "
             f"{bytes(held[:20])}")
        length, start = second & 0x7f, 2
        if length == 126:
            if len(held) < 4:
                return False
            (length,) = struct.unpack(">H", held[2:4])
            true(length > 125, "a length that could be shorter")
            start = 4
        elif length == 127:
            if len(held) < 10:
                return False
            (length,) = struct.unpack(">Q", held[2:10])
            true(65535 < length < 1 << 26, f"a length of {length}")
            start = 10
        if len(held) < start + length:
            return False
        payload = bytes(held[start:start + length])
        del held[:start + length]
        true(not self.close_seen, f"a frame after the close: {payload[:200]}")
        if first & 0x40:
            true(self.deflate is not None, "a compressed frame")
            payload = self.inflate(payload)
        true(not first & 0x30, f"bits {first:#x}")
        self.one_frame(first & 0x0f, payload)
        return True

    def inflate(self, payload):
        engine, quiet = self.deflate
        if quiet:
            engine = zlib.decompressobj(-15)
        try:
            return engine.decompress(payload + b"\0\0\xff\xff")
        except zlib.error as why:
            raise Wrong(f"a compressed frame: {why}") from None

    def one_frame(self, opcode, payload):
        if opcode == TEXT:
            self.message(self.json(payload))
        elif opcode == CLOSE:
            true(len(payload) != 1 and len(payload) < 126, "a close frame")
            if payload:
                payload[2:].decode()
                code = int.from_bytes(payload[:2], "big")
                self.kinds[f"close {code}"] = self.kinds.get(
                    f"close {code}", 0) + 1
            self.close_seen = True
        else:
            true(opcode in (PING, PONG) and len(payload) < 126,
                 f"a frame {opcode}")

    def message(self, message):
        self.messages += 1
        kind = message.get("type")
        true(kind in MESSAGES, f"a message {message}"[:300])
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        name = message.get("id")
        asked = (kind.partition("_")[0], name)
        if asked in self.owed:
            self.owed.remove(asked)
        if kind in ("unsubscribe_success", "unsubscribe_error"):
            if self.ending.get(name):
                self.ending[name] -= 1
        elif kind == "subscribe_success":
            self.places.pop(name, None)
            if "cursor" in message:
                self.keep(message["cursor"])
                self.places[name] = vector(message["cursor"])
        elif kind in ("data", "gap"):
            self.delivered(kind, name, message)
        if self.heard:
            self.heard(message)

    def delivered(self, kind, name, message):
        self.events += 1
        true(self.loose or name in self.ids,
             f"{kind} for {name}, which was not asked for")
        true(self.loose or name not in self.left or self.ending[name],
             f"{kind} for {name}, which was ended")
        cursor = message.get("cursor") or message.get("to")
        if cursor is None:
            return
        now, last = vector(cursor), self.places.get(name, {})
        true(self.loose or reaches(now, last) and
             (kind == "gap" or not last or not reaches(last, now)),
             f"{kind} for {name}: cursors do not rise, {last}, {now}")
        self.places[name] = now
        self.keep(cursor)

    def subscribes(self, name):
        self.ids.add(name)
        self.left.discard(name)

    def unsubscribes(self, name):
        self.left.add(name)
        self.ending[name] = self.ending.get(name, 0) + 1

    # Server-Sent Events

    def line(self):
        end = self.held.find(b"\n")
        if end < 0:
            true(len(self.held) < 1 << 24, "a line without an end")
            return False
        line = bytes(self.held[:end])
        del self.held[:end + 1]
        if not line or line.startswith(b":"):
            return True
        name, colon, value = line.partition(b": ")
        true(colon and name in (b"id", b"data", b"event", b"retry"),
             f"a line of a stream: {line[:200]}")
        if name == b"data" and value:
            true(isinstance(self.json(value), dict), f"data {value[:200]}")
            self.events += 1
        elif name == b"id":
            now, last = vector(value.decode()), self.places.get("", {})
            true(reaches(now, last), f"ids fall: {last}, {now}")
            self.places[""] = now
            self.keep(value.decode())
        return True
