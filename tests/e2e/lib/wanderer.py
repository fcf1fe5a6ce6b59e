"""Subscribers that never stay: they come back with their last cursor over
another transport, read a while, and go without a word."""
import base64
import collections
import json
import random
import re
import select
import signal
import struct
import subprocess
import threading
import time
import urllib.parse

from lib import tap
from lib.checker import Gap, covers, event_of
from lib.http import Http
from lib.node import PROGRAM
from lib.sse import EventStream
from lib.stream import Closed
from lib.websocket import TEXT, WebSocket

STORY_MAX = 25
POLL_S = 0.05
FINISH_S = 30
GAP_LINE = re.compile(r"weir: gap in \S+: (?:(\d+) events?|events) can no "
                      r"longer be had \((\w+)\), after (\S+) up to (\S+)")


def vector(cursor):
    """What a cursor says (proto/cursor.h): of each origin the sequence that
    has been seen. Empty: that of a log without events."""
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    return dict(struct.iter_unpack("<QQ", data[1:-4]))


def reaches(vector_a, vector_b):
    """Whether all of `vector_b` has been seen at `vector_a`."""
    return all(vector_a.get(origin, 0) >= sequence
               for origin, sequence in vector_b.items())


class Gone(Exception):
    """The connection ended, or the node is away."""


class Subscription:
    """What all kinds of subscribers keep. `ends`: who publishes the last event
    on each channel."""

    ends = ("end",)

    def __init__(self, node, pattern, name, seed, channels):
        self.node = node
        self.pattern = pattern
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.entries = []
        self.cursor = None
        self.joined = None
        self.ledger = None  # given: where the window begins does not matter
        self.story = collections.deque(maxlen=STORY_MAX)
        self.wrong = None
        self.finishing = False
        self.awaited = {(c, end) for c in channels if covers(pattern, c)
                        for end in self.ends}
        self.thread = threading.Thread(target=self.act, daemon=True)

    def tell(self, action):
        at = time.monotonic()
        self.story.append(f"{at:.2f} [{len(self.entries)} seen] {action}")

    def event(self, channel, value, cursor):
        event = event_of(channel, value)
        if event is None:
            raise AssertionError(f"{value} came as of {channel}"[:300])
        self.entries.append(event)
        self.reach(cursor, f"with {event}", rises=True)
        self.awaited.discard(event.stream)

    def reach(self, cursor, about, rises=False):
        """Cursors rise with each event, and never fall."""
        before = vector(self.cursor) if self.cursor else {}
        now = vector(cursor)
        if not reaches(now, before) or rises and reaches(before, now):
            raise AssertionError(f"{about} comes {cursor}, {now},"
                                 f" after {self.cursor}, {before}")
        self.cursor = cursor

    def gap(self, value):
        self.tell(f"gap {value}")
        self.entries.append(Gap(value.get("missed"), value["reason"]))
        self.reach(value["to"], "with a gap")

    def done(self):
        return not self.awaited

    def act(self):
        try:
            while not self.done():
                if self.ledger and self.cursor is None:
                    self.joined = self.ledger.sent()
                self.turn()
            self.tell("done")
        except Exception as why:
            self.tell(f"failed: {why!r}")
            self.wrong = why

    def finish(self):
        """Stay from now on, until the last event of each channel has come."""
        self.finishing = True


