// An application on aws-amplify: amplify_app.js LIBRARY SOCKET URL KEY. Reports
// each case to the process that started it, and asks it for the node's restart.
'use strict';

const assert = require('assert');
const path = require('path');
const {createRequire} = require('module');
const tap = require('./tap');

const client = createRequire(path.join(process.env.clients, 'x.js'));
const [library, socket, url, key] = process.argv.slice(2);
const QUICK_MS = 3000;
const RECONNECT_MS = 20000;
// amplify tries after 5 s; when that fails it does not try again.
const RESTART_MS = 4000;

process.on('unhandledRejection', (error) => {
    throw error;
});

globalThis.WebSocket = socket === 'ws' ? client('ws')
    : globalThis.WebSocket || client('undici').WebSocket;
const {Amplify} = client(library);
const {events} = client(`${library}/data`);
const old = library === 'aws-amplify-old';
let ok = true;

async function run(name, body) {
    const begin = Date.now();
    const error = await tap.attempt(name, body);

    ok = ok && error === null;
    process.send({name, error, ms: Date.now() - begin});
}

function configure(apiKey) {
    Amplify.configure({API: {Events: {
        endpoint: `${url}/event`,
        region: 'us-east-1',
        defaultAuthMode: 'apiKey',
        apiKey,
    }}});
}

// Subscribe and collect; the older library does not say when it is ready, so it
// is once a probe comes back.
async function collect(name) {
    const channel = await events.connect(name);
    const seen = {channel, list: [], errors: []};

    seen.sub = channel.subscribe({
        next: (data) => seen.list.push(data.event),
        error: (error) => seen.errors.push(error),
    });
    if (!old) {
        const ready = await tap.within(QUICK_MS, seen.sub.ready, 'ready');

        assert.ok(ready.subscriptionId);
        return seen;
    }
    const probe = name.replace('*', 'probe');
    let number = 0;

    await tap.until(async () => {
        assert.strictEqual(await events.post(probe, `probe ${++number}`),
            undefined);
        await tap.pause(50);
        return seen.list.length > 0;
    }, 'a probe');
    await tap.until(() => seen.list.includes(`probe ${number}`), 'the last');
    seen.list.length = 0;
    return seen;
}

// Exactly these events, in this order, and none for a while after.
async function arrive(seen, list) {
    await tap.until(() => seen.list.length >= list.length,
        `${list.length} events rather than ${seen.list.length}`);
    await tap.pause(50);
    assert.deepStrictEqual(seen.list, list);
    assert.deepStrictEqual(seen.errors, []);
    seen.list.length = 0;
}

// The error with which `promise` fails, soon.
async function failure(promise) {
    let value;

    try {
        value = await tap.within(QUICK_MS, promise, 'a failure');
    } catch (error) {
        return error;
    }
    throw new Error(`${JSON.stringify(value)} rather than a failure`);
}

function text(error) {
    return error instanceof Error ? `${error.name}: ${error.message}`
        : JSON.stringify(error);
}

function post(channel, value) {
    return events.post(channel, value);
}

const values = [{a: 1, b: ['x', null, true]}, 'text', 42, null, 'Größe 🎈 "\\'];

// The older library connects no earlier than it subscribes.
async function refuseKey() {
    configure('eyJ3ZWlyIjoxfQ.forged');
    if (!old) {
        const error = await failure(events.connect('/default/room'));

        assert.match(text(error), /Unauthorized/);
    }
    const refused = await failure(post('/default/room', 1));

    assert.strictEqual(refused.name, 'UnauthorizedException');
    configure(key);
}

async function publishBothWays() {
    const room = await collect('/default/room');

    assert.strictEqual(await post('/default/room', values), undefined);
    await arrive(room, values);
    if (!old) {
        await room.channel.publish(values);
        await room.channel.publish({one: 1});
        await arrive(room, [...values, {one: 1}]);
    }
    room.sub.unsubscribe();
}

// It knows no cursors: the namespace gives it what came before.
async function past() {
    const wanted = [...values];

    assert.strictEqual(await post('/recent/room', values), undefined);
    for (const name of ['/recent/room', '/recent/*']) {
        const seen = {list: [], errors: []};

        seen.channel = await events.connect(name);
        seen.sub = seen.channel.subscribe({
            next: (data) => seen.list.push(data.event),
            error: (error) => seen.errors.push(error),
        });
        await arrive(seen, wanted);
        assert.strictEqual(await post('/recent/room', name), undefined);
        await arrive(seen, [name]);
        wanted.push(name);
        seen.sub.unsubscribe();
        seen.channel.close();
    }
}

async function wildcard() {
    const all = await collect('/default/deep/*');

    await post('/default/deep/a', 'a');
    await post('/default/deep/a/b/c', 'c');
    await post('/default/deepest/a', 'not below');
    await post('default/deep/z', 'z');
    await arrive(all, ['a', 'c', 'z']);
    all.sub.unsubscribe();
}

async function order() {
    const room = await collect('default/order');
    const sent = [];
    const answers = [];

    for (let i = 0; i < 40; i++) {
        const batch = [5 * i, 5 * i + 1, 5 * i + 2, 5 * i + 3, 5 * i + 4];

        sent.push(...batch);
        if (old) {
            await post('default/order', batch);
        } else {
            answers.push(room.channel.publish(batch));
            await tap.pause(0);
        }
    }
    await Promise.all(answers);
    await arrive(room, sent);
    room.sub.unsubscribe();
}

