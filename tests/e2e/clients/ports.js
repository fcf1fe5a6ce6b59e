// Ports that stay a test's own while its nodes come and go, as lib/ports.py has
// them.
'use strict';

const fs = require('fs');
const net = require('net');

const PORTS = 16384;

// The server that listens at `options`, or null where somebody else does.
function listener(options) {
    return new Promise((resolve) => {
        const server = net.createServer();

        server.once('error', () => resolve(null));
        server.listen(options, () => resolve(server.unref()));
    });
}

// None that the system gives to whoever asks for any. The claim is for the life
// of this process.
async function freePort() {
    const range = fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range');
    const end = parseInt(range, 10);
    const first = Math.max(end - PORTS, 1024);

    for (;;) {
        const port = first + Math.floor(Math.random() * (end - first));
        const server = await listener({port, host: '127.0.0.1'});

        if (server !== null) {
            await new Promise((resolve) => server.close(resolve));
            if (await listener({path: `\0weir-test-port-${port}`}) !== null) {
                return port;
            }
        }
    }
}

module.exports = {freePort};
