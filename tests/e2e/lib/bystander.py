"""Somebody who does nothing wrong and must not notice those who do."""
import itertools
import json

from lib import tap
from lib.http import Http
from lib.websocket import WebSocket

_numbers = itertools.count(1)


class Bystander:
    """A subscriber and two publishers, each on a socket of its own; only
    WebSockets outlive an idle time."""

    def __init__(self, node, channel="/default/bystander"):
        key = node.key()
        self.node = node
        self.key = key
        self.channel = channel
        self.subscriber = WebSocket(node, key).subscribe("by", channel)
        self.socket = WebSocket(node, key)

    def check(self):
        """What is published still arrives, and nothing else but keepalives."""
        one = json.dumps({"n": next(_numbers)})
        two = json.dumps({"n": next(_numbers)})
        tap.true(self.node.alive(), "the node ended")
        self.socket.publish("p", self.channel, one)
        with Http(self.node) as http:
            http.publish(self.key, self.channel, two)
        for event in [one, two]:
            tap.equal(self.subscriber.reply(),
                      {"type": "data", "id": "by", "event": event})
        self.subscriber.send_message(type="unsubscribe", id="none")
        tap.equal(self.subscriber.reply()["type"], "unsubscribe_error",
                  "what comes next")

    def close(self):
        for stream in [self.subscriber, self.socket]:
            stream.close()
