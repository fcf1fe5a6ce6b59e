"""Nodes in network namespaces of their own, and what can happen to the wires
between them.

The test runs in a network and a mount namespace of its own, which is the
switch that all wires meet in: whatever becomes of the test, the kernel takes
everything away with its last process."""
import os
import pathlib
import shutil
import subprocess
import sys

from lib.cluster import Member
from lib.tap import Skip

INSIDE = "WEIR_TEST_NETWORK"
_missing = None
_count = 0


def run(*words):
    """The output of a command that has to succeed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def can(*words):
    return subprocess.run(words, capture_output=True, text=True,
                          check=False).returncode == 0


def enter():
    """Start the test again, in namespaces of its own."""
    global _missing
    if os.environ.get(INSIDE):
        prepare()
    elif os.geteuid() != 0:
        _missing = "only root can make network namespaces"
    elif not shutil.which("ip") or not shutil.which("unshare"):
        _missing = "ip and unshare are not installed"
    elif not can("unshare", "--net", "--mount", "true"):
        _missing = "no network namespaces here"
    else:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount",
                              sys.executable, *sys.orig_argv[1:]])


def prepare():
    global _missing
    pathlib.Path("/run/netns").mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "weir", "/run/netns")
    run("ip", "link", "set", "lo", "up")
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    if not can("ip", "rule", "add", "from", "192.0.2.1", "blackhole"):
        _missing = "the kernel has no rules for routing"


def need():
    if _missing:
        raise Skip(_missing)


class Wired(Member):
    """A node on a wire of its own to the switch, 10.77.NUMBER.2."""

    def __init__(self, secret, config=None, path=None):
        global _count
        need()
        self.number = _count = _count + 1
        self.space = f"node{self.number}"
        self.wire = f"wire{self.number}"
        subnet = f"10.77.{self.number}"
        run("ip", "netns", "add", self.space)
        run("ip", "link", "add", self.wire, "type", "veth", "peer", "name",
            "eth0", "netns", self.space)
        run("ip", "addr", "add", f"{subnet}.1/24", "dev", self.wire)
        run("ip", "link", "set", self.wire, "up")
        for words in (["addr", "add", f"{subnet}.2/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"],
                      ["link", "set", "lo", "up"],
                      ["route", "add", "default", "via", f"{subnet}.1"]):
            run("ip", "-n", self.space, *words)
        super().__init__(secret, f"{subnet}.2", config, path,
                         ports=[8080, 8443, 7946])
        self.before = ("ip", "netns", "exec", self.space)


def cut(source, *targets):
    """Packets from `source` to these nodes are lost, without a word."""
    for target in targets:
        run("ip", "rule", "add", "from", source.host, "to", target.host,
            "blackhole")


def part(one_side, other_side):
    """No packet between these."""
    for one in one_side:
        cut(one, *other_side)
    for other in other_side:
        cut(other, *one_side)


def heal():
    """All wires are whole."""
    while can("ip", "rule", "del", "to", "10.77.0.0/16", "blackhole"):
        pass
    for line in run("ip", "rule", "list").splitlines():
        if "10.77." in line:
            run("ip", "rule", "del", "pref", line.split(":")[0])


def disturb(node, loss=0.02, delay_ms=20):
    """Both ways of its wire are slow and lose packets; how, in words. Where
    the kernel cannot lose by chance, what does not fit through is lost."""
    ends = (["tc"], ["tc", "-n", node.space])
    netem = ["netem", "delay", f"{delay_ms}ms", f"{delay_ms // 2}ms", "loss",
             f"{loss * 100}%"]
    narrow = ["tbf", "rate", "2mbit", "burst", "4kb", "limit", "16kb"]
    for words, about in ((netem, "late and lossy"), (narrow, "narrow")):
        if all(can(*end, "qdisc", "replace", "dev", device, "root", *words)
               for end, device in zip(ends, (node.wire, "eth0"))):
            return about
    raise Skip("no traffic control here")


def calm(node):
    can("tc", "qdisc", "del", "dev", node.wire, "root")
    can("tc", "-n", node.space, "qdisc", "del", "dev", "eth0", "root")
