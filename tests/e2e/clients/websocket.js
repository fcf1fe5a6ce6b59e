// The basics on each WebSocket that Node has, against a node that compresses
// and one that does not.
'use strict';

const assert = require('assert');
const path = require('path');
const {createRequire} = require('module');
const tap = require('./tap');
const {Weir, stopAll} = require('./weir');

const client = createRequire(path.join(process.env.clients, 'x.js'));
const PROTOCOL = 'aws-appsync-event-ws';
const sockets = {
    'native': globalThis.WebSocket || client('undici').WebSocket,
    'ws': client('ws'),
};

// A connection whose messages are taken one at a time.
class Connection {
    constructor(WebSocket, node) {
        const authorization = {'x-api-key': node.key, 'host': 'localhost'};
        const header = Buffer.from(JSON.stringify(authorization))
            .toString('base64url');

        this.authorization = authorization;
        this.waiting = [];
        this.socket = new WebSocket(
            `${node.url.replace('http:', 'ws:')}/event/realtime`,
            [PROTOCOL, `header-${header}`]);
        this.socket.onmessage = ({data}) => this.waiting.push(JSON.parse(data));
        this.opened = new Promise((resolve, reject) => {
            this.socket.onopen = resolve;
            this.socket.onerror = reject;
        });
        this.closed = new Promise((resolve) => {
            this.socket.onclose = resolve;
        });
    }

    send(members) {
        this.socket.send(JSON.stringify(members));
    }

    async message() {
        await tap.until(() => this.waiting.length > 0, 'a message');
        return this.waiting.shift();
    }

    async expect(members) {
        assert.deepStrictEqual(await this.message(), members);
    }

    async begin() {
        await tap.within(5000, this.opened, 'open');
        assert.strictEqual(this.socket.protocol, PROTOCOL);
        this.send({type: 'connection_init'});
        await this.expect(
            {type: 'connection_ack', connectionTimeoutMs: 300000});
        await this.expect({type: 'ka'});
    }

    async subscribe(id, channel) {
        this.send({type: 'subscribe', id, channel,
            authorization: this.authorization});
        await this.expect({type: 'subscribe_success', id});
    }

    publish(id, channel, events) {
        this.send({type: 'publish', id, channel, events,
            authorization: this.authorization});
    }

    // Publish to a channel subscribed to as "s"; the answer and the events
    // overtake each other.
    async echo(id, channel, events) {
        const got = [];
        let answer = null;

        this.publish(id, channel, events);
        while (got.length < events.length || answer === null) {
            const message = await this.message();

            if (message.type === 'data') {
                assert.strictEqual(message.id, 's');
                got.push(message.event);
            } else {
                answer = message;
            }
        }
        assert.deepStrictEqual(got, events);
        assert.strictEqual(answer.type, 'publish_success');
        assert.strictEqual(answer.id, id);
        assert.strictEqual(answer.successful.length, events.length);
    }

    async close() {
        this.socket.close(1000);
        assert.strictEqual((await tap.within(5000, this.closed, 'close')).code,
            1000);
    }
}

async function basics(connection) {
    await connection.begin();
    await connection.subscribe('s', '/default/js/*');
    for (let i = 0; i < 50; i++) {
        await connection.echo(`n${i}`, '/default/js/a',
            [`{"number":${i}}`, '"Größe \\ud83c\\udf88 🎈"', '[1, 2,\t3]']);
    }
    connection.send({type: 'unsubscribe', id: 's'});
    await connection.expect({type: 'unsubscribe_success', id: 's'});
}

async function big(connection) {
    await connection.begin();
    await connection.subscribe('s', '/default/big');
    for (const id of ['a', 'b']) {
        await connection.echo(id, '/default/big', [1, 2, 3, 4, 5].map(
            (digit) => JSON.stringify(`${digit}`.repeat(200000))));
    }
}

async function notJson(connection) {
    await connection.begin();
    await connection.subscribe('s', '/default/json');
    connection.publish('bad', '/default/json', ['"good"', '{"bad":']);
    const answer = await connection.message();

    assert.strictEqual(answer.type, 'publish_error');
    assert.strictEqual(answer.id, 'bad');
    assert.strictEqual(answer.errors[0].errorType, 'BadRequestException');
    await connection.echo('good', '/default/json', ['"good"']);
}

// An error, not a timeout, and the socket closed in order.
async function wrongKey(WebSocket, node) {
    const connection = new Connection(WebSocket, {url: node.url, key: 'wrong'});

    await tap.within(5000, connection.opened, 'open');
    const {type, errors} = await connection.message();

    assert.strictEqual(type, 'connection_error');
    assert.strictEqual(errors[0].errorType, 'UnauthorizedException');
    assert.strictEqual(
        (await tap.within(5000, connection.closed, 'close')).code, 1000);
}

async function test(kind, compression) {
    const WebSocket = sockets[kind];
    const node = await new Weir(`
        websocket { compression = ${compression} }
        namespace "default" {}`).start();
    const title = `${kind}, compression ${compression}:`;
    const bodies = {
        'what is published comes': basics,
        'big messages come whole': big,
        'what is not JSON fails alone': notJson,
    };

    for (const [name, body] of Object.entries(bodies)) {
        await tap.run(`${title} ${name}`, async () => {
            const connection = new Connection(WebSocket, node);

            await body(connection);
            if (compression === 'off') {
                assert.strictEqual(connection.socket.extensions, '');
            } else if (kind === 'ws') {
                assert.match(connection.socket.extensions, /deflate/);
            }
            await connection.close();
        });
    }
    await tap.run(`${title} a wrong key is refused`,
        () => wrongKey(WebSocket, node));
}

(async () => {
    for (const kind of Object.keys(sockets)) {
        for (const compression of ['off', 'on']) {
            await test(kind, compression);
        }
    }
    await tap.run('every node ends cleanly', stopAll);
    tap.end();
})();
