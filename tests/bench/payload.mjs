/* payload.mjs - what is sent and answered: sizes to the byte, shapes of the API. */

const system = 'You are a careful assistant of a travel agency. Answer with facts that ' +
	'stand in the documents below and name the paragraph that each of them comes from. ';
const tool = { type: 'function', name: 'get_weather', strict: true,
	description: 'Weather at a place now, in degrees Celsius.',
	parameters: { type: 'object', additionalProperties: false, required: ['city'],
		properties: { city: { type: 'string' } } } };

/* Words that do not repeat soon, so that nothing compresses better than text does. */
function prose(length) {
	let seed = 1;
	let s = '';
	while (s.length < length) {
		seed = (seed * 48271) % 2147483647;
		s += seed.toString(26).replace(/[^a-z]/g, 'e') + ' ';
	}
	return s.slice(0, length);
}

/* JSON of exactly so many bytes: make(text) with as much text as fits. */
function fitted(bytes, make) {
	const bare = JSON.stringify(make('')).length;
	return JSON.stringify(make(prose(bytes - bare)));
}

export const requestBody = (bytes) => fitted(bytes, (text) => ({
	model: 'gpt-5-mini', instructions: system, tools: [tool], temperature: 0.2,
	parallel_tool_calls: true, store: true,
	input: [
		{ role: 'user', content: [{ type: 'input_text', text }] },
		{ role: 'assistant', content: [{ type: 'output_text', text: 'Which day?' }] },
		{ role: 'user', content: [{ type: 'input_text', text: 'Tomorrow, in Oslo.' }] },
	],
}));

const usage = { input_tokens: 1012, input_tokens_details: { cached_tokens: 896 },
	output_tokens: 301, output_tokens_details: { reasoning_tokens: 64 },
	total_tokens: 1313 };

const response = (text, status) => ({
	id: 'resp_0123456789abcdef0123456789abcdef0123456789abcdef',
	object: 'response', created_at: 1760000000, status, model: 'gpt-5-mini-2025-08-07',
	output: status === 'completed' ? [{ type: 'message', id: 'msg_0123456789abcdef',
		status, role: 'assistant',
		content: [{ type: 'output_text', annotations: [], text }] }] : [],
	parallel_tool_calls: true, previous_response_id: null, service_tier: 'default',
	error: null, usage: status === 'completed' ? usage : null,
});

export const answerBody = (bytes) => fitted(bytes, (text) => response(text, 'completed'));

const event = (type, data) =>
	`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

/* The events of a short stream, in order. */
export const events = [
	event('response.created', { sequence_number: 0, response: response('', 'in_progress') }),
	...['It ', 'will ', 'rain.'].map((delta, i) => event('response.output_text.delta',
	    { sequence_number: i + 1, item_id: 'msg_1', output_index: 0, content_index: 0, delta })),
	event('response.completed', { sequence_number: 4,
		response: response('It will rain.', 'completed') }),
];