class Wanderer(Subscription):
    """`transports`: of "ws", "sse" and "http". The restless come back at once,
    so that their cursors are the newest that there are; sleepers leave with
    their first event and come back for the finish."""

    def __init__(self, *arguments, transports, restless=False, sleeper=False):
        super().__init__(*arguments)
        self.transports = transports
        self.restless = restless
        self.sleeper = sleeper

    def turn(self):
        transport = self.random.choice(self.transports)
        stay_s = self.random.expovariate(100 if self.restless else 2.5)
        if self.finishing:
            stay_s = FINISH_S
        self.end = time.monotonic() + stay_s
        self.tell(f"over {transport} for {stay_s:.2f} s, after {self.cursor}")
        try:
            getattr(self, transport)()
        except (Closed, OSError, Gone) as why:
            self.tell(f"the connection ended: {why!r}")
            time.sleep(0.02)
        if not self.finishing and not self.restless:
            away_s = self.random.choice([0, 0, 0, 0.1, 0.5, 1.0])
            self.tell(f"away for {away_s} s")
            time.sleep(away_s)
        while self.sleeper and self.entries and not self.finishing:
            time.sleep(POLL_S)

    def staying(self):
        """A turn that began before the finish ends, too."""
        if self.sleeper and self.entries and not self.finishing:
            return False
        return time.monotonic() < self.end and not self.done()

    def waits(self, stream):
        """Wait for bytes; False when it is time to go."""
        poll = select.poll()
        poll.register(stream.socket, select.POLLIN)
        while self.staying():
            if stream.held or poll.poll(POLL_S * 1000):
                return True
        return False

    # WebSocket

    def ws(self):
        replay = {"after": self.cursor} if self.cursor else {"all": True}
        with WebSocket(self.node, self.node.key()) as ws:
            ws.send_message(type="subscribe", id="s", channel=self.pattern,
                            authorization=ws.authorization(), replay=replay)
            while self.waits(ws):
                opcode, payload = ws.frame()
                if opcode != TEXT:
                    raise Gone(f"frame {opcode}: {payload!r}")
                self.ws_message(json.loads(payload))

    def ws_message(self, message):
        kind = message["type"]
        if kind == "subscribe_success":
            self.reach(message["cursor"], "with subscribe_success")
        elif kind == "data":
            self.event(message["channel"], json.loads(message["event"]),
                       message["cursor"])
        elif kind == "gap":
            self.gap(message)
        elif kind not in ("connection_ack", "ka"):
            raise AssertionError(f"{message}"[:300])

    # Server-Sent Events

    def query(self, **more):
        """The cursor goes in the query or, for a stream, in the header."""
        begin = {"after": self.cursor} if self.cursor else {"all": "true"}
        return urllib.parse.urlencode(
            {"channel": self.pattern, **begin, **more}, safe="/*")

    def sse(self):
        fields = [("x-api-key", self.node.key())]
        query = self.query()
        if self.cursor and self.random.random() < 0.5:
            query = urllib.parse.urlencode({"channel": self.pattern})
            fields.append(("Last-Event-ID", self.cursor))
        with EventStream(self.node, f"/event/stream?{query}",
                         fields) as stream:
            tap.equal(stream.opening.status, 200, "the status of a stream")
            while stream.ready() or self.waits(stream):
                self.sse_message(stream.message())

    def sse_message(self, message):
        if message.comment is not None:
            return
        text = message.field("data")
        if message.field("event") == "gap":
            self.gap(json.loads(text))
        elif text:
            value = json.loads(text)
            self.event(value["channel"], value["event"], message.field("id"))
        else:
            self.reach(message.field("id"), "at the beginning of a stream")

    # History

    def http(self):
        with Http(self.node) as http:
            while self.staying():
                limit = self.random.choice([1, 7, 100, 1000])
                path = "/event?" + self.query(limit=limit, wait=1)
                answer = http.ask("GET", path,
                                  [("x-api-key", self.node.key())])
                tap.equal(answer.status, 200,
                          f"the status, with {answer.body[:200]}")
                self.page(answer.json(), limit)

    def page(self, page, limit):
        """Sometimes only some of it is looked at, and the rest asked for
        again."""
        events = page["events"]
        tap.true(len(events) <= limit, f"{len(events)} of {limit} events")
        if "gap" in page:
            self.gap(page["gap"])
        if len(events) > 1 and self.random.random() < 0.2:
            events = events[:self.random.randrange(1, len(events))]
            page["next"] = events[-1]["cursor"]
        for event in events:
            self.event(event["channel"], event["event"], event["cursor"])
        self.reach(page["next"], "with next")


class Sub(Subscription):
    """A real `weir sub`. It is stopped and continued, and sometimes ended and
    begun again behind its last line; between that it comes back by itself."""

    def begin(self):
        where = ["--after", self.cursor] if self.cursor else ["--all"]
        self.tell(f"weir sub {where}")
        # One that never subscribed ends, as when the node is just away.
        self.process = subprocess.Popen(
            [PROGRAM, "sub", "--key", self.node.key(), *where,
             f"http://{self.node.host}:{self.node.port}", self.pattern],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def turn(self):
        self.begin()
        self.said = []
        pauser = threading.Thread(target=self.pause)
        reader = threading.Thread(target=self.listen)
        self.first = len(self.entries)
        self.cursors = []
        pauser.start()
        reader.start()
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # the process was ended in the middle of it
            value = json.loads(line)
            self.event(value["channel"], value["event"], value["cursor"])
            self.cursors.append(vector(value["cursor"]))
            if self.done():
                self.process.terminate()
        self.process.wait()
        pauser.join()
        reader.join()
        self.place_gaps()
        self.tell(f"status {self.process.returncode}, said {self.said[-3:]}")
        if self.process.returncode > 0:
            said = "\n".join(self.said)
            tap.true("subscribe" not in said and "refuse" not in
                     said.replace("connection refused", ""),
                     f"weir sub ends only where the node is away: {said}")
            time.sleep(0.05)

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line.decode().strip())
            self.tell(self.said[-1][:120])

    def place_gaps(self):
        """Gaps come on another descriptor; their cursors say where in the
        lines they were."""
        last = None
        for line in reversed(self.said):
            match = GAP_LINE.fullmatch(line)
            if match is None:
                continue
            last = last or match[4]
            to = vector(match[4])
            index = sum(reaches(to, place) for place in self.cursors)
            self.entries.insert(
                self.first + index,
                Gap(int(match[1]) if match[1] else None, match[2]))
        if last and not (self.cursors and
                         reaches(self.cursors[-1], vector(last))):
            self.cursor = last

    def pause(self):
        """Stop it now and then; end it at last, unless this is the finish."""
        end = time.monotonic() + self.random.uniform(1, 5)
        while self.process.poll() is None and not self.done():
            time.sleep(self.random.uniform(0.05, 0.4))
            if self.finishing or not self.said:
                continue
            self.tell("SIGSTOP")
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(self.random.choice([0.05, 0.2, 1.2]))
            self.process.send_signal(signal.SIGCONT)
            if time.monotonic() > end and not self.finishing:
                number = self.random.choice([signal.SIGTERM, signal.SIGKILL])
                self.tell(f"signal {number}")
                self.process.send_signal(number)
                return
