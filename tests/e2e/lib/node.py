"""A weir of one's own: in a directory below $TMPDIR, on a port that stays the
same when it is started again, ended and removed with the test."""
import json
import os
import pathlib
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time

from lib import tap
from lib.ports import free_port

START_S = 20
STOP_S = 20
PATIENCE_S = 10  # for one answer

BUILD = pathlib.Path(os.environ.get("top_builddir", "."))
PROGRAM = os.environ.get("WEIR") or str((BUILD / "weir").resolve())
SANITIZED = bool(os.environ.get("sanitizers"))

_nodes = []
_directories = []


def directory():
    """A new directory that goes when the test ends."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="weir-e2e-"))
    path.chmod(0o755)
    _directories.append(path)
    return path


def run(*arguments, status=0, env=None):
    """Run a command of weir to its end; what it printed and what it said."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], text=True,
                          capture_output=True, timeout=60, env=env,
                          check=False)
    tap.equal(done.returncode, status,
              f"the status of weir {arguments[0]} ({done.stderr.strip()})")
    return done.stdout, done.stderr


def weir(*arguments, status=0, env=None):
    """Run a command of weir to its end; what it printed."""
    return run(*arguments, status=status, env=env)[0]


class Output(threading.Thread):
    """Drains a pipe, so that its writer never waits, and keeps the text."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe = pipe
        self.text = ""
        self.start()

    def run(self):
        for line in self.pipe:
            self.text += line


class Node:
    """`weir serve`, with --dev or, when `config` is given, --config: its text
    comes behind the settings that the harness needs."""

    host = "127.0.0.1"  # where its clients connect to
    before = ()         # words of the command line before its own

    def __init__(self, config=None, path=None, listen=None, tls=False):
        self.path = pathlib.Path(path) if path else directory()
        self.config = config
        self.listen = listen or f"127.0.0.1:{free_port()}"
        self.tls = tls
        self.process = None
        self.errors = None
        self.port = self.tls_port = 0
        self.expected_status = 0
        _nodes.append(self)

    # Files

    @property
    def data(self):
        return self.path / "data"

    def key(self):
        return (self.path / "dev" / "api-key").read_text().strip()

    def issue(self, *arguments, issuer=None):
        """Another API key of the node's issuer, or of another."""
        issuer = issuer or self.path / "dev" / "issuer"
        return weir("key", "issue", "--issuer", issuer, *arguments).strip()

    def settings(self):
        """What its file says besides."""
        return self.config

    def write_config(self):
        """The development node's keys and certificate serve here too."""
        if not (self.path / "dev" / "api-key").exists():
            maker = Node(path=self.path)
            maker.start()
            maker.stop()
            _nodes.remove(maker)
        dev = self.path / "dev"
        text = (f'data_dir = "{self.data}"\n'
                f"listen = {self.listen}\n"
                f'keys {{ issuer_files = ["{dev}/issuer.pub"] }}\n')
        if self.tls:
            text += ("tls { listen = 127.0.0.1:0\n"
                     f'certificate = "{dev}/server.pem"\n'
                     f'key = "{dev}/server-key.pem" }}\n')
        file = self.path / "weir.conf"
        file.write_text(text + self.settings())
        return file

    # Life

    def arguments(self):
        if self.config is not None:
            return ["--config", str(self.write_config())]
        return ["--dev", str(self.path), "--listen", self.listen,
                "--tls-listen", "127.0.0.1:0"]

    def spawn(self, preexec=None):
        self.process = subprocess.Popen(
            [*self.before, PROGRAM, "serve", *self.arguments()], text=True,
            bufsize=1, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=preexec)
        self.errors = Output(self.process.stderr)

    def start(self, preexec=None):
        self.spawn(preexec)
        return self.await_ready()

    def await_ready(self):
        line = self.process.stdout.readline()
        words = line.split()
        if words[:2] != ["weir", "ready"]:
            status = self.process.wait(START_S)
            self.errors.join(START_S)
            raise AssertionError(f"no ready line but {line!r}, status "
                                 f"{status}, saying {self.errors.text!r}")
        tap.true(words[2].startswith("http://"), f"the ready line: {line}")
        self.port = int(words[2].rsplit(":", 1)[1])
        if len(words) > 3:
            tap.true(words[3].startswith("https://"), f"ready line: {line}")
            self.tls_port = int(words[3].rsplit(":", 1)[1])
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """When it returns, one that was stopped does nothing more: its threads
        run on until the one that has the signal gets a core."""
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self.process.pid,
                      os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def wait(self, timeout_s=STOP_S):
        """The status, once it ends by itself."""
        status = self.process.wait(timeout_s)
        self.errors.join(timeout_s)
        self.process.stdout.close()
        return status

    def stop(self):
        if self.process is None:
            return None
        self.signal(signal.SIGTERM)
        status = self.wait()
        tap.equal(status, self.expected_status, "the status after SIGTERM")
        self.process = None
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.wait()
            self.process = None

    def refused(self, status=1, preexec=None):
        """Start what must not start; what it says last on standard error."""
        self.spawn(preexec)
        out = self.process.stdout.read()
        got = self.wait()
        self.process = None
        tap.equal((got, out), (status, ""), "status and output")
        lines = self.errors.text.strip().split("\n")
        return lines[-1]

    # Looking at it

    def memory(self):
        """Bytes that the process holds, without what it maps from files."""
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon")

    def metric(self, name):
        from lib.http import Http
        with Http(self) as http:
            text = http.ask("GET", "/metrics",
                            [("x-api-key", self.key())]).body.decode()
        for line in text.splitlines():
            if line.startswith(f"weir_{name} "):
                return int(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def events(self, channel=None):
        """What `weir log` finds on disk, a dict each, without a gap."""
        def whole():
            text, said = run("log", self.data, *([channel] if channel else []),
                             "--events", "--content")
            return None if said else [text]

        text = tap.wait_until(whole, "a reading that no trim ran into")[0]
        return [json.loads(line) for line in text.splitlines()]

    def tls_context(self):
        context = ssl.create_default_context(
            cafile=str(self.path / "dev" / "ca.pem"))
        return context


def memory_bound(bytes_max):
    """A bound on memory; sanitizers hold on to what was freed."""
    return bytes_max * 8 + (512 << 20) if SANITIZED else bytes_max


def pause(seconds):
    time.sleep(seconds)


def raise_descriptors():
    """Tests open more sockets than the usual soft limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)),
                                                hard))


def _end_all():
    wrong = ""
    for node in _nodes:
        if node.process is None:
            continue
        try:
            node.stop()
        except Exception as why:
            wrong += f"{why}\n{node.errors.text[-2000:]}\n"
            node.kill()
        if "ERROR: " in node.errors.text:  # as sanitizers say it
            wrong += node.errors.text[-4000:]
    for path in _directories:
        shutil.rmtree(path, ignore_errors=True)
    return wrong


tap.AT_END.append(_end_all)
