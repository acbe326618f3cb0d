/* proxy_forward.mjs - a forward proxy before an upstream that plays api.openai.com, and
 * the ways into it: CONNECT, what is spoken inside, bytes cut as a test likes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import net from 'node:net';
import tls from 'node:tls';
import assert from 'node:assert/strict';
import { Issuer } from './certs.mjs';
import { ownError } from './own_error.mjs';
import { within } from './wait.mjs';
import { Wire } from './wire.mjs';

export const official = 'api.openai.com';
export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/* Names that the certificate of the upstreams is for. */
const names = [official, `*.${official}`, 'localhost', 'other.example', 'git.example',
	'llm.example'];

/* The root that all upstreams of this process stand under, made once. */
let made;
export function chain() {
	if (!made) {
		const dir = mkdtempSync(join(tmpdir(), 'tracetape-e2e-roots-'));
		process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
		const issuer = new Issuer(dir).root('root').leaf('leaf', 'root',
			{ san: names.map((n) => `DNS:${n}`).join(',') });
		made = { ca: issuer.file('root.pem'), server: issuer.server('leaf') };
	}
	return made;
}

/* An upstream for api.openai.com and what else map names ({ host: port }), and the
 * proxy before it.  map's own entries win; options are Scene.start's. */
export async function forward(s, { map = {}, set = {}, answer = (r, c) => c.send(ok),
	...options } = {}) {
	const { ca, server } = chain();
	s.upstream = await s.origin({ server, answer, ...options });
	const all = { [official]: s.upstream.port, ...map };
	const resolve = Object.entries(all).map(([host, port]) => `${host}=127.0.0.1:${port}`);
	s.tape = await s.record({ upstream: s.upstream.url, ca, ...options,
		set: { 'upstream.resolve': resolve.join(' '), ...set } });
	return s;
}

/* The head of a CONNECT. */
export const connectHead = (authority, lines = [`Host: ${authority}`], version = '1.1') =>
	[`CONNECT ${authority} HTTP/${version}`, ...lines, '', ''].join('\r\n');

/* Asks for a tunnel over a connection of its own; the wire, once there is one. */
export async function connect(s, authority = `${official}:443`, lines, version) {
	const wire = await s.client();
	wire.send(connectHead(authority, lines, version));
	await established(wire);
	return wire;
}

/* A tunnel is announced by a head that ends itself (RFC 9110 9.3.6). */
export async function established(wire) {
	const head = await wire.head();
	assert.ok(head, 'an answer to CONNECT');
	assert.match(head.start, /^HTTP\/1\.1 200 Connection established$/i);
	assert.deepEqual(head.all('content-length'), []);
	assert.deepEqual(head.all('transfer-encoding'), []);
	return head;
}

/* Asks for a tunnel that is to be refused; the error object. */
export async function refused(s, authority, status, code, lines) {
	const wire = await s.client();
	wire.send(connectHead(authority, lines));
	const answer = await wire.message();
	wire.cut();
	const error = ownError(answer, status);
	if (code)
		assert.equal(error.code, code, `${authority}: ${error.message}`);
	return { ...error, head: answer.head };
}

export const ourCa = (s) => readFileSync(s.tape.caPath);

/* TLS with whoever is at the other end of wire. */
export function secure(s, wire, options = {}) {
	return handshake(s, wire.socket, wire.socket, options);
}

async function handshake(s, below, tcp, { ca = ourCa(s), servername = official, ...more }) {
	const socket = tls.connect({ socket: below, allowHalfOpen: true, ca, servername, ...more });
	const inner = new Wire(socket, tcp);
	s.atEnd(() => inner.drop());
	await within(once(socket, 'secureConnect'), 'a TLS handshake inside the tunnel');
	return inner;
}

/* The same through a wire that is TLS itself: its bytes are handed on by hand. */
export async function overTls(s, wire, options = {}) {
	const pipe = pipeOf(s, (bytes) => wire.send(bytes));
	const shaken = handshake(s, pipe, wire.tcp, options);
	wire.pour((b) => pipe.push(b));
	return shaken;
}

/* A stream for TLS to be spoken over; what it writes goes to send. */
function pipeOf(s, send) {
	const pipe = new Duplex({ read() {}, write(bytes, _, done) {
		send(bytes).then(() => done(), done);
	} });
	s.atEnd(() => pipe.destroy());
	return pipe;
}

/* CONNECT and TLS in one. */
export async function inside(s, { authority, lines, ...options } = {}) {
	return secure(s, await connect(s, authority, lines), options);
}

/* The same, but what TLS writes first goes out behind the CONNECT before that is
 * answered, in pieces as cut(bytes) gives them. */
export async function pipelined(s, head, cut, options = {}) {
	const wire = await s.client();
	let first = true;
	const pipe = pipeOf(s, (bytes) => {
		const all = first ? cut(Buffer.concat([Buffer.from(head), bytes])) : [bytes];
		first = false;
		return inTurn(wire, all);
	});
	const shaken = handshake(s, pipe, wire.socket, options);
	shaken.catch(() => {});
	await established(wire);
	wire.pour((b) => pipe.push(b));
	return shaken;
}

/* One piece after the other, each by itself as far as the kernel leaves it so. */
async function inTurn(wire, pieces) {
	for (const piece of pieces) {
		await wire.send(piece);
		await new Promise(setImmediate);
	}
}

/* A request over wire and its answer. */
export async function ask(wire, bytes, method) {
	wire.send(bytes);
	return wire.message(method);
}

export const get = (host = official, path = '/v1/models') =>
	`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/* An origin of bare TCP; script(wire) has each connection, which ends when both the
 * script and the peer are done. */
export async function bare(s, script = () => {}, host = '127.0.0.1') {
	const wires = [];
	const server = net.createServer({ allowHalfOpen: true }, (socket) => {
		socket.setNoDelay(true);
		const wire = new Wire(socket);
		wires.push(wire);
		played(wire, script).catch((e) => { wire.fault = e; });
	});
	server.listen(0, host);
	await once(server, 'listening');
	s.atEnd(() => {
		for (const w of wires)
			w.drop();
		server.close();
		const bad = wires.find((w) => w.fault);
		if (bad)
			throw bad.fault;
	});
	return { wires, port: server.address().port };
}

async function played(wire, script) {
	await script(wire);
	await wire.until(() => wire.over, 'the peer to be done', 600_000);
	wire.end();
}

/* An origin of plain HTTP that answers whole requests and keeps them. */
export async function plainOrigin(s, answer = (r, wire) => wire.send(ok)) {
	const requests = [];
	const o = await bare(s, async (wire) => {
		for (let head; (head = await wire.nextHead());) {
			const request = { head, ...await wire.body(head) };
			requests.push(request);
			await answer(request, wire);
		}
		wire.end();
	});
	return { requests, ...o };
}

/* The numbers of the log's line about a tunnel that has ended: { host, up, down }. */
export function tunnelLines(log) {
	return [...log.matchAll(/tunnel closed .*?host=(\S+).*?up=(\d+) down=(\d+)/g)]
		.map(([, host, up, down]) => ({ host, up: Number(up), down: Number(down) }));
}
