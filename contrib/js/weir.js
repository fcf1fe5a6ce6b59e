// A client of weir for browsers and Node: publishes, subscribes, and goes on
// where it stopped, whatever happens to the connection between. See README
// beside this file for its use and doc/client-protocol for what is sent.

const PROTOCOL = 'aws-appsync-event-ws';
const FIRST_RETRY_MS = 200;
const RETRY_MS = 500; // doubled with each failure, up to:
const RETRY_MS_MAX = 30000;
const STEADY_MS = 5000; // open for so long, a connection counts as good
const OPEN_TIMEOUT_MS = 10000; // until connection_ack
const PROBE_TIMEOUT_MS = 5000; // until a sign of life, once asked for
const TICK_MS = 2000;
const SLEPT_MS = 10000; // a tick so late says that the machine slept
const PUBLISH_TIMEOUT_MS = 60000;
const REQUEST_TIMEOUT_MS = 15000;
const PUBLISHES_WAITING_MAX = 1000;
const PUBLISHES_WAITING_BYTES_MAX = 16 << 20;
const QUEUE_MAX = 1000; // events that an iterator has not taken yet

const CURSOR_ERRORS = ['UnknownCursorError', 'InvalidCursorError'];
const BUSY_ERRORS = ['LimitExceededError', 'InternalFailure',
    'ServiceUnavailable', 'ServiceUnavailableException'];

// What went wrong. `errorType` is the server's name for it or one of ours:
// ConnectionLost, ConnectionTimeout, PublishTimeout, TooManyPublishes, Closed.
export class WeirError extends Error {
    constructor(errorType, message, members = {}) {
        super(message || errorType);
        this.name = 'WeirError';
        this.errorType = errorType;
        Object.assign(this, members);
    }

    static from(errors, members) {
        const {errorType = 'Unknown', message, errorCode} = errors?.[0] ?? {};

        return new WeirError(errorType, message,
            {...errorCode && {errorCode}, ...members});
    }
}

