/* Bodies of a conversation lie squeezed, and are read back as they went. */
import { test, assert } from './lib/scene.mjs';
import { answering, answers, everyBodyIsBack, history, tools, watch,
	words } from './lib/growth.mjs';
import { openai } from './lib/sdk.mjs';

const turns = 12;

for (const kind of ['json', 'sse'])
	for (const memory of ['64m', '2m', '0'])
		test(`a conversation, ${kind}, ${memory} for parents: all is read back`, async (s) => {
			let w;
			await s.start({ answer: answering(() => w, answers[kind]),
				set: { 'store.parents_bytes': memory } });
			w = watch(s);
			const { ai } = await openai(s);
			for (let n = 1; n <= turns; n++) {
				const got = await ai.responses.create({ model: 'gpt-5.4', tools,
					instructions: words(5, 6000), input: history(0, n), stream: kind === 'sse' });
				if (kind === 'sse')
					for await (const e of got)
						void e;
			}
			const records = await everyBodyIsBack(s, w);
			assert.equal(records.length, turns);
			await s.tape.stop();
			await everyBodyIsBack(s, w);
		});

test('bodies as they were coded are kept as they were sent', async (s) => {
	const { gzipSync } = await import('node:zlib');
	const body = gzipSync(Buffer.from(JSON.stringify({ model: 'm', input: words(1, 60000) })),
		{ level: 1 });
	await s.start({ answer: (request, conn) => conn.send(answers.json(1)) });
	await s.ask(Buffer.concat([Buffer.from(['POST /v1/responses HTTP/1.1', 'Host: a',
		'Content-Type: application/json', 'Content-Encoding: gzip',
		`Content-Length: ${body.length}`, '', ''].join('\r\n')), body]));
	const [record] = await s.tape.settled(1);
	assert.ok((await s.tape.requestBody(record.seq)).equals(body));
});
