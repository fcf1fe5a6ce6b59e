// Drives contrib/js/weir.js under Node with the package ws, and with the
// platform's own WebSocket where there is one.
'use strict';

const assert = require('assert');
const fs = require('fs');
const http = require('http');
const path = require('path');
const {createRequire} = require('module');
const {fork} = require('child_process');
const tap = require('./tap');
const {Weir: Node, stopAll} = require('./weir');

const client = createRequire(path.join(process.env.clients, 'x.js'));
const WebSocket = client('ws');
const CHANNEL = '/default/js/room';
let Weir;

function numbers(from, count) {
    return Array.from({length: count}, (_, i) => ({number: from + i}));
}

// A subscription that keeps what it gets.
function listen(weir, channel, options = {}) {
    const got = {events: [], metas: [], gaps: [], errors: []};

    got.sub = weir.subscribe(channel, {
        onEvent: (event, meta) => {
            got.events.push(event);
            got.metas.push(meta);
        },
        onGap: (gap) => got.gaps.push(gap),
        onError: (error) => got.errors.push(error),
        ...options,
    });
    return got;
}

function arrived(got, count) {
    return tap.until(() => got.events.length >= count, `${count} events`,
        20000);
}

function make(node, options = {}) {
    const states = [];
    const weir = new Weir({url: node.url, apiKey: node.key, WebSocket,
        onState: (state) => states.push(state), ...options});

    weir.states = states;
    return weir;
}

// With a client that is closed afterwards, whatever happened.
async function using(node, options, body) {
    const weir = make(node, options);

    try {
        await body(weir);
    } finally {
        weir.close();
    }
}

async function basics(node, Implementation) {
    await using(node, {WebSocket: Implementation}, async (weir) => {
        await weir.connect({timeoutMs: 5000});
        const room = listen(weir, CHANNEL);
        const all = listen(weir, '/default/js/*');

        await Promise.all([room.sub.ready, all.sub.ready]);
        for (const transport of ['ws', 'http']) {
            const {successful, failed} = await weir.publish(CHANNEL,
                [{from: transport}, 'Größe 🎈'], {transport});

            assert.deepStrictEqual(failed, []);
            assert.deepStrictEqual(successful.map(({index}) => index), [0, 1]);
        }
        for (const got of [room, all]) {
            await arrived(got, 4);
            assert.deepStrictEqual(got.events, [{from: 'ws'}, 'Größe 🎈',
                {from: 'http'}, 'Größe 🎈']);
            assert.strictEqual(got.metas[0].channel, CHANNEL);
            assert.strictEqual(got.metas[0].text, '{"from":"ws"}');
            assert.match(got.metas[3].cursor, /^[A-Za-z0-9_-]+$/);
            assert.strictEqual(got.sub.cursor, got.metas[3].cursor);
            assert.deepStrictEqual([got.gaps, got.errors], [[], []]);
        }
        room.sub.unsubscribe();
        await weir.publish(CHANNEL, [1]);
        await arrived(all, 5);
        assert.strictEqual(room.events.length, 4);
        assert.deepStrictEqual(weir.states, ['connecting', 'open']);
    });
}

async function errors(node) {
    await using(node, {}, async (weir) => {
        const refused = {errorType: 'BadRequestException'};

        for (const transport of ['ws', 'http']) {
            await assert.rejects(
                weir.publish('/default/*', [1], {transport}), refused);
        }
        await assert.rejects(weir.publish(CHANNEL, [undefined]), TypeError);
        const got = listen(weir, '/other/room');

        await assert.rejects(got.sub.ready,
            {errorType: 'UnauthorizedException'});
        assert.strictEqual(got.errors.length, 1);
        assert.strictEqual(got.sub.closed, true);
    });
    await using(node, {publishesMax: 2}, async (weir) => {
        const first = [weir.publish(CHANNEL, [1]), weir.publish(CHANNEL, [2])];

        await assert.rejects(weir.publish(CHANNEL, [3]),
            {errorType: 'TooManyPublishes'});
        await Promise.all(first);
        await weir.publish(CHANNEL, [4]);
    });
}

async function wrongKey(node) {
    const weir = make(node, {apiKey: 'wrong'});
    const got = listen(weir, CHANNEL);
    const refused = {errorType: 'UnauthorizedException'};

    await assert.rejects(weir.connect(), refused);
    await assert.rejects(got.sub.ready, refused);
    assert.strictEqual(weir.state, 'closed');
    assert.strictEqual(got.errors.length, 1);
    await assert.rejects(weir.publish(CHANNEL, [1], {transport: 'http'}),
        refused);
    await using(node, {apiKey: async () => { throw new Error('no key'); }},
        (other) => assert.rejects(other.connect(),
            {errorType: 'ApiKeyError', message: 'no key'}));
    await using(node, {apiKey: async () => node.key},
        (other) => other.connect({timeoutMs: 5000}));
}

