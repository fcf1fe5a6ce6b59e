"""Publishers of numbered events, which go on whatever becomes of a node."""
import json
import random
import threading
import time

from lib.checker import event_text
from lib.http import Http, post_bytes
from lib.stream import Closed
from lib.tap import equal
from lib.websocket import CLOSE, WebSocket


def message(websocket):
    """The next one; a node that stops says goodbye first."""
    opcode, payload = websocket.frame()
    if opcode == CLOSE:
        raise Closed(payload)
    return json.loads(payload)


class Publisher(threading.Thread):
    """One publish at a time: those after a lost answer have new numbers, so
    what comes is in order whatever became of the lost one."""

    def __init__(self, node, ledger, channels, name, **habits):
        super().__init__(daemon=True)
        self.node = node
        self.ledger = ledger
        self.channels = channels
        self.name = name
        self.websocket = habits.get("websocket", False)
        self.random = random.Random(f"{habits.get('seed')} {name}")
        self.fill = habits.get("fill", "")
        self.rest_s = habits.get("rest_s", 0.01)
        self.refusals = {503} | ({500} if habits.get("disk_fills") else set()) \
            | ({429} if habits.get("busy") else set())
        self.stopping = False
        self.refused = 0
        self.taken = 0
        self.wrong = None
        self.start()

    def run(self):
        while not self.stopping:
            try:
                self.connected()
            except (Closed, OSError):
                time.sleep(0.02)
            except Exception as why:
                self.wrong = why
                return

    def connected(self):
        key = self.node.key()
        if self.websocket:
            connection = WebSocket(self.node, key)
        else:
            connection = Http(self.node)
        with connection:
            if self.websocket:
                connection.send_message(type="connection_init")
                # A ka may come before it on a slow machine.
                while message(connection)["type"] != "connection_ack":
                    pass
            while not self.stopping:
                channel = self.random.choice(self.channels)
                numbers = self.ledger.take(
                    channel, self.name, self.random.randint(1, 5))
                events = [event_text(channel, self.name, number, self.fill)
                          for number in numbers]
                taken = self.publish(connection, key, channel, events)
                self.ledger.acknowledge(
                    channel, self.name, [numbers[index] for index in taken])
                self.taken += len(taken)
                time.sleep(self.rest_s)

    def publish(self, connection, key, channel, events):
        """The indices of what was acknowledged."""
        if self.websocket:
            connection.send_publish("p", channel, *events)
            value = message(connection)
            while value["type"] == "ka":
                value = message(connection)
        else:
            connection.send(post_bytes(key, channel, *events))
            answer = connection.answer()
            if answer.status in self.refusals:
                self.refused += 1
                return []
            equal(answer.status, 200, f"the status, {answer.body[:200]}")
            value = answer.json()
        if value.get("type") == "publish_error":
            self.refused += 1
            return []
        return [item["index"] for item in value["successful"]]

    def stop(self):
        self.stopping = True

    def end(self, timeout_s=20):
        self.stop()
        self.join(timeout_s)
        if self.is_alive() or self.wrong is not None:
            raise AssertionError(f"publisher {self.name} does not end well, "
                                 f"with {self.wrong!r}")
