// Types of weir.js.

export type Json = null | boolean | number | string | Json[] |
    {[name: string]: Json};

export type State = 'connecting' | 'open' | 'waiting' | 'closed';

export interface StateDetail {
    url: string;
    /** Why it waits or is closed. */
    error?: WeirError | null;
    /** How long it waits. */
    retryMs?: number;
    /** Failures in a row. */
    attempt?: number;
}

export interface Options {
    url?: string;
    /** Servers of one cluster; the next is tried when one fails. */
    urls?: string | string[];
    /** A function is called for each connection and each HTTP request. */
    apiKey: string | (() => string | Promise<string>);
    /** Where there is none, such as in Node before 22: that of "ws". */
    WebSocket?: unknown;
    fetch?: typeof fetch;
    onState?(state: State, detail: StateDetail): void;
    /** 0 to 1, for the waits between attempts; Math.random. */
    random?(): number;
    /** How long a publish is tried; 60000. */
    publishTimeoutMs?: number;
    /** Publishes that may wait for their answers at once; 1000. */
    publishesMax?: number;
    /** And their size; 16 MB. */
    publishBytesMax?: number;
}

export interface PublishOptions {
    transport?: 'ws' | 'http';
    /** true, which is the default: made here. false: none, and so a publish
     * whose answer is lost fails. Else one for each event. */
    idempotencyKeys?: boolean | string[];
}

export interface PublishResult {
    successful: {identifier: string; index: number}[];
    failed: {identifier: string; index: number; code: string;
        message: string}[];
}

export type Replay = {after: string} | {last: number} | {seconds: number} |
    {all: true};

export interface Meta {
    /** Where it was published, also for a wildcard. */
    channel: string;
    /** The place after this event; null from a server without cursors. */
    cursor: string | null;
    /** The event as it was published. */
    text: string;
}

export interface Gap {
    /** cursor: the server did not know ours, and everything that it holds
     * follows. no-replay: it cannot resume at all. */
    reason: 'retention' | 'corrupt' | 'cursor' | 'no-replay';
    from: string | null;
    to: string | null;
    missed?: number;
    /** With the reason "cursor": the server's own. */
    error?: WeirError;
}

export interface SubscribeOptions<T = any> {
    replay?: Replay;
    onEvent?(event: T, meta: Meta): void;
    onGap?(gap: Gap): void;
    onError?(error: WeirError): void;
}

export type Item<T = any> = (Meta & {event: T; gap?: undefined}) |
    {gap: Gap; event?: undefined};

export class Subscription<T = any> implements AsyncIterable<Item<T>> {
    readonly channel: string;
    /** Resolves once the server has said yes. */
    readonly ready: Promise<void>;
    /** The place after the last event. */
    readonly cursor: string | null;
    readonly closed: boolean;
    unsubscribe(): void;
    pause(): void;
    resume(): void;
    [Symbol.asyncIterator](): AsyncIterator<Item<T>>;
}

export interface HistoryOptions {
    after?: string;
    last?: number;
    seconds?: number;
    all?: boolean;
    /** 1 to 1000. */
    limit?: number;
    /** Seconds to wait for an event, up to 60. */
    wait?: number;
    signal?: AbortSignal;
}

export interface HistoryPage<T = any> {
    events: {channel: string; event: T; cursor: string}[];
    /** For `after` of the next call. */
    next: string;
    gap?: Gap;
}

export class WeirError extends Error {
    readonly errorType: string;
    /** Of an HTTP answer. */
    readonly status?: number;
    readonly errorCode?: number;
    /** With the errorType "Gap". */
    readonly gap?: Gap;
}

export class Weir {
    constructor(options: Options);
    readonly state: State;
    readonly url: string;
    connect(options?: {timeoutMs?: number}): Promise<void>;
    subscribe<T = any>(channel: string, options?: SubscribeOptions<T>):
        Subscription<T>;
    /** Up to five events. */
    publish(channel: string, events: unknown[], options?: PublishOptions):
        Promise<PublishResult>;
    history<T = any>(channel: string, options?: HistoryOptions):
        Promise<HistoryPage<T>>;
    /** Look at the connection now; pages do it by themselves. */
    wake(): void;
    /** Take a fresh key from `apiKey`, before the one in use ends. */
    renew(): Promise<void>;
    close(): void;
}

export default Weir;
