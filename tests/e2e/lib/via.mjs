/* via.mjs - the other proxy on the way out, the corporate one; and what stands behind it. */
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { Wire } from './wire.mjs';

export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
export const established = 'HTTP/1.1 200 Connection established\r\n\r\n';

/* The name that the upstream's certificate is for; no resolver knows it. */
export const name = 'up.test';
export const named = (s) => {
	const issuer = s.chain.issuer.leaf('up', 'root', { san: `DNS:${name}` });
	return issuer.server('up');
};

/* Listens on a port of its own, or on what is given; script(wire) has each connection. */
export async function listener(s, script, { host = '127.0.0.1', port = 0 } = {}) {
	const wires = [];
	const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
		const wire = new Wire(socket);
		wires.push(wire);
		Promise.resolve(script(wire)).catch((e) => { wire.fault = e; });
	});
	server.listen(port, host);
	await once(server, 'listening');
	s.atEnd(() => {
		for (const w of wires)
			w.drop();
		server.close();
		const bad = wires.find((w) => w.fault);
		if (bad)
			throw bad.fault;
	});
	return { wires, server, port: server.address().port };
}

/* A proxy that reads the head of a CONNECT and lets answer(wire, head) go on. */
export async function other(s, answer) {
	const heads = [];
	const proxy = await listener(s, async (wire) => {
		const head = await wire.nextHead();
		if (!head)
			return;
		heads.push(head);
		await answer(wire, head);
	});
	return { heads, ...proxy, url: `http://127.0.0.1:${proxy.port}` };
}

/* Joins wire with a port here; first goes out in front of what comes from there. */
export async function join(wire, port, first = established) {
	const there = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
	there.on('error', () => wire.cut());
	await once(there, 'connect');
	if (first)
		wire.send(first);
	wire.pour((b) => there.write(b));
	wire.socket.on('end', () => there.end());
	wire.socket.on('close', () => there.destroy());
	there.on('data', (b) => wire.socket.write(b));
	there.on('end', () => wire.end());
}

/* An origin of plain HTTP. */
export async function plain(s, where) {
	const requests = [];
	const origin = await listener(s, async (wire) => {
		for (let head; (head = await wire.nextHead());) {
			requests.push({ head, ...await wire.body(head) });
			wire.send(ok);
		}
		wire.end();
	}, where);
	return { requests, ...origin };
}

/* A port where nobody listens. */
export async function deadPort(host = '127.0.0.1') {
	const server = net.createServer().listen(0, host);
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

/* This machine's address on a network, undefined where it is on none. */
export const ownAddress = () => Object.values(networkInterfaces()).flat()
	.find((i) => i.family === 'IPv4' && !i.internal)?.address;
