"""Several nodes that are one cluster, on addresses that stay the same however
often they end and come back."""
import random
import re

from lib import node as nodes
from lib import tap
from lib.checker import Ledger, compare, event_text
from lib.http import Http
from lib.node import Node, weir
from lib.ports import free_port
from lib.publisher import Publisher
from lib.stream import Closed
from lib.wanderer import Wanderer

CHANNELS = ["/default/t/a", "/default/t/b", "/default/t/deep/c"]
PATTERNS = [*CHANNELS, "/default/t/*", "/default/t/deep/*"]
PATIENCE_S = 60  # for what takes a cluster some time on a busy machine
LINK_LINE = re.compile(r"cluster\.(linked|unlinked) node=([0-9a-f]{16})")
MEMBER_LINE = re.compile(r"cluster\.member node=([0-9a-f]{16}) state=(\w+)")
ORIGIN_LINE = re.compile(r"log\.opened origin=([0-9a-f]{16})")


class Member(Node):
    """A node of a cluster. With `config` it takes its settings from a file,
    and shares the keys of no other."""

    def __init__(self, secret, host="127.0.0.1", config=None, path=None,
                 ports=None, namespaces='namespace "default" {}'):
        self.host = host
        self.fixed = ports or [free_port(host) for _ in range(3)]
        super().__init__(config, path, listen=f"{host}:{self.fixed[0]}")
        self.secret = secret
        self.namespaces = namespaces
        self.seeds = []

    @property
    def cluster_port(self):
        return self.fixed[2]

    @property
    def peer_address(self):
        return f"{self.host}:{self.cluster_port}"

    def arguments(self):
        if self.config is not None:
            return ["--config", str(self.write_config())]
        words = ["--dev", str(self.path), "--listen", self.listen,
                 "--tls-listen", f"{self.host}:{self.fixed[1]}",
                 "--cluster-listen", self.peer_address,
                 "--cluster-secret-file", str(self.secret)]
        return words + (["--join", ",".join(self.seeds)] if self.seeds else [])

    def settings(self):
        seeds = ", ".join(f'"{seed}"' for seed in self.seeds)
        return (f"cluster {{ listen = {self.peer_address}\n"
                f'secret_file = "{self.secret}"\njoin = [{seeds}]\n'
                f"{self.config} }}\n{self.namespaces}\n")

    def move(self):
        """To other ports; who looks for it there may not know yet."""
        self.fixed = [free_port(self.host) for _ in range(3)]
        self.listen = f"{self.host}:{self.fixed[0]}"

    # What it has said

    @property
    def said(self):
        return self.errors.text

    def identity(self):
        return tap.wait_until(lambda: ORIGIN_LINE.search(self.said),
                              "its identity is read")[1]

    def linked(self):
        """The identities to which it has links now."""
        state = {node: what for what, node in LINK_LINE.findall(self.said)}
        return {node for node, what in state.items() if what == "linked"}

    def believes(self):
        """What it said last of each member that it has said anything of."""
        return dict(MEMBER_LINE.findall(self.said))

    def publish(self, channel, *events):
        with Http(self) as http:
            return http.publish(self.key(), channel, *events)

    def takes(self):
        """Whether it takes a publish now."""
        try:
            with Http(self, timeout_s=PATIENCE_S) as http:
                return http.post(self.key(), {
                    "channel": "/default/probe",
                    "events": ["1"]}).status == 200
        except (OSError, Closed):
            return False


class Cluster:
    """`count` nodes that know the addresses of all."""

    def __init__(self, count=3, make=Member, **options):
        directory = nodes.directory()
        self.secret = directory / "secret"
        self.secret.write_text(weir("key", "secret"))
        self.secret.chmod(0o600)
        self.nodes = [make(self.secret, **options) for _ in range(count)]
        for node in self.nodes:
            node.seeds = [n.peer_address for n in self.nodes if n is not node]

    def __getitem__(self, index):
        return self.nodes[index]

    def __iter__(self):
        return iter(self.nodes)

    def start(self):
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.await_ready()
        self.await_links()
        return self

    def alive(self):
        return [node for node in self.nodes if node.alive()]

    def await_links(self):
        """All that live are linked to each other, and take publishes."""
        alive = self.alive()
        for node in alive:
            others = {n.identity() for n in alive if n is not node}
            tap.wait_until(lambda: others <= node.linked(),
                           f"links to {others} rather than {node.linked()}",
                           PATIENCE_S)
            tap.wait_until(node.takes, "a node that takes publishes",
                           PATIENCE_S)

    def await_belief(self, of, state, by=None):
        """Those that live, or `by`, have heard that of one of them."""
        identity = of.identity()
        for node in by or [n for n in self.alive() if n is not of]:
            tap.wait_until(lambda: node.believes().get(identity) == state,
                           f"{identity} {state}, in the eyes of a node that "
                           f"says {node.believes()}", PATIENCE_S)

    def stop(self):
        for node in self.nodes:
            node.stop()


