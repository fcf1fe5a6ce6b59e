// Debian's Chromium, as every test of a page starts it: no network but this
// machine's, nothing in the background.
'use strict';

const program = process.env.CHROMIUM || '/usr/bin/chromium';

function options(...more) {
    return {
        executablePath: program,
        headless: true,
        chromiumSandbox: process.getuid() !== 0,
        args: [
            '--disable-gpu',
            '--disable-quic',
            '--disable-dev-shm-usage',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
            ...more,
        ],
    };
}

module.exports = {program, options};
