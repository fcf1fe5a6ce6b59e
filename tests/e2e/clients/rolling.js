// A cluster of three nodes, an application on aws-amplify at each, and a restart
// of one node after another while all of them publish and listen.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const {execFileSync, fork} = require('child_process');
const {freePort} = require('./ports');
const tap = require('./tap');
const {Weir, program, stopAll} = require('./weir');

const PATIENCE_MS = 60000;
const kinds = [
    {library: 'aws-amplify', socket: 'ws'},
    {library: 'aws-amplify', socket: 'native'},
    {library: 'aws-amplify-old', socket: 'ws'},
];

async function makeNodes(directory) {
    const secret = path.join(directory, 'secret');
    const addresses = [];

    fs.writeFileSync(secret, execFileSync(program, ['key', 'secret']),
        {mode: 0o600});
    for (let i = 0; i < kinds.length; i++) {
        addresses.push(`127.0.0.1:${await freePort()}`);
    }
    return Promise.all(addresses.map(async (address) => {
        const node = new Weir();

        node.options = ['--cluster-listen', address,
            '--cluster-secret-file', secret,
            '--join', addresses.filter((a) => a !== address).join(',')];
        return node.start();
    }));
}

class App {
    constructor(node, index) {
        const {library, socket} = kinds[index];

        this.title = `${library} over ${socket}`;
        this.node = node;
        this.name = `app${index}`;
        this.process = fork(path.join(__dirname, 'rolling_app.js'),
            [library, socket, node.tlsUrl, node.key, this.name],
            {env: {...process.env, NODE_EXTRA_CA_CERTS: node.ca}});
        this.ended = false;
        this.process.once('exit', () => { this.ended = true; });
    }

    // What it has acknowledged and seen until now.
    ask(question) {
        return tap.within(PATIENCE_MS, new Promise((resolve, reject) => {
            if (this.ended) {
                reject(new Error(`${this.title} has ended`));
            }
            this.process.once('message', resolve);
            this.process.send(question);
        }), `${this.title}, asked to ${question}`);
    }
}

function numbersOf(seen, name) {
    return seen.filter((event) => event.from === name)
        .map((event) => event.number);
}

function askAll(apps, question) {
    return Promise.all(apps.map((app) => app.ask(question)));
}

// Each application sees each one's event of at least that number; what they say.
async function reach(apps, numbers) {
    let now;

    await tap.until(async () => {
        await tap.pause(100);
        now = await askAll(apps, 'tell');
        return now.every(({seen}) => apps.every((app, index) =>
            Math.max(-1, ...numbersOf(seen, app.name)) >= numbers[index]));
    }, 'events of all at all', PATIENCE_MS);
    return now;
}

function latest(answers) {
    return answers.map(({acknowledged}) => Math.max(-1, ...acknowledged));
}

async function flows(apps) {
    const before = latest(await askAll(apps, 'tell'));

    return reach(apps, before.map((number) => number + 1));
}

// In order, once, and all but what came while its own node was away, which is
// one stretch of each publisher's.
function compare(app, {seen}, others) {
    for (const {name, acknowledged} of others) {
        const numbers = numbersOf(seen, name);
        const came = new Set(numbers);
        let stretches = 0;
        let missing = false;

        for (let i = 1; i < numbers.length; i++) {
            if (numbers[i] <= numbers[i - 1]) {
                throw new Error(`${app.title} sees ${numbers[i]} of ${name} ` +
                    `after ${numbers[i - 1]}`);
            }
        }
        for (const number of acknowledged) {
            if (number < numbers[0]) {
                continue; // from before it subscribed
            }
            stretches += !came.has(number) && !missing;
            missing = !came.has(number);
        }
        if (stretches > 1) {
            throw new Error(`${app.title} misses ${stretches} stretches of ` +
                name);
        }
    }
}

(async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-e2e-'));
    const nodes = await makeNodes(directory);
    const apps = nodes.map((node, index) => new App(node, index));

    await tap.run('applications at three nodes see the events of all',
        () => flows(apps));
    for (const app of apps) {
        await tap.run(`${app.title} outlives the restart of its node`,
            async () => {
                await app.node.restart('SIGTERM');
                await flows(apps);
            });
    }
    const ends = await reach(apps, latest(await askAll(apps, 'stop')));
    const published = apps.map((app, index) =>
        ({name: app.name, acknowledged: ends[index].acknowledged}));

    for (const [index, app] of apps.entries()) {
        await tap.run(`${app.title} misses nothing but while its node is away`,
            async () => compare(app, ends[index], published));
    }
    for (const app of apps) {
        app.process.kill();
    }
    await tap.run('every node ends cleanly', stopAll);
    fs.rmSync(directory, {recursive: true, force: true});
    tap.end();
})();
