/* The regional hosts of the API work as the global one does, with no setting. */
import { test, assert } from './lib/scene.mjs';
import { ask, chain, forward, get, inside, official, plainOrigin,
	refused } from './lib/proxy_forward.mjs';

const regions = ['us', 'eu', 'ae', 'au', 'in', 'jp'].map((r) => `${r}.${official}`);

test('each regional host is intercepted, asked for by name, and recorded', async (s) => {
	const map = {};
	for (const host of regions)
		map[host] = (await s.origin({ server: chain().server, answer: (r, conn) => conn.send(
			`HTTP/1.1 200 OK\r\nContent-Length: ${host.length}\r\n\r\n${host}`) })).port;
	await forward(s, { map });
	for (const host of [...regions, official]) {
		const tls = await inside(s, { authority: `${host}:443`, servername: host,
			lines: [`host: ${host}`] });
		const answer = await ask(tls, get(host));
		assert.equal(answer.payload.toString(), host === official ? 'ok' : host);
	}
	const records = await s.tape.settled(7);
	assert.deepEqual(records.map((r) => r.host.replace(/:443$/, '')), [...regions, official]);
	assert.ok(records.every((r) => r.mode === 'forward' && r.outcome === 'complete'));
});

test('names that only look like it are not intercepted', async (s) => {
	const near = ['openai.com', 'notapi.openai.com', 'api.openai.com.evil.example',
		'api.openai.com-evil.example', 'xapi.openai.com'];
	const plain = await plainOrigin(s);
	await forward(s, { map: Object.fromEntries(near.map((n) => [n, plain.port])),
		set: { 'forward.tunnel': 'none' } });
	for (const host of near)
		await refused(s, `${host}:443`, 403, 'tunnel_off');
	assert.equal(plain.wires.length, 0);
	assert.deepEqual(await s.tape.records(), []);
});
