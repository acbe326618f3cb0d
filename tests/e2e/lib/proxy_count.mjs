/* proxy_count.mjs - for node --import: how many traces and spans the SDK itself made,
 * written to $COUNT_FILE at the end. */
import { writeFileSync } from 'node:fs';
import { addTraceProcessor } from '@openai/agents';

const traces = [], spans = [];
const nothing = async () => {};
addTraceProcessor({
	onTraceStart: async (t) => { traces.push(t.traceId); },
	onTraceEnd: nothing,
	onSpanStart: nothing,
	onSpanEnd: async (s) => { spans.push(s.spanId); },
	forceFlush: nothing, shutdown: nothing,
});
process.on('exit', () => writeFileSync(process.env.COUNT_FILE, JSON.stringify({ traces, spans })));
