// The console: what its forms ask for goes to weir.js, and what comes from there
// goes into the list of events. Nothing is ever written as HTML, so an event
// cannot be more than text.

import {Weir} from './weir.js';

const ROWS_MAX = 1000; // older ones go
const HELD_MAX = 1000; // while paused
const CHARS_MAX = 32 << 20; // of the events' texts, in either
const PREVIEW_CHARS = 400;
const PRETTY_CHARS_MAX = 200000; // more is not coloured
const ANSWERS_MAX = 3;
const HUES = 8;
const TOAST_MS = 1600;
const NEAR_END_PX = 40;

const $ = (id) => document.getElementById(id);
const form = {
    url: $('url'),
    key: $('key'),
    channel: $('publish-channel'),
    events: $('publish-events'),
    pattern: $('subscribe-channel'),
    replay: $('replay'),
    number: $('replay-number'),
    cursor: $('replay-cursor'),
};

let weir = null;
let toastTimer;
let hue = 0;
let received = 0;
const subscriptions = new Set();

// Making elements

function element(tag, className, ...children) {
    const made = document.createElement(tag);

    if (className) {
        made.className = className;
    }
    made.append(...children);
    return made;
}

function button(text, title, act, className) {
    const made = element('button', className, text);

    made.type = 'button';
    made.title = title;
    made.addEventListener('click', act);
    return made;
}

function clock() {
    const now = new Date();
    const ms = String(now.getMilliseconds()).padStart(3, '0');

    return element('time', '', `${now.toTimeString().slice(0, 8)}.${ms}`);
}

function toast(text) {
    const place = $('toast');

    place.textContent = text;
    place.classList.add('shown');
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => place.classList.remove('shown'), TOAST_MS);
}

// The clipboard is not there on pages that came over plain HTTP from elsewhere
// than this machine.
async function copy(text, what) {
    try {
        await navigator.clipboard.writeText(text);
        toast(`${what} copied`);
    } catch {
        prompt(`${what}:`, text);
    }
}

function copying(text, what, shown = text) {
    return button(shown, `Copy the ${what.toLowerCase()}`,
        (event) => {
            event.stopPropagation();
            copy(text, what);
        }, 'copy');
}

function shorten(cursor) {
    return cursor.length > 18
        ? `${cursor.slice(0, 8)}…${cursor.slice(-8)}` : cursor;
}

function explain(error) {
    return !error.errorType || error.message.startsWith(error.errorType)
        ? error.message : `${error.errorType}: ${error.message}`;
}

function show(problem, text) {
    problem.textContent = text;
    problem.hidden = text === '';
}

// The list

