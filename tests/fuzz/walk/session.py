"""One session: a random walk of a client, ordinary for a while, hostile or
both. All that it does follows from its seed and what the node answers."""
import collections
import random
import ssl
import time

from walk.oracle import Ask, Oracle, true
from walk.pieces import Pieces
from walk.wire import Wire

STORY_MAX = 60
ANSWER_S = 60       # for what is asked politely; the machine is loaded


class Session:
    """`world` has nodes and keys, and says when a node was away."""

    def __init__(self, world, seed, number):
        self.world = world
        self.number = number
        self.random = random.Random(f"{seed} {number}")
        self.story = collections.deque(maxlen=STORY_MAX)
        self.oracle = Oracle()
        self.pieces = Pieces(self.random, world)
        self.polite = True   # reads what comes, ends nothing early
        self.node = None
        self.lives = 0
        self.wire = None

    def tell(self, action):
        self.story.append(f"{time.monotonic():.3f} {action}")

    def chance(self, share):
        return self.random.random() < share

    def run(self):
        """Raises Wrong for a finding."""
        walk = self.random.choices(
            [self.pipeline, self.websocket, self.stream, self.raw, self.flood,
             self.lag], [40, 36, 12, 8, 2, 2])[0]
        slow = walk == self.lag or self.chance(0.15)
        tls = self.chance(0.2)
        index = self.random.randrange(len(self.world.nodes))
        self.node = node = self.world.nodes[index]
        self.lives = node.lives
        self.tell(f"{walk.__name__} at node {index}"
                  f"{', slow' if slow else ''}{', TLS' if tls else ''}")
        lost = walk == self.raw and self.chance(0.3)  # plain where TLS is
        try:
            self.wire = Wire(
                node, self.oracle, self.random, tls=tls and not lost,
                port=node.tls_port if lost else None, context=self.world.context, nodelay=self.chance(0.8),
                window=self.random.choice([1, 2048, 8192]) if slow else None)
        except (OSError, ssl.SSLError) as why:
            self.tell(f"no connection: {why!r}")
            return "away"
        self.polite = not slow
        try:
            walk(slow)
            self.judge()
        finally:
            self.wire.close()
        self.world.keep(self.oracle)
        return walk.__name__

    def steady(self):
        """Whether the node has been there all the time, and stays."""
        return self.node.lives == self.lives and not self.node.leaving

    def judge(self):
        """What a polite client must have got by now."""
        oracle, wire = self.oracle, self.wire
        if wire.ended == "end" and not oracle.loose and self.polite:
            steady = self.steady()
            true(not steady or oracle.mode != "http" or not oracle.asked or
                 oracle.final, f"the connection ended, without the answers to "
                 f"{oracle.asked}")
            true(not steady or not oracle.pending() or oracle.mode == "ws",
                 f"the connection ended within {bytes(oracle.held[:200])}")

    # Writing

    def write(self, data, about):
        """In one piece or cut at random places."""
        cuts = []
        if self.chance(0.35) and len(data) > 1:
            cuts = sorted(self.random.randrange(1, len(data))
                          for _ in range(self.random.choice([1, 1, 2, 6])))
        self.tell(f"write {len(data)}{f' cut at {cuts}' if cuts else ''}: "
                  f"{about}"[:600])
        for begin, end in zip([0, *cuts], [*cuts, len(data)]):
            if not self.wire.send(data[begin:end], listen=self.polite):
                self.oracle.loose = True
                return False
            if end < len(data) and self.chance(0.5):
                if self.polite:
                    self.wire.drain(self.random.choice([0, 0.002, 0.02]))
                else:
                    time.sleep(0.002)
        return True

    def pause(self, slow):
        """Between two writes."""
        if slow:
            kind = self.random.random()
            if kind < 0.4:
                count = self.random.choice([1, 100, 4000])
                self.tell(f"sip {count}")
                self.wire.sip(count)
            elif kind < 0.6:
                seconds = self.random.choice([0.02, 0.1, 0.4, 2])
                self.tell(f"stop reading for {seconds} s")
                time.sleep(seconds)
            return
        self.wire.drain(self.random.choice([0, 0, 0, 0.001, 0.01, 0.1]))

    def violence(self):
        """An end in the middle of anything."""
        kind = self.random.choice([self.wire.reset, self.wire.close,
                                   self.wire.half])
        self.tell(kind.__name__)
        self.polite = False
        kind()
        if kind == self.wire.half:
            self.wire.drain(self.random.choice([0.01, 0.3]))

    # Walks

    def asks(self, count):
        batch = [self.pieces.ordinary() for _ in range(count)]
        for ask in batch:
            self.oracle.asks(ask)
        return batch

    def unfinished(self, batch):
        """The last of it cut short: what comes next goes on with it."""
        last = batch.pop()
        size = self.random.randrange(1, max(2, len(last.data)))
        return [*batch, Ask(last.data[:size], f"{size} bytes of {last}",
                            strange=True)]

    def pipeline(self, slow):
        rounds = self.random.choice([1, 1, 2, 4])
        for _ in range(rounds):
            if self.wire.ended:
                break
            batch = [self.pieces.ordinary() for _ in range(
                self.random.choice([1, 2, 3, 3, 8, 20]))]
            if self.chance(0.05):
                batch = self.unfinished(batch)
            for ask in batch:
                self.oracle.asks(ask)
            data = b"".join(ask.data for ask in batch)
            if not self.write(data, batch):
                break
            if self.chance(0.1):
                return self.violence()
            self.pause(slow)
        if self.chance(0.1) and not self.wire.ended:
            self.tell("half close, and read on")
            self.wire.half()
        elif self.chance(0.1):
            return self.turn(slow)
        return self.finish(slow)

    def turn(self, slow):
        """What was a pipeline goes on as something else."""
        if self.chance(0.5):
            return self.websocket(slow)
        return self.stream(slow)

    def finish(self, slow):
        """Take all answers."""
        if slow:
            return self.drink()
        oracle = self.oracle
        self.tell(f"await {len(oracle.asked)} answers")
        self.await_that(lambda: not oracle.asked, "all answers")
        return None

    def await_that(self, holds, about):
        """What must come of a node that is there, soon or late."""
        wire, oracle = self.wire, self.oracle
        wire.drain(0.3 if oracle.loose else ANSWER_S, holds)
        true(holds() or wire.ended or oracle.loose or not self.steady(),
             f"{about}: not within {ANSWER_S} s, but "
             f"{oracle.asked[:3] or oracle.owed[:3]}")

    def drink(self):
        """A slow reader's end: slowly, then all there is."""
        for _ in range(self.random.choice([0, 3, 10])):
            self.wire.sip(self.random.choice([1, 500, 4000]))
            time.sleep(self.random.choice([0, 0.01, 0.1]))
        if self.chance(0.3):
            return self.violence()
        self.tell("read all there is")
        self.wire.drain(self.random.choice([0.2, 1, 3]),
                        lambda: not self.oracle.asked and
                        self.oracle.mode == "http")
        return None

    def raw(self, slow):
        """What is no request, or never becomes one."""
        pieces = self.pieces
        ask = self.random.choice([pieces.bad, pieces.noise, pieces.ordinary,
                                  pieces.upgrade])()
        self.oracle.asks(ask)
        self.oracle.loose = True
        if self.wire.lost:
            self.oracle.mode = "blind"
        data = ask.data
        if self.chance(0.5):
            data = data[:self.random.randrange(len(data))]
        self.write(data, ask)
        self.pause(slow)
        self.wire.drain(self.random.choice([0, 0.05, 1]))
        if self.chance(0.5):
            self.violence()

    def flood(self, slow):
        """Far more than those who read slowly can have."""
        self.pour(self.wire, self.oracle, self.pieces.channel())
        self.finish(slow)

    def pour(self, wire, oracle, channel):
        self.tell(f"pour into {channel}")
        for _ in range(self.random.choice([5, 20, 40])):
            ask = self.pieces.bulk(channel)
            oracle.asks(ask)
            if not wire.send(ask.data):
                oracle.loose = True
                break

    def lag(self, slow):
        """One that reads nothing while much of what it wants comes."""
        name = self.random.choice(["small", "quiet", "default", "again"])
        upgrade = self.pieces.upgrade()
        self.oracle.asks(upgrade)
        data = upgrade.data
        for _ in range(3):
            data += self.pieces.frames(self.pieces.subscribe(
                self.oracle, f"/{name}/fuzz/*"), False)
        self.write(data, [upgrade, f"three for {name}"])
        time.sleep(0.1)
        oracle = Oracle()
        try:
            other = Wire(self.node, oracle, self.random)
        except OSError:
            return
        try:
            self.pour(other, oracle, f"/{name}/fuzz/a")
            other.drain(10, lambda: not oracle.asked)
        finally:
            other.close()
        self.drink()

    def stream(self, slow):
        ask = self.pieces.stream()
        before = self.asks(self.random.choice([0, 0, 1, 3]))
        self.oracle.asks(ask)
        asks = [*before, ask]
        if self.chance(0.2):  # what nobody reads once it has begun
            asks += self.asks(3)
        self.write(b"".join(a.data for a in asks), asks)
        for _ in range(self.random.choice([1, 3, 8])):
            self.pause(slow)
            self.wire.drain(self.random.choice([0.01, 0.1, 0.5]))
        if self.chance(0.5):
            self.violence()

    def websocket(self, slow):
        oracle, pieces = self.oracle, self.pieces
        before = self.asks(self.random.choice([0, 0, 0, 1, 3]))
        ask = pieces.upgrade()
        oracle.asks(ask)
        data = b"".join(a.data for a in [*before, ask])
        told = [*before, ask]
        early = self.chance(0.6)
        if early:
            more, what = self.frames_of(self.random.choice([1, 3, 10, 40]))
            data += more
            told += what
        if not self.write(data, told):
            return None
        if not early:
            self.await_that(lambda: oracle.mode != "http", "an upgrade")
        for _ in range(self.random.choice([0, 1, 3, 8])):
            if self.wire.ended or oracle.close_seen:
                break
            more, what = self.frames_of(self.random.choice([1, 2, 5, 30]))
            if not self.write(more, what):
                break
            if self.chance(0.06):
                return self.violence()
            self.pause(slow)
        return self.part(slow)

    def frames_of(self, count):
        """The bytes of some messages, and what they are."""
        oracle, pieces = self.oracle, self.pieces
        packed = oracle.deflate is not None
        data, told = b"", []
        for _ in range(count):
            kind = self.random.random()
            if kind < 0.9:
                text = pieces.message(oracle)
                data += pieces.frames(text, packed)
                told.append(text[:150])
            elif kind < 0.97:
                data += pieces.control()
                told.append("control")
            elif kind < 0.985:
                data += pieces.close()
                told.append("close")
            else:
                data += pieces.bad_frame()
                told.append("bad frame")
                oracle.loose = True
        return data, told

    def part(self, slow):
        """How a WebSocket's client goes."""
        oracle = self.oracle
        kind = self.random.random()
        if slow:
            return self.drink()
        if kind < 0.3:
            return self.violence()
        if kind < 0.5:
            self.tell("stay and read")
            self.wire.drain(self.random.choice([0.1, 0.5, 2, 4]))
            return None
        if kind < 0.6:
            self.tell("a message that never ends")
            data, _ = self.frames_of(1)
            self.wire.send(data[:self.random.randrange(1, len(data) + 1)])
            self.wire.drain(0.1)
            return None
        self.tell(f"await the answers to {oracle.owed}"[:600])
        self.await_that(lambda: not oracle.owed or oracle.close_seen,
                        "an answer to each message")
        if self.write(self.pieces.close(), "close"):
            self.await_that(lambda: oracle.close_seen, "a close frame")
        return None


def summary(sessions):
    return ", ".join(f"{count} {name}" for name, count in
                     sorted(sessions.items()))