async function bigEvents() {
    const room = await collect('/default/big');
    const big = [1, 2, 3, 4, 5].map((digit) => `${digit}`.repeat(200000));

    await post('/default/big', big);
    await arrive(room, big);
    if (!old) {
        await room.channel.publish(big);
        await arrive(room, big);
    }
    const failed = await post('/default/big', ['x'.repeat(250000), 'small']);

    assert.strictEqual(failed.length, 1);
    assert.strictEqual(failed[0].code, 'EventTooLargeException');
    assert.strictEqual(failed[0].index, 0);
    await arrive(room, ['small']);
    room.sub.unsubscribe();
}

async function sixEvents() {
    const room = await collect('/default/six');
    const six = [1, 2, 3, 4, 5, 6];
    const error = await failure(post('/default/six', six));

    assert.strictEqual(error.name, 'BadRequestException');
    if (!old) {
        assert.match(text(await failure(room.channel.publish(six))),
            /InvalidInputError/);
    }
    await post('/default/six', 7);
    await arrive(room, [7]);
    room.sub.unsubscribe();
}

async function refusedSubscriptions() {
    const cases = [
        ['/default/no_such', {}, /BadRequestException.*Invalid Channel Format/],
        ['/default/*/x', {}, /BadRequestException.*Invalid Channel Format/],
        ['/nowhere/room', {}, /UnauthorizedException/],
        ['/default/room', {apiKey: 'no key'}, /UnauthorizedException/],
    ];
    const good = await collect('/default/room');

    for (const [name, options, wanted] of cases) {
        const channel = await events.connect(name);
        const errors = [];
        const sub = channel.subscribe(
            {next: () => {}, error: (e) => errors.push(e)}, options);

        assert.match(text(await failure(sub.ready)), wanted);
        await tap.until(() => errors.length > 0, 'the observer hears of it');
    }
    await post('/default/room', 'good');
    await arrive(good, ['good']);
    good.sub.unsubscribe();
}

async function refusedPublishes() {
    const room = await collect('/default/room');
    const wrong = await events.connect('/default/*');

    assert.match(text(await failure(wrong.publish(1))), /BadRequestException/);
    assert.match(
        text(await failure(room.channel.publish(1, {apiKey: 'no key'}))),
        /UnauthorizedException/);
    assert.strictEqual((await failure(post('/nowhere/room', 1))).name,
        'UnauthorizedException');
    await room.channel.publish('good');
    await arrive(room, ['good']);
    room.sub.unsubscribe();
}

async function unsubscribe() {
    const gone = await collect('/default/leave');
    const stays = await collect('/default/leave');

    gone.list.length = 0;
    await post('/default/leave', 1);
    await arrive(gone, [1]);
    await arrive(stays, [1]);
    gone.sub.unsubscribe();
    await tap.pause(200);
    await post('/default/leave', 2);
    await arrive(stays, [2]);
    assert.deepStrictEqual(gone.list, []);
    stays.sub.unsubscribe();
}

async function connectAgain() {
    await events.closeAll();
    const room = await collect('/default/again');

    await post('/default/again', 'again');
    await arrive(room, ['again']);
    room.sub.unsubscribe();
}

// Restarts the node; how long that took.
async function restart() {
    const begin = Date.now();
    const restarted = new Promise((resolve) => {
        process.once('message', resolve);
    });

    process.send({restart: true});
    await restarted;
    return Date.now() - begin;
}

// What is published while it is away is not for it; from the first event that it
// sees on it misses none. On a machine so busy that the node was not back when
// amplify tried, it is done again.
async function reconnect() {
    const room = await collect('/default/lasting');

    await post('/default/lasting', 'before');
    await arrive(room, ['before']);
    const took = await restart();
    let next = 0;

    try {
        await tap.until(async () => {
            await post('/default/lasting', next++);
            await tap.pause(100);
            return room.list.length > 0;
        }, 'the first event after the restart', RECONNECT_MS);
    } catch (error) {
        if (took < RESTART_MS) {
            throw error;
        }
        room.sub.unsubscribe();
        await reconnect();
        return;
    }
    await post('/default/lasting', [next, next + 1, next + 2]);
    const first = room.list[0];
    const wanted = [];

    for (let i = first; i < next + 3; i++) {
        wanted.push(i);
    }
    await arrive(room, wanted);
    if (!old) {
        await room.channel.publish('over the new connection');
        await arrive(room, ['over the new connection']);
    }
    room.sub.unsubscribe();
}

(async () => {
    await run('a wrong key is refused at once', refuseKey);
    await run('what is published comes, over either way', publishBothWays);
    await run('a wildcard takes what lies below, at any depth', wildcard);
    await run('a namespace that replays gives it what came before', past);
    await run('200 events come once and in order', order);
    await run('events of 200 KB come, one of 250 KB fails alone', bigEvents);
    await run('six events are refused', sixEvents);
    if (!old) {
        await run('a refused subscription fails', refusedSubscriptions);
        await run('a refused publish fails alone', refusedPublishes);
    }
    await run('nothing comes after unsubscribing', unsubscribe);
    await run('the subscription outlives a restart of the node', reconnect);
    // The last: after closeAll() amplify itself does not reconnect.
    await run('a closed connection is opened again', connectAgain);
    process.exit(ok ? 0 : 1);
})();
