// Drives the console in headless Chromium: with labels and keys, as a person
// would. Whatever the browser complains about is a failure.
'use strict';

const assert = require('assert');
const fs = require('fs');
const path = require('path');
const {createRequire} = require('module');
const chromium = require('./browser');
const tap = require('./tap');
const {Weir, stopAll} = require('./weir');

const client = createRequire(path.join(process.env.clients, 'x.js'));
const WAIT_MS = 10000;

function launch() {
    return client('playwright-core').chromium.launch(chromium.options());
}

// A page and what its browser complained about.
async function open(browser, node, options = {}) {
    const context = await browser.newContext({
        permissions: ['clipboard-read', 'clipboard-write'], ...options});
    const page = await context.newPage();

    page.setDefaultTimeout(WAIT_MS);
    page.complaints = [];
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    page.on('console', (message) => page.complaints.push(message.text()));
    await page.goto(`${node.url}/console`);
    return page;
}

async function connect(page, node) {
    await page.getByLabel('API key').fill(node.key);
    await page.getByRole('button', {name: 'Connect', exact: true}).click();
    await page.getByText('Connected', {exact: true}).waitFor();
}

async function connected(browser, node) {
    const page = await open(browser, node);

    await connect(page, node);
    return page;
}

function side(page, name) {
    return page.getByRole('region', {name});
}

async function subscribe(page, channel, replay, value) {
    const box = side(page, 'Subscribe');

    await box.getByLabel('Channel').fill(channel);
    await box.getByLabel('Begin').selectOption(replay);
    if (value !== undefined) {
        await box.getByLabel(replay === 'after' ? 'Cursor'
            : replay === 'seconds' ? 'Seconds' : 'How many').fill(value);
    }
    await box.getByRole('button', {name: 'Subscribe', exact: true}).click();
}

async function subscribed(page, ...args) {
    const notes = page.locator('.note', {hasText: 'Subscribed to'});
    const count = await notes.count();

    await subscribe(page, ...args);
    await notes.nth(count).waitFor();
}

async function publish(page, channel, text, transport = 'HTTP') {
    const box = side(page, 'Publish');

    await box.getByLabel('Channel').fill(channel);
    await box.getByLabel('Events').fill(text);
    await box.getByText(transport, {exact: true}).click();
    await box.getByRole('button', {name: 'Publish'}).click();
}

function texts(page) {
    return page.locator('.event .text').allTextContents();
}

async function arrive(page, expected) {
    await tap.until(async () => (await texts(page)).length >= expected.length,
        `${expected.length} events`);
    assert.deepStrictEqual(await texts(page), expected);
}