const list = {
    held: [], // rows that came while paused
    heldChars: 0,
    chars: 0, // of the rows that are shown
    waiting: [], // rows for the next frame
    dropped: 0,
    paused: false,
    frame: false,

    get atEnd() {
        const box = $('scroll');

        return box.scrollHeight - box.scrollTop - box.clientHeight <
            NEAR_END_PX;
    },

    add(row) {
        if (this.paused) {
            this.held.push(row);
            this.heldChars += chars(row);
            while (this.held.length > HELD_MAX || this.heldChars > CHARS_MAX) {
                this.heldChars -= chars(this.held.shift());
                this.dropped++;
            }
            this.tellPause();
            return;
        }
        this.waiting.push(row);
        if (this.waiting.length > ROWS_MAX) {
            this.waiting.shift();
        }
        if (!this.frame) {
            this.frame = true;
            setTimeout(() => this.draw(), 16);
        }
    },

    draw() {
        const follow = this.atEnd;
        const rows = $('events');

        this.frame = false;
        for (const row of this.waiting) {
            row.hidden = !matches(row);
            this.chars += chars(row);
        }
        rows.append(...this.waiting.splice(0));
        while (rows.childElementCount > ROWS_MAX || this.chars > CHARS_MAX) {
            this.chars -= chars(rows.firstElementChild);
            rows.firstElementChild.remove();
        }
        if (follow) {
            $('scroll').scrollTop = $('scroll').scrollHeight;
        }
        $('latest').hidden = this.atEnd;
        $('count').textContent = received.toLocaleString('en');
        this.keepOneReachable();
    },

    // Of all rows, Tab stops at one; the arrow keys go on from there.
    keepOneReachable() {
        const rows = $('events');

        if (!rows.querySelector('.event[tabindex="0"]')) {
            rows.querySelector('.event')?.setAttribute('tabindex', '0');
        }
    },

    tellPause() {
        $('pause').textContent = !this.paused ? 'Pause'
            : this.held.length === 0 ? 'Go on'
                : `Go on (${this.held.length + this.dropped})`;
        $('pause').setAttribute('aria-pressed', String(this.paused));
    },

    toggle() {
        this.paused = !this.paused;
        if (!this.paused) {
            if (this.dropped > 0) {
                this.add(note('gap', `${this.dropped} events that came while ` +
                    'paused are not shown'));
            }
            this.dropped = 0;
            this.heldChars = 0;
            for (const row of this.held.splice(0)) {
                this.add(row);
            }
        }
        this.tellPause();
    },

    clear() {
        this.waiting = [];
        this.held = [];
        this.heldChars = this.chars = 0;
        this.dropped = 0;
        received = 0;
        $('events').replaceChildren();
        this.draw();
        this.tellPause();
    },

    move(step) {
        const rows = [...$('events').querySelectorAll('.event:not([hidden])')];
        const at = rows.indexOf(document.activeElement.closest('.event'));
        const next = step === Infinity ? rows.at(-1)
            : rows[Math.max(0, Math.min(rows.length - 1, at + step))];

        if (next) {
            $('events').querySelector('.event[tabindex="0"]')
                ?.setAttribute('tabindex', '-1');
            next.setAttribute('tabindex', '0');
            next.focus();
        }
    },
};

function chars(row) {
    return row.item?.text.length ?? 0;
}

function matches(row) {
    const wanted = $('filter').value.trim().toLowerCase();

    return wanted === '' || !row.item ||
        row.item.channel.toLowerCase().includes(wanted) ||
        row.item.text.toLowerCase().includes(wanted);
}

function note(kind, ...children) {
    return element('li', `note ${kind}`, clock(), ...children);
}

// JSON with its names, texts and numbers told apart.
function pretty(text) {
    const made = element('pre');
    let rest = text;

    try {
        rest = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
        // Shown as it is.
    }
    if (rest.length > PRETTY_CHARS_MAX) {
        made.textContent = rest;
        return made;
    }
    const tokens =
        /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)/g;
    let end = 0;

    for (const match of rest.matchAll(tokens)) {
        const [all, string, colon = '', other] = match;

        made.append(rest.slice(end, match.index));
        made.append(element('span', other ? 'number'
            : colon ? 'name-of' : 'string', string ?? other), colon);
        end = match.index + all.length;
    }
    made.append(rest.slice(end));
    return made;
}

function unfold(row) {
    const {item} = row;

    if (row.classList.toggle('whole')) {
        const cursor = item.cursor
            ? ['Cursor', copying(item.cursor, 'Cursor', shorten(item.cursor))]
            : ['No cursor'];

        row.append(element('div', 'detail', pretty(item.text),
            element('div', '', ...cursor, 'through',
                element('code', '', item.subscription.pattern))));
        row.scrollIntoView({block: 'nearest'});
    } else {
        row.querySelector('.detail').remove();
    }
    row.setAttribute('aria-expanded', String(row.classList.contains('whole')));
}

function replayFrom({subscription, cursor}) {
    subscription.restart({after: cursor});
}

