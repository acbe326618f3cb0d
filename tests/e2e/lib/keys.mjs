/* keys.mjs - every name of tracetape's that the tests rely on beside its verbs.
 *
 * When a config key or a field is renamed, this is the one place to follow.
 */

/* Config keys, as --set takes them. */
export const keys = {
	maxBytes: 'recorder.max_bytes',
	pauseMs: 'recorder.pause_ms',
	commitMs: 'store.commit_ms',
	headMs: 'timeouts.head_ms',
	handshakeMs: 'timeouts.handshake_ms',
	connectMs: 'timeouts.connect_ms',
	idleMs: 'timeouts.idle_ms',
	keepaliveMs: 'timeouts.keepalive_ms',
	poolMs: 'timeouts.pool_ms',
	lingerMs: 'timeouts.linger_ms',
	tunnelMs: 'timeouts.tunnel_ms',
	drainS: 'proxy.drain_s',
	connections: 'limits.connections',
	workers: 'proxy.workers',
	onAbort: 'proxy.on_abort',
	traces: 'proxy.traces',
	resolve: 'upstream.resolve',
	dns: 'upstream.dns',
	via: 'upstream.via',
	noVia: 'upstream.no_via',
	intercept: 'forward.intercept',
	tunnel: 'forward.tunnel',
	tunnelTo: 'forward.tunnel_to',
	ports: 'forward.ports',
	allow: 'forward.allow',
	authFile: 'forward.auth_file',
};

/* The CA's certificate inside --ca-dir. */
export const caFile = 'ca.pem';

/* The LMDB environment inside --store (a directory). */
export const lmdbPath = (store) => store;

/* x-stainless-retry-count, as a record of dump -o jsonl carries it. */
export const retryCount = (record) => record.retry_count;

/* Bodies larger than the recorder's bound are cut and say so like this. */
export const keptWhole = (message) =>
	message.sha256 !== null && message.sha256 !== undefined;
