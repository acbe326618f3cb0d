/* A hundred turns: the store grows by what is new.  Prints how much, by ten turns. */
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { z } from 'zod';
import { test } from '../lib/scene.mjs';
import { call, json, response, text } from '../lib/api.mjs';
import { openai } from '../lib/sdk.mjs';
import { answering, answers, everyBodyIsBack, growsByWhatIsNew, history, tools, watch,
	words } from '../lib/growth.mjs';

setTracingDisabled(true);

const turns = 100;

/* Requests of turn n, and how many of the bodies' bytes the file may grow by.  A compacted
 * history is less than half as long, and what is new in it is as much. */
const scenes = {
	'a plain run': { most: 0.03, calls: (n) => [{ input: history(0, n) }] },
	'a system line that changes each turn': { most: 0.03, calls: (n) => [{
		input: [{ role: 'system', content: `It is turn ${n}` }, ...history(0, n)] }] },
	'a history compacted at turns 40 and 80': { most: 0.06, calls: (n) => [{
		input: history(0, n, n < 40 ? 0 : n < 80 ? 40 : 80) }] },
	'two agents in turns': { most: 0.03, calls: (n) => [{ input: history(0, n) },
		{ input: history(1, n) }] },
};

/* `make test` has each scene once, `make heavy` each with either kind of answer. */
const kinds = (i) => process.env.E2E_EVERY ? ['json', 'sse'] : [['json', 'sse'][i % 2]];

for (const [i, [name, { most, calls }]] of Object.entries(scenes).entries())
	for (const kind of kinds(i))
		test(`${name}, ${kind}: grows by what is new, all is read back`, async (s) => {
			let w;
			await s.start({ answer: answering(() => w, answers[kind]) });
			w = watch(s);
			const { ai } = await openai(s);
			for (let n = 1; n <= turns; n++) {
				for (const more of calls(n)) {
					const got = await ai.responses.create({ model: 'gpt-5.4',
						instructions: words(5, 6000), tools, stream: kind === 'sse', ...more });
					if (kind === 'sse')
						for await (const e of got)
							void e;
				}
				await w.turn(n);
			}
			growsByWhatIsNew(w, `${name}, ${kind}`, most);
			await everyBodyIsBack(s, w);
		});

test('a run of a real agent grows by what is new, all is read back', async (s) => {
	let w;
	await s.start({ answer: answering(() => w, (n) => json(response(n, [n < turns ?
		call('read_file', { path: `src/${n}.c` }, n) : text('Done.')]), { n })) });
	w = watch(s);
	const { ai } = await openai(s);
	let n = 0;
	const agent = new Agent({ name: 'Coder', model: 'gpt-5.4', instructions: words(5, 6000),
		tools: [tool({ name: 'read_file', description: words(1000, 8000),
			parameters: z.object({ path: z.string().describe(words(2000, 8000)) }),
			execute: async () => { await w.turn(++n); return words(n, 4000); } })] });
	const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: ai }) });

	await runner.run(agent, 'Read all of it.', { maxTurns: turns + 1 });
	await w.turn(turns);
	growsByWhatIsNew(w, 'a real agent', 0.03);
	await everyBodyIsBack(s, w);
});
