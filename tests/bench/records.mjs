/* records.mjs - how many records a tape has, and how they ended. */

/* Counted in the text: there are tens of thousands of them. */
export async function countRecords(tape) {
	const { code, out, err } = await tape.dump('-o', 'jsonl');
	if (code !== 0 && code !== 1)
		throw new Error(`dump: exit ${code}: ${err}`);
	const count = { complete: 0, others: 0 };
	for (let from = 0, to; (to = out.indexOf(10, from)) >= 0; from = to + 1) {
		const complete = out.subarray(from, to).includes('"outcome":"complete"');
		count[complete ? 'complete' : 'others']++;
	}
	return count;
}

/* wrk leaves at most one request per connection unanswered when its time is over;
 * tracetape may have answered it.  runs: [{ requests, connections }] */
export function checkRecords(seen, runs) {
	const sum = (k) => runs.reduce((n, r) => n + r[k], 0);
	const completed = sum('requests');
	const open = sum('connections');
	if (seen.complete < completed || seen.complete + seen.others > completed + open)
		throw new Error(`wrk completed ${completed} requests on ${open} connections, but ` +
		    `there are ${seen.complete} complete records and ${seen.others} others`);
	return completed;
}
