// Cases, one at a time, each with a bound on its time, printed as TAP.
'use strict';

const CASE_MS = 120000;
const ERROR_LINES_MAX = 8;

let count = 0;
let failures = 0;

function report(name, error, ms) {
    count++;
    if (error) {
        failures++;
        const lines = String(error).split('\n');

        for (const line of lines.slice(0, ERROR_LINES_MAX)) {
            console.log(`# ${line.slice(0, 500)}`);
        }
    }
    if (ms > 2000) {
        console.log(`# ${(ms / 1000).toFixed(1)} s`);
    }
    console.log(`${error ? 'not ok' : 'ok'} ${count} - ${name}`);
}

// What `promise` resolves to, or an error when that takes too long.
async function within(ms, promise, about) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(
            () => reject(new Error(`${about}: not within ${ms} ms`)), ms);
    });

    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

// What went wrong in `body`, as a text, or null.
async function attempt(name, body) {
    try {
        await within(CASE_MS, body(), name);
        return null;
    } catch (error) {
        return (error && error.stack) || `failed with ${error}`;
    }
}

async function run(name, body) {
    const begin = Date.now();

    report(name, await attempt(name, body), Date.now() - begin);
}

function pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

// Poll until `condition` holds; its value.
async function until(condition, about, ms = 10000) {
    const end = Date.now() + ms;

    for (;;) {
        const value = await condition();

        if (value) {
            return value;
        }
        if (Date.now() > end) {
            throw new Error(`${about}: not within ${ms} ms`);
        }
        await pause(10);
    }
}

function skip(why) {
    console.log(`1..0 # SKIP ${why}`);
    process.exit(0);
}

function end() {
    console.log(`1..${count}`);
    process.exit(failures === 0 && count > 0 ? 0 : 1);
}

module.exports = {attempt, end, pause, report, run, skip, until, within};
