/* relay.mjs - stands between a real client and tracetape and keeps what passes.
 *
 * The client's own view, to the byte, of SDKs that do not show theirs.
 */
import net from 'node:net';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { Wire } from './wire.mjs';

export class Relay {
	conns = [];		/* { up: [bytes], down: [bytes] } */

	static async start(port) {
		const r = new Relay();
		r.server = net.createServer({ allowHalfOpen: true }, (a) => r.#join(a, port));
		r.server.listen(0, '127.0.0.1');
		await once(r.server, 'listening');
		r.url = `http://127.0.0.1:${r.server.address().port}`;
		return r;
	}

	#join(a, port) {
		const b = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
		const conn = { up: [], down: [], a, b };
		this.conns.push(conn);
		Relay.#pass(a, b, conn.up);
		Relay.#pass(b, a, conn.down);
	}

	static #pass(from, to, kept) {
		from.setNoDelay(true);
		from.on('data', (d) => { kept.push(d); to.write(d); });
		from.on('end', () => to.end());
		from.on('error', () => to.destroy());
		from.on('close', () => { if (!from.readableEnded) to.destroy(); });
	}

	/* Every exchange that passed: { request, response }, by connection. */
	async exchanges() {
		const all = [];
		for (const c of this.conns) {
			const up = replay(c.up);
			const down = replay(c.down);
			for (let request; (request = await up.message());)
				all.push({ request, response: await down.message(request.head.method) });
		}
		return all;
	}

	stop() {
		for (const { a, b } of this.conns) {
			a.destroy();
			b.destroy();
		}
		this.server.close();
	}
}

/* Bytes already there, read as a Wire reads. */
function replay(kept) {
	return new Wire(Readable.from(kept.length ? [Buffer.concat(kept)] : []));
}
