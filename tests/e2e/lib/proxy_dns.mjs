/* proxy_dns.mjs - a name server of one small zone, over UDP and TCP (RFC 1035). */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

const A = 1, CNAME = 5, AAAA = 28;
const NXDOMAIN = 3;

const labels = (name) => Buffer.concat([...name.split('.').map((l) =>
	Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])), Buffer.from([0])]);

/* The name at off of a query: [text in lower case, where it ends]. */
function nameAt(b, off) {
	const parts = [];
	for (let n; (n = b[off]); off += n + 1)
		parts.push(b.toString('latin1', off + 1, off + 1 + n));
	return [parts.join('.').toLowerCase(), off + 1];
}

/* The 16 bytes of an IPv6 address in text, as URL writes it. */
function sixteen(text) {
	const [, host] = new URL(`http://[${text}]/`).host.match(/^\[(.*)\]$/);
	const [left, right] = host.split('::').map((h) => (h ? h.split(':') : []));
	const all = right === undefined ? left :
		[...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
	return Buffer.from(all.map((h) => h.padStart(4, '0')).join(''), 'hex');
}

function record(name, type, data) {
	const fixed = Buffer.alloc(10);
	fixed.writeUInt16BE(type, 0);
	fixed.writeUInt16BE(1, 2);
	fixed.writeUInt32BE(1, 4);
	fixed.writeUInt16BE(data.length, 8);
	return Buffer.concat([labels(name), fixed, data]);
}

export class Dns {
	asked = [];

	/* zone: { name: { a: [...], aaaa: [...], cname } }; what is not in it does not exist. */
	static async start(s, zone) {
		const d = new Dns();
		d.zone = zone;
		for (let tries = 0; ; tries++) {
			try {
				await d.#listen();
				break;
			} catch (e) {
				if (tries > 9)
					throw e;
			}
		}
		s.atEnd(() => { d.udp.close(); d.tcp.close(); });
		return d;
	}

	/* Both under one number, which may be taken for the one and not for the other. */
	async #listen() {
		this.udp = dgram.createSocket('udp4');
		this.udp.bind(0, '127.0.0.1');
		await once(this.udp, 'listening');
		this.port = this.udp.address().port;
		this.address = `127.0.0.1:${this.port}`;
		this.udp.on('message', (m, from) =>
			this.udp.send(this.answer(m), from.port, from.address));
		this.tcp = net.createServer((c) => c.on('error', () => {}).on('data', (b) => {
			const m = this.answer(b.subarray(2));
			const len = Buffer.alloc(2);
			len.writeUInt16BE(m.length);
			c.write(Buffer.concat([len, m]));
		}));
		this.tcp.listen(this.port, '127.0.0.1');
		await once(this.tcp, 'listening').catch((e) => { this.udp.close(); throw e; });
	}

	answer(query) {
		const [name, end] = nameAt(query, 12);
		const type = query.readUInt16BE(end);
		this.asked.push(name);
		const answers = this.#records(name, type);
		const head = Buffer.from(query.subarray(0, 12));
		head.writeUInt16BE(0x8180 | (this.zone[name] ? 0 : NXDOMAIN), 2);
		head.writeUInt16BE(answers.length, 6);
		head.writeUInt32BE(0, 8);
		return Buffer.concat([head, query.subarray(12, end + 4), ...answers]);
	}

	#records(name, type) {
		const z = this.zone[name] ?? {};
		if (z.cname)
			return [record(name, CNAME, labels(z.cname)), ...this.#records(z.cname, type)];
		if (type === A)
			return (z.a ?? []).map((ip) =>
				record(name, A, Buffer.from(ip.split('.').map(Number))));
		if (type === AAAA)
			return (z.aaaa ?? []).map((ip) => record(name, AAAA, sixteen(ip)));
		return [];
	}
}
