"""What was published and what a subscription saw of it, compared: nothing
missing, nothing twice, nothing out of order, and no gap that is untrue.

Events are numbered by their publisher, for each channel on its own."""
import collections
import json
import threading

COMPLAINTS_MAX = 10  # of one subscription; one fault has many consequences


class Event:
    """One event as it was seen."""

    def __init__(self, channel, publisher, number):
        self.stream = (channel, publisher)
        self.number = number

    def __repr__(self):
        return f"{self.stream[0]} {self.stream[1]}#{self.number}"


class Gap:
    """`missed` None: the server did not say."""

    def __init__(self, missed=None, reason="retention"):
        self.missed = missed
        self.reason = reason

    def __repr__(self):
        return f"gap({self.reason}, missed {self.missed})"


def covers(pattern, channel):
    return (channel == pattern or pattern.endswith("/*") and
            channel.startswith(pattern[:-1]))


class Ledger:
    """The publishers' book. A number that was sent but not acknowledged may
    or may not be there; once anyone has seen it, it has to be."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = collections.Counter()                # by stream
        self.certain = collections.defaultdict(set)      # by stream

    def take(self, channel, publisher, count):
        """The numbers of the next events, which count as sent."""
        stream = (channel, publisher)
        with self.lock:
            first = self.next[stream]
            self.next[stream] += count
        return range(first, first + count)

    def acknowledge(self, channel, publisher, numbers):
        with self.lock:
            self.certain[(channel, publisher)].update(numbers)

    def saw(self, entries):
        for entry in entries:
            if isinstance(entry, Event):
                self.certain[entry.stream].add(entry.number)

    def sent(self):
        """How many numbers of each stream have been sent."""
        with self.lock:
            return dict(self.next)

    def acknowledged(self):
        with self.lock:
            return sum(map(len, self.certain.values()))


def event_text(channel, publisher, number, fill=""):
    return json.dumps({"c": channel, "p": publisher, "n": number,
                       "fill": fill})


def event_of(channel, value):
    """The event of a published value; None when it is none of ours."""
    if value["c"] != channel:
        return None
    return Event(channel, value["p"], value["n"])


class Check:
    """The entries of one subscription against the ledger, to which all
    subscriptions have said what they saw.

    `joined`: what Ledger.sent() was when it began with what the window held.
    Of what was sent before, the oldest may be missing without a gap, or in
    one: once it came back, its cursor did not say how it began."""

    def __init__(self, ledger, pattern, entries, joined=None, gaps=True):
        self.ledger = ledger
        self.pattern = pattern
        self.entries = entries
        self.joined = joined or {}
        self.gaps = gaps
        self.complaints = []
        self.fewest = collections.Counter()  # missing, by gap's position
        self.most = collections.Counter()
        self.missing = 0

    def run(self):
        """The complaints, as sentences."""
        seen = collections.defaultdict(list)  # stream: (position, number)
        gaps = []
        for position, entry in enumerate(self.entries):
            if isinstance(entry, Gap):
                gaps.append(position)
                if not self.gaps:
                    self.complain(position, f"{entry} where none may be")
            elif not covers(self.pattern, entry.stream[0]):
                self.complain(position, f"{entry} is not of {self.pattern}")
            else:
                seen[entry.stream].append((position, entry.number))
        for stream, sent in self.ledger.sent().items():
            if covers(self.pattern, stream[0]):
                self.order(stream, seen[stream])
                self.holes(stream, sent, seen.pop(stream), gaps)
        for stream in seen:
            self.complain(seen[stream][0][0], f"nobody published {stream}")
        self.counts(gaps)
        return self.complaints[:COMPLAINTS_MAX]

    def complain(self, position, sentence):
        near = self.entries[max(0, position - 3):position + 4]
        self.complaints.append(f"{self.pattern} at {position}: {sentence}; "
                               f"near {near}")

    def order(self, stream, came):
        last = -1
        known = set()
        for position, number in came:
            if number in known:
                self.complain(position, f"{stream}#{number} comes twice")
            elif number < last:
                self.complain(position, f"{stream}#{number} comes after "
                                        f"#{last}")
            known.add(number)
            last = max(last, number)

    def holes(self, stream, sent, came, gaps):
        """Every number that is missing lies in a gap."""
        where = {number: position for position, number in came}
        certain = self.ledger.certain[stream]
        if where and max(where) >= sent:
            self.complain(where[max(where)], f"{stream}#{max(where)} was "
                                             "never sent")
        before, after = -1, self.after(where, sent)
        first = min(where, default=sent)
        for number in range(sent):
            if number in where:
                before = where[number]
                continue
            between = [g for g in gaps if before < g < after[number]]
            if number < first and number < self.joined.get(stream, 0):
                self.attribute(False, between)
                continue
            if not between and number in certain:
                self.complain(max(before, 0), f"{stream}#{number} is missing")
            self.attribute(number in certain, between)

    def after(self, where, sent):
        """For each number the position of the next one that came."""
        result = [0] * sent
        position = len(self.entries)
        for number in range(sent - 1, -1, -1):
            position = where.get(number, position)
            result[number] = position
        return result

    def attribute(self, certain, between):
        self.missing += certain
        for gap in between:
            self.most[gap] += 1
            if certain and len(between) == 1:
                self.fewest[gap] += 1

    def counts(self, gaps):
        """What the gaps say of themselves. Numbers that nobody saw and nobody
        acknowledged, and those between two gaps, leave some room."""
        for position in gaps:
            gap = self.entries[position]
            fewest, most = self.fewest[position], self.most[position]
            if gap.missed is not None and not fewest <= gap.missed <= most:
                self.complain(position, f"{gap}, but {fewest} to {most} are "
                                        "missing")


def compare(subscriptions, ledger, gaps):
    """The complaints about each of `subscriptions`, which have a pattern,
    entries and joined, by index."""
    for s in subscriptions:
        ledger.saw(s.entries)
    result = {}
    for index, s in enumerate(subscriptions):
        complaints = Check(ledger, s.pattern, s.entries, s.joined, gaps).run()
        if complaints:
            result[index] = complaints
    return result
