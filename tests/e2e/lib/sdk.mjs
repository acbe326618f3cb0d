/* sdk.mjs - the real SDK through a relay, and the comparison of the three views. */
import OpenAI from 'openai';
import { strict as assert } from 'node:assert';
import { endToEnd } from './http.mjs';

export const secret = 'sk-proj-e2e-SECRET-0123456789abcdef';

/* A real client of the scene's tracetape; its bytes are kept in relay. */
export async function openai(scene, options = {}) {
	const relay = await scene.relay();
	return { relay, ai: new OpenAI({ apiKey: secret, baseURL: `${relay.url}/v1`, maxRetries: 0,
		...options }) };
}

const secrets = /^(authorization|proxy-authorization|cookie|set-cookie|api-key|x-api-key):/i;

/* Head lines without the values that are not to be kept. */
function withoutSecrets(lines) {
	return lines.map((l) => (secrets.test(l) ? l.slice(0, l.indexOf(':')) : l));
}

/* Lines of a recorded head (the last one, behind 1xx ones). */
export function recordedLines(text) {
	const last = text.trimEnd().split('\r\n\r\n').at(-1);
	return last.split('\r\n');
}

/* One exchange seen by client, upstream and store is the same one. */
export async function sameInThreeViews(scene, { client, upstream, answered, record }) {
	assert.deepEqual(endToEnd(upstream.head), endToEnd(client.request.head));
	assert.equal(upstream.head.get('host'), scene.upstream.authority);
	assert.ok(client.request.wire.equals(upstream.wire), 'request body on the wire');
	assert.deepEqual(endToEnd(client.response.head), endToEnd(answered.head));
	assert.ok(client.response.wire.equals(answered.wire), 'response body on the wire');
	await sameInStore(scene, client, record);
}

/* ... and the store's view of it is the client's. */
export async function sameInStore(scene, client, record) {
	const [request, response] = await Promise.all([scene.tape.requestBody(record.seq),
		scene.tape.responseBody(record.seq)]);
	assert.ok(request.equals(client.request.payload), 'dump raw --request');
	assert.ok(response.equals(client.response.payload), 'dump raw --response');
	assert.equal(record.request.bytes, client.request.payload.length);
	assert.equal(record.response.bytes, client.response.payload.length);
	const sent = client.request.head.raw.toString('latin1').trimEnd().split('\r\n');
	assert.deepEqual(withoutSecrets(recordedLines(record.request.head)), withoutSecrets(sent));
	const got = withoutSecrets(recordedLines(record.response.head));
	for (const line of withoutSecrets(endToEnd(client.response.head)))
		assert.ok(got.includes(line), `the record lacks "${line}"`);
}
