/* Handshakes inside tunnels: cut everywhere, damaged, by the hundred; leaves by the hundred. */
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { test, assert } from './lib/scene.mjs';
import { ask, connect, forward, get, inside, official, secure } from './lib/proxy_forward.mjs';
import { rawBytes } from './lib/proxy_captures.mjs';
import { poll, sanitized } from './lib/wait.mjs';

const whole = rawBytes('04-conn01.c2s');
const headLen = whole.indexOf('\r\n\r\n') + 4;
const helloLen = headLen + 5 + whole.readUInt16BE(headLen + 3);

/* Sends bytes and leaves, politely or not, whatever comes back. */
async function throwIn(s, bytes, rudely) {
	const socket = net.connect({ port: s.tape.port, host: '127.0.0.1' });
	socket.on('error', () => {}).on('data', () => {});
	const gone = once(socket, 'close');
	socket.write(bytes, () => (rudely ? socket.resetAndDestroy() : socket.end()));
	await gone;
}

/* each(i) for i < n, some at a time. */
async function inParallel(n, each) {
	let next = 0;
	await Promise.all(Array.from({ length: 8 }, async () => {
		while (next < n)
			await each(next++);
	}));
}

const descriptors = (s) => readdirSync(`/proc/${s.tape.pid}/fd`).length;

/* Nothing stays behind, nobody was asked, and the next client is served. */
async function isUnharmed(s, before) {
	await poll(() => descriptors(s) <= before + 1, () => `${before} descriptors again, not ${
		descriptors(s)}`);
	assert.equal(s.upstream.tcp, 0);
	assert.equal((await ask(await inside(s), get())).payload.toString(), 'ok');
	await s.tape.until((all) => all.filter((r) => r.outcome === 'complete').length === 1,
	    'its record, and no other that is complete');
}

test('a client may leave at every byte of CONNECT and handshake', async (s) => {
	await forward(s);
	const before = descriptors(s);
	const cuts = [];
	for (let at = 1; at < helloLen + 400; at += at < headLen + 60 ? 1 : 7)
		cuts.push(at);
	await inParallel(cuts.length, (i) => throwIn(s, whole.subarray(0, cuts[i]), i % 2));
	await isUnharmed(s, before);
});

test('a ClientHello may be damaged at any place', async (s) => {
	await forward(s);
	const before = descriptors(s);
	const step = sanitized ? 11 : 5;
	const n = Math.floor((helloLen - headLen) / step);
	await inParallel(n, (i) => {
		const bytes = Buffer.from(whole.subarray(0, helloLen));
		bytes[headLen + i * step] ^= [0xff, 0x01, 0x80][i % 3];
		return throwIn(s, bytes, false);
	});
	await isUnharmed(s, before);
});

test('tunnels that come and go leave no descriptor behind', async (s) => {
	await forward(s, { map: { 'other.example': 1 } });
	const before = descriptors(s);
	await inParallel(60, async (i) => {
		const wire = await connect(s);
		if (i % 3 === 0)
			await secure(s, wire);
		if (i % 2)
			wire.reset();
		else
			wire.cut();
	});
	await inParallel(20, () => throwIn(s, 'CONNECT other.example:443 HTTP/1.1\r\nHost: a\r\n\r\n'));
	await isUnharmed(s, before);
});

test('each of 300 hosts is shown a leaf of its own, in whatever order they come', async (s) => {
	await forward(s);
	const shown = new Map();
	const see = async (host) => {
		const tls = await inside(s, { authority: `${host}:443`, servername: host });
		const cert = tls.socket.getPeerCertificate();
		tls.drop();
		assert.equal(cert.subjectaltname, `DNS:${host}`);
		return cert.serialNumber;
	};
	const host = (i) => `h${i}.${official}`;
	await inParallel(300, async (i) => { shown.set(i, await see(host(i))); });
	assert.equal(new Set(shown.values()).size, 300);
	assert.equal(await see(host(299)), shown.get(299), 'the last one is still there');
});

test('clients that come at once for a new host are shown the same leaf', async (s) => {
	await forward(s);
	const host = `new.${official}`;
	const all = await Promise.all(Array.from({ length: 16 }, () =>
		inside(s, { authority: `${host}:443`, servername: host })));
	assert.equal(new Set(all.map((t) => t.socket.getPeerCertificate().serialNumber)).size, 1);
});

test('SNI decides on the leaf and never on the upstream', async (s) => {
	const eu = `eu.${official}`;
	const region = await s.origin({ answer: (r, c) => c.send('no') });
	await forward(s, { map: { [eu]: region.port } });
	const tls = await inside(s, { servername: eu }).catch(() => null);
	if (tls)
		assert.equal((await ask(tls, get())).payload.toString(), 'ok');
	await assert.rejects(inside(s, { servername: 'other.example' }));
	assert.equal(region.tcp, 0);
});
