"""Raw WebSocket: frames of any bytes, and the JSON messages in them."""
import base64
import hashlib
import json
import os
import struct
import zlib

from lib import tap
from lib.http import Http

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PROTOCOL = "aws-appsync-event-ws"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def credentials(pairs, padded=False):
    """The subprotocol that carries them."""
    text = base64.urlsafe_b64encode(json.dumps(pairs).encode()).decode()
    return "header-" + (text if padded else text.rstrip("="))


def accept_of(nonce):
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    digest = hashlib.sha1((nonce + GUID).encode()).digest()
    return base64.b64encode(digest).decode()


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x11\x22\x33\x44",
          length=None):
    """The bytes of one frame. `mask` None: none; `length`: claim another."""
    length = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0 if mask is None else 0x80
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", length)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", length)
    if mask is None:
        return head + payload
    return head + mask + masked(payload, mask)


def masked(payload, mask):
    count = len(payload)
    pattern = mask * (count // 4 + 1)
    value = (int.from_bytes(payload, "big") ^
             int.from_bytes(pattern[:count], "big"))
    return value.to_bytes(count, "big")


class WebSocket(Http):
    """A connection to /event/realtime. `key` is the API key, sent in the
    subprotocol; None sends no credentials there."""

    def __init__(self, node, key=None, protocols=None, fields=(),
                 path="/event/realtime", **options):
        super().__init__(node, **options)
        if protocols is None:
            protocols = PROTOCOL
            if key is not None:
                protocols += ", " + credentials({"x-api-key": key,
                                                 "host": "localhost"})
        self.key = key
        self.nonce = base64.b64encode(os.urandom(16)).decode()
        self.deflated = False  # the last message came compressed
        self.send(self.upgrade_bytes(path, protocols, fields))
        self.upgrade = self.answer()

    def upgrade_bytes(self, path, protocols, fields):
        lines = [f"GET {path} HTTP/1.1", "Host: localhost",
                 "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Version: 13",
                 f"Sec-WebSocket-Key: {self.nonce}"]
        if protocols:
            lines.append(f"Sec-WebSocket-Protocol: {protocols}")
        lines += [f"{name}: {value}" for name, value in fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def expected_accept(self):
        return accept_of(self.nonce)

    # Frames

    def send_frame(self, opcode, payload=b"", **options):
        self.send(frame(opcode, payload, **options))

    def send_text(self, text):
        self.send_frame(TEXT, text.encode())

    def frame(self):
        """The next frame: (opcode, payload), unmasked and whole."""
        first, second = self.take(2)
        tap.true(first & 0x80, "the server sends whole frames")
        tap.true(not second & 0x80, "the server does not mask")
        tap.true(first & 0x70 in (0, 0x40), f"bits {first & 0x70:#x}")
        length = second & 0x7f
        if length == 126:
            (length,) = struct.unpack(">H", self.take(2))
            tap.true(length > 125, "the shortest length")
        elif length == 127:
            (length,) = struct.unpack(">Q", self.take(8))
            tap.true(length > 65535, "the shortest length")
        payload = self.take(length)
        self.deflated = bool(first & 0x40)
        if self.deflated:
            payload = inflate(payload)
        return first & 0x0f, payload

    def text(self):
        """The next message, which is text."""
        opcode, payload = self.frame()
        tap.equal(opcode, TEXT, f"the opcode, of {payload[:200]}")
        return payload.decode()

    def closed(self, code):
        """The server closes with `code`, then ends the connection."""
        opcode, payload = self.frame()
        tap.equal((opcode, payload[:2]), (CLOSE, struct.pack(">H", code)),
                  "opcode and code")
        payload[2:].decode()
        self.send_frame(CLOSE, payload[:2])
        tap.true(self.at_end(), "the end of the stream after the close")

    # Messages

    def send_message(self, **members):
        self.send_text(json.dumps(members))

    def message(self):
        return json.loads(self.text())

    def reply(self):
        """The next message that is not a keepalive."""
        message = self.message()
        while message["type"] == "ka":
            message = self.message()
        return message

    def expect(self, **members):
        """The next message is that; keepalives come whenever they are due."""
        message = (self.message if members.get("type") == "ka"
                   else self.reply)()
        tap.equal(message, members, "the message")

    def ask(self, **members):
        self.send_message(**members)
        return self.reply()

    def authorization(self, key=None):
        return {"x-api-key": self.key if key is None else key,
                "host": "localhost"}

    def begin(self, timeout_ms=300000):
        """connection_init to the first ka."""
        self.send_message(type="connection_init")
        self.expect(type="connection_ack", connectionTimeoutMs=timeout_ms)
        self.expect(type="ka")
        return self

    def subscribe(self, name, channel, key=None):
        self.send_message(type="subscribe", id=name, channel=channel,
                          authorization=self.authorization(key))
        tap.equal(self.reply(), {"type": "subscribe_success", "id": name})
        return self

    def unsubscribe(self, name):
        self.send_message(type="unsubscribe", id=name)
        tap.equal(self.reply(), {"type": "unsubscribe_success", "id": name})

    def send_publish(self, name, channel, *events, key=None):
        self.send_message(type="publish", id=name, channel=channel,
                          events=list(events),
                          authorization=self.authorization(key))

    def publish(self, name, channel, *events, key=None):
        """Publish what must be taken; the identifiers."""
        self.send_publish(name, channel, *events, key=key)
        answer = self.reply()
        tap.equal((answer["type"], answer.get("id"), answer.get("failed")),
                  ("publish_success", name, []), f"the answer {answer}")
        return [item["identifier"] for item in answer["successful"]]

    def data(self, name, *events):
        """The next messages are these events, for one subscription."""
        for event in events:
            self.expect(type="data", id=name, event=event)

    def nothing(self):
        """No message is on its way, but keepalives: a ping overtakes none."""
        token = os.urandom(8)
        self.send_frame(PING, token)
        answer = self.frame()
        while answer == (TEXT, b'{"type":"ka"}'):
            answer = self.frame()
        tap.equal(answer, (PONG, token), "the next frame")

    def error(self, kind, name=None):
        """(errorType, message or None) of the next answer, of type `kind`."""
        return error_of(self.reply(), kind, name)


def error_of(message, kind, name=None):
    wanted = {"type", "errors"} | ({"id"} if name is not None else set())
    tap.equal((message.get("type"), message.get("id")), (kind, name),
              f"type and id of {message}")
    tap.equal(set(message), wanted)
    tap.equal(len(message["errors"]), 1)
    error = message["errors"][0]
    tap.true(set(error) <= {"errorType", "message"}, f"{error}")
    return error["errorType"], error.get("message")


def inflate(payload):
    """RFC 7692, 7.2.2, without context takeover."""
    return zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")


def deflate(payload):
    """RFC 7692, 7.2.1."""
    engine = zlib.compressobj(wbits=-15)
    data = engine.compress(payload) + engine.flush(zlib.Z_SYNC_FLUSH)
    tap.true(data.endswith(b"\0\0\xff\xff"), "a flush")
    return data[:-4]
