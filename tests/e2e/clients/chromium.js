// Drives headless Chromium: a page of another origin against a node that
// compresses, once in the clear and once over TLS. The browser accepts the
// node's certificate by the hash of its key and is otherwise as strict as ever.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const {createRequire} = require('module');
const chromium = require('./browser');
const tap = require('./tap');
const {Weir, stopAll} = require('./weir');

const client = createRequire(path.join(process.env.clients, 'x.js'));

// A web server with one page, on an origin of its own.
function servePage() {
    const script = fs.readFileSync(path.join(__dirname, 'page.js'));
    const server = http.createServer((request, response) => {
        const page = request.url === '/';

        response.setHeader('content-type',
            page ? 'text/html' : 'text/javascript');
        response.end(page ? '<!DOCTYPE html><script src="/page.js"></script>'
            : script);
    });

    return new Promise((resolve) => server.listen(0, '127.0.0.1',
        () => resolve(`http://127.0.0.1:${server.address().port}`)));
}

function keyHash(node) {
    const pem = fs.readFileSync(node.file('server.pem'));
    const key = new crypto.X509Certificate(pem).publicKey
        .export({type: 'spki', format: 'der'});

    return crypto.createHash('sha256').update(key).digest('base64');
}

function launch(node, directory) {
    return client('playwright-core').chromium.launchPersistentContext(
        directory, chromium.options(
            `--ignore-certificate-errors-spki-list=${keyHash(node)}`));
}

function numbers(from, count) {
    return Array.from({length: count}, (_, i) => `{"number":${from + i}}`);
}

// What the page publishes, and what the node answers.
function fromPage(page, url, key, channel, events) {
    return page.evaluate((args) => publish(...args),
        [url, key, channel, events]);
}

async function publishes(page, url, key) {
    const good = await fromPage(page, url, key, '/default/page',
        ['"one"', '2']);

    assert.strictEqual(good.status, 200);
    assert.deepStrictEqual(good.body.failed, []);
    assert.deepStrictEqual(good.body.successful.map((item) => item.index),
        [0, 1]);
}

async function readsErrors(page, url, key) {
    const cases = [
        ['wrong', '/default/page', ['1'], 401, 'UnauthorizedException'],
        [key, '/default/*', ['1'], 400, 'BadRequestException'],
        [key, '/default/page', ['{'], 400, 'BadRequestException'],
    ];

    for (const [with_, channel, events, status, errorType] of cases) {
        const got = await fromPage(page, url, with_, channel, events);

        assert.strictEqual(got.status, status);
        assert.strictEqual(got.errorType, errorType);
        assert.strictEqual(got.body.errors[0].errorType, errorType);
    }
}

async function isKeptOut(page, url, key) {
    await assert.rejects(
        fromPage(page, url, key, '/default/page', ['1']), /Failed to fetch/);
}

async function listen(page, url, key, channel) {
    await page.evaluate((args) => {
        window.listener = new Listener(...args);
    }, [url, key, channel]);
    await page.waitForFunction(() => listener.sessions === 1);
}

// The events that have come, once there are so many, and none for a while.
async function arrived(page, count) {
    await page.waitForFunction((n) => listener.events.length >= n, count,
        {timeout: 10000});
    await tap.pause(100);
    return page.evaluate(() => listener.events.splice(0));
}

async function seesAll(page, url, key) {
    const sent = numbers(0, 200);

    await listen(page, url, key, '/default/seen/*');
    assert.match(await page.evaluate(() => listener.socket.extensions),
        /permessage-deflate/);
    for (let i = 0; i < 100; i += 5) {
        const got = await fromPage(page, url, key, '/default/seen/a',
            sent.slice(i, i + 5));

        assert.strictEqual(got.status, 200);
    }
    await page.evaluate((events) => {
        for (let i = 0; i < events.length; i += 5) {
            listener.publish(`p${i}`, '/default/seen/b',
                events.slice(i, i + 5));
        }
    }, sent.slice(100));
    assert.deepStrictEqual(await arrived(page, sent.length), sent);
    const answers = await page.evaluate(() => listener.answers);

    assert.strictEqual(Object.keys(answers).length, 20);
    for (const answer of Object.values(answers)) {
        assert.strictEqual(answer.type, 'publish_success');
    }
}

async function seesBig(page, url, key) {
    const big = [1, 2, 3].map((n) => JSON.stringify(`${n}🎈`.repeat(40000)));

    await fromPage(page, url, key, '/default/seen/big', big);
    await page.evaluate((events) => {
        listener.publish('big', '/default/seen/big', events);
    }, big);
    assert.deepStrictEqual(await arrived(page, 6), [...big, ...big]);
}

async function outlives(page, url, key, node) {
    await node.restart();
    await page.waitForFunction(() => listener.sessions === 2, undefined,
        {timeout: 10000});
    assert.strictEqual(await page.evaluate(() => listener.codes[0]), 1001);
    await fromPage(page, url, key, '/default/seen/again', numbers(0, 5));
    await page.evaluate((events) => {
        listener.publish('again', '/default/seen/again', events);
    }, numbers(5, 5));
    assert.deepStrictEqual(await arrived(page, 10), numbers(0, 10));
}

async function test(context, origin, foreign, node) {
    const key = node.key;

    for (const [name, url] of [['TCP', node.url], ['TLS', node.tlsUrl]]) {
        const page = await context.newPage();
        const stranger = await context.newPage();
        const run = (sentence, body, where = page) => tap.run(
            `${name}: ${sentence}`, () => body(where, url, key, node));

        await page.goto(origin);
        await stranger.goto(foreign);
        await run('a page of an allowed origin publishes', publishes);
        await run('it reads errors and their types', readsErrors);
        await run('a page of another origin is kept out', isKeptOut, stranger);
        await run('a page sees its events once and in order', seesAll);
        await run('it sends and sees big events', seesBig);
        await run('it comes back after a restart and goes on', outlives);
        await page.close();
        await stranger.close();
    }
}

async function main() {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-e2e-'));
    const [origin, foreign] = await Promise.all([servePage(), servePage()]);
    const node = await new Weir(`
        websocket { compression = on }
        cors { allowed_origins = ["${origin}"] }
        namespace "default" {}`).start();
    const context = await launch(node, directory);

    await test(context, origin, foreign, node);
    await context.close();
    fs.rmSync(directory, {recursive: true, force: true, maxRetries: 5});
    await tap.run('the node ends cleanly', stopAll);
    tap.end();
}

if (!fs.existsSync(chromium.program)) {
    tap.skip(`${chromium.program} is not installed`);
}
main().catch((error) => {
    tap.report('headless Chromium runs', error.stack);
    tap.end();
});
