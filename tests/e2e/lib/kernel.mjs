/* kernel.mjs - what the kernel holds of a connection (Linux), so that a test knows
 * who has which bytes instead of guessing by the clock. */
import { readFileSync } from 'node:fs';
import { poll } from './wait.mjs';

/* The queues in bytes of the socket of 127.0.0.1:local to 127.0.0.1:remote. */
export function queues(local, remote) {
	const hex = (port) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
	const line = readFileSync('/proc/net/tcp', 'latin1').split('\n')
		.map((l) => l.trim().split(/\s+/))
		.find((l) => l[1] === hex(local) && l[2] === hex(remote));
	if (!line)
		return null;
	const [tx, rx] = line[4].split(':').map((n) => parseInt(n, 16));
	return { tx, rx };
}

/* Bytes sent by the one end and not yet read by the other. */
export function underway(from, to) {
	return (queues(from, to)?.tx ?? 0) + (queues(to, from)?.rx ?? 0);
}

/* Both ends of a Wire, ours first. */
export const ports = ({ tcp }) => [tcp.localPort, tcp.remotePort];

/* Resolves when the peer has read all that wire has sent. */
export function taken(wire) {
	const [ours, theirs] = ports(wire);
	return poll(() => wire.tcp.writableLength === 0 && underway(ours, theirs) === 0,
	    'the peer to read what was sent');
}

/* True once look() has given the same for a while; false as soon as it is null. */
async function settles(look, what) {
	let last, same = 0;
	return await poll(() => {
		const now = look();
		if (now === null)
			return 'no';
		same = now === last ? same + 1 : 0;
		last = now;
		return same > 10 && 'yes';
	}, what) === 'yes';
}

/* Resolves when the peer has stopped reading what wire sends. */
export function stuck(wire) {
	const [ours, theirs] = ports(wire);
	return settles(() => (underway(ours, theirs) === 0 ? NaN :
		JSON.stringify([queues(ours, theirs), queues(theirs, ours)])),
	    'the peer to stop reading');
}

/* Sends each(n), n = 0, 1, ..., over conn until tracetape itself holds bytes that the
 * client, which does not read, has no room for; all has left the upstream then.
 * Gives what was sent. */
export async function fill(conn, client, each) {
	const [ours, theirs] = ports(client);
	const sent = [];
	let len = 0;
	/* Node reads a little ahead; the head may have become longer on its way. */
	const held = () => {
		const gone = underway(theirs, ours) + client.socket.readableLength;
		return len > gone + 4096 ? gone : null;
	};
	for (let n = 0; len < 64 << 20; n++) {
		const b = Buffer.from(each(n));
		sent.push(b);
		len += b.length;
		await conn.send(b);
		await taken(conn);
		if (await settles(held, 'the kernel to take no more'))
			return Buffer.concat(sent);
	}
	throw new Error('the kernel takes 64 MiB for a client that does not read');
}