async function replays(node) {
    await using(node, {}, async (weir) => {
        const channel = '/default/js/replay';

        for (let i = 0; i < 20; i += 5) {
            await weir.publish(channel, numbers(i, 5));
        }
        const all = listen(weir, channel, {replay: {all: true}});

        await arrived(all, 20);
        assert.deepStrictEqual(all.events, numbers(0, 20));
        const cases = [
            [{last: 3}, 17], [{seconds: 3600}, 0],
            [{after: all.metas[9].cursor}, 10],
        ];

        for (const [replay, from] of cases) {
            const got = listen(weir, channel, {replay});

            await arrived(got, 20 - from);
            assert.deepStrictEqual(got.events, numbers(from, 20 - from));
            got.sub.unsubscribe();
        }
        const page = await weir.history(channel, {last: 5, limit: 2});

        assert.deepStrictEqual(page.events.map(({event}) => event),
            numbers(15, 2));
        const rest = await weir.history(channel, {after: page.next});

        assert.deepStrictEqual(rest.events.map(({event}) => event),
            numbers(17, 3));
    });
}

// Reads slower than is published: the subscription waits for the reader.
async function iterates(node) {
    await using(node, {}, async (weir) => {
        const channel = '/default/js/iterated';
        const count = 3000;
        const sub = weir.subscribe(channel);
        const iterator = sub[Symbol.asyncIterator]();

        await sub.ready;
        for (let i = 0; i < count; i += 500) {
            await Promise.all(Array.from({length: 100}, (_, n) =>
                weir.publish(channel, numbers(i + 5 * n, 5))));
        }
        for (let i = 0; i < count; i++) {
            const {value} = await tap.within(5000, iterator.next(), `event ${i}`);

            assert.strictEqual(value.event.number, i);
        }
        sub.unsubscribe();
        assert.strictEqual((await iterator.next()).done, true);
    });
}

// Publishes numbered events all the time, through three crashes.
async function crashes(node) {
    await using(node, {}, async (weir) => {
        const channel = '/default/js/crash';
        const got = listen(weir, channel);
        let sent = 0;
        let stop = false;

        await got.sub.ready;
        const publisher = (async () => {
            for (; !stop; sent++) {
                await weir.publish(channel, numbers(sent, 1),
                    {transport: sent % 2 ? 'http' : 'ws'});
            }
        })();

        for (let i = 0; i < 3; i++) {
            await tap.pause(300);
            await node.restart('SIGKILL');
            const before = sent;

            await tap.until(() => sent > before + 10, 'it goes on', 20000);
        }
        stop = true;
        await publisher;
        await arrived(got, sent);
        await tap.pause(200);
        assert.deepStrictEqual(got.events, numbers(0, sent));
        assert.deepStrictEqual([got.gaps, got.errors], [[], []]);
        assert.ok(weir.states.includes('waiting'));
    });
}

// Nothing reaches a client that is away and nothing is missing afterwards.
async function resumesMany(node) {
    await using(node, {}, async (weir) => {
        const channels = ['/default/many/a', '/default/many/b', '/default/many/*'];
        const got = channels.map((channel) => listen(weir, channel));

        await Promise.all(got.map(({sub}) => sub.ready));
        await weir.publish(channels[0], numbers(0, 2));
        await Promise.all([arrived(got[0], 2), arrived(got[2], 2)]);
        await node.restart();
        await using(node, {}, async (other) => {
            await other.publish(channels[0], numbers(2, 2));
            await other.publish(channels[1], numbers(0, 5));
        });
        await Promise.all([arrived(got[0], 4), arrived(got[1], 5),
            arrived(got[2], 9)]);
        assert.deepStrictEqual(got[0].events, numbers(0, 4));
        assert.deepStrictEqual(got[1].events, numbers(0, 5));
        assert.strictEqual(got[2].events.length, 9);
    });
}

// This program again, as a process that can be stopped: tells its parent what
// it gets.
async function sleeper(url, key, channel) {
    const weir = new Weir({url, apiKey: key, WebSocket,
        onState: (state) => process.send({state})});

    weir.subscribe(channel, {
        onEvent: (event) => process.send({event}),
        onGap: (gap) => process.send({gap}),
        onError: (error) => process.send({error: error.message}),
    }).ready.then(() => process.send({ready: true}));
    process.on('disconnect', () => process.exit(0));
}