def same_logs(members):
    """Once they have ended: each has the same events, and how many."""
    logs = [sorted(node.events(), key=lambda e: e["id"]) for node in members]
    for log in logs:
        for event in log:
            event.pop("place", None)
    for node, log in zip(members, logs):
        if log != logs[0]:
            ids = [{e["id"] for e in these} for these in (log, logs[0])]
            raise AssertionError(
                f"the log of {node.path} lacks {len(ids[1] - ids[0])} events "
                f"of the first node's, which lacks {len(ids[0] - ids[1])} of "
                f"its; {list(ids[0] ^ ids[1])[:3]}")
    return len(logs[0])


class Traveller(Wanderer):
    """A wanderer that is at another node each time."""

    def __init__(self, cluster, *arguments, **habits):
        self.cluster = cluster
        self.ends = [f"end{n}" for n in range(len(cluster.nodes))]
        super().__init__(cluster[0], *arguments, **habits)

    def turn(self):
        self.node = self.random.choice(self.cluster.nodes)
        self.tell(f"at node {self.cluster.nodes.index(self.node)}")
        super().turn()


class Traffic:
    """Publishers on every node, travellers between them, and the book."""

    def __init__(self, cluster, seed=None, transports=("ws", "sse", "http"),
                 **habits):
        self.cluster = cluster
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.ledger = Ledger()
        self.transports = list(transports)
        self.subscribers = []
        self.gaps = habits.pop("gaps", False)  # events may leave the window
        self.random = random.Random(self.seed)
        for transport in self.transports:
            self.add("/default/t/*", transports=[transport])
        self.add("/default/t/*", restless=True)
        self.add(CHANNELS[1], restless=True)
        self.add("/default/t/*", sleeper=True)
        self.add(CHANNELS[0])
        habits = {"rest_s": 0.02, "seed": self.seed, **habits}
        self.publishers = [
            Publisher(node, self.ledger, CHANNELS, f"p{index}.{kind}",
                      websocket=kind == "ws", **habits)
            for index, node in enumerate(cluster) for kind in ("http", "ws")]

    def add(self, pattern=None, **habits):
        habits.setdefault("transports", self.transports)
        subscriber = Traveller(
            self.cluster, pattern or self.random.choice(PATTERNS),
            f"s{len(self.subscribers)}", self.seed, CHANNELS, **habits)
        subscriber.ledger = self.ledger if self.gaps else None
        subscriber.thread.start()
        self.subscribers.append(subscriber)

    def taken(self):
        return [publisher.taken for publisher in self.publishers]

    def flows(self, members=None, count=20):
        """Wait until these nodes have taken some more."""
        members = list(members or self.cluster.alive())
        mine = [p for p in self.publishers if p.node in members]
        goals = [(p, p.taken + count) for p in mine]
        for publisher, goal in goals:
            tap.wait_until(
                lambda: publisher.taken >= goal or publisher.wrong,
                f"{count} more of {publisher.name}, which has "
                f"{publisher.taken}, {publisher.refused} refused", PATIENCE_S)
        self.well()

    def well(self):
        for subscriber in self.subscribers:
            if subscriber.wrong is not None:
                self.verdict()

    def finish(self):
        """Let everybody see everything, and look at what they saw."""
        for publisher in self.publishers:
            publisher.stop()
        for publisher in self.publishers:
            publisher.end(PATIENCE_S)
        for index, node in enumerate(self.cluster):
            for channel in CHANNELS:
                self.ledger.take(channel, f"end{index}", 1)
                node.publish(channel, event_text(channel, f"end{index}", 0))
                self.ledger.acknowledge(channel, f"end{index}", [0])
        for subscriber in self.subscribers:
            subscriber.finish()
        for subscriber in self.subscribers:
            subscriber.thread.join(PATIENCE_S)
        self.verdict()

    def verdict(self):
        complaints = compare(self.subscribers, self.ledger, self.gaps)
        good = True
        for index, subscriber in enumerate(self.subscribers):
            wrong = complaints.get(index, [])
            if subscriber.wrong is not None:
                wrong.append(f"it failed: {subscriber.wrong!r}")
            elif not subscriber.done():
                wrong.append(f"it still waits for {subscriber.awaited}")
            if wrong:
                good = False
                tap.say(f"{subscriber.name} of {subscriber.pattern}:")
                for line in [*wrong[:5], *subscriber.story]:
                    tap.say("  " + line)
        if not good:
            self.tell_logs()
        tap.true(good, f"what they saw, with --seed {self.seed}")

    def tell_logs(self):
        for index, node in enumerate(self.cluster):
            tap.say(f"node {index}, {node.path}:")
            if node.errors is not None:
                tap.say(node.said[-3000:])

    def sum(self):
        seen = sum(len(s.entries) for s in self.subscribers)
        refused = sum(p.refused for p in self.publishers)
        tap.say(f"--seed {self.seed}: {self.ledger.acknowledged()} "
                f"acknowledged, {refused} requests refused, {seen} seen by "
                f"{len(self.subscribers)} subscribers")
