/* first_event.mjs - how long a client waits for the first event of a stream. */
import tls from 'node:tls';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('event_upstream.mjs', import.meta.url));
const body = JSON.stringify({ model: 'gpt-5-mini', stream: true, input: 'Rain tomorrow?' });

export async function startEvents(certs) {
	const p = spawn(process.execPath, [program, certs.file('good.pem'), certs.file('good.key')],
	    { stdio: ['pipe', 'pipe', 'inherit'] });
	const gone = once(p, 'close');
	const [line] = await once(p.stdout, 'data');
	const port = Number(line);
	return { port, pids: [p.pid], url: `https://localhost:${port}`,
		async stop() { p.kill('SIGTERM'); await gone; } };
}

/* A kept connection on which one stream is asked for after the other. */
class Client {
	static async connect({ name, url }, ca) {
		const c = new Client();
		const port = Number(new URL(url).port);
		c.name = name;
		c.request = `POST /events/v1/responses HTTP/1.1\r\nHost: localhost:${port}\r\n` +
			'Content-Type: application/json\r\nAccept: text/event-stream\r\n' +
			'Authorization: Bearer bench-0123456789abcdef\r\n' +
			`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
		c.socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca });
		await once(c.socket, 'secureConnect');
		c.socket.setNoDelay(true);
		return c;
	}

	/* Microseconds from the request to the first event. */
	ask() {
		return new Promise((done, fail) => {
			let text = '';
			let first = 0;
			const end = (e, value) => {
				this.socket.off('data', data).off('close', gone).off('error', end);
				e ? fail(e) : done(value);
			};
			const gone = () => end(new Error(`${this.name} closed: ${text}`));
			const data = (piece) => {
				text += piece.toString('latin1');
				if (!first && text.includes('\ndata: '))
					first = process.hrtime.bigint();
				if (text.endsWith('\r\n0\r\n\r\n'))
					end(first ? null : new Error(`${this.name}: ${text}`),
					    Number(first - began) / 1000);
			};
			this.socket.on('data', data).on('close', gone).on('error', end);
			const began = process.hrtime.bigint();
			this.socket.write(this.request);
		});
	}
}

/* Asks all peers in turn, n times after some that do not count:
 * { name: [microseconds] }. */
export async function firstEvents(peers, ca, n) {
	const clients = await Promise.all(peers.map((p) => Client.connect(p, ca)));
	const samples = Object.fromEntries(peers.map((p) => [p.name, []]));
	for (let i = -20; i < n; i++)
		for (let k = 0; k < clients.length; k++) {
			const c = clients[(i + 20 + k) % clients.length];
			const us = await c.ask();
			if (i >= 0)
				samples[c.name].push(us);
		}
	for (const c of clients)
		c.socket.destroy();
	return samples;
}