async function sleeps(node) {
    const channel = '/default/js/sleep';
    const child = fork(__filename, ['sleeper', node.url, node.key, channel]);
    const told = [];
    const text = 'x'.repeat(200000);

    child.on('message', (message) => told.push(message));
    try {
        await tap.until(() => told.some(({ready}) => ready), 'it listens');
        await using(node, {}, async (weir) => {
            await weir.publish(channel, [{number: 0}]);
            await tap.until(() => told.some(({event}) => event), 'an event');
            child.kill('SIGSTOP');
            // More than sockets hold, and then the connection is gone too.
            for (let i = 1; i <= 300; i += 5) {
                await weir.publish(channel, numbers(i, 5)
                    .map((event) => ({...event, text})));
            }
            await node.restart('SIGKILL');
            await weir.publish(channel, [{number: 301}]);
            // Longer than the client takes for its machine's sleep.
            await tap.pause(11000);
        });
        child.kill('SIGCONT');
        await tap.until(() => told.some(({event}) => event?.number === 301),
            'the last event', 20000);
        assert.deepStrictEqual(told.filter(({event}) => event)
            .map(({event}) => event.number), numbers(0, 302)
            .map(({number}) => number));
        assert.deepStrictEqual(told.filter(({gap, error}) => gap || error), []);
        assert.ok(told.some(({state}) => state === 'waiting'));
    } finally {
        child.kill('SIGKILL');
    }
}

// The smallest window there is, and more than it holds while away.
async function gaps() {
    const node = await new Node(`
        log { bytes_max = 16M }
        namespace "default" {}`).start();
    const channel = '/default/js/gap';
    const text = 'x'.repeat(200000);

    await using(node, {}, async (weir) => {
        const got = listen(weir, channel);

        await got.sub.ready;
        await weir.publish(channel, [{number: 0}]);
        await arrived(got, 1);
        const from = got.sub.cursor;

        got.sub.pause();
        for (let i = 1; i <= 200; i++) {
            await weir.publish(channel, [{number: i, text}]);
        }
        got.sub.resume();
        await tap.until(() => got.events.at(-1).number === 200, 'the last');
        assert.strictEqual(got.gaps.length, 1);
        assert.strictEqual(got.gaps[0].reason, 'retention');
        assert.strictEqual(got.gaps[0].from, from);
        const first = got.events[1].number;

        assert.ok(first > 1);
        assert.deepStrictEqual(got.events.slice(1).map(({number}) => number),
            numbers(first, 201 - first).map(({number}) => number));
    });
    await node.stop();
}

async function badCursor(node) {
    await using(node, {}, async (weir) => {
        const got = listen(weir, CHANNEL, {replay: {after: 'nonsense'}});

        await assert.rejects(got.sub.ready, {errorType: 'InvalidCursorError'});
        assert.strictEqual(got.errors.length, 1);
        await assert.rejects(weir.history(CHANNEL, {after: 'nonsense'}),
            {errorType: 'InvalidCursorError', status: 400});
    });
}

// The server comes back without its data.
async function lostData(node) {
    await using(node, {}, async (weir) => {
        const got = listen(weir, CHANNEL);

        await got.sub.ready;
        await weir.publish(CHANNEL, [0]);
        await arrived(got, 1);
        const from = got.sub.cursor;

        await node.stop();
        fs.rmSync(path.join(node.dir, 'data'), {recursive: true});
        await node.start();
        await tap.until(() => got.gaps.length > 0, 'the gap', 20000);
        const [{reason, to, error, ...rest}] = got.gaps;

        assert.deepStrictEqual([reason, rest.from, to], ['cursor', from, null]);
        assert.strictEqual(error.errorType, 'UnknownCursorError');
        await weir.publish(CHANNEL, [1]);
        await arrived(got, 2);
        assert.deepStrictEqual(got.events, [0, 1]);
    });
}

function deadUrl() {
    const server = http.createServer();

    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => {
        const {port} = server.address();

        server.close(() => resolve(`http://127.0.0.1:${port}`));
    }));
}

async function severalUrls(node) {
    const urls = [await deadUrl(), node.url];

    await using(node, {urls}, async (weir) => {
        await weir.publish(CHANNEL, [1], {transport: 'http'});
        await weir.connect({timeoutMs: 5000});
        assert.strictEqual(weir.url, node.url);
        await weir.publish(CHANNEL, [1]);
        await weir.history(CHANNEL, {last: 1});
    });
    await using(node, {urls: [await deadUrl()]}, (weir) => assert.rejects(
        weir.connect({timeoutMs: 300}), {errorType: 'ConnectionTimeout'}));
}

// Servers that share nothing: the second is asked twice, the first is gone.
async function strangers(node) {
    const other = await new Node('namespace "default" {}').start();
    const keys = {[other.url]: other.key, [node.url]: node.key};
    let user;

    await using(other, {urls: Object.keys(keys),
        apiKey: () => keys[user.url]}, async (weir) => {
        user = weir;
        const got = listen(weir, CHANNEL);

        await got.sub.ready;
        await weir.publish(CHANNEL, ['here']);
        await arrived(got, 1);
        const from = got.sub.cursor;

        await other.stop('SIGKILL');
        await tap.until(() => got.gaps.length > 0, 'the gap', 20000);
        assert.strictEqual(got.gaps[0].reason, 'cursor');
        assert.strictEqual(got.gaps[0].from, from);
        assert.strictEqual(weir.url, node.url);
        await weir.publish(CHANNEL, ['there']);
        await tap.until(() => got.events.at(-1) === 'there', 'the event');
    });
}

