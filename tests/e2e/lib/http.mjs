/* http.mjs - just enough HTTP/1.1 to look at messages without changing a byte. */

const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection',
	'proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info',
	'te', 'upgrade']);

/* The head at the start of buf, or null while its empty line is not there. */
export function parseHead(buf) {
	const end = buf.indexOf('\r\n\r\n');
	if (end < 0)
		return null;
	const raw = buf.subarray(0, end + 4);
	const [start, ...rest] = raw.toString('latin1').slice(0, -4).split('\r\n');
	const lines = rest.map((text) => {
		const colon = text.indexOf(':');
		return { text, name: text.slice(0, colon), value: text.slice(colon + 1).trim() };
	});
	const all = (name) => lines.filter((l) => l.name.toLowerCase() === name)
		.map((l) => l.value);
	const words = start.split(' ');
	const isResponse = start.startsWith('HTTP/');
	return { raw, start, lines, all, get: (name) => all(name)[0],
		method: isResponse ? null : words[0], target: isResponse ? null : words[1],
		status: isResponse ? Number(words[1]) : null };
}

/* How the body behind head ends: none, length, chunked or close. */
export function framing(head, requestMethod) {
	if (/chunked/i.test(head.get('transfer-encoding') ?? ''))
		return bodiless(head, requestMethod) ? { kind: 'none' } : { kind: 'chunked' };
	if (bodiless(head, requestMethod))
		return { kind: 'none' };
	if (head.get('content-length') !== undefined)
		return { kind: 'length', length: Number(head.get('content-length')) };
	return { kind: head.status === null ? 'none' : 'close' };
}

function bodiless(head, requestMethod) {
	return head.status !== null && (requestMethod === 'HEAD' || head.status < 200 ||
		head.status === 204 || head.status === 304);
}

/* Chunks at the start of buf: { len, payload, trailer } or null while the end is
 * not there.  len counts the framing too. */
export function parseChunked(buf) {
	const parts = [];
	let off = 0;
	for (;;) {
		const eol = buf.indexOf('\r\n', off);
		if (eol < 0)
			return null;
		const size = parseInt(buf.toString('latin1', off, eol), 16);
		off = eol + 2;
		if (size === 0)
			break;
		if (buf.length < off + size + 2)
			return null;
		parts.push(buf.subarray(off, off + size));
		off += size + 2;
	}
	const from = off;
	for (;;) {
		const eol = buf.indexOf('\r\n', off);
		if (eol < 0)
			return null;
		const empty = eol === off;
		off = eol + 2;
		if (empty)
			break;
	}
	return { len: off, payload: Buffer.concat(parts),
		trailer: buf.toString('latin1', from, off - 2) };
}

/* Lines that travel end to end, in order: all but those of one hop and Host. */
export function endToEnd(head) {
	const named = head.all('connection').flatMap((v) => v.toLowerCase().split(','))
		.map((v) => v.trim());
	return head.lines.filter(({ name }) => {
		const n = name.toLowerCase();
		return !hopByHop.has(n) && !named.includes(n);
	}).map(({ name, text }) => (name.toLowerCase() === 'host' ? 'Host' : text));
}

/* One chunk of a chunked body. */
export function chunk(data, ext = '') {
	const b = Buffer.from(data);
	return Buffer.concat([Buffer.from(`${b.length.toString(16)}${ext}\r\n`), b,
		Buffer.from('\r\n')]);
}

/* A message with Content-Length. */
export function message(start, fields, body = '') {
	const b = Buffer.from(body);
	return Buffer.concat([Buffer.from([start, ...fields, `Content-Length: ${b.length}`,
		'', ''].join('\r\n'), 'latin1'), b]);
}

/* A message whose body is chunked, by parts. */
export function chunkedMessage(start, fields, parts, trailer = []) {
	return Buffer.concat([Buffer.from([start, ...fields, 'Transfer-Encoding: chunked',
		'', ''].join('\r\n'), 'latin1'), ...parts.map((p) => chunk(p)),
		Buffer.from(['0', ...trailer, '', ''].join('\r\n'), 'latin1')]);
}
