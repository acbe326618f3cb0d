/* An upstream that cannot prove who it is gets no byte of ours. */
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';
import { Issuer } from './lib/certs.mjs';
import { ownError } from './lib/own_error.mjs';

const notCa = 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyCertSign\n';
const leaf = 'basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost\n';

/* Each makes a server's certificate; the answer must name the reason. */
const cases = [
	['has expired', /expired/i, (ca) => ca.leaf('expired', 'root', { from: -30, to: -2 })
		.server('expired')],
	['is not valid yet', /future|not yet|not valid/i, (ca) =>
		ca.leaf('young', 'root', { from: 2, to: 30 }).server('young')],
	['names another host', /name/i, (ca) =>
		ca.leaf('other', 'root', { san: 'DNS:api.example' }).server('other')],
	['names only the parent of our host', /name/i, (ca) =>
		ca.leaf('wild', 'root', { san: 'DNS:*.localhost' }).server('wild')],
	['has signed itself', /trusted|self-signed/i, (ca) =>
		ca.make('self', null, { cn: 'localhost', ext: leaf }).server('self')],
	['comes from a root that nobody trusts', /trusted/i, (ca) =>
		ca.root('stranger').leaf('strange', 'stranger').server('strange', 'stranger')],
	['comes from an issuer that is no CA', /trusted|CA/, (ca) =>
		ca.make('inter', 'root', { ext: notCa }).leaf('under', 'inter').server('under', 'inter')],
];

for (const [what, reason, make] of cases) {
	test(`an upstream whose certificate ${what} is refused with the reason`, async (s) => {
		const ca = new Issuer(join(s.dir, 'bad')).root('root');
		s.upstream = await s.origin({ server: make(ca), answer: () => {} });
		s.tape = await s.record({ ca: ca.file('root.pem') });
		const answer = await s.ask('POST /v1/responses HTTP/1.1\r\nHost: a\r\n'
			+ 'Authorization: Bearer sk-secret\r\nContent-Length: 2\r\n\r\n{}');
		const error = ownError(answer, 502);
		assert.match(error.message, reason);
		assert.match(error.message, /localhost/);
		assert.equal(answer.head.get('x-should-retry'), 'false');
		assert.equal(s.upstream.received.length, 0);
		const [record] = await s.tape.settled(1);
		assert.equal(record.status, 502);
		assert.equal(record.outcome, 'upstream');
		assert.match(record.reason, reason);
	});
}

test('a chain through an intermediate is accepted', async (s) => {
	const ca = new Issuer(join(s.dir, 'deep')).root('root').make('inter', 'root', {
		ext: 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n' })
		.leaf('deep', 'inter');
	s.upstream = await s.origin({ server: ca.server('deep', 'inter'),
		answer: (r, conn) => conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') });
	s.tape = await s.record({ ca: ca.file('root.pem') });
	const answer = await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal(answer.payload.toString(), 'ok');
});
