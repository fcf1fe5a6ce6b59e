"""Somebody who does nothing wrong among those who do: publishers that number
their events and subscribers that must see each once, in order, and none missing
unless they were told. In generations, each on channels of its own, so that a
fault is found soon and an hour's events are not kept."""
import json
import threading
import time

from lib.checker import Gap, Ledger, compare, event_of, event_text
from lib.cluster import Traveller
from lib.http import Http, post_bytes
from lib.publisher import Publisher, message
from lib.stream import Closed
from lib.websocket import WebSocket

GENERATION_S = 15
OTHERS = ["quiet", "small", "again"]  # namespaces; what a crash takes from
                                      # "light" is nobody's fault
SERVED_S = 120  # for all that is due, on a machine that is loaded


class Stayer(Traveller):
    """One that leaves only when its node does."""

    def staying(self):
        return not self.done()


class Plain:
    """A WebSocket without cursors, as AWS's clients are: while it lasts,
    nothing is missing."""

    def __init__(self, world, channel, random):
        self.world = world
        self.channel = channel
        self.name = f"plain of {channel}"
        self.random = random
        self.lasted = []   # what each connection saw
        self.stopping = False
        self.ended = False
        self.wrong = None
        self.thread = threading.Thread(target=self.act, daemon=True)
        self.thread.start()

    def act(self):
        while not self.stopping and self.wrong is None:
            try:
                self.turn(self.random.choice(self.world.nodes))
            except (Closed, OSError):
                time.sleep(0.05)
            except Exception as why:
                self.wrong = repr(why)[:500]

    def turn(self, node):
        with WebSocket(node, node.key()) as ws:
            ws.send_message(type="subscribe", id="s", channel=self.channel,
                            authorization=ws.authorization())
            seen = []
            self.lasted.append(seen)
            ws.socket.settimeout(1)
            while not self.stopping:
                try:
                    value = message(ws)
                except TimeoutError:
                    continue
                if value["type"] == "data":
                    event = event_of(self.channel, json.loads(value["event"]))
                    seen.append(event)
                    self.ended = self.ended or event.stream[1] == "end"
                elif value["type"] not in ("connection_ack", "ka",
                                           "subscribe_success"):
                    raise AssertionError(f"{value}")

    def complaint(self, ledger):
        if self.wrong is not None:
            return self.wrong
        for seen in self.lasted:
            last = {}
            for event in seen:
                before = last.get(event.stream)
                last[event.stream] = event.number
                if before is None:
                    continue
                if event.number <= before:
                    return f"{event} comes after #{before}"
                missing = [n for n in range(before + 1, event.number)
                           if n in ledger.certain[event.stream]]
                if missing:
                    return f"{missing[:5]} is missing before {event}"
        return None


class Generation:
    def __init__(self, world, seed, number):
        self.world = world
        self.begin = time.monotonic()
        self.ledger = Ledger()
        self.ends = 0
        top = f"/default/canary/g{number}"
        self.channels = [f"{top}/a", f"{top}/b"]
        others = [f"/{name}/canary/g{number}" for name in OTHERS]
        seed = f"{seed} canary {number}"
        make = [(Stayer, ["ws"]), (Stayer, ["sse"]), (Traveller, ["ws"]),
                (Traveller, ["ws", "sse", "http"])]
        self.subscribers = []
        for index, (kind, transports) in enumerate(make):
            pattern = f"{top}/*" if index % 2 == 0 else self.channels[0]
            one = kind(world, pattern, f"s{index}", seed, self.channels,
                       transports=transports)
            one.ends = ("end",)
            one.awaited = {(c, "end") for c in self.channels
                           if c == pattern or index % 2 == 0}
            one.ledger = self.ledger
            one.thread.start()
            self.subscribers.append(one)
        self.plains = [Plain(world, channel, self.subscribers[0].random)
                       for channel in [self.channels[0], *others]]
        self.channels += others
        self.publishers = [
            Publisher(node, self.ledger, self.channels, f"p{index}.{kind}",
                      websocket=kind == "ws", rest_s=0.05, seed=seed,
                      busy=True)
            for index, node in enumerate(world.nodes)
            for kind in ("http", "ws")]

    def wrong(self):
        """What can be said before the end."""
        for one in [*self.subscribers, *self.publishers, *self.plains]:
            if one.wrong is not None:
                return f"{one.name}: {one.wrong!r}"
        return None

    def say_end(self):
        """One more last event on each channel, where somebody takes it; not in
        the book, as who has seen one goes."""
        for channel in self.channels:
            for node in self.world.nodes:
                try:
                    with Http(node) as http:
                        self.ends += 1
                        http.send(post_bytes(node.key(), channel, event_text(
                            channel, "end", self.ends)))
                        if http.answer().status == 200:
                            break
                except (OSError, Closed):
                    continue

    def waits(self):
        return [s.name for s in self.subscribers if not s.done()] + [
            p.name for p in self.plains if not p.ended]

    def finish(self):
        """What is wrong, or None."""
        for publisher in self.publishers:
            publisher.stop()
        for publisher in self.publishers:
            publisher.join(SERVED_S)
            if publisher.is_alive():
                return f"publisher {publisher.name} is not answered"
        for subscriber in self.subscribers:
            subscriber.finish()
        end = time.monotonic() + SERVED_S
        while self.waits() and not self.wrong() and time.monotonic() < end:
            self.say_end()
            time.sleep(0.5)
        for plain in self.plains:
            plain.stopping = True
        if self.wrong():
            return self.wrong()
        if self.waits():
            return f"{self.waits()} got nothing for {SERVED_S} s"
        for plain in self.plains:
            plain.thread.join(SERVED_S)
        return self.verdict()

    def verdict(self):
        for one in self.subscribers:
            one.entries = [e for e in one.entries if isinstance(e, Gap) or
                           e.stream[1] != "end"]
        complaints = compare(self.subscribers, self.ledger, True)
        for index, lines in complaints.items():
            return "\n".join([f"{self.subscribers[index].name} of "
                              f"{self.subscribers[index].pattern}:",
                              *lines[:5], *self.subscribers[index].story])
        for plain in self.plains:
            wrong = plain.complaint(self.ledger)
            if wrong:
                return f"{plain.name}: {wrong}"
        return None

    def seen(self):
        return sum(len(s.entries) for s in self.subscribers) + sum(
            len(seen) for plain in self.plains for seen in plain.lasted)


class Canary(threading.Thread):
    """`wrong` is set when something is."""

    def __init__(self, world, seed):
        super().__init__(daemon=True)
        self.world = world
        self.seed = seed
        self.stopping = threading.Event()
        self.wrong = None
        self.generations = self.seen = self.taken = 0

    def run(self):
        while not self.stopping.is_set() and self.wrong is None:
            now = Generation(self.world, self.seed, self.generations)
            end = time.monotonic() + GENERATION_S
            while time.monotonic() < end and not now.wrong() and \
                    not self.stopping.wait(0.2):
                pass
            self.wrong = now.wrong() or now.finish()
            self.generations += 1
            self.seen += now.seen()
            self.taken += now.ledger.acknowledged()
