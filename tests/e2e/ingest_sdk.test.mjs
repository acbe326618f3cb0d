/* The real exporter, its endpoint set in code: what the SDK traced is in the store. */
import { Agent, BatchTraceProcessor, createCustomSpan, getGlobalTraceProvider, handoff,
	OpenAIProvider, OpenAITracingExporter, Runner, setTraceProcessors, tool, withAgentSpan,
	withCustomSpan, withFunctionSpan, withGenerationSpan, withGuardrailSpan, withHandoffSpan,
	withMCPListToolsSpan, withResponseSpan, withSpeechGroupSpan, withSpeechSpan, withTrace,
	withTranscriptionSpan } from '@openai/agents';
import { z } from 'zod';
import { test, assert } from './lib/scene.mjs';
import { call, json, response, text } from './lib/api.mjs';
import { accepted, items } from './lib/items.mjs';
import { openai, secret } from './lib/sdk.mjs';

/* Notes every id that the SDK itself begins or ends. */
class Counter {
	traces = [];
	spans = [];
	async onTraceStart(t) { this.traces.push(t.traceId); }
	async onTraceEnd() {}
	async onSpanStart() {}
	async onSpanEnd(s) { this.spans.push(s.spanId); }
	async shutdown() {}
	async forceFlush() {}
}

/* The SDK's exporter and its own count, on the scene's tracetape. */
function traced(scene, options) {
	const counter = new Counter();
	const exporter = new OpenAITracingExporter({ apiKey: secret,
		endpoint: `${scene.tape.url}/v1/traces/ingest` });
	setTraceProcessors([new BatchTraceProcessor(exporter, options), counter]);
	return counter;
}

/* A batch is accepted; everything else gets the next of `answers`. */
function answering(answers = []) {
	const left = [...answers];
	return { answer: (request, conn) => conn.send(request.head.target.endsWith('/ingest') ?
		accepted : left.shift()) };
}

const isBatch = (r) => r.endpoint === 'traces.ingest';
const sum = (records, name) => records.reduce((n, r) => n + r.items[name], 0);

/* What the store has is what the SDK counted, and what the upstream got. */
async function sameAsTheSdk(s, counter, exchanges) {
	await getGlobalTraceProvider().forceFlush();
	const wanted = exchanges + s.upstream.requests.filter((r) =>
		r.head.target.endsWith('/ingest')).length;
	const records = (await s.tape.settled(wanted)).filter(isBatch);
	assert.equal(sum(records, 'traces'), counter.traces.length);
	assert.equal(sum(records, 'spans'), counter.spans.length);
	assert.equal(sum(records, 'odd'), 0);
	const got = await items(s);
	const spans = got.filter((x) => x.item.object === 'trace.span');
	assert.deepEqual(spans.map((x) => x.key).sort(), counter.spans.toSorted());
	assert.deepEqual(got.filter((x) => x.item.object === 'trace').map((x) => x.key).sort(),
		counter.traces.toSorted());
	const sent = s.upstream.requests.filter((r) => r.head.target.endsWith('/ingest'))
		.flatMap((r) => JSON.parse(r.payload).data);
	const byId = new Map(sent.map((i) => [i.id, i]));
	for (const x of got)
		assert.deepEqual(x.item, byId.get(x.key));
	return { records, spans };
}

test('an agent run with its traces: as many spans as the SDK counts', async (s) => {
	await s.start(answering([
		json(response(1, [call('transfer_to_Weather_agent', {}, 1)]), { n: 1 }),
		json(response(2, [call('get_weather', { city: 'Málaga' }, 2)]), { n: 2 }),
		json(response(3, [text('It is 25°C in Málaga.')]), { n: 3 }),
	]));
	const counter = traced(s);
	const { ai } = await openai(s);
	const weather = new Agent({ name: 'Weather agent', model: 'gpt-5.4-mini',
		instructions: 'You answer weather questions.', tools: [tool({ name: 'get_weather',
			description: 'Weather for a city', parameters: z.object({ city: z.string() }),
			execute: ({ city }) => `25°C in ${city}` })] });
	const triage = Agent.create({ name: 'Triage', model: 'gpt-5.4-mini',
		instructions: 'Hand off.', handoffs: [handoff(weather)] });
	const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: ai }) });
	const result = await runner.run(triage, 'Weather in Málaga?');
	assert.equal(result.finalOutput, 'It is 25°C in Málaga.');

	const { spans } = await sameAsTheSdk(s, counter, 3);
	assert.ok(counter.spans.length >= 9, `${counter.spans.length} spans`);
	/* The join is there: each response span names a recorded response. */
	const named = spans.map((x) => x.item.span_data.response_id).filter(Boolean);
	const recorded = (await s.tape.records()).map((r) => r.response_id).filter(Boolean);
	assert.deepEqual(named.sort(), recorded.sort());
	/* They lie in the order in which they began. */
	const starts = spans.map((x) => x.item.started_at);
	assert.deepEqual(starts, starts.toSorted());
});

test('spans of every type and of types unknown are kept whole', async (s) => {
	await s.start(answering());
	const counter = traced(s);
	await withTrace('every type', async () => {
		await withAgentSpan(async () => {
			await withResponseSpan(async () => {}, { data: { response_id: 'resp_1' } });
			await withFunctionSpan(async () => {}, { data: { name: 'f', input: '{}',
				output: 'x'.repeat(150_000) } });
			await withHandoffSpan(async () => {}, { data: { from_agent: 'a', to_agent: 'b' } });
			await withGuardrailSpan(async () => {}, { data: { name: 'g', triggered: true } });
		}, { data: { name: 'a' } });
		await withGenerationSpan(async () => {}, { data: { model: 'm', input: [] } });
		await withCustomSpan(async () => {}, { data: { name: 'c', data: { big:
			'é'.repeat(200_000) } } });
		await withMCPListToolsSpan(async () => {}, { data: { server: 's', result: [] } });
		await withSpeechGroupSpan(async () => {
			await withSpeechSpan(async () => {}, { data: { input: 'i', output: { data: '',
				format: 'pcm' } } });
			await withTranscriptionSpan(async () => {}, { data: { input: { data: '',
				format: 'pcm' } } });
		}, { data: {} });
		const odd = createCustomSpan({ data: { name: 'n', data: {} } });
		odd.start();
		odd.spanData.type = 'of the future';
		odd.end();
	}, { metadata: { customer: 'acme' } });
	const { spans } = await sameAsTheSdk(s, counter, 0);
	const types = new Set(spans.map((x) => x.item.span_data.type));
	assert.equal(spans.length, 12);
	assert.ok(types.has('of the future') && types.has('response') && types.has('mcp_tools'));
});

test('hundreds of spans in many batches, several at once, are all there', async (s) => {
	await s.start(answering());
	const counter = traced(s, { maxBatchSize: 20, exportTriggerRatio: 0.05 });
	await Promise.all([1, 2, 3].map((n) => withTrace(`trace ${n}`, async () => {
		for (let i = 0; i < 150; i++)
			await withCustomSpan(async () => {}, { data: { name: `${i}`, data: { i } } });
	})));
	const { records, spans } = await sameAsTheSdk(s, counter, 0);
	assert.equal(spans.length, 450);
	assert.equal(counter.traces.length, 3);
	assert.ok(records.length > 3, `${records.length} batches`);
});
