"""What ordinary and hostile clients say: requests, frames, messages. All from
one generator, so that the same seed says the same."""
import base64
import json
import urllib.parse

from lib.websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, PROTOCOL,
                           TEXT, credentials, deflate, frame)

from walk.oracle import Ask

NAMESPACES = ["default", "default", "quiet", "light", "small", "again"]
CHANNELS = ["/{}/fuzz/a", "/{}/fuzz/b", "/{}/fuzz/a/deep", "/{}/fuzz/c/d/e"]
PATTERNS = [*CHANNELS, "/{}/fuzz/*", "/{}/*", "/{}/fuzz/a/*"]
BAD_CHANNELS = ["/", "/*", "default/fuzz", "/nowhere/x", "/default/fuzz/a/b/c/d",
                "/default//a", "/default/ä", "/default/fuzz/*/b", "", "x" * 300]
BAD_HEADS = [
    b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: h\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /event HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
    b"Content-Length: 4\r\n\r\nabcd",
    b"POST /event HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /event HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n"
    b"\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\nHost: h\n\n", b"\0\0\0\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 
    b"BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", b"GET * HTTP/1.1\r\nHost: h\r\n\r\n",
    b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET http://h/event?channel=/default/fuzz/a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /event HTTP/1.1\r\nHost: h\r\nX: \xff\xfe\r\n\r\n",
    b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 80 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"z" * 40000 + b"\r\n\r\n",
    b"POST /event HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n",
    b"POST /event HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    b"POST /event HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"ffffffffffffffff1\r\n",
    b"POST /event HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"xyz\r\n",
    b"POST /event HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabcd\r\n0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
]
BAD_MESSAGES = [
    "", "{", "[]", "null", '"x"', "{}", '{"type":5}', '{"type":"dance"}',
    '{"type":"subscribe"}', '{"type":"subscribe","id":""}',
    '{"type":"subscribe","id":"a","id":"b"}', '{"type":"publish","id":"p"}',
    '{"type":"unsubscribe"}', '{"type":"unsubscribe","id":"nobody"}',
    '{"type":"ka"}', '{"type":"connection_init","payload":{}}',
    "[" * 5000, '{"a":' * 3000, '{"type":"subscribe","id":"' + "i" * 200 + '"}',
]


