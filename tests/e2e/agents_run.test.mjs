/* A real agent: hand-off, tool, answer. */
import { Agent, handoff, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { z } from 'zod';
import { test, assert } from './lib/scene.mjs';
import { call, json, response, text, usage } from './lib/api.mjs';
import { answering } from './lib/answering.mjs';
import { openai, sameInThreeViews } from './lib/sdk.mjs';

setTracingDisabled(true);

test('an agent run with hand-off and tool is recorded call by call', async (s) => {
	const reasoning = { id: 'rs_1', type: 'reasoning', summary: [] };
	const script = answering([
		json(response(1, [call('transfer_to_Weather_agent', {}, 1)]), { n: 1 }),
		json(response(2, [reasoning, call('get_weather', { city: 'Málaga' }, 2)]), { n: 2 }),
		json(response(3, [text('It is 25°C in Málaga.')]), { n: 3 }),
	]);
	await s.start(script);
	const { ai, relay } = await openai(s);
	const asked = [];
	const weather = new Agent({ name: 'Weather agent', model: 'gpt-5.4-mini',
		instructions: 'You answer weather questions.', tools: [tool({ name: 'get_weather',
			description: 'Weather for a city', parameters: z.object({ city: z.string() }),
			execute: ({ city }) => { asked.push(city); return `25°C in ${city}`; } })] });
	const triage = Agent.create({ name: 'Triage', model: 'gpt-5.4-mini',
		instructions: 'Hand off.', handoffs: [handoff(weather)] });

	const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: ai }) });
	const result = await runner.run(triage, 'Weather in Málaga?');
	assert.equal(result.finalOutput, 'It is 25°C in Málaga.');
	assert.deepEqual(asked, ['Málaga']);

	const seen = await relay.exchanges();
	assert.equal(seen.length, 3);
	const records = await s.tape.settled(3);
	assert.equal(records.length, s.upstream.requests.length);
	assert.deepEqual(records.map((r) => r.seq), [1, 2, 3]);
	const last = JSON.parse(await s.tape.requestBody(3));
	assert.ok(last.input.some((i) => i.type === 'function_call_output' &&
		i.output === '25°C in Málaga'));
	/* Calls run one after another, on any number of connections. */
	for (const [i, record] of records.entries()) {
		const upstream = s.upstream.requests[i];
		const client = seen.find((x) => x.request.wire.equals(upstream.wire));
		assert.deepEqual(record.usage, usage(i + 1));
		await sameInThreeViews(s, { client, upstream, answered: script.answered[i], record });
	}
});
