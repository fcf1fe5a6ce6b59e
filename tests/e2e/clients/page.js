// What a web page does: publishes with fetch and listens with the browser's
// WebSocket, which it opens again when it closes.
'use strict';

const RECONNECT_MS = 100;

async function publish(url, key, channel, events) {
    const response = await fetch(`${url}/event`, {
        method: 'POST',
        headers: {'content-type': 'application/json', 'x-api-key': key},
        body: JSON.stringify({channel, events}),
    });

    return {
        status: response.status,
        errorType: response.headers.get('x-amzn-errortype'),
        body: await response.json(),
    };
}

class Listener {
    constructor(url, key, channel) {
        this.url = `${url.replace('http', 'ws')}/event/realtime`;
        this.authorization = {'x-api-key': key, 'host': 'localhost'};
        this.channel = channel;
        this.events = [];
        this.answers = {}; // by the id of a publish
        this.sessions = 0; // subscribed so often
        this.codes = []; // of each close
        this.open();
    }

    open() {
        const header = btoa(JSON.stringify(this.authorization))
            .replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

        this.socket = new WebSocket(this.url,
            ['aws-appsync-event-ws', `header-${header}`]);
        this.socket.onopen = () => this.send({type: 'connection_init'});
        this.socket.onmessage = ({data}) => this.take(JSON.parse(data));
        this.socket.onclose = ({code}) => {
            this.codes.push(code);
            setTimeout(() => this.open(), RECONNECT_MS);
        };
    }

    send(message) {
        this.socket.send(JSON.stringify(message));
    }

    take(message) {
        switch (message.type) {
        case 'connection_ack':
            this.send({type: 'subscribe', id: 's', channel: this.channel,
                authorization: this.authorization});
            break;
        case 'subscribe_success':
            this.sessions++;
            break;
        case 'data':
            this.events.push(message.event);
            break;
        case 'publish_success':
        case 'publish_error':
            this.answers[message.id] = message;
            break;
        }
    }

    publish(id, channel, events) {
        this.send({type: 'publish', id, channel, events,
            authorization: this.authorization});
    }
}
