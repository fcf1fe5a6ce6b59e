// Runs amplify_app.js once for each library and WebSocket, each in a process of
// its own, which trusts the CA of a node of its own from its start on, as an
// application does.
'use strict';

const path = require('path');
const {fork} = require('child_process');
const tap = require('./tap');
const {Weir, stopAll} = require('./weir');

const PATIENCE_MS = 240000;
const settings = `
    namespace "default" { }
    namespace "recent" { replay = 10min }`;
const apps = [
    {library: 'aws-amplify', socket: 'ws', signal: 'SIGTERM'},
    {library: 'aws-amplify', socket: 'native', signal: 'SIGKILL'},
    {library: 'aws-amplify-old', socket: 'ws', signal: 'SIGKILL'},
    {library: 'aws-amplify-old', socket: 'native', signal: 'SIGTERM'},
];

async function serve({library, socket, signal}) {
    const node = await new Weir(settings).start();
    const app = fork(path.join(__dirname, 'amplify_app.js'),
        [library, socket, node.tlsUrl, node.key],
        {env: {...process.env, NODE_EXTRA_CA_CERTS: node.ca}});
    const title = `${library}, ${socket}:`;

    app.on('message', async (message) => {
        if (message.restart) {
            await node.restart(signal);
            app.send({restarted: true});
        } else {
            tap.report(`${title} ${message.name}`, message.error, message.ms);
        }
    });
    const ended = new Promise((resolve) => app.once('exit', resolve));

    try {
        const status = await tap.within(PATIENCE_MS, ended, title);

        tap.report(`${title} ends cleanly`,
            status === 0 ? null : `status ${status}`);
    } catch (error) {
        app.kill('SIGKILL');
        tap.report(`${title} ends cleanly`, error);
    }
}

(async () => {
    await Promise.all(apps.map(serve));
    await tap.run('every node ends cleanly', stopAll);
    tap.end();
})();
