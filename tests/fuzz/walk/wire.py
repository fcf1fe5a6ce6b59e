"""A connection that is written and read at once, over TCP or TLS, until one
side has enough."""
import select
import socket
import ssl
import struct
import time


class Gone(Exception):
    """The other side ended it, or never answered; `why` is a word."""


class Wire:
    def __init__(self, node, oracle, random, **habits):
        self.random = random
        self.oracle = oracle
        self.ended = None  # "end", "reset" or "us"
        self.received = 0
        raw = socket.socket()
        if habits.get("window"):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                           habits["window"])
        raw.settimeout(10)
        try:
            raw.connect((node.host, habits.get("port") or
                         (node.tls_port if habits.get("tls") else node.port)))
            if habits.get("nodelay", True):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if habits.get("tls"):
                raw = habits["context"].wrap_socket(
                    raw, server_hostname="localhost")
        except (OSError, ssl.SSLError):
            raw.close()
            raise
        raw.setblocking(False)
        self.socket = raw
        self.tls = bool(habits.get("tls"))
        self.lost = bool(habits.get("port"))

    def read(self, most=65536):
        """What is there now, to the oracle; how many bytes."""
        if self.ended:
            return 0
        try:
            data = self.socket.recv(most)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except ssl.SSLError:
            self.ended = "reset"
            return 0
        except OSError:
            self.ended = "reset"
            return 0
        if not data:
            self.ended = "end"
            return 0
        self.received += len(data)
        self.oracle.feed(data)
        return len(data)

    def wait(self, seconds, write=False):
        """Until something can be done, or the time is over."""
        if self.tls and self.socket.pending():
            return
        poll = select.poll()
        poll.register(self.socket, select.POLLIN |
                      (select.POLLOUT if write else 0))
        poll.poll(max(seconds, 0) * 1000)

    def send(self, data, seconds=5.0, listen=True):
        """All of it, reading meanwhile; False when that cannot be."""
        end = time.monotonic() + seconds
        view = memoryview(data)
        while view and not self.ended:
            try:
                view = view[self.socket.send(view):]
                continue
            except (BlockingIOError, ssl.SSLWantReadError,
                    ssl.SSLWantWriteError):
                pass
            except (OSError, ssl.SSLError):
                self.drain(0)
                self.ended = self.ended or "reset"
                return False
            if time.monotonic() > end:
                return False
            self.wait(0.05, write=True)
            if listen:
                self.read()
        return not self.ended

    def drain(self, seconds, until=None):
        """Read for so long, or until something holds."""
        end = time.monotonic() + seconds
        while not self.ended and not (until and until()):
            if self.read():
                continue
            left = end - time.monotonic()
            if left <= 0:
                break
            if not self.ended:
                self.wait(min(left, 0.1))

    def sip(self, count):
        """A few bytes, as who reads slowly does."""
        self.read(max(count, 1))

    def half(self):
        if self.tls:
            return
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.ended = self.ended or "reset"

    def close(self):
        self.ended = self.ended or "us"
        self.socket.close()

    def reset(self):
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.close()