function eventRow(item) {
    const preview = item.text.length > PREVIEW_CHARS
        ? `${item.text.slice(0, PREVIEW_CHARS)}…` : item.text;
    const acts = element('span', 'acts');
    const row = element('li', `event hue${item.subscription.hue}`,
        element('span', 'dot'), clock(),
        element('span', 'channel', item.channel),
        element('span', 'text', preview), acts);

    row.item = item;
    row.tabIndex = -1;
    row.setAttribute('aria-expanded', 'false');
    row.querySelector('.channel').title = item.channel;
    if (item.cursor) {
        acts.append(
            button('Copy cursor', 'y', (event) => {
                event.stopPropagation();
                copy(item.cursor, 'Cursor');
            }),
            button('Replay from here', 'r', (event) => {
                event.stopPropagation();
                replayFrom(item);
            }));
        for (const act of acts.children) {
            act.tabIndex = -1; // the row's keys do the same
        }
    }
    row.addEventListener('click', (event) => {
        if (!event.target.closest('.detail') &&
            String(getSelection()) === '') {
            unfold(row);
        }
    });
    return row;
}

function gapRow(pattern, gap) {
    const count = gap.missed === undefined ? 'Events' : `${gap.missed} events`;
    const why = {
        'retention': 'have left the window',
        'corrupt': 'are damaged on the server',
        'cursor': 'may be missing: the server does not know where this stopped',
        'no-replay': 'may be missing: the server cannot resume',
    }[gap.reason] ?? `are missing (${gap.reason})`;
    const row = note('gap', element('strong', '', 'Gap'), `${count} ${why}`,
        element('code', '', pattern));

    for (const end of ['from', 'to']) {
        if (gap[end]) {
            row.append(element('span', '', `${end} `,
                copying(gap[end], 'Cursor', shorten(gap[end]))));
        }
    }
    return row;
}

// Subscriptions

function words(replay) {
    if (!replay) {
        return 'from now on';
    }
    return replay.last !== undefined ? `with the last ${replay.last}`
        : replay.seconds !== undefined ? `from ${replay.seconds} s ago`
            : replay.all ? 'with all that is kept'
                : `after ${shorten(replay.after)}`;
}

class Shown {
    constructor(pattern, replay) {
        this.pattern = pattern;
        this.replay = replay;
        this.cursor = null;
        this.total = 0;
        this.hue = hue++ % HUES;
        this.sub = null;
        this.totalText = element('span', 'total', '0');
        this.stateText = element('small', '', '');
        this.row = element('li', `hue${this.hue}`, element('span', 'dot'),
            element('span', 'name', element('strong', '', pattern),
                this.stateText),
            this.totalText,
            button('×', `Unsubscribe from ${pattern}`, () => this.end(),
                'quiet end'));
        this.row.querySelector('strong').title = pattern;
        this.row.querySelector('.end').setAttribute('aria-label',
            `Unsubscribe from ${pattern}`);
        subscriptions.add(this);
        $('subscriptions').append(this.row);
    }

    async start() {
        const replay = this.cursor ? {after: this.cursor} : this.replay;
        const sub = weir.subscribe(this.pattern, {
            ...replay && {replay},
            onEvent: (event, meta) => this.take(meta),
            onGap: (gap) => {
                this.cursor = gap.to;
                list.add(gapRow(this.pattern, gap));
            },
            onError: (error) => list.add(note('bad', explain(error),
                element('code', '', this.pattern))),
        });

        this.sub = sub;
        this.stateText.textContent = 'waiting for the server';
        try {
            await sub.ready;
        } catch (error) {
            // Refused, rather than closed by hand.
            if (this.sub === sub && error.errorType !== 'Closed') {
                this.end();
                if (weir?.state === 'open') {
                    show($('subscribe-problem'), explain(error));
                }
            }
            return;
        }
        if (this.sub === sub) {
            this.cursor ??= sub.cursor;
            this.tell();
            list.add(note('', `Subscribed to ${this.pattern}, ${words(replay)}`));
        }
    }

    take({channel, cursor, text}) {
        this.cursor = cursor;
        this.total++;
        received++;
        list.add(eventRow({subscription: this, channel, cursor, text}));
        // A frame's worth of events changes the page once.
        if (!this.telling) {
            this.telling = true;
            setTimeout(() => {
                this.telling = false;
                this.tell();
            }, 16);
        }
    }

