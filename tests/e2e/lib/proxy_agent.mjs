/* proxy_agent.mjs - a program as its user wrote it: two agents, a hand-off, a tool.
 *
 * It knows nothing of tracetape and is the same for every run; who runs it sets the
 * environment.
 */
import { Agent, handoff, run, tool, withTrace } from '@openai/agents';
import { z } from 'zod';

const weather = new Agent({ name: 'Weather agent', model: 'gpt-5.4-mini',
	instructions: 'You answer weather questions.', tools: [tool({ name: 'get_weather',
		description: 'Weather for a city', parameters: z.object({ city: z.string() }),
		execute: async ({ city }) => `25°C in ${city}` })] });
const triage = Agent.create({ name: 'Triage', model: 'gpt-5.4-mini',
	instructions: 'Hand off.', handoffs: [handoff(weather)] });

await withTrace('Weather desk', async () => {
	const result = await run(triage, 'Weather in Málaga?');
	console.log(result.finalOutput);
}, { groupId: 'group_1', metadata: { customer: 'acme' } });
