"""Nodes that are hunted: alone or as a cluster, on the same data and ports
however often they end and come back, each time with other limits."""
import os
import random
import re
import shutil
import signal
import subprocess
import time

from lib import tap
from lib.cluster import Member
from lib.http import Http
from lib.node import directory, weir
from lib.stream import Closed

STOP_S = 90   # after SIGTERM, on a machine that is loaded
READY_S = 120
CURSORS_MAX = 200
TAIL_BYTES = 6000
TROUBLE = re.compile(
    r"weir: a bug|ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error: |"
    r"Assertion .* failed|stack smashing")
NAMESPACES = """
namespace "default" {}
namespace "quiet" { history = false }
namespace "light" { durability = memory }
namespace "small" { events_max = 20 }
namespace "again" { replay = 10s }
"""


def settings(draw, log_bytes):
    """What a life's file says besides. The log keeps its size: one that is
    made much smaller refuses what comes before it was trimmed."""
    small = draw.random() < 0.6
    tight = draw.random() < 0.3
    return f"""
shards = {draw.choice([1, 1, 2, 3])}
drain_timeout = {draw.choice(["0", "100ms", "1s"])}
limits {{
send_buffer_max = {draw.choice(["4K", "4K", "16K"]) if small else "64K"}
queue_bytes_max = {"1M" if small else "64M"}
message_bytes_max = {"64K" if tight else "8M"}
body_bytes_max = {"64K" if tight else "8M"}
subscriptions_max = {5 if tight else 200}
publishes_in_flight_max = {2 if tight else 64}
request_timeout = {draw.choice(["8s", "15s"])}
idle_timeout = {draw.choice(["10s", "75s"])}
write_timeout = {draw.choice(["3s", "30s"])}
}}
websocket {{
compression = {draw.choice(["true", "false"])}
keepalive = {draw.choice(["200ms", "60s"])}
}}
log {{ bytes_max = {log_bytes} }}
"""


class Hunted(Member):
    """A member, or a node of its own, that says what it says to a file."""

    def __init__(self, secret, draw):
        self.draw = draw
        self.alone = secret is None
        self.log_bytes = draw.choice(["16M", "256M"])
        super().__init__(secret, config="", namespaces=NAMESPACES)
        self.tls = True
        self.lives = 0
        self.leaving = False
        self.log = self.path / "said"
        self.read_to = 0

    def settings(self):
        text = settings(self.draw, self.log_bytes) + NAMESPACES
        if self.alone:
            return text
        seeds = ", ".join(f'"{seed}"' for seed in self.seeds)
        return (f"cluster {{ listen = {self.peer_address}\n"
                f'secret_file = "{self.secret}"\njoin = [{seeds}] }}\n' + text)

    def spawn(self, preexec=None):
        arguments = self.arguments()
        self.lives += 1
        with open(self.log, "ab") as log:
            log.write(f"-- life {self.lives}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                [*self.before, os.environ["WEIR"], "serve", *arguments],
                text=True, stdout=subprocess.PIPE, stderr=log)

    def await_ready(self):
        line = self.process.stdout.readline()
        words = line.split()
        if words[:2] != ["weir", "ready"]:
            raise AssertionError(f"no ready line but {line!r}")
        self.port = int(words[2].rsplit(":", 1)[1])
        self.tls_port = int(words[3].rsplit(":", 1)[1])
        self.leaving = False
        return self

    @property
    def said(self):
        try:
            return self.log.read_text(errors="replace")
        except OSError:
            return ""

    def trouble(self):
        """A line that should not be there, of what it said since."""
        with open(self.log, "rb") as log:
            log.seek(self.read_to)
            text = log.read()
        whole = text.rfind(b"\n") + 1
        self.read_to += whole
        found = TROUBLE.search(text[:whole].decode(errors="replace"))
        return found and found[0]

    def tail(self):
        text = self.said
        found = TROUBLE.search(text)
        if found:
            begin = max(0, text.rfind("\n", 0, found.start()) - 1500)
            return text[begin:begin + 3 * TAIL_BYTES]
        return text[-TAIL_BYTES:]

    def end(self, number):
        """Send it away; its status, None when it stays."""
        self.leaving = True
        self.process.send_signal(number)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return None
        self.process.stdout.close()
        return status

    def takes(self):
        try:
            with Http(self, timeout_s=READY_S) as http:
                return http.post(self.key(), {
                    "channel": "/default/probe",
                    "events": ["1"]}).status == 200
        except (OSError, Closed):
            return False