    tell() {
        this.totalText.textContent = this.total.toLocaleString('en');
        this.stateText.replaceChildren(...this.cursor
            ? ['at', copying(this.cursor, 'Cursor', shorten(this.cursor))]
            : [words(this.replay)]);
    }

    restart(replay) {
        const {sub} = this;

        this.sub = null;
        sub?.unsubscribe();
        if (!subscriptions.has(this)) {
            subscriptions.add(this);
            $('subscriptions').append(this.row);
        }
        this.cursor = null;
        this.replay = replay;
        ensure();
        this.start();
    }

    end() {
        const {sub} = this;
        const next = this.row.nextElementSibling ?? form.pattern;
        const focused = this.row.contains(document.activeElement);

        this.sub = null;
        subscriptions.delete(this);
        this.row.remove();
        sub?.unsubscribe();
        if (focused) {
            (next.querySelector?.('.end') ?? next).focus();
        }
    }
}

// The connection

const STATES = {
    closed: 'Not connected',
    connecting: 'Connecting',
    open: 'Connected',
    waiting: 'Reconnecting',
};

function tellState(state, {error, retryMs} = {}) {
    const refused = state === 'closed' && error;

    $('state').dataset.state = refused ? 'refused' : state;
    $('state').textContent = refused ? 'Refused' : STATES[state];
    show($('connect-problem'), refused ? explain(error) : '');
    $('connect-button').textContent =
        state === 'closed' ? 'Connect' : 'Disconnect';
    $('connect-button').classList.toggle('main', state === 'closed');
    if (state === 'waiting') {
        list.add(note('', `${error.message}; again in ${retryMs} ms`));
    }
}

// A client for what the form says.
function ensure() {
    if (weir === null) {
        const mine = new Weir({
            url: form.url.value,
            apiKey: form.key.value.trim(),
            onState(state, detail) {
                if (weir === mine) {
                    tellState(state, detail);
                }
            },
        });

        weir = mine;
    }
    return weir;
}

function disconnect() {
    for (const shown of subscriptions) {
        shown.sub = null;
        shown.stateText.textContent = 'goes on when connected';
    }
    weir?.close();
    weir = null;
}

async function connect() {
    disconnect();
    sessionStorage.setItem('weir-key', form.key.value);
    sessionStorage.setItem('weir-url', form.url.value);
    try {
        ensure().connect().catch(() => {}); // the state says why
    } catch (error) {
        tellState('closed', {error});
        return;
    }
    for (const shown of [...subscriptions]) {
        shown.start();
    }
}

$('connect').addEventListener('submit', (event) => {
    event.preventDefault();
    if (weir !== null && weir.state !== 'closed') {
        disconnect();
        tellState('closed');
    } else {
        connect();
    }
});

// The next thing asked of a client is asked of one for these. Not when they are
// left: that is on the way to a button, which must not change under the mouse.
for (const input of [form.url, form.key]) {
    input.addEventListener('input', () => {
        if (weir !== null) {
            disconnect();
            tellState('closed');
        }
    });
}

// Publishing

function answer(transport, channel, outcome) {
    const {successful = [], failed = [], error} = outcome;
    const all = successful.length + failed.length;
    const box = element('div', 'answer', element('p', '',
        error ? element('span', 'bad', explain(error))
            : element('span', failed.length > 0 ? 'bad' : 'good',
                `${successful.length} of ${all} published`),
        clock()));
    const ids = element('ul');

    for (const {index, identifier} of successful) {
        ids.append(element('li', '', element('span', '', String(index)),
            copying(identifier, 'Identifier')));
    }
    for (const {index, code, message} of failed) {
        ids.append(element('li', 'bad', element('span', '', String(index)),
            `${code}: ${message}`));
    }
    box.append(element('small', '',
        `${channel} over ${transport === 'ws' ? 'WebSocket' : 'HTTP'}`), ids);
    $('answers').prepend(box);
    while ($('answers').childElementCount > ANSWERS_MAX) {
        $('answers').lastElementChild.remove();
    }
}

