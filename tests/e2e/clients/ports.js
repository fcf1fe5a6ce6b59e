// Ports that stay a test's own while its nodes come and go, as lib/ports.py has
// them: who has one listens at the one behind it.
'use strict';

const fs = require('fs');
const net = require('net');

const PORTS = 16384;
const TRIES = 1000;

// The server that listens at `port`, or null where somebody else does.
function listener(port) {
    return new Promise((resolve) => {
        const server = net.createServer();

        server.once('error', () => resolve(null));
        server.listen({port, host: '127.0.0.1'},
            () => resolve(server.unref()));
    });
}

// None that the system gives to whoever asks for any. The claim is for the life
// of this process.
async function freePort() {
    const range = fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range');
    const end = parseInt(range, 10);
    const first = Math.max(end - PORTS, 1024);

    for (let n = 0; n < TRIES; n++) {
        const pair = Math.floor(Math.random() * Math.floor((end - first) / 2));
        const port = first + 2 * pair;
        const server = await listener(port);

        if (server !== null) {
            await new Promise((resolve) => server.close(resolve));
            if (await listener(port + 1) !== null) {
                return port;
            }
        }
    }
    throw new Error(`no free port among ${TRIES} from ${first} to ${end}`);
}

module.exports = {freePort};
