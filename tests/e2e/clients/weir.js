// A weir of one's own: in a directory below $TMPDIR, on ports that stay the same
// when it is started again.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const readline = require('readline');
const {execFileSync, spawn} = require('child_process');
const {freePort} = require('./ports');

const top = process.env.top_builddir || path.join(__dirname, '../../..');
const program = process.env.WEIR || path.join(top, 'weir');
const START_MS = 20000;
const STOP_MS = 20000;
const all = new Set();

class Weir {
    // With `config`, the settings of its file besides those that every node
    // of the tests needs.
    constructor(config) {
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-e2e-'));
        this.config = config;
        this.address = this.tlsAddress = null; // from the first start on
        this.options = []; // more of its command line
        this.errors = '';
        this.process = null;
        all.add(this);
    }

    file(name) {
        return path.join(this.dir, 'dev', name);
    }

    get ca() {
        return this.file('ca.pem');
    }

    get key() {
        return fs.readFileSync(this.file('api-key'), 'utf8').trim();
    }

    // Another API key of the node's issuer.
    issue(...options) {
        return execFileSync(program, ['key', 'issue', '--issuer',
            this.file('issuer'), ...options], {encoding: 'utf8'}).trim();
    }

    writeConfig() {
        const file = path.join(this.dir, 'weir.conf');

        fs.writeFileSync(file, `
            data_dir = "${this.dir}/data"
            listen = ${this.address}
            keys { issuer_files = ["${this.file('issuer.pub')}"] }
            tls {
                listen = ${this.tlsAddress}
                certificate = "${this.file('server.pem')}"
                key = "${this.file('server-key.pem')}"
            }
            ${this.config}`);
        return file;
    }

    async start() {
        this.address ??= `127.0.0.1:${await freePort()}`;
        this.tlsAddress ??= `127.0.0.1:${await freePort()}`;
        if (this.config === undefined) {
            await this.spawn(['--dev', this.dir, '--listen', this.address,
                '--tls-listen', this.tlsAddress, ...this.options]);
            return this;
        }
        if (!fs.existsSync(this.file('api-key'))) {
            await this.spawn(['--dev', this.dir, '--listen', this.address,
                '--tls-listen', this.tlsAddress]);
            await this.stop();
        }
        await this.spawn(['--config', this.writeConfig()]);
        return this;
    }

    spawn(options) {
        const child = spawn(program, ['serve', ...options],
            {stdio: ['ignore', 'pipe', 'pipe']});

        this.process = child;
        this.ended = new Promise((resolve) => child.once('exit',
            (status, signal) => resolve(signal || status)));
        child.stderr.on('data', (text) => { this.errors += text; });
        return new Promise((resolve, reject) => {
            const timer = setTimeout(
                () => reject(new Error('no ready line')), START_MS);

            child.once('error', reject);
            child.once('exit', (status) => reject(new Error(
                `weir ends with ${status}: ${this.errors}`)));
            readline.createInterface({input: child.stdout}).once('line',
                (line) => {
                    const words = line.split(' ');

                    clearTimeout(timer);
                    this.url = words[2];
                    this.tlsUrl = words[3];
                    resolve();
                });
        });
    }

    // SIGKILL leaves it no time to take leave of its clients.
    async stop(signal = 'SIGTERM') {
        const child = this.process;

        if (child === null) {
            return;
        }
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);

        this.process = null;
        child.kill(signal);
        const status = await this.ended;

        clearTimeout(timer);
        if (status !== (signal === 'SIGKILL' ? signal : 0)) {
            throw new Error(`weir ends with ${status}: ${this.errors}`);
        }
    }

    async restart(signal) {
        await this.stop(signal);
        await this.start();
    }
}

// Ends every node and removes what it left on disk.
async function stopAll() {
    for (const node of all) {
        try {
            await node.stop();
        } finally {
            fs.rmSync(node.dir, {recursive: true, force: true});
        }
    }
    all.clear();
}

// A test that is ended early takes its nodes along.
process.on('exit', () => {
    for (const node of all) {
        if (node.process !== null) {
            node.process.kill('SIGKILL');
        }
        fs.rmSync(node.dir, {recursive: true, force: true});
    }
});
for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => process.exit(1));
}

module.exports = {Weir, program, stopAll};
