"""Cases are functions, and their names are the sentences of the TAP lines."""
import signal
import sys
import time
import traceback

CASES = []
AT_END = []  # called after the last case; each returns what went wrong, or ""


class Skip(Exception):
    """Raised by a case that cannot run here."""


def case(function):
    CASES.append(function)
    return function


def equal(got, wanted, about=""):
    if got != wanted:
        raise AssertionError(
            f"{about or 'it'} is\n  {got!r}\nrather than\n  {wanted!r}")


def true(value, about):
    if not value:
        raise AssertionError(about)


def wait_until(condition, about, timeout_s=10):
    """Poll for what happens on its own; the value that was waited for."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{about}: not within {timeout_s} s")
        time.sleep(0.01)


def say(text):
    for line in text.rstrip().split("\n"):
        print("# " + line[:500])


def run_case(number, function):
    sentence = function.__name__.replace("_", " ").strip()
    begin = time.monotonic()
    try:
        function()
    except Skip as why:
        print(f"ok {number} - {sentence} # SKIP {why}", flush=True)
        return True
    except Exception:
        say(traceback.format_exc())
        print(f"not ok {number} - {sentence}", flush=True)
        return False
    spent = time.monotonic() - begin
    if spent > 2:
        say(f"{spent:.1f} s")
    print(f"ok {number} - {sentence}", flush=True)
    return True


def run_end(number):
    """The last case: what all others shared is in order."""
    wrong = [text for text in (call() for call in AT_END) if text]
    for text in wrong:
        say(text)
    print(f"{'not ok' if wrong else 'ok'} {number} - every node ends cleanly",
          flush=True)
    return not wrong


def main():
    """Run all cases, or those whose names hold an argument's words."""
    wanted = [word.replace(" ", "_") for word in sys.argv[1:]]
    cases = [c for c in CASES
             if not wanted or any(w in c.__name__ for w in wanted)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"1..{len(cases) + 1}", flush=True)
    good = True
    try:
        for number, function in enumerate(cases, 1):
            good = run_case(number, function) and good
    finally:
        good = run_end(len(cases) + 1) and good
    sys.exit(0 if good else 1)
