// An application on aws-amplify that publishes numbers and keeps what it sees:
// rolling_app.js LIBRARY SOCKET URL KEY NAME. Asked to 'tell' or to 'stop', it
// says what was acknowledged and what it has seen.
'use strict';

const path = require('path');
const {createRequire} = require('module');
const tap = require('./tap');

const client = createRequire(path.join(process.env.clients, 'x.js'));
const [library, socket, url, key, from] = process.argv.slice(2);
const REST_MS = 40;

globalThis.WebSocket = socket === 'ws' ? client('ws')
    : globalThis.WebSocket || client('undici').WebSocket;
const {Amplify} = client(library);
const {events} = client(`${library}/data`);
const acknowledged = [];
const seen = [];
let stopping = false;

async function publish() {
    for (let number = 0; !stopping; number++) {
        try {
            const failed = await events.post('/default/rolling',
                {from, number});

            if (failed === undefined) {
                acknowledged.push(number);
            }
        } catch {
            await tap.pause(REST_MS); // its node is away
        }
        await tap.pause(REST_MS);
    }
}

(async () => {
    Amplify.configure({API: {Events: {
        endpoint: `${url}/event`,
        region: 'us-east-1',
        defaultAuthMode: 'apiKey',
        apiKey: key,
    }}});
    const channel = await events.connect('/default/rolling');

    channel.subscribe({
        next: (data) => seen.push(data.event),
        error: (error) => { throw error; },
    });
    const published = publish();

    process.on('message', async (question) => {
        if (question === 'stop') {
            stopping = true;
            await published;
        }
        process.send({acknowledged, seen});
    });
})();
