/* scene.mjs - one test: its directory, its upstream, its tracetape, its clients.
 *
 *	test('a sentence that must be true', async (s) => {
 *		await s.start({ answer: (request, conn) => conn.send('...') });
 *		const client = await s.client();
 *		...
 *	});
 *
 * Whatever a scene started is ended after it, last one first; a fault on the way
 * (a script that threw, a sanitizer, an exit code) fails the test.  When a test
 * fails its log is printed.
 */
import { test as nodeTest } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';
import { goodChain } from './certs.mjs';
import { Relay } from './relay.mjs';
import { Tape } from './tape.mjs';
import { Upstream } from './upstream.mjs';
import { Wire } from './wire.mjs';
import { within } from './wait.mjs';

export { default as assert } from 'node:assert/strict';
export { keys } from './keys.mjs';

export function test(sentence, fn) {
	nodeTest(sentence, async () => {
		const s = new Scene();
		let failure;
		try {
			await fn(s);
		} catch (e) {
			failure = e;
		}
		failure = await s.finish(failure);
		if (!failure)
			return;
		for (const t of s.tapes)
			process.stderr.write(`--- ${t.command.join(' ')}\n${t.log}---\n`);
		throw failure;
	});
}

export class Scene {
	#ends = [];
	tapes = [];

	constructor() {
		this.dir = mkdtempSync(join(tmpdir(), 'tracetape-e2e-'));
		this.#ends.push(() => rmSync(this.dir, { recursive: true, force: true }));
	}

	get chain() { return this.#chain ??= goodChain(join(this.dir, 'certs')); }
	#chain;

	/* fn runs when the test is over. */
	atEnd(fn) { this.#ends.push(fn); }

	async finish(failure) {
		for (const end of this.#ends.reverse()) {
			try {
				await end();
			} catch (e) {
				failure ??= e;
			}
		}
		return failure;
	}

	/* An upstream and a tracetape before it: options of both. */
	async start(options = {}) {
		this.upstream = await this.origin(options);
		this.tape = await this.record({ upstream: this.upstream.url, ...options });
		return this;
	}

	/* An upstream; its faults are the test's. */
	async origin({ server = this.chain.server, answer, connection, tls: o } = {}) {
		const u = await Upstream.start({ server, answer, connection, tls: o });
		this.atEnd(() => {
			u.stop();
			if (u.errors.length)
				throw u.errors[0];
		});
		return u;
	}

	/* A tracetape. */
	async record({ upstream = this.upstream?.url, ca = this.chain.ca, tlsListen = false,
		set, args, store, env, wrap }) {
		const t = new Tape(this.dir, { upstream, ca, tls: tlsListen, set, args, store, env,
			wrap });
		this.tapes.push(t);
		this.atEnd(() => t.stop());
		return t.start();
	}

	#keep(wire) {
		this.atEnd(() => wire.drop());
		return wire;
	}

	/* A plain connection to the tracetape. */
	async client({ port = this.tape.port } = {}) {
		const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true,
			noDelay: true });
		const wire = this.#keep(new Wire(socket));
		await within(once(socket, 'connect'), 'a connection to tracetape');
		return wire;
	}

	/* A TLS connection to the tracetape, trusting only ca. */
	async tlsClient({ port = this.tape.tlsPort, ...options }) {
		const tcp = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true,
			noDelay: true });
		const socket = tls.connect({ socket: tcp, allowHalfOpen: true, ...options });
		const wire = this.#keep(new Wire(socket, tcp));
		await within(once(socket, 'secureConnect'), 'a TLS handshake with tracetape');
		return wire;
	}

	/* A listener that passes on to the tracetape and keeps all bytes. */
	async relay({ port = this.tape.port } = {}) {
		const r = await Relay.start(port);
		this.atEnd(() => r.stop());
		return r;
	}

	/* Sends one request over a connection of its own and gives the answer. */
	async ask(bytes, method) {
		const c = await this.client();
		c.send(bytes);
		const answer = await c.message(method);
		c.cut();
		return answer;
	}
}
