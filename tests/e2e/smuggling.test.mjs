/* What two parsers could read differently is refused and named (RFC 9112). */
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';

const post = (...lines) =>
	['POST /v1/responses HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');
const chunked = post('Transfer-Encoding: chunked');
const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/* What it is, the bytes, what the answer must name, its status. */
const table = [
	['a length and chunked', `${post('Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
		/content-length.*transfer-encoding/i],
	['chunked and a length', `${post('Transfer-Encoding: chunked', 'Content-Length: 4')}0\r\n\r\n`,
		/content-length.*transfer-encoding/i],
	['two lengths that differ', `${post('Content-Length: 0', 'Content-Length: 37')}${inner}`,
		/more than one content-length/i],
	['two equal lengths', `${post('Content-Length: 2', 'Content-Length: 2')}{}`,
		/more than one content-length/i],
	['a list of lengths', `${post('Content-Length: 2, 2')}{}`, /content-length/i],
	['a signed length', `${post('Content-Length: +2')}{}`, /content-length/i],
	['a negative length', post('Content-Length: -1'), /content-length/i],
	['a hexadecimal length', `${post('Content-Length: 0x2')}{}`, /content-length/i],
	['a length with a space inside', `${post('Content-Length: 1 2')}{}`, /content-length/i],
	['an empty length', post('Content-Length:'), /content-length/i],
	['a length over 63 bits', post('Content-Length: 9223372036854775808'), /content-length/i],
	['chunked twice', `${post('Transfer-Encoding: chunked, chunked')}0\r\n\r\n`,
		/transfer-encoding/i, 501],
	['chunked in two lines', `${post('Transfer-Encoding: chunked',
		'Transfer-Encoding: chunked')}0\r\n\r\n`, /transfer-encoding/i, 501],
	['identity before chunked', `${post('Transfer-Encoding: identity, chunked')}0\r\n\r\n`,
		/transfer-encoding/i, 501],
	['chunked with a vertical tab', `${post('Transfer-Encoding: \vchunked')}0\r\n\r\n`,
		/control byte/i],
	['an unknown coding', post('Transfer-Encoding: xchunked'), /transfer-encoding/i, 501],
	['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
		+ '0\r\n\r\n', /transfer-encoding in HTTP\/1\.0/i],
	['a space before the colon', `${post('Content-Length : 2')}{}`, /space before the colon/i],
	['a folded line', post('X-Fold: a', ' b'), /fold/i],
	['space before the first line', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', /white space/i],
	['a line without a colon', post('Content-Length 2'), /colon|token/i],
	['an empty name', post(': value'), /token/i],
	['a name with a bracket', post('X(a): b'), /token/i],
	['a bare LF behind a line', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n', /LF without CR/i],
	['a bare LF behind the start line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', /LF without CR/i],
	['only bare LFs', 'GET / HTTP/1.1\nHost: a\n\n', /LF without CR/i],
	['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n', /CR without LF/i],
	['a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', /control byte/i],
	['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', /more than one host/i],
	['no Host', 'GET / HTTP/1.1\r\nAccept: */*\r\n\r\n', /without host/i],
	['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', /host/i],
	['a Host with a user', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', /host/i],
	['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', /version/i, 505],
	['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', /version/i, 505],
	['two spaces in the start line', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', /RFC 9112 3/],
	['a tab in the start line', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', /RFC 9112 3/],
	['HTTP/0.9', 'GET /\r\n\r\n', /RFC 9112/],
	['a method with a colon', 'G:T / HTTP/1.1\r\nHost: a\r\n\r\n', /method/i],
	['a control byte in the target', 'GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n', /target/i],
	['another authority in the target', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', /authority/i],
	['a TLS hello on the plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
		/RFC 9112/],
];

/* Bodies are refused where they go wrong: the head may be upstream by then. */
const bodies = [
	['a chunk size with a sign', '+5\r\nhello\r\n0\r\n\r\n', /chunk size/i],
	['a chunk size with 0x', '0x5\r\nhello\r\n0\r\n\r\n', /chunk size/i],
	['a chunk size over 64 bits', '10000000000000005\r\nhello\r\n0\r\n\r\n', /chunk size/i],
	['an empty chunk size', '\r\nhello\r\n0\r\n\r\n', /chunk size/i],
	['a space behind the chunk size', '5 \r\nhello\r\n0\r\n\r\n', /chunk/i],
	['a bare LF behind the chunk size', '5\nhello\r\n0\r\n\r\n', /LF without CR|chunk/i],
	['more data than the chunk size', '5\r\nhello!\r\n0\r\n\r\n', /no CRLF/i],
	['a bare LF behind chunk data', '5\r\nhello\n0\r\n\r\n', /CRLF|LF without CR/i],
	['a bare LF in a chunk extension', '5;a\nb\r\nhello\r\n0\r\n\r\n', /chunk|LF without CR/i],
	['a length as trailer', '0\r\nContent-Length: 5\r\n\r\n', /trailer/i],
	['a coding as trailer', '0\r\nTransfer-Encoding: chunked\r\n\r\n', /trailer/i],
	['a Host as trailer', '0\r\nHost: b\r\n\r\n', /trailer/i],
	['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n', /fold/i],
];

async function refused(s, name, bytes, rule, status = 400) {
	const c = await s.client();
	c.send(bytes + inner);
	const answer = await c.message();
	const error = ownError(answer, status);
	assert.match(error.message, rule, name);
	assert.match(answer.head.get('connection') ?? '', /close/i, name);
	assert.equal(answer.head.get('x-should-retry'), 'false', name);
	assert.equal((await c.rest()).length, 0, `${name}: answered once`);
}

test('heads that could be read in two ways are refused by name and go nowhere', async (s) => {
	await s.start({
		answer: (r, conn) => conn.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
	});
	for (const [name, bytes, rule, status] of table)
		await refused(s, name, bytes, rule, status);
	assert.equal(s.upstream.received.toString(), '');
	assert.equal(s.upstream.tcp, 0);
});

test('chunked bodies that could be read in two ways are refused and never completed',
    async (s) => {
	await s.start({
		answer: (r, conn) => conn.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
	});
	for (const [name, bytes, rule] of bodies)
		await refused(s, name, chunked + bytes, rule);
	assert.ok(!s.upstream.received.includes('/smuggled'));
	assert.equal(s.upstream.requests.filter((r) => r.whole).length, 0);
});

test('a refused request is recorded as refused by us', async (s) => {
	await s.start({ answer: () => {} });
	await refused(s, ...table[0]);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'refused');
	assert.equal(record.status, 400);
	assert.match(record.reason ?? JSON.stringify(record), /content-length/i);
});