// 'http://host:1/event/' -> 'http://host:1'
function baseUrl(text) {
    const url = new URL(text);

    url.protocol = {'ws:': 'http:', 'wss:': 'https:'}[url.protocol] ??
        url.protocol;
    return url.origin + url.pathname.replace(/(\/event)?(\/realtime)?\/*$/, '');
}

function base64url(text) {
    const bytes = new TextEncoder().encode(text);

    return btoa(String.fromCharCode(...bytes))
        .replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
}

function pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

// randomUUID is not there on pages that came over plain HTTP from elsewhere
// than this machine.
function uuid() {
    if (globalThis.crypto?.randomUUID) {
        return crypto.randomUUID();
    }
    const random = globalThis.crypto
        ? crypto.getRandomValues(new Uint8Array(16))
        : Uint8Array.from({length: 16}, () => Math.random() * 256);

    return Array.from(random, (n) => n.toString(16).padStart(2, '0')).join('');
}

// One socket, from its opening to its end, which is told once. Nothing that
// comes from the socket afterwards is heard.
class Connection {
    #socket;
    #on;
    #timer;
    #probe = null;
    #timeoutMs = Infinity;
    #heardAt = Date.now();
    #tickedAt = Date.now();
    #ended = false;
    open = false;

    constructor({url, key, WebSocket, on}) {
        this.url = url;
        this.authorization = {'host': new URL(url).host, 'x-api-key': key};
        this.#on = on;
        this.#timer = setTimeout(() => this.end(new WeirError(
            'ConnectionTimeout', `${url} does not answer`, {silent: true})),
        OPEN_TIMEOUT_MS);
        const socket = new WebSocket(
            `${url.replace(/^http/, 'ws')}/event/realtime`, [PROTOCOL,
                `header-${base64url(JSON.stringify(this.authorization))}`]);

        socket.onopen = () => this.send({type: 'connection_init'});
        socket.onmessage = ({data}) => this.#take(data);
        socket.onclose = ({code, reason}) => this.end(new WeirError(
            'ConnectionLost', `${url}: closed with ${code} ${reason}`.trim(),
            {code}));
        socket.onerror = () => {}; // a close follows
        this.#socket = socket;
    }

    send(message) {
        if (!this.#ended) {
            this.#socket.send(JSON.stringify(message));
        }
    }

    #take(text) {
        if (this.#ended) {
            return;
        }
        let message;

        try {
            message = JSON.parse(text);
        } catch {
            this.end(new WeirError('ConnectionLost',
                `${this.url} does not speak JSON`));
            return;
        }
        this.#heardAt = Date.now();
        clearTimeout(this.#probe);
        this.#probe = null;
        if (message.type === 'connection_error') {
            this.end(WeirError.from(message.errors, {refused: true}));
        } else if (message.type === 'connection_ack') {
            this.#acknowledge(message.connectionTimeoutMs);
        } else {
            this.#on.message(message);
        }
    }

    #acknowledge(timeoutMs) {
        if (this.open) {
            return; // the answer to check()
        }
        this.open = true;
        this.#timeoutMs = timeoutMs > 0 ? timeoutMs : Infinity;
        clearTimeout(this.#timer);
        this.#tickedAt = Date.now();
        this.#timer = setInterval(() => this.#tick(), TICK_MS);
        this.#on.open();
    }

    // A server that sends nothing for long is asked whether it is there, and
    // so is one that we may have slept through the end of.
    #tick() {
        const now = Date.now();
        const slept = now - this.#tickedAt > SLEPT_MS;
        const silent = now - this.#heardAt;

        this.#tickedAt = now;
        if (slept || silent > this.#timeoutMs / 2) {
            this.check();
        }
    }

    // Pages cannot ping. A second connection_init is answered like the first.
    check() {
        if (this.open && !this.#ended && this.#probe === null) {
            this.#probe = setTimeout(() => this.end(new WeirError(
                'ConnectionLost', `${this.url} went silent`, {silent: true})),
            Math.min(PROBE_TIMEOUT_MS, this.#timeoutMs));
            this.send({type: 'connection_init'});
        }
    }

    // Another key takes the place of the one that it was opened with.
    renew(key) {
        this.authorization = {...this.authorization, 'x-api-key': key};
        if (this.open) {
            this.send({type: 'connection_init',
                authorization: this.authorization});
        }
    }

    end(error) {
        if (this.#ended) {
            return;
        }
        this.#ended = true;
        clearTimeout(this.#timer);
        clearInterval(this.#timer);
        clearTimeout(this.#probe);
        // A dead peer would never answer a close; the package ws would wait.
        if (error.silent && this.#socket.terminate) {
            this.#socket.terminate();
        } else {
            this.#socket.close(1000);
        }
        this.#on.end(error);
    }
}

// What the library keeps of a subscription. `id` is new with each subscribe
// that is sent, so what comes late for an earlier one finds nobody.
class Flow {
    id = null;
    cursor = null; // after the last event that was handed over
    began = false; // the server has said yes once
    paused = false;
    ended = false;
    refusals = 0; // servers in a row that did not know the cursor
    queue = null; // for an iterator
    taker = null; // an iterator that waits: {resolve, reject}
    error = null;

    constructor(channel, options) {
        this.channel = channel;
        this.options = options;
        this.ready = new Promise((resolve, reject) => {
            this.resolve = resolve;
            this.reject = reject;
        });
        // Who does not wait for it is told by onError.
        this.ready.catch(() => {});
    }

    // What to ask for: where it stopped, or where it is to begin.
    start() {
        const {replay} = this.options;

        if (this.cursor !== null) {
            return {replay: {after: this.cursor}};
        }
        return replay && !this.began ? {replay} : {cursor: true};
    }

    // A handler's own error must not end the connection it is called from.
    call(name, ...args) {
        try {
            this.options[name](...args);
        } catch (error) {
            queueMicrotask(() => { throw error; });
        }
    }

    hand(item) {
        if (this.taker !== null) {
            this.taker.resolve({value: item, done: false});
            this.taker = null;
        } else if (this.queue !== null) {
            this.queue.push(item);
        }
    }

    event(message) {
        const event = JSON.parse(message.event);
        const meta = {
            channel: message.channel ?? this.channel,
            cursor: message.cursor ?? null,
            text: message.event,
        };

        this.cursor = meta.cursor;
        if (this.options.onEvent) {
            this.call('onEvent', event, meta);
        }
        this.hand({event, ...meta});
    }

    // Never silent: without onGap it is an error, and without onError a line
    // on the console.
    gap(gap) {
        this.hand({gap});
        if (this.options.onGap) {
            this.call('onGap', gap);
        } else if (this.queue === null) {
            this.fail(new WeirError('Gap',
                `${this.channel}: events were missed (${gap.reason})`, {gap}));
        }
    }

    fail(error) {
        if (this.options.onError) {
            this.call('onError', error);
        } else {
            console.warn(`weir: ${error.message}`);
        }
    }

    end(error) {
        this.ended = true;
        this.error = error;
        this.reject(error ?? new WeirError('Closed'));
        if (this.taker !== null) {
            if (error) {
                this.taker.reject(error);
            } else {
                this.taker.resolve({value: undefined, done: true});
            }
            this.taker = null;
        }
        if (error) {
            this.fail(error);
        }
    }
}

// What subscribe() returns.
export class Subscription {
    #flow;
    #actions;

    constructor(flow, actions) {
        this.#flow = flow;
        this.#actions = actions;
    }

    get channel() {
        return this.#flow.channel;
    }

    get ready() {
        return this.#flow.ready;
    }

    get cursor() {
        return this.#flow.cursor;
    }

    get closed() {
        return this.#flow.ended;
    }

    unsubscribe() {
        this.#actions.end(this.#flow);
    }

    // The server keeps what comes meanwhile, as long as its window holds it.
    pause() {
        this.#actions.pause(this.#flow);
    }

    resume() {
        this.#actions.resume(this.#flow);
    }

    // A reader that is slow pauses the subscription instead of filling memory.
    [Symbol.asyncIterator]() {
        const flow = this.#flow;
        const actions = this.#actions;

        flow.queue ??= [];
        return {
            next() {
                const {queue} = flow;

                if (queue.length > 0) {
                    const item = queue.shift();

                    if (queue.length === 0 && flow.paused) {
                        actions.resume(flow);
                    }
                    return Promise.resolve({value: item, done: false});
                }
                if (flow.ended) {
                    return flow.error ? Promise.reject(flow.error)
                        : Promise.resolve({value: undefined, done: true});
                }
                return new Promise((resolve, reject) => {
                    flow.taker = {resolve, reject};
                });
            },
            return() {
                actions.end(flow);
                return Promise.resolve({value: undefined, done: true});
            },
        };
    }
}

export class Weir {
    #options;
    #urls;
    #url = 0; // the one in use
    #connection = null;
    #attempt = 0; // tells an opening that was overtaken by a close()
    #state = 'closed';
    #openedOnce = false;
    #openedAt = 0;
    #failures = 0;
    #timer = null;
    #connecting = []; // who waits in connect()
    #flows = new Set();
    #byId = new Map(); // flows that the server was asked for
    #publishes = new Map(); // by id, oldest first
    #requests = new Set(); // of HTTP under way, to abort
    #closes = 0;
    #waiting = 0;
    #waitingBytes = 0;
    #lastId = 0;
    #wake = () => this.wake();

    constructor(options) {
        const urls = options.urls ?? options.url;

        this.#urls = [urls].flat().map(baseUrl);
        this.#options = {
            random: Math.random,
            publishTimeoutMs: PUBLISH_TIMEOUT_MS,
            publishesMax: PUBLISHES_WAITING_MAX,
            publishBytesMax: PUBLISHES_WAITING_BYTES_MAX,
            ...options,
            WebSocket: options.WebSocket ?? globalThis.WebSocket,
            fetch: options.fetch ?? globalThis.fetch?.bind(globalThis),
        };
        if (this.#urls.length === 0) {
            throw new TypeError('weir: no url');
        }
        if (!this.#options.WebSocket) {
            throw new TypeError('weir: no WebSocket here; pass one, such as ' +
                "that of the package 'ws'");
        }
    }

    get state() {
        return this.#state;
    }

    get url() {
        return this.#urls[this.#url];
    }

    // Resolves once a server has said yes. A server that cannot be reached is
    // tried again; one that refuses the key is not.
    connect({timeoutMs} = {}) {
        if (this.#state === 'open') {
            return Promise.resolve();
        }
        const opened = new Promise((resolve, reject) => {
            this.#connecting.push({resolve, reject});
        });

        this.#start();
        if (timeoutMs === undefined) {
            return opened;
        }
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new WeirError('ConnectionTimeout',
                `not connected within ${timeoutMs} ms`)), timeoutMs);
        });

        return Promise.race([opened, late]).finally(() => clearTimeout(timer));
    }

    subscribe(channel, options = {}) {
        const flow = new Flow(channel, options);
        const actions = {
            end: (it) => this.#endFlow(it, null),
            pause: (it) => this.#pauseFlow(it),
            resume: (it) => this.#resumeFlow(it),
        };

        this.#flows.add(flow);
        this.#start();
        this.#sendSubscribe(flow);
        return new Subscription(flow, actions);
    }

    // Resolves to {successful, failed} once the events are safe on disk. With
    // idempotencyKeys, which is the rule, it is sent again when the answer is
    // lost, and stored once.
    async publish(channel, events, options = {}) {
        const {transport = 'ws', idempotencyKeys = true} = options;
        const texts = events.map((event) => JSON.stringify(event));

        if (texts.includes(undefined)) {
            throw new TypeError('weir: an event is not JSON');
        }
        const keys = idempotencyKeys === true ? texts.map(uuid)
            : idempotencyKeys || undefined;
        const body = {channel, events: texts,
            ...keys && {idempotencyKeys: keys}};
        const bytes = texts.reduce((sum, text) => sum + text.length, 0);

        this.#enter(bytes);
        try {
            return await (transport === 'http' ? this.#publishHttp(body)
                : this.#publishSocket(body));
        } finally {
            this.#waiting--;
            this.#waitingBytes -= bytes;
        }
    }

    // One page of the past: {events: [{channel, event, cursor}], next, gap?}.
    async history(channel, {signal, ...query} = {}) {
        const search = new URLSearchParams({channel});

        for (const [name, value] of Object.entries(query)) {
            if (value !== undefined && value !== null && value !== false) {
                search.set(name, value);
            }
        }
        return this.#request(`/event?${search}`, {signal, retry: true,
            timeoutMs: REQUEST_TIMEOUT_MS + 1000 * (query.wait ?? 0)});
    }

    // For good, until the next connect().
    close() {
        const why = new WeirError('Closed', 'the client was closed');

        this.#closes++;
        for (const request of this.#requests) {
            request.abort(why);
        }
        this.#shut(null);
    }

    // Something says that the network may have changed: look now.
    wake() {
        if (globalThis.document?.visibilityState === 'hidden') {
            return;
        }
        if (this.#state === 'waiting') {
            clearTimeout(this.#timer);
            this.#open();
        } else {
            this.#connection?.check();
        }
    }

    // Asks for the key again and gives it to the server, which keeps what the
    // key before allowed, and this one does, as long as this one lasts.
    async renew() {
        const connection = this.#connection;
        const key = await this.#key();

        connection?.renew(key);
    }

    // Connecting

    #tell(state, detail = {}) {
        this.#state = state;
        this.#options.onState?.(state, {url: this.url, ...detail});
    }

    #start() {
        if (this.#state !== 'closed') {
            return;
        }
        this.#failures = 0;
        this.#openedOnce = false;
        if (globalThis.document) {
            for (const name of ['online', 'pageshow']) {
                addEventListener(name, this.#wake);
            }
            document.addEventListener('visibilitychange', this.#wake);
        }
        this.#open();
    }

    async #key() {
        const {apiKey} = this.#options;

        return typeof apiKey === 'function' ? apiKey() : apiKey;
    }

    async #open() {
        const attempt = ++this.#attempt;

        let key;

        this.#tell('connecting', {attempt: this.#failures});
        try {
            key = await this.#key();
        } catch (error) {
            if (attempt === this.#attempt) {
                this.#ended(new WeirError('ApiKeyError', error.message,
                    {cause: error, refused: true}));
            }
            return;
        }
        if (attempt !== this.#attempt) {
            return;
        }
        try {
            this.#connection = new Connection({
                url: this.url,
                key,
                WebSocket: this.#options.WebSocket,
                on: {
                    open: () => this.#opened(),
                    message: (message) => this.#take(message),
                    end: (error) => this.#ended(error),
                },
            });
        } catch (error) {
            // Such as ws: from a page that came over https:.
            this.#ended(new WeirError('ConnectionLost', error.message,
                {cause: error, refused: true}));
        }
    }

    #opened() {
        this.#openedOnce = true;
        this.#openedAt = Date.now();
        this.#tell('open');
        for (const {resolve} of this.#connecting.splice(0)) {
            resolve();
        }
        for (const flow of this.#flows) {
            this.#sendSubscribe(flow);
        }
        for (const publish of this.#publishes.values()) {
            this.#sendPublish(publish);
        }
    }

    #ended(error) {
        const wasOpen = this.#connection?.open ?? false;

        this.#connection = null;
        this.#byId.clear();
        for (const flow of this.#flows) {
            flow.id = null;
        }
        for (const publish of [...this.#publishes.values()]) {
            // Sent and not answered: without keys, once more may be twice.
            if (publish.sent && !publish.message.idempotencyKeys) {
                publish.settle(new WeirError('ConnectionLost',
                    'the connection ended before the answer came'));
            }
        }
        if (this.#state === 'closed') {
            return;
        }
        if (error.refused && !this.#openedOnce) {
            this.#shut(error);
            return;
        }
        this.#wait(error, wasOpen);
    }

    // Full jitter, so that the clients of a server that ends do not all come
    // at once. A connection that was good is tried again where it was: that
    // node knows the keys of its publishes. Then it is the next one's turn.
    #wait(error, wasOpen) {
        if (wasOpen && Date.now() - this.#openedAt > STEADY_MS) {
            this.#failures = 0;
        }
        if (!wasOpen || error.silent || error.elsewhere) {
            this.#url = (this.#url + 1) % this.#urls.length;
        }
        const bound = this.#failures === 0 ? FIRST_RETRY_MS : Math.min(
            RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(this.#failures - 1, 16));
        const retryMs = Math.round(this.#options.random() * bound);

        this.#failures++;
        this.#timer = setTimeout(() => this.#open(), retryMs);
        this.#tell('waiting', {error, retryMs, attempt: this.#failures});
    }

    #shut(error) {
        if (this.#state === 'closed') {
            return;
        }
        const why = error ?? new WeirError('Closed', 'the client was closed');

        this.#state = 'closed';
        this.#attempt++;
        clearTimeout(this.#timer);
        if (globalThis.document) {
            for (const name of ['online', 'pageshow']) {
                removeEventListener(name, this.#wake);
            }
            document.removeEventListener('visibilitychange', this.#wake);
        }
        for (const publish of [...this.#publishes.values()]) {
            publish.settle(why);
        }
        for (const flow of this.#flows) {
            flow.end(error);
        }
        this.#flows.clear();
        this.#byId.clear();
        this.#connection?.end(why);
        this.#connection = null;
        for (const {reject} of this.#connecting.splice(0)) {
            reject(why);
        }
        this.#tell('closed', {error});
    }

    #take(message) {
        const flow = this.#byId.get(message.id);
        const publish = this.#publishes.get(message.id);

        switch (message.type) {
        case 'data':
            if (flow) {
                flow.event(message);
                if (flow.queue?.length >= QUEUE_MAX && flow.cursor !== null) {
                    this.#pauseFlow(flow);
                }
            }
            break;
        case 'gap':
            if (flow) {
                const {reason, from, to, missed} = message;

                flow.cursor = to;
                flow.gap({reason, from, to,
                    ...missed !== undefined && {missed}});
            }
            break;
        case 'broadcast_error':
            flow?.fail(WeirError.from(message.errors));
            break;
        case 'subscribe_success':
            if (flow) {
                this.#subscribed(flow, message.cursor ?? null);
            }
            break;
        case 'subscribe_error':
            if (flow) {
                this.#refused(flow, WeirError.from(message.errors));
            }
            break;
        case 'publish_success':
            publish?.settle(null, {successful: message.successful,
                failed: message.failed});
            break;
        case 'publish_error':
            if (publish) {
                this.#publishFailed(publish, WeirError.from(message.errors));
            }
            break;
        case 'error':
            if (publish) {
                publish.settle(WeirError.from(message.errors));
            } else if (flow) {
                this.#endFlow(flow, WeirError.from(message.errors));
            }
            break;
        }
    }

    // Subscriptions

    #sendSubscribe(flow) {
        if (this.#connection?.open && !flow.ended && !flow.paused &&
            flow.id === null) {
            const id = `s${++this.#lastId}`;

            flow.id = id;
            this.#byId.set(id, flow);
            this.#connection.send({type: 'subscribe', id,
                channel: flow.channel, ...flow.start(),
                authorization: this.#connection.authorization});
        }
    }

    #forget(flow) {
        if (flow.id !== null) {
            this.#byId.delete(flow.id);
            this.#connection?.send({type: 'unsubscribe', id: flow.id});
            flow.id = null;
        }
    }

    #endFlow(flow, error) {
        if (this.#flows.delete(flow)) {
            this.#forget(flow);
            flow.end(error);
        }
    }

    #pauseFlow(flow) {
        flow.paused = true;
        this.#forget(flow);
    }

    #resumeFlow(flow) {
        if (flow.paused && !flow.ended) {
            flow.paused = false;
            this.#sendSubscribe(flow);
        }
    }

    #subscribed(flow, cursor) {
        // A server without cursors, such as AWS's, cannot resume.
        const blind = flow.began && flow.cursor === null && cursor === null;

        flow.refusals = 0;
        flow.began = true;
        flow.cursor = cursor;
        flow.resolve();
        if (blind) {
            flow.gap({reason: 'no-replay', from: null, to: null});
        }
    }

    #refused(flow, error) {
        this.#byId.delete(flow.id);
        flow.id = null;
        if (!CURSOR_ERRORS.includes(error.errorType) || !flow.began) {
            this.#subscribeFailed(flow, error);
            return;
        }
        // Another server may know it; this one may only be behind.
        if (error.errorType === 'UnknownCursorError' &&
            ++flow.refusals < this.#urls.length) {
            error.elsewhere = true;
            this.#connection.end(error);
            return;
        }
        const from = flow.cursor;

        flow.refusals = 0;
        flow.cursor = null;
        flow.began = false;
        flow.gap({reason: 'cursor', from, to: null, error});
        flow.options = {...flow.options, replay: {all: true}};
        this.#sendSubscribe(flow);
    }

    #subscribeFailed(flow, error) {
        const connection = this.#connection;

        if (!BUSY_ERRORS.includes(error.errorType)) {
            this.#endFlow(flow, error);
            return;
        }
        setTimeout(() => {
            if (connection === this.#connection && !flow.ended) {
                this.#sendSubscribe(flow);
            }
        }, this.#options.random() * RETRY_MS * 4);
    }

    // Publishing

    #enter(bytes) {
        const {publishesMax, publishBytesMax} = this.#options;

        if (this.#waiting >= publishesMax || (this.#waiting > 0 &&
            this.#waitingBytes + bytes > publishBytesMax)) {
            throw new WeirError('TooManyPublishes',
                `${this.#waiting} publishes wait for their answers`);
        }
        this.#waiting++;
        this.#waitingBytes += bytes;
    }

    #publishSocket(message) {
        return new Promise((resolve, reject) => {
            const id = `p${++this.#lastId}`;
            const publish = {id, message, sent: false};
            const timer = setTimeout(() => publish.settle(new WeirError(
                'PublishTimeout', 'no answer; it may be stored or not')),
            this.#options.publishTimeoutMs);

            publish.settle = (error, result) => {
                clearTimeout(timer);
                this.#publishes.delete(id);
                if (error) {
                    reject(error);
                } else {
                    resolve(result);
                }
            };
            this.#publishes.set(id, publish);
            this.#start();
            this.#sendPublish(publish);
        });
    }

    #sendPublish(publish) {
        if (this.#connection?.open) {
            publish.sent = true;
            this.#connection.send({type: 'publish', id: publish.id,
                ...publish.message,
                authorization: this.#connection.authorization});
        }
    }

    #publishFailed(publish, error) {
        const connection = this.#connection;

        if (!BUSY_ERRORS.includes(error.errorType) ||
            !publish.message.idempotencyKeys) {
            publish.settle(error);
            return;
        }
        setTimeout(() => {
            if (connection === this.#connection &&
                this.#publishes.has(publish.id)) {
                this.#sendPublish(publish);
            }
        }, this.#options.random() * RETRY_MS * 4);
    }

    #publishHttp(message) {
        return this.#request('/event', {body: message,
            retry: Boolean(message.idempotencyKeys),
            timeoutMs: REQUEST_TIMEOUT_MS,
            allMs: this.#options.publishTimeoutMs});
    }

    // Over HTTP, at each server in turn; again, when that does no harm.
    async #request(path, {body, retry, timeoutMs, allMs, signal}) {
        const end = Date.now() + (allMs ?? timeoutMs * 2);
        const closes = this.#closes;

        for (let i = 0; ; i++) {
            const url = this.#urls[(this.#url + i) % this.#urls.length];
            let error;

            try {
                return await this.#ask(url + path, body, Math.max(1,
                    Math.min(timeoutMs, end - Date.now())), signal);
            } catch (thrown) {
                error = thrown;
            }
            const bound = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** i);
            const delay = this.#options.random() * bound;

            if (!retry || !error.again || closes !== this.#closes ||
                Date.now() + delay > end) {
                throw error;
            }
            await pause(delay);
            if (closes !== this.#closes) {
                throw error;
            }
        }
    }

    async #ask(url, body, timeoutMs, signal) {
        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(new WeirError(
            'ConnectionTimeout', `${url} does not answer`, {again: true})),
        timeoutMs);
        const cancel = () => abort.abort(signal.reason);

        signal?.throwIfAborted();
        signal?.addEventListener('abort', cancel);
        this.#requests.add(abort);
        try {
            const key = await this.#key();
            const response = await this.#options.fetch(url, {
                method: body ? 'POST' : 'GET',
                headers: {'x-api-key': key,
                    ...body && {'content-type': 'application/json'}},
                ...body && {body: JSON.stringify(body)},
                signal: abort.signal,
            });

            return await this.#answer(response);
        } catch (error) {
            if (abort.signal.aborted) {
                throw abort.signal.reason;
            }
            if (error instanceof WeirError) {
                throw error;
            }
            throw new WeirError('ConnectionLost', error.message,
                {cause: error, again: true});
        } finally {
            clearTimeout(timer);
            signal?.removeEventListener('abort', cancel);
            this.#requests.delete(abort);
        }
    }

    async #answer(response) {
        if (response.ok) {
            return response.json();
        }
        const {errors} = await response.json().catch(() => ({}));

        throw WeirError.from(errors ?? [{
            errorType: response.headers.get('x-amzn-errortype') ?? 'Unknown',
            message: `HTTP status ${response.status}`,
        }], {
            status: response.status,
            again: response.status === 429 || response.status >= 500,
        });
    }
}

export default Weir;
