"""A TCP or TLS connection that sends any bytes and reads as many as asked."""
import ctypes
import socket
import struct
import weakref

from lib import tap
from lib.node import PATIENCE_S

SO_ATTACH_FILTER = 26  # which the socket module does not name

_streams = weakref.WeakSet()


class Closed(Exception):
    """The other side ended the connection."""


class Stream:
    def __init__(self, node, tls=False, timeout_s=PATIENCE_S, window=None):
        port = node.tls_port if tls else node.port
        raw = socket.socket()
        if window is not None:  # before connecting, or it does not hold
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        raw.settimeout(timeout_s)
        raw.connect((node.host, port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            raw = node.tls_context().wrap_socket(
                raw, server_hostname="localhost")
        self.socket = raw
        self.timeout_s = timeout_s
        self.held = b""
        self.received = 0  # bytes in all
        _streams.add(self)

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """Receive some more; False at the end of the stream."""
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            data = b""
        self.held += data
        self.received += len(data)
        return len(data) > 0

    def take(self, count):
        if len(self.held) < count:
            parts, have = [self.held], len(self.held)
            while have < count:
                self.held = b""
                if not self.fill():
                    raise Closed(b"".join(parts)[:200])
                parts.append(self.held)
                have += len(self.held)
            self.held = b"".join(parts)
        data, self.held = self.held[:count], self.held[count:]
        return data

    def take_until(self, mark):
        while mark not in self.held:
            if not self.fill():
                raise Closed(self.held[:200])
        data, _, self.held = self.held.partition(mark)
        return data + mark

    def at_end(self, timeout_s=None):
        """Whether the other side ends without another byte."""
        self.socket.settimeout(timeout_s or self.timeout_s)
        try:
            return not self.held and not self.fill()
        finally:
            self.socket.settimeout(self.timeout_s)

    def silent(self, seconds):
        """Whether nothing comes, not even an end, for so long."""
        if self.held:
            return False
        self.socket.settimeout(seconds)
        try:
            self.fill()
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(self.timeout_s)

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """Vanish with a TCP reset rather than an orderly end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()

    def vanish(self):
        """Nothing that comes is seen any more, or answered."""
        drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
        self.socket.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER,
            struct.pack("HL", 1, ctypes.addressof(drop)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _close_all():
    """A node waits for clients that do not answer its goodbye."""
    for stream in list(_streams):
        stream.close()
    return ""


tap.AT_END.insert(0, _close_all)
