/* event_upstream.mjs CERT KEY - a TLS origin that answers each request with the
 * events of payload.mjs, 2 ms apart; prints its port.
 *
 * A process of its own, so that it never waits for the one that measures.  It
 * trusts its client to send bodies by Content-Length, one request at a time.
 */
import tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { events } from './payload.mjs';

const [cert, key] = process.argv.slice(2).map((f) => readFileSync(f));
const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n' +
	'Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (s) => `${Buffer.byteLength(s).toString(16)}\r\n${s}\r\n`;

/* The length of the request at the start of text, or 0 when more must come. */
function whole(text) {
	const end = text.indexOf('\r\n\r\n');
	if (end < 0)
		return 0;
	const length = text.slice(0, end).match(/\r\ncontent-length: *(\d+)/i);
	const need = end + 4 + (length ? Number(length[1]) : 0);
	return text.length >= need ? need : 0;
}

async function answer(socket) {
	socket.write(head + chunk(events[0]));
	for (const e of events.slice(1)) {
		await pause(2);
		socket.write(chunk(e));
	}
	socket.write('0\r\n\r\n');
}

const server = tls.createServer({ cert, key }, (socket) => {
	let text = '';
	socket.setNoDelay(true);
	socket.on('error', () => socket.destroy());
	socket.on('data', (data) => {
		text += data.toString('latin1');
		const used = whole(text);
		if (used) {
			text = text.slice(used);
			answer(socket);
		}
	});
});
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
/* Whoever started us and died without stopping us has closed our stdin. */
process.stdin.on('end', () => process.exit(0)).resume();
