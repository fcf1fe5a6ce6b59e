"""Server-Sent Events as they are, line by line, over HTTP/1.1 with or without
chunks."""
from lib import tap
from lib.http import Http, request
from lib.stream import Closed


class Message:
    """What stands between two empty lines; `comment` is one line's."""

    def __init__(self):
        self.fields = []  # (name, value), as they came
        self.comment = None

    def field(self, name):
        found = [value for key, value in self.fields if key == name]
        tap.true(len(found) < 2, f"{name} comes twice in {self.fields}")
        return found[0] if found else None


class EventStream(Http):
    """GET of a stream; `opening` is the head of the answer, with the body of a
    refusal."""

    def __init__(self, node, path, fields=(), **options):
        super().__init__(node, **options)
        self.send(request("GET", path, fields))
        self.opening = self.head()
        length = self.opening.field("content-length")
        if length is not None:
            self.opening.body = self.take(int(length))
        self.chunked = (self.opening.field("transfer-encoding") or
                        "").lower() == "chunked"
        self.text = b""

    def more(self):
        if self.chunked:
            size = int(self.take_until(b"\r\n"), 16)
            self.text += self.take(size)
            tap.equal(self.take(2), b"\r\n", "the end of a chunk")
            if size == 0:
                raise Closed("the last chunk")
        else:
            if not self.held and not self.fill():
                raise Closed("the end of the stream")
            self.text += self.take(len(self.held))

    def line(self):
        while b"\n" not in self.text:
            self.more()
        line, _, self.text = self.text.partition(b"\n")
        return line.decode()

    def ready(self):
        """Whether a line is there without receiving."""
        return b"\n" in self.text

    def message(self):
        """The next message or comment."""
        message = Message()
        while True:
            line = self.line()
            if line.startswith(":") and not message.fields:
                message.comment = line[1:].strip()
                return message
            if not line:
                if message.fields:
                    return message
                continue
            name, colon, value = line.partition(":")
            tap.equal(colon, ":", f"the colon of {line[:200]!r}")
            message.fields.append((name, value.removeprefix(" ")))

    def event(self):
        """The next message that is no comment."""
        while True:
            message = self.message()
            if message.comment is None:
                return message