class World:
    """The nodes, the keys, and some cursors that were good once."""

    def __init__(self, count, seed):
        self.draw = random.Random(f"{seed} world")
        self.cursors = []
        self.tokens = []
        secret = None
        if count > 1:
            home = directory()
            secret = home / "secret"
            secret.write_text(weir("key", "secret"))
            secret.chmod(0o600)
        self.nodes = [Hunted(secret, self.draw) for _ in range(count)]
        for node in self.nodes:
            node.seeds = [n.peer_address for n in self.nodes if n is not node]
        self.nodes[0].write_config()
        for node in self.nodes[1:]:
            shutil.copytree(self.nodes[0].path / "dev", node.path / "dev")
        self.keys = {}
        self.make_keys()
        self.context = self.nodes[0].tls_context()

    def __getitem__(self, index):
        return self.nodes[index]

    def make_keys(self):
        issue = self.nodes[0].issue
        self.keys = {
            "all": self.nodes[0].key(),
            "sub": issue("--subscribe", "/*"),
            "pub": issue("--publish", "/*"),
            "narrow": issue("--publish", "/default/fuzz/a", "--subscribe",
                            "/default/fuzz/*"),
            "ended": issue("--subscribe", "/*", "--valid", "1s"),
            "short": issue("--subscribe", "/*", "--publish", "/*", "--valid",
                           "1s"),
            "forged": self.nodes[0].key()[:-3] + "AAA",
            "none": "not-a-key",
        }

    def renew(self):
        """A key that ends in a second, or has."""
        self.keys["short"] = self.nodes[0].issue(
            "--subscribe", "/*", "--publish", "/*", "--valid",
            self.draw.choice(["1s", "2s"]))

    def start(self):
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.await_ready()
        self.settle()
        return self

    def settle(self):
        for node in self.nodes:
            tap.wait_until(node.takes, "a node that takes publishes", READY_S)

    def keep(self, oracle):
        """What a session was given, for others to try."""
        self.cursors = (self.cursors + oracle.cursors)[-CURSORS_MAX:]
        self.tokens = (self.tokens + oracle.tokens)[-CURSORS_MAX:]

    def trouble(self):
        """(a node, what is wrong with it), of the first for which anything
        is."""
        for node in self.nodes:
            found = node.trouble()
            if found:
                return node, f"it said '{found}'"
            if not node.leaving and node.process.poll() is not None:
                time.sleep(0.5)
                return node, (node.trouble() or
                              f"it ended, status {node.process.returncode}")
        return None

    def restart(self, node, number):
        """What is wrong, or None."""
        status = node.end(number)
        if status is None:
            return f"it does not end within {STOP_S} s of signal {number}"
        wanted = {signal.SIGTERM: 0, signal.SIGKILL: -signal.SIGKILL}[number]
        if status != wanted:
            return f"status {status} after signal {number}"
        found = node.trouble()
        if found:
            return f"it said '{found}'"
        try:
            node.start()
        except AssertionError as why:
            return f"it does not start again: {why}"
        return None

    def stop(self):
        """What is wrong with how they end, or None."""
        for node in self.nodes:
            node.leaving = True
        for node in self.nodes:
            if node.process.poll() is None:
                node.process.send_signal(signal.SIGTERM)
        for node in self.nodes:
            status = node.end(signal.SIGTERM) \
                if node.process.poll() is None else node.process.returncode
            found = node.trouble()
            if status != 0 or found:
                return node, found or f"status {status} after SIGTERM"
        return None

    def kill(self):
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.kill()
                node.process.wait()
            node.process = None
