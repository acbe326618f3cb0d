/* memory.mjs - resident memory idle and after many exchanges; the store's size. */
import { poll } from '../e2e/lib/wait.mjs';
import { memory, occupied } from './proc.mjs';
import { loadExactly } from './load.mjs';
import { countRecords } from './records.mjs';

const first = 2000;
const total = 20_000;
const connections = 32;

/* Loads tape until it has recorded n exchanges more, and all of them are ended. */
async function record(tape, peer, n, upTo, body) {
	await loadExactly(peer, n, { connections, body });
	let seen;
	await poll(async () => {
		seen = await countRecords(tape);
		return seen.complete >= upTo;
	}, () => `${upTo} complete records; the store has ${JSON.stringify(seen)}`, 30_000);
	if (seen.complete !== upTo || seen.others)
		throw new Error(`${upTo} requests made ${JSON.stringify(seen)} records`);
}

/* What a fresh tape needs; peer is how wrk reaches it. */
export async function growth(tape, peer, body, bodies) {
	const point = (when) => ({ when, ...memory(tape.pid) });
	const empty = occupied(tape.store);
	const points = [point('idle, no request yet')];
	await record(tape, peer, first, first, body);
	points.push(point(`after ${first} exchanges`));
	await record(tape, peer, total - first, total, body);
	points.push(point(`after ${total} exchanges`));
	const [, a, b] = points;
	const per1000 = (k) => (b[k] - a[k]) / (total - first) * 1000;
	return { points, peak: b.peak, records: total, bodies,
		growth: { from: first, to: total, anon: per1000('anon'), rss: per1000('rss') },
		perExchange: (occupied(tape.store) - empty) / total };
}