// A server that takes connections and says no more than it has to.
async function silence(node) {
    const server = new WebSocket.Server({port: 0, host: '127.0.0.1',
        handleProtocols: () => 'aws-appsync-event-ws'});

    await new Promise((resolve) => server.once('listening', resolve));
    server.on('connection', (socket) => socket.once('message', () =>
        socket.send('{"type":"connection_ack","connectionTimeoutMs":1000}')));
    const urls = [`http://127.0.0.1:${server.address().port}`, node.url];

    await using(node, {urls}, async (weir) => {
        const got = listen(weir, CHANNEL);

        await got.sub.ready;
        assert.strictEqual(weir.url, node.url);
        assert.deepStrictEqual(weir.states,
            ['connecting', 'open', 'waiting', 'connecting', 'open']);
    });
    server.close();
}

// Answers that are lost on the way: what is sent again is stored once.
async function lostAnswers(node) {
    await using(node, {}, async (weir) => {
        const channel = '/default/js/once';

        for (let i = 0; i < 5; i++) {
            const sent = weir.publish(channel, [{number: i}]);

            await node.stop('SIGKILL');
            await node.start();
            await sent;
        }
        const {events} = await weir.history(channel, {all: true});

        assert.deepStrictEqual(events.map(({event}) => event), numbers(0, 5));
    });
}

// A key that ends is renewed in time: the connection stays.
async function renews(node) {
    const SECONDS = 10;
    let keys = 0;
    const apiKey = () => node.issue('--publish', '*', '--subscribe', '*',
        '--valid', ++keys === 1 ? `${SECONDS}s` : '1h');

    await using(node, {apiKey}, async (weir) => {
        await weir.connect({timeoutMs: 5000});
        const ends = Date.now() + (SECONDS + 1) * 1000;
        const got = listen(weir, '/default/js/renewed');

        await got.sub.ready;
        await weir.renew();
        await tap.until(() => Date.now() > ends, 'the end of the first key',
            20000);
        await weir.publish('/default/js/renewed', [{number: 0}]);
        await arrived(got, 1);
        assert.strictEqual(keys, 2);
        assert.deepStrictEqual(weir.states, ['connecting', 'open']);
    });
}

// A key that ends ends the connection, which is made again with the next.
async function keyEnds(node) {
    let keys = 0;
    const apiKey = () => node.issue('--publish', '*', '--subscribe', '*',
        '--valid', ++keys === 1 ? '5s' : '1h');

    await using(node, {apiKey}, async (weir) => {
        const got = listen(weir, '/default/js/ended');

        await got.sub.ready;
        await tap.until(() => keys > 1, 'the end of the first key', 20000);
        await weir.publish('/default/js/ended', [{number: 0}]);
        await arrived(got, 1);
        assert.deepStrictEqual([got.gaps, got.errors], [[], []]);
    });
}

async function main() {
    const node = await new Node('namespace "default" {}').start();
    const bodies = {
        'errors are told': errors,
        'a wrong key is refused': wrongKey,
        'a key is renewed while the connection stays': renews,
        'a key that ends is replaced and nothing is missed': keyEnds,
        'a subscription begins where it is asked to': replays,
        'an iterator that is slow misses nothing': iterates,
        'through crashes every event comes once and in order': crashes,
        'each subscription resumes from its own cursor': resumesMany,
        'what is published again is stored once': lostAnswers,
        'what is missed in a sleep comes after it': sleeps,
        'what has left the window is told as a gap': gaps,
        'a bad cursor is refused': badCursor,
        'the next server is tried': severalUrls,
        'a server that knows no cursor is left, then believed': strangers,
        'a silent server is left': silence,
        'lost data is told as a gap': lostData,
    };

    await tap.run('ws: what is published comes', () => basics(node, WebSocket));
    await tap.run('native: what is published comes', () => basics(node,
        globalThis.WebSocket ?? client('undici').WebSocket));
    for (const [name, body] of Object.entries(bodies)) {
        await tap.run(name, () => body(node));
    }
    await tap.run('every node ends cleanly', stopAll);
    tap.end();
}

(async () => {
    ({Weir} = await import(path.join(__dirname,
        '../../../contrib/js/weir.js')));
    await (process.argv[2] === 'sleeper' ? sleeper(...process.argv.slice(3))
        : main());
})();