async function isClosed(browser, node) {
    const response = await fetch(`${node.url}/console`);
    const policy = response.headers.get('content-security-policy');

    assert.strictEqual(response.status, 200);
    assert.match(policy, /default-src 'none'; script-src 'self';/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.strictEqual(response.headers.get('x-content-type-options'),
        'nosniff');
    assert.strictEqual((await fetch(`${node.url}/console/`)).status, 404);
    assert.strictEqual((await fetch(`${node.url}/console`,
        {method: 'POST'})).status, 405);
    const library = await (await fetch(`${node.url}/console/weir.js`)).text();

    assert.strictEqual(library, fs.readFileSync(path.join(__dirname,
        '../../../contrib/js/weir.js'), 'utf8'));
    const production = await new Weir('namespace "default" {}').start();

    assert.strictEqual((await fetch(`${production.url}/console`)).status, 404);
    await production.stop();
}

// Many requests at once, whose answers are not read, cost the node nothing.
async function outlastsGreed(browser, node) {
    const socket = require('net').connect(new URL(node.url).port, '127.0.0.1');

    socket.pause();
    socket.on('error', () => {});
    socket.write('GET /console/weir.js HTTP/1.1\r\nhost: h\r\n\r\n'
        .repeat(50000));
    await tap.pause(500);
    assert.strictEqual((await fetch(`${node.url}/healthz`)).status, 200);
    socket.destroy();
}

async function publishes(browser, node) {
    const page = await connected(browser, node);

    await subscribed(page, '/default/*', 'now');
    await publish(page, '/default/a', '{"n": 1}');
    const answer = page.locator('.answer').first();

    await answer.getByText('1 of 1 published').waitFor();
    await answer.getByText('/default/a over HTTP').waitFor();
    const identifier = await answer.locator('button.copy').textContent();

    assert.match(identifier, /^[0-9a-f-]{36}$/);
    await answer.locator('button.copy').click();
    assert.strictEqual(
        await page.evaluate(() => navigator.clipboard.readText()), identifier);
    await publish(page, '/default/b/c', '["two", 3]', 'WebSocket');
    await page.getByText('/default/b/c over WebSocket').waitFor();
    await arrive(page, ['{"n":1}', '"two"', '3']);
    assert.deepStrictEqual(await page.locator('.event .channel')
        .allTextContents(), ['/default/a', '/default/b/c', '/default/b/c']);
    await publish(page, '/default/a', '{nothing}');
    await page.getByText(/^Not JSON/).waitFor();
    await publish(page, '/default/*', '1');
    await page.getByText('BadRequestException: Invalid Channel Format')
        .waitFor();
    // The browser's own words for that.
    page.complaints = page.complaints.filter(
        (text) => !text.includes('a status of 400'));
    return page;
}

async function replays(browser, node) {
    const page = await connected(browser, node);

    for (let i = 0; i < 3; i++) {
        await publish(page, '/default/replay', `${i}`);
        await page.locator('.answer').nth(i).waitFor();
    }
    await subscribed(page, '/default/replay', 'last', '1');
    await arrive(page, ['2']);
    await subscribed(page, '/default/replay', 'all');
    await arrive(page, ['2', '0', '1', '2']);
    // From an event: the subscription that had it begins there again.
    await page.locator('.event').nth(1).hover();
    await page.locator('.event').nth(1)
        .getByRole('button', {name: 'Replay from here'}).click();
    await arrive(page, ['2', '0', '1', '2', '1', '2']);
    await page.locator('.event').nth(2).hover();
    await page.locator('.event').nth(2)
        .getByRole('button', {name: 'Copy cursor'}).click();
    await page.getByText('Cursor copied').waitFor();
    const cursor = await page.evaluate(() => navigator.clipboard.readText());

    await subscribed(page, '/default/replay', 'after', cursor);
    await arrive(page, ['2', '0', '1', '2', '1', '2', '2']);
    await subscribe(page, '/default/replay', 'after', 'nonsense');
    await page.getByRole('alert').getByText('InvalidCursorError').waitFor();
    return page;
}

// Of another node, which has the smallest window there is.
async function showsGaps(browser, node) {
    const small = await new Weir(`
        log { bytes_max = 16M }
        namespace "default" {}`).start();
    const page = await open(browser, node);
    const post = (events) => fetch(`${small.url}/event`, {method: 'POST',
        headers: {'x-api-key': small.key}, body: JSON.stringify(
            {channel: '/default/gap', events: events.map(JSON.stringify)})});

    await page.getByLabel('Server').fill(small.url);
    await connect(page, small);
    await subscribed(page, '/default/gap', 'now');
    await publish(page, '/default/gap', '"first"');
    await arrive(page, ['"first"']);
    await page.locator('.event').hover();
    await page.getByRole('button', {name: 'Copy cursor'}).click();
    await page.getByText('Cursor copied').waitFor();
    const cursor = await page.evaluate(() => navigator.clipboard.readText());

    await page.getByRole('button', {name: 'Unsubscribe from'}).click();
    for (let i = 0; i < 40; i++) {
        await post(Array(5).fill('x'.repeat(200000)));
    }
    await post(['last']);
    await subscribed(page, '/default/gap', 'after', cursor);
    await page.locator('.note.gap', {hasText: 'have left the window'})
        .waitFor();
    await page.locator('.event', {hasText: '"last"'}).waitFor();
    assert.deepStrictEqual(page.complaints, []);
    await page.context().close();
    await small.stop();
}

async function sorts(browser, node) {
    const page = await connected(browser, node);
    const tools = side(page, 'Events');

    await subscribed(page, '/default/sort/*', 'now');
    await publish(page, '/default/sort/a', '["apple", "pear"]');
    await arrive(page, ['"apple"', '"pear"']);
    await tools.getByLabel('Filter').fill('PEAR');
    await page.locator('.event', {hasText: 'apple'}).waitFor({state: 'hidden'});
    await page.locator('.event', {hasText: 'pear'}).waitFor();
    await tools.getByLabel('Filter').fill('');
    await tools.getByRole('button', {name: 'Pause'}).click();
    await publish(page, '/default/sort/a', '"plum"');
    await tools.getByRole('button', {name: 'Go on (1)'}).waitFor();
    await arrive(page, ['"apple"', '"pear"']);
    await tools.getByRole('button', {name: 'Go on (1)'}).click();
    await arrive(page, ['"apple"', '"pear"', '"plum"']);
    await tools.getByRole('button', {name: 'Clear'}).click();
    assert.deepStrictEqual(await texts(page), []);
    await page.getByRole('button', {name: 'Unsubscribe from'}).click();
    await publish(page, '/default/sort/a', '"late"');
    await page.locator('.answer').nth(2).waitFor();
    await tap.pause(100);
    assert.deepStrictEqual(await texts(page), []);
    return page;
}

// An event is text, whatever it looks like.
async function isNotFooled(browser, node) {
    const page = await connected(browser, node);
    const evil = '<img src=x onerror="window.fooled=1"><script>window.fooled=1' +
        '</script>';

    await subscribed(page, '/default/evil', 'now');
    await publish(page, '/default/evil', JSON.stringify({[evil]: evil}));
    await page.locator('.event').click();
    assert.ok((await page.locator('.detail pre').textContent())
        .includes('<img src=x'));
    assert.strictEqual(await page.evaluate(() => window.fooled), undefined);
    assert.strictEqual(await page.locator('#events img').count(), 0);
    return page;
}

// No mouse from here on.
async function obeysKeys(browser, node) {
    const page = await open(browser, node);
    const keys = page.keyboard;

    await keys.type(node.key); // the field has the focus
    await keys.press('Enter');
    await page.getByText('Connected', {exact: true}).waitFor();
    await keys.press('Escape');
    await keys.press('s');
    await keys.type('/default/keys');
    await keys.press('Enter');
    await page.locator('.note', {hasText: 'Subscribed to'}).waitFor();
    await keys.press('Escape');
    await keys.press('Tab');
    await page.getByLabel('Channel').first().fill('/default/keys');
    await keys.press('Escape');
    await keys.press('p');
    await keys.press('Control+A');
    await keys.type('["first", "second"]');
    await keys.press('Control+Enter');
    await arrive(page, ['"first"', '"second"']);
    await keys.press('Escape');
    await keys.press('e');
    assert.match(await page.locator(':focus').textContent(), /"second"/);
    await keys.press('ArrowUp');
    assert.match(await page.locator(':focus').textContent(), /"first"/);
    await keys.press('Enter');
    await page.locator('.detail').waitFor();
    await keys.press('y');
    await page.getByText('Cursor copied').waitFor();
    await keys.press('r');
    await arrive(page, ['"first"', '"second"', '"second"']);
    await keys.press('Space');
    await page.getByRole('button', {name: 'Go on'}).waitFor();
    await keys.press('Space');
    await keys.press('?');
    await page.getByRole('dialog').waitFor();
    await keys.press('Escape');
    await page.getByRole('dialog').waitFor({state: 'hidden'});
    await keys.press('c');
    assert.deepStrictEqual(await texts(page), []);
    return page;
}

// How much lighter one colour is than another (WCAG 2, 1.4.3), 1 to 21.
function contrast(one, other) {
    const [a, b] = [one, other].map((color) => {
        const [red, green, blue] = color.match(/[\d.]+/g).map((part) => {
            const share = part / 255;

            return share <= 0.04045 ? share / 12.92
                : ((share + 0.055) / 1.055) ** 2.4;
        });

        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    });

    return Math.max(a, b) / Math.min(a, b);
}

async function isReadable(browser, node) {
    const backs = [];

    for (const colorScheme of ['light', 'dark']) {
        const page = await open(browser, node, {colorScheme});
        const colors = await page.evaluate(() => {
            const of = (selector, name) =>
                getComputedStyle(document.querySelector(selector))[name];

            return {
                back: of('html', 'backgroundColor'),
                card: of('section', 'backgroundColor'),
                text: of('html', 'color'),
                soft: of('label', 'color'),
                button: of('#connect-button', 'backgroundColor'),
                label: of('#connect-button', 'color'),
            };
        });

        backs.push(colors.back);
        assert.ok(contrast(colors.text, colors.card) >= 7);
        assert.ok(contrast(colors.soft, colors.card) >= 4.5);
        assert.ok(contrast(colors.label, colors.button) >= 4.5);
        assert.deepStrictEqual(page.complaints, []);
        await page.context().close();
    }
    assert.notStrictEqual(backs[0], backs[1]);
}

async function refusesKey(browser, node) {
    const page = await open(browser, node);

    await page.getByLabel('API key').fill('wrong');
    await page.getByRole('button', {name: 'Connect', exact: true}).click();
    await page.getByText(/^UnauthorizedException/).first().waitFor();
    await connect(page, node);
    return page;
}

// The console through a restart of its node: what came meanwhile is shown.
async function outlives(browser, node) {
    const page = await connected(browser, node);

    await subscribed(page, '/default/again', 'now');
    await publish(page, '/default/again', '1');
    await arrive(page, ['1']);
    await node.restart('SIGKILL');
    await page.locator('.note', {hasText: 'Subscribed to'}).first().waitFor();
    await publish(page, '/default/again', '2', 'WebSocket');
    await arrive(page, ['1', '2']);
    // A browser says of itself that a connection was refused.
    page.complaints = page.complaints.filter(
        (text) => !/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET/.test(text));
    return page;
}

// The library by itself, in a page.
async function libraryOutlives(browser, node) {
    const page = await open(browser, node);

    await page.evaluate(async ([url, apiKey]) => {
        const {Weir: Client} = await import('/console/weir.js');
        const weir = new Client({url, apiKey});

        window.got = [];
        window.wrong = [];
        await weir.subscribe('/default/page', {
            onEvent: (event) => window.got.push(event),
            onGap: (gap) => window.wrong.push(gap),
            onError: (error) => window.wrong.push(error.message),
        }).ready;
        window.weir = weir;
        window.run = async (from, to) => {
            for (let i = from; i < to; i++) {
                await weir.publish('/default/page', [i],
                    {transport: i % 2 ? 'http' : 'ws'});
            }
        };
    }, [node.url, node.key]);
    for (let i = 0; i < 3; i++) {
        const running = page.evaluate((n) => window.run(100 * n, 100 * n + 100),
            i);

        await node.restart(i % 2 ? 'SIGTERM' : 'SIGKILL');
        await running;
    }
    await page.waitForFunction(() => window.got.length >= 300);
    await tap.pause(100);
    assert.deepStrictEqual(await page.evaluate(() => window.got),
        Array.from({length: 300}, (_, i) => i));
    assert.deepStrictEqual(await page.evaluate(() => window.wrong), []);
    await page.context().close();
}

async function main() {
    const node = await new Weir().start();
    const browser = await launch();
    const bodies = {
        'only a development node has it, and by itself': isClosed,
        'requests without end do not end the node': outlastsGreed,
        'it publishes both ways and shows what comes': publishes,
        'it replays from a point': replays,
        'it shows a gap': showsGaps,
        'it filters, pauses, clears and unsubscribes': sorts,
        'an event stays text': isNotFooled,
        'keys are enough': obeysKeys,
        'it can be read in light and dark': isReadable,
        'a wrong key is told, a right one taken': refusesKey,
        'it goes on after a crash of the node': outlives,
        'the library misses nothing in a page': libraryOutlives,
    };

    for (const [name, body] of Object.entries(bodies)) {
        await tap.run(name, async () => {
            const page = await body(browser, node);

            if (page) {
                assert.deepStrictEqual(page.complaints, []);
                await page.context().close();
            }
        });
    }
    await browser.close();
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
