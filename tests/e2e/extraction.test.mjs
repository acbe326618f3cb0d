/* What is read out of the API's endpoints, matched by the end of their paths. */
import { test, assert } from './lib/scene.mjs';
import { chunkedMessage, message } from './lib/http.mjs';
import { response, text, usage } from './lib/api.mjs';

const chatUsage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const chatChunk = (more) => `data: ${JSON.stringify({ id: 'chatcmpl-1', model: 'gpt-4o',
	object: 'chat.completion.chunk', choices: [], ...more })}\n\n`;
const event = (type, data) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

/* Method and path, the answer, is it a stream, what must be recorded. */
const table = [
	['POST', '/v1/responses', response(1, [text('a')], { previous_response_id: 'resp_0' }),
		{ usage: usage(1), model: 'gpt-5.4-mini', previous_response_id: 'resp_0' }],
	['POST', '/openai/v1/responses?beta=true', response(2, []), { usage: usage(2) }],
	['POST', '/responses', response(3, [], { usage: null, status: 'queued' }),
		{ usage: null, response_id: response(3, []).id }],
	['GET', '/v1/responses/resp_000000000000000000000004', response(4, []), { usage: usage(4) }],
	['POST', '/v1/responses/resp_5/cancel', response(5, [], { usage: null, status: 'cancelled' }),
		{ usage: null }],
	['POST', '/v1/responses/compact', { id: 'resp_c', object: 'response.compaction',
		usage: usage(6) }, { usage: usage(6) }],
	['GET', '/v1/responses/resp_7?stream=true&starting_after=2',
		event('response.completed', { sequence_number: 9, response: response(7, []) }),
		{ usage: usage(7), response_id: response(7, []).id }],
	['POST', '/v1/responses', event('response.created', { response: response(8, [],
		{ usage: null }) }) + event('response.failed', { response: response(8, [], {
		usage: null, status: 'failed', error: { code: 'server_error', message: 'Oh.' } }) }),
		{ usage: null }],
	['POST', '/v1/responses', event('response.incomplete', { response: response(9, [], {
		status: 'incomplete' }) }).replaceAll('\n', '\r\n').trimEnd(), { usage: usage(9) }],
	['POST', '/v1/chat/completions', { id: 'chatcmpl-1', object: 'chat.completion',
		model: 'gpt-4o', choices: [], usage: chatUsage }, { usage: chatUsage, model: 'gpt-4o' }],
	['POST', '/v1/chat/completions', chatChunk({}) + chatChunk({ usage: chatUsage })
		+ 'data: [DONE]\n\n', { usage: chatUsage, model: 'gpt-4o' }],
	['POST', '/v1/embeddings', { object: 'list', data: [], model: 'text-embedding-3-small',
		usage: { prompt_tokens: 8, total_tokens: 8 } },
		{ usage: { prompt_tokens: 8, total_tokens: 8 } }],
	['POST', '/v1/files', { id: 'file_1', usage: { input_tokens: 1 } }, { usage: null }],
	['POST', '/v1/responses', 'this is not JSON', { usage: null, response_id: null }],
	['POST', '/v1/responses', '{"id":"resp_x","usage":{"input_tokens":1', { usage: null }],
];

test('usage, ids and models are read from every endpoint that has them', async (s) => {
	const left = [...table];
	await s.start({ answer: (r, conn) => {
		const [, , body] = left.shift();
		const isStream = typeof body === 'string' && /^(event|data): /.test(body);
		const type = `Content-Type: ${isStream ? 'text/event-stream' : 'application/json'}`;
		const bytes = typeof body === 'string' ? body : JSON.stringify(body);
		return conn.send(isStream
			? chunkedMessage('HTTP/1.1 200 OK', [type], bytes.match(/[^]{1,50}/g))
			: message('HTTP/1.1 200 OK', [type], bytes));
	} });
	const c = await s.client();
	for (const [method, path] of table) {
		c.send(message(`${method} ${path} HTTP/1.1`, ['Host: a', 'Content-Type: application/json'],
		    method === 'POST' ? '{"model":"asked"}' : ''));
		await c.message();
	}
	const records = await s.tape.settled(table.length);
	for (const [i, [method, path, , expected]] of table.entries())
		for (const [name, value] of Object.entries(expected))
			assert.deepEqual(records[i][name], value, `${i}: ${method} ${path}: ${name}`);
});
