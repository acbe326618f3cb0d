/* Recorded text is the work of strangers: it must not drive the terminal. */
import { test, assert } from './lib/scene.mjs';
import { run } from './lib/tape.mjs';
import { message } from './lib/http.mjs';

const esc = '\x1b]0;owned\x07';
const c1 = '\u009b2J';
const bidi = '\u202e';
const evil = `gpt${esc}${c1}${bidi}`;
const body = JSON.stringify({ id: 'resp_1', object: 'response', model: evil,
	status: 'completed', output: [{ type: 'message', role: 'assistant', content: [{
		type: 'output_text', text: evil }] }], usage: null, error: { code: evil, message: evil } });
const plain = `raw ${esc} ${c1} text \b\b`;

/* Anything that a terminal would obey, but for colours and line feeds. */
function obeyed(text) {
	return text.replace(/\x1b\[[0-9;]*m/g, '')
		.match(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]/u);
}

async function recorded(s) {
	const answers = [message('HTTP/1.1 200 OK', ['Content-Type: application/json'], body),
		message('HTTP/1.1 200 OK', ['Content-Type: text/plain'], plain)];
	await s.start({ answer: (r, conn) => conn.send(answers.shift()) });
	await s.ask(message('POST /v1/responses HTTP/1.1', ['Host: a'], JSON.stringify({
		model: evil, input: evil })));
	await s.ask(message('POST /v1/files HTTP/1.1', ['Host: a'], plain));
	return s.tape.settled(2);
}

test('control characters in recorded text do not reach a terminal', async (s) => {
	const [first] = await recorded(s);
	assert.equal(first.model, evil, 'jsonl keeps the text itself');
	for (const args of [['dump'], ['dump', 'show', '1'], ['dump', 'show', '2']]) {
		const command = [...args, '-s', s.tape.store];
		const { out, code } = await run(s.dir, command);
		assert.equal(code, 0);
		assert.equal(obeyed(out.toString()), null, args.join(' '));
		const tty = await run(s.dir, [], { wrap: ['script', '-qec',
			[process.env.TRACETAPE_BINARY ?? s.tape.command[0], ...command].join(' '),
			'/dev/null'] });
		assert.equal(obeyed(tty.out.toString().replaceAll('\r\n', '\n')), null,
		    `${args.join(' ')} on a terminal`);
	}
	assert.match(await s.tape.show(1), /\\x1b|\\u001b/);
});

test('dump raw gives the bytes themselves', async (s) => {
	await recorded(s);
	assert.equal((await s.tape.responseBody(1)).toString(), body);
	assert.equal((await s.tape.responseBody(2)).toString(), plain);
});
