/* proxy_captures.mjs - what real clients once sent, byte for byte (tests/e2e/captures).
 *
 * NN-connMM.c2s are the bytes of a TCP connection, NN-tlsMM.c2s those inside its TLS:
 * 04 is an agent on Node 24 through HTTPS_PROXY, 23 Debian's httpx, 30 the SDK with
 * credentials in the proxy's URL.
 */
import { readFileSync } from 'node:fs';
import { framing, parseHead } from './http.mjs';

export const rawBytes = (name) =>
	readFileSync(new URL(`../captures/${name}`, import.meta.url));

/* The requests in bytes that hold nothing else: { head, bytes, payload }. */
export function requestsIn(bytes) {
	const all = [];
	for (let left = bytes; left.length;) {
		const head = parseHead(left);
		const { length = 0 } = framing(head);
		const len = head.raw.length + length;
		all.push({ head, bytes: left.subarray(0, len),
			payload: left.subarray(head.raw.length, len) });
		left = left.subarray(len);
	}
	return all;
}
