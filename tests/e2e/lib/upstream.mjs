/* upstream.mjs - a TLS origin of scripted bytes.
 *
 * It reads requests by hand and keeps the bytes of every connection; what it
 * sends is what the script says, to the byte and to the moment.
 */
import tls from 'node:tls';
import { once } from 'node:events';
import { Wire } from './wire.mjs';
import { poll } from './wait.mjs';

export class Upstream {
	tcp = 0;		/* connections accepted, TLS or not */
	conns = [];		/* Wires whose handshake is done */
	requests = [];		/* { head, payload, wire, trailer, conn } in order */
	errors = [];

	/* answer(request, conn) is called for each whole request; connection(conn)
	 * instead of it when the script reads by itself. */
	static async start({ server, answer, connection, tls: options = {} }) {
		const u = new Upstream();
		u.answer = answer;
		u.connection = connection;
		u.server = tls.createServer({ ...server, allowHalfOpen: true,
			ALPNProtocols: ['http/1.1'], ...options });
		u.server.on('connection', () => u.tcp++);
		u.server.on('secureConnection', (s) => u.#accept(s));
		u.server.on('tlsClientError', () => {});
		u.server.listen(0, '127.0.0.1');
		await once(u.server, 'listening');
		u.port = u.server.address().port;
		u.authority = `localhost:${u.port}`;
		u.url = `https://${u.authority}`;
		return u;
	}

	async #accept(socket) {
		const conn = new Wire(socket, socket._parent ?? socket);
		socket.setNoDelay(true);
		conn.session = socket.isSessionReused();
		this.conns.push(conn);
		try {
			await (this.connection ? this.connection(conn) : this.#serve(conn));
		} catch (e) {
			this.errors.push(e);
		}
	}

	async #serve(conn) {
		for (;;) {
			const request = await this.take(conn);
			if (!request)
				break;
			await this.answer(request, conn);
		}
		conn.end();
	}

	/* The next request on conn, noted; null when the peer is done.  An idle
	 * connection is no fault: it waits for as long as the test runs. */
	async take(conn) {
		const head = await conn.nextHead();
		if (!head)
			return null;
		const request = { head, conn, ...await conn.body(head) };
		this.requests.push(request);
		return request;
	}

	/* The n-th connection (from 0), as soon as it is there. */
	async conn(n) {
		return poll(() => this.conns[n], `upstream connection ${n}`);
	}

	/* All that any client ever sent. */
	get received() { return Buffer.concat(this.conns.map((c) => c.received)); }

	stop() {
		for (const c of this.conns)
			c.drop();
		this.server.close();
	}
}