class Pieces:
    """`world` has keys by name, and cursors and tokens that were given."""

    def __init__(self, random, world):
        self.random = random
        self.world = world
        self.number = 0

    def chance(self, share):
        return self.random.random() < share

    def channel(self):
        if self.chance(0.04):
            return self.random.choice(BAD_CHANNELS)
        return self.random.choice(CHANNELS).format(
            self.random.choice(NAMESPACES))

    def pattern(self):
        if self.chance(0.04):
            return self.random.choice(BAD_CHANNELS)
        return self.random.choice(PATTERNS).format(
            self.random.choice(NAMESPACES))

    def key(self):
        keys = self.world.keys
        kind = self.random.random()
        if kind < 0.8:
            return keys["all"]
        if kind < 0.9:  # ends while it is used
            return keys["short"]
        return self.random.choice(list(keys.values()))

    def cursor(self):
        known = self.world.cursors
        if not known:
            return "AAAA"
        text = self.random.choice(known)
        kind = self.random.random()
        if kind < 0.75:
            return text
        if kind < 0.85:
            return text[:self.random.randrange(len(text) + 1)]
        at = self.random.randrange(len(text) or 1)
        return text[:at] + self.random.choice("AZaz09-_=.") + text[at + 1:]

    def begin(self):
        """Where to begin: a pair, or nothing."""
        kind = self.random.randrange(7)
        if kind == 0:
            return None
        if kind <= 2:
            return "after", self.cursor()
        if kind == 3:
            return "last", self.random.choice([0, 1, 3, 100, 1000000])
        if kind == 4:
            return "seconds", self.random.choice([0, 1, 5, 4294967295])
        return "all", True

    def event(self):
        self.number += 1
        kind = self.random.random()
        size = 0 if kind < 0.7 else self.random.choice([200, 3000, 20000])
        return json.dumps({"n": self.number, "fill": "x" * size})

    def events(self):
        return [self.event() for _ in range(self.random.choice([1, 1, 2, 5]))]

    # HTTP

    def request(self, method, target, fields=(), body=None, **more):
        version = "1.0" if self.chance(0.02) else "1.1"
        lines = [f"{method} {target} HTTP/{version}", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in fields]
        if self.chance(0.2):
            lines.append("Origin: https://page.example")
        if self.chance(0.02):
            lines.append("Connection: close")
        expects = False
        if body is not None:
            body = body.encode() if isinstance(body, str) else body
            if self.chance(0.15):
                lines.append("Expect: 100-continue")
                expects = True
            if version == "1.1" and self.chance(0.2):
                lines.append("Transfer-Encoding: chunked")
                body = self.chunks(body)
            else:
                lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")
        return Ask(data, f"{method} {target[:150]}", expects=expects,
                   head=method == "HEAD", **more)

    def chunks(self, body):
        out = b""
        while body:
            size = self.random.choice([1, 7, 100, 5000])
            piece, body = body[:size], body[size:]
            extension = b";a=b" if self.chance(0.1) else b""
            out += b"%x%s\r\n%s\r\n" % (len(piece), extension, piece)
        trailer = b"X-T: 1\r\n" if self.chance(0.1) else b""
        return out + b"0\r\n" + trailer + b"\r\n"

    def with_key(self):
        return [] if self.chance(0.03) else [("x-api-key", self.key())]

    def query(self, channels, **more):
        pairs = [("channel", self.pattern()) for _ in range(channels)]
        begin = self.begin()
        if begin:
            pairs.append((begin[0], "true" if begin[1] is True else begin[1]))
        pairs += [(name, value) for name, value in more.items()
                  if value is not None]
        self.random.shuffle(pairs)
        return urllib.parse.urlencode(pairs, safe="/*")

    def history(self):
        wait = self.random.choice([None, None, None, 0, 1, 2])
        limit = self.random.choice([None, 1, 2, 100, 1000, 0, 1001])
        return self.request("GET", "/event?" + self.query(
            1, wait=wait, limit=limit), self.with_key(), good="next")

    def publish(self):
        fields = self.with_key()
        value = {"channel": self.channel(), "events": self.events()}
        kind = self.random.random()
        if kind < 0.1:
            fields.append(("Idempotency-Key", f"k{self.random.randrange(20)}"))
        elif kind < 0.2:
            value["idempotencyKeys"] = [
                f"k{self.random.randrange(20)}" for _ in value["events"]]
        text = json.dumps(value)
        if self.chance(0.05):
            text = self.random.choice(BAD_MESSAGES)
        return self.request("POST", "/event", fields, text, good="successful")

    def bulk(self, channel):
        events = [json.dumps("y" * 8000) for _ in range(5)]
        return self.request(
            "POST", "/event", [("x-api-key", self.world.keys["all"])],
            json.dumps({"channel": channel, "events": events}),
            good="successful")

    def token(self):
        body = self.random.choice(['{"seconds":1}', "", '{"seconds":0}', "{"])
        return self.request("POST", "/event/token", self.with_key(), body,
                            good="token")

    def options(self):
        self.number += 1
        mark = f"x-mark-{self.number}"
        return self.request(
            "OPTIONS", self.random.choice(["/event", "/", "/x"]),
            [("Access-Control-Request-Headers", mark),
             ("Access-Control-Request-Method", "POST")], mark=mark)

    def head(self):
        target = self.random.choice([
            "/healthz", "/metrics", "/cluster", "/event/stream?" +
            self.query(1), "/event?" + self.query(1), "/", "/event/token"])
        return self.request("HEAD", target, self.with_key(),
                            turns="stream" if "stream" in target else None)

    def small(self):
        target, good = self.random.choice([
            ("/healthz", "status"), ("/metrics", "text:weir_"),
            ("/cluster", None), ("/cluster.txt", None),
            ("/cluster/urls", "urls"), ("/console", None), ("/none", None)])
        return self.request("GET", target, self.with_key(), good=good)

    def forget(self):
        return self.request("POST", "/cluster/forget", self.with_key(),
                            self.random.choice(['{"node":"0123456789abcdef"}',
                                                "{", ""]))

    def stream(self):
        fields, token = self.with_key(), None
        if self.world.tokens and self.chance(0.3):
            fields = []
            token = self.random.choice(self.world.tokens)[
                :self.random.choice([10000, 10000, 20])]
        if self.chance(0.2):
            fields.append(("Last-Event-ID", self.cursor()))
        count = self.random.choice([1, 1, 2, 5, 17])
        return self.request(
            "GET", "/event/stream?" + self.query(count, token=token), fields,
            good="stream", turns="stream")

    def bad(self):
        data = self.random.choice(BAD_HEADS)
        return Ask(data, f"bad {data[:40]}", strange=True)

    def noise(self):
        data = self.random.randbytes(self.random.choice([1, 20, 3000]))
        return Ask(data, f"{len(data)} bytes of noise", strange=True)

    def ordinary(self):
        """One request that leaves the connection as it was, most times."""
        makers = [(30, self.history), (25, self.publish), (6, self.token),
                  (8, self.options), (5, self.head), (8, self.small),
                  (1, self.forget), (2, self.bad), (0.5, self.noise)]
        weights, makers = zip(*makers)
        return self.random.choices(makers, weights)[0]()

    def upgrade(self):
        key = None if self.chance(0.03) else self.key()
        fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"),
                  ("Sec-WebSocket-Version", "13" if not self.chance(0.02)
                   else "8"),
                  ("Sec-WebSocket-Key", base64.b64encode(
                      self.random.randbytes(16)).decode()
                   if not self.chance(0.02) else "short")]
        if not self.chance(0.02):
            offers = PROTOCOL
            if key is not None:
                offers += ", " + credentials({"x-api-key": key,
                                              "host": "localhost"})
            fields.append(("Sec-WebSocket-Protocol", offers))
        offered = self.chance(0.5)
        if offered:
            fields.append(("Sec-WebSocket-Extensions", self.random.choice([
                "permessage-deflate",
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; server_no_context_takeover; "
                "client_no_context_takeover",
                "permessage-deflate; server_max_window_bits=9, "
                "permessage-deflate"])))
        ask = self.request("GET", "/event/realtime", fields, turns="ws",
                           deflate=offered)
        return ask

    # WebSocket

    def authorization(self):
        if self.chance(0.03):
            return {}
        return {"authorization": {"x-api-key": self.key(),
                                  "host": "localhost"}}

    def name(self):
        return self.random.choice("abcdef")

    def subscribe(self, oracle, pattern=None):
        name = self.name()
        message = {"type": "subscribe", "id": name,
                   "channel": pattern or self.pattern()}
        begin = self.begin()
        if begin:
            message["replay"] = {begin[0]: begin[1]}
        elif self.chance(0.5):
            message["cursor"] = True
        oracle.subscribes(name)
        oracle.owed.append(("subscribe", name))
        return json.dumps({**message, **self.authorization()})

    def unsubscribe(self, oracle):
        name = self.name()
        oracle.unsubscribes(name)
        oracle.owed.append(("unsubscribe", name))
        return json.dumps({"type": "unsubscribe", "id": name})

    def ws_publish(self, oracle):
        self.number += 1
        oracle.owed.append(("publish", f"p{self.number % 7}"))
        message = {"type": "publish", "id": f"p{self.number % 7}",
                   "channel": self.channel(), "events": self.events(),
                   **self.authorization()}
        if self.chance(0.1):
            message["idempotencyKeys"] = [
                f"k{self.random.randrange(20)}" for _ in message["events"]]
        return json.dumps(message)

    def message(self, oracle):
        kind = self.random.random()
        if kind < 0.45:
            return self.subscribe(oracle)
        if kind < 0.65:
            return self.unsubscribe(oracle)
        if kind < 0.93:
            return self.ws_publish(oracle)
        if kind < 0.95:
            return '{"type":"connection_init"}'
        if kind < 0.97:
            return json.dumps({"type": "connection_init",
                               **self.authorization()})
        return self.random.choice(BAD_MESSAGES)

    def control(self):
        opcode = self.random.choice([PING, PING, PONG])
        return frame(opcode, self.random.randbytes(
            self.random.choice([0, 1, 8, 125])), mask=self.mask())

    def mask(self):
        return self.random.randbytes(4)

    def frames(self, text, packed):
        """A message in one frame or several, perhaps compressed, perhaps with
        others in between."""
        payload, rsv = text.encode(), 0
        if packed and self.chance(0.6):
            payload, rsv = deflate(payload), 4
        parts = 1 if self.chance(0.8) else self.random.randrange(2, 5)
        out = b""
        for n in range(parts):
            last = n == parts - 1
            size = len(payload) if last else self.random.randrange(
                len(payload) + 1)
            out += frame(TEXT if n == 0 else CONTINUATION, payload[:size],
                         fin=last, rsv=rsv if n == 0 else 0, mask=self.mask())
            payload = payload[size:]
            if not last and self.chance(0.3):
                out += self.control()
        return out

    def close(self):
        code = self.random.choice([1000, 1001, 1008, 3000, 4999])
        return frame(CLOSE, code.to_bytes(2, "big") + b"bye"
                     if self.chance(0.8) else b"", mask=self.mask())

    def bad_frame(self):
        return self.random.choice([
            lambda: frame(TEXT, b"{}", mask=None),
            lambda: frame(3, b"x", mask=self.mask()),
            lambda: frame(TEXT, b"{}", rsv=2, mask=self.mask()),
            lambda: frame(TEXT, b"{}", rsv=4, mask=self.mask()),
            lambda: frame(TEXT, b"\xff\xfe", mask=self.mask()),
            lambda: frame(BINARY, b"{}", mask=self.mask()),
            lambda: frame(PING, b"x" * 126, mask=self.mask()),
            lambda: frame(PING, b"x", fin=False, mask=self.mask()),
            lambda: frame(CONTINUATION, b"x", mask=self.mask()),
            lambda: frame(CLOSE, b"\x03", mask=self.mask()),
            lambda: frame(CLOSE, b"\x03\xed", mask=self.mask()),
            lambda: frame(TEXT, b"x", length=1 << 40, mask=self.mask()),
            lambda: frame(TEXT, b"x", length=(1 << 63) + 1, mask=self.mask()),
            lambda: frame(TEXT, b"x", fin=False, mask=self.mask()) +
            frame(TEXT, b"y", mask=self.mask()),
            lambda: self.random.randbytes(self.random.choice([2, 10, 500]))])()