async function publish() {
    const transport = document.forms.publish.elements.transport.value;
    const channel = form.channel.value.trim();
    let events;

    try {
        events = JSON.parse(form.events.value);
    } catch (error) {
        show($('publish-problem'), `Not JSON: ${error.message}`);
        return;
    }
    show($('publish-problem'), '');
    try {
        answer(transport, channel, await ensure().publish(channel,
            Array.isArray(events) ? events : [events], {transport}));
    } catch (error) {
        answer(transport, channel, {error});
    }
}

$('publish').addEventListener('submit', (event) => {
    event.preventDefault();
    publish();
});
form.events.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        $('publish').requestSubmit();
    }
});

// Subscribing

function replayAsked() {
    switch (form.replay.value) {
    case 'last':
        return {last: Number(form.number.value)};
    case 'seconds':
        return {seconds: Number(form.number.value)};
    case 'all':
        return {all: true};
    case 'after':
        return {after: form.cursor.value.trim()};
    default:
        return undefined;
    }
}

form.replay.addEventListener('change', () => {
    const {value} = form.replay;

    $('replay-number-box').hidden = value !== 'last' && value !== 'seconds';
    $('replay-cursor-box').hidden = value !== 'after';
    form.cursor.required = value === 'after';
    document.querySelector('label[for="replay-number"]').textContent =
        value === 'seconds' ? 'Seconds' : 'How many';
});

$('subscribe').addEventListener('submit', (event) => {
    event.preventDefault();
    show($('subscribe-problem'), '');
    try {
        ensure();
    } catch (error) {
        show($('subscribe-problem'), explain(error));
        return;
    }
    new Shown(form.pattern.value.trim(), replayAsked()).start();
});

// The list's tools

$('filter').addEventListener('input', () => {
    for (const row of $('events').children) {
        row.hidden = !matches(row);
    }
});
$('pause').addEventListener('click', () => list.toggle());
$('clear').addEventListener('click', () => list.clear());
$('latest').addEventListener('click', () => {
    $('scroll').scrollTop = $('scroll').scrollHeight;
});
$('scroll').addEventListener('scroll', () => {
    $('latest').hidden = list.atEnd;
});
$('help-button').addEventListener('click', () => $('help').showModal());

// Keys

const keys = {
    'k': () => form.key.select(),
    'p': () => form.events.focus(),
    's': () => form.pattern.select(),
    '/': () => $('filter').select(),
    ' ': () => list.toggle(),
    'c': () => list.clear(),
    'e': () => list.move(Infinity),
    '?': () => $('help').showModal(),
};
const rowKeys = {
    'ArrowDown': () => list.move(1),
    'ArrowUp': () => list.move(-1),
    'Enter': (row) => unfold(row),
    'y': ({item}) => item.cursor && copy(item.cursor, 'Cursor'),
    'r': ({item}) => item.cursor && replayFrom(item),
};

document.addEventListener('keydown', (event) => {
    const {target, key} = event;
    const row = target.closest('.event');
    const typing = target.matches('input, textarea, select');

    if ($('help').open || event.ctrlKey || event.metaKey || event.altKey) {
        return;
    }
    if (typing && key === 'Escape') {
        target.blur();
        return;
    }
    // Space and Enter are a button's own.
    if (typing || (target.matches('button') && (key === ' ' ||
        key === 'Enter'))) {
        return;
    }
    const act = (row === target && rowKeys[key]) || keys[key];

    if (act) {
        event.preventDefault();
        act(row);
    }
});

// What it begins with: a key after # is taken and not left in the address.
const given = new URLSearchParams(location.hash.slice(1));

form.url.value = sessionStorage.getItem('weir-url') ?? location.origin;
form.key.value = given.get('key') ?? sessionStorage.getItem('weir-key') ?? '';
if (given.has('key')) {
    history.replaceState(null, '', location.pathname);
    connect();
} else if (form.key.value === '') {
    form.key.focus();
}
