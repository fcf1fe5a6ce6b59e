"""Thousands of subscribers of one channel in one thread: each is a socket and
the numbers of the events that it has got, as they came."""
import re
import select
import socket
import time

from lib.websocket import PROTOCOL, TEXT, credentials, frame

DATA = re.compile(rb'"event":"(\d+)","cursor":"([^"]+)"')


class Member:
    def __init__(self, number):
        self.number = number
        self.socket = None
        self.rest = b""   # what may be part of a message
        self.numbers = []
        self.cursors = []
        self.left_at = None

    def take(self, got):
        got = self.rest + got
        end = 0
        for found in DATA.finditer(got):
            self.numbers.append(int(found[1]))
            self.cursors.append(found[2].decode())
            end = found.end()
        self.rest = got[end:]


class Crowd:
    def __init__(self, count):
        self.members = [Member(n) for n in range(count)]
        self.by_fd = {}
        self.poll = select.epoll()

    def connect(self, node, channel, members):
        """All at once; `members` says of each what its subscribe asks for."""
        protocols = PROTOCOL + ", " + credentials(
            {"x-api-key": node.key(), "host": "localhost"})
        upgrade = ("GET /event/realtime HTTP/1.1\r\nHost: localhost\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                   f"Sec-WebSocket-Protocol: {protocols}\r\n\r\n").encode()
        for m in self.members:
            text = (f'{{"type":"subscribe","id":"s{m.number}",'
                    f'"channel":"{channel}","authorization":'
                    f'{{"x-api-key":"{node.key()}"}},{members(m)}}}')
            m.socket = socket.create_connection(("127.0.0.1", node.port))
            m.socket.sendall(upgrade + frame(TEXT, text.encode()))
            m.socket.setblocking(False)
            m.rest = b""
            self.by_fd[m.socket.fileno()] = m
            self.poll.register(m.socket, select.EPOLLIN)
            if m.number % 64 == 0:
                self.read(0)

    def read(self, timeout_s):
        for fd, _ in self.poll.poll(timeout_s):
            m = self.by_fd[fd]
            try:
                got = m.socket.recv(1 << 20)
            except OSError:
                got = b""
            if got:
                m.take(got)
            else:
                self.leave(m)

    def leave(self, member):
        self.poll.unregister(member.socket)
        del self.by_fd[member.socket.fileno()]
        member.socket.close()
        member.socket = None
        member.left_at = time.monotonic()

    def until(self, number, timeout_s):
        """Everybody has this event, or one behind it; those that have not."""
        end = time.monotonic() + timeout_s
        waiting = self.members
        while waiting and time.monotonic() < end:
            self.read(0.1)
            waiting = [m for m in waiting
                       if not m.numbers or m.numbers[-1] < number]
        return waiting

    def close(self):
        for m in list(self.by_fd.values()):
            self.leave(m)
        self.poll.close()
