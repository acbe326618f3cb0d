/* api.mjs - plausible answers of the API, as bytes. */
import { message, chunk, chunkedMessage } from './http.mjs';

/* Head lines as the real API sends them: odd order, mixed case, two cookies. */
export const fields = (n = 1) => [
	'Date: Sat, 21 Nov 2026 10:03:38 GMT',
	`x-request-id: req_${String(n).padStart(32, '0')}`,
	'openai-processing-ms: 123',
	'openai-version: 2020-10-01',
	'x-ratelimit-limit-requests: 10000',
	'x-ratelimit-remaining-requests: 9999',
	'x-ratelimit-reset-requests: 6ms',
	'Set-Cookie: __cf_bm=cookie-one; path=/; HttpOnly',
	'Set-Cookie: _cfuvid=cookie-two; path=/; HttpOnly',
	'CF-Ray: 8f0000000000-FRA',
	'Connection: keep-alive',
	'Keep-Alive: timeout=5',
];

export const usage = (n = 1) => ({
	input_tokens: 1000 + n,
	input_tokens_details: { cached_tokens: 512 + n, cache_write_tokens: 0 },
	output_tokens: 40 + n,
	output_tokens_details: { reasoning_tokens: 4 + n },
	total_tokens: 1040 + 2 * n,
});

export const text = (words, id = 'msg_1') => ({ type: 'message', id, role: 'assistant',
	status: 'completed', content: [{ type: 'output_text', text: words, annotations: [],
		logprobs: [] }] });

export const call = (name, args, id) => ({ type: 'function_call', id: `fc_${id}`,
	call_id: `call_${id}`, name, arguments: JSON.stringify(args), status: 'completed' });

/* A Responses object. */
export const response = (n, output, more = {}) => ({
	id: `resp_${String(n).padStart(24, '0')}`, object: 'response', created_at: 1794000000,
	status: 'completed', background: false, error: null, incomplete_details: null,
	instructions: null, max_output_tokens: null, model: 'gpt-5.4-mini', output,
	parallel_tool_calls: true, previous_response_id: null,
	reasoning: { effort: null, summary: null }, store: true, temperature: 1,
	text: { format: { type: 'text' } }, tool_choice: 'auto', tools: [], top_p: 1,
	truncation: 'disabled', usage: usage(n), user: null, metadata: {}, ...more,
});

/* JSON the way the API answers it: pretty and chunked. */
export function json(body, { status = '200 OK', n = 1, more = [] } = {}) {
	const text = JSON.stringify(body, null, 2);
	const mid = text.length >> 1;
	return chunkedMessage(`HTTP/1.1 ${status}`, ['Content-Type: application/json', ...fields(n),
		...more], [text.slice(0, mid), text.slice(mid)]);
}

/* Any body with a Content-Length. */
export function plain(body, { status = '200 OK', type = 'application/json', n = 1,
	more = [] } = {}) {
	return message(`HTTP/1.1 ${status}`, [`Content-Type: ${type}`, ...fields(n), ...more], body);
}

/* The head of a streamed answer; events follow as chunks. */
export const streamHead = (n = 1) => Buffer.from(['HTTP/1.1 200 OK',
	'Content-Type: text/event-stream; charset=utf-8', ...fields(n),
	'Transfer-Encoding: chunked', '', ''].join('\r\n'));

export const event = (type, data) => chunk(`event: ${type}\ndata: ${
	JSON.stringify({ type, ...data })}\n\n`);

export const lastChunk = Buffer.from('0\r\n\r\n');

/* The events of one streamed answer, in order, each a chunk. */
export function stream(n, words) {
	const item = { output_index: 0, item_id: 'msg_1', content_index: 0 };
	const begun = response(n, [], { status: 'in_progress', usage: null });
	let sequence_number = 0;
	const next = (type, data) => event(type, { sequence_number: sequence_number++, ...data });
	const all = words.join('');
	return [
		next('response.created', { response: begun }),
		next('response.in_progress', { response: begun }),
		next('response.output_item.added', { output_index: 0,
			item: { ...text(''), status: 'in_progress', content: [] } }),
		next('response.content_part.added', { ...item,
			part: { type: 'output_text', text: '', annotations: [] } }),
		...words.map((delta) => next('response.output_text.delta', { ...item, delta,
			logprobs: [], obfuscation: 'x1y2z3' })),
		next('response.output_text.done', { ...item, text: all, logprobs: [] }),
		next('response.content_part.done', { ...item,
			part: { type: 'output_text', text: all, annotations: [] } }),
		next('response.output_item.done', { output_index: 0, item: text(all) }),
		next('response.completed', { response: response(n, [text(all)]) }),
	];
}
