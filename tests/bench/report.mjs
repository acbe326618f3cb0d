/* report.mjs - medians, ranges, and the tables. */

export function quantile(values, q) {
	const v = [...values].sort((a, b) => a - b);
	return v[Math.min(v.length - 1, Math.floor(v.length * q))];
}

export function median(values) {
	const v = [...values].sort((a, b) => a - b);
	const half = v.length >> 1;
	return v.length % 2 ? v[half] : (v[half - 1] + v[half]) / 2;
}

/* "2.41 (2.30-2.55)": the median, and the range when there is one. */
function range(values, digits) {
	const f = (x) => x.toFixed(digits);
	return values.length === 1 ? f(values[0])
		: `${f(median(values))} (${f(Math.min(...values))}–${f(Math.max(...values))})`;
}

function table(head, rows) {
	const all = [head, ...rows];
	const wide = head.map((_, i) => Math.max(3, ...all.map((r) => r[i].length)));
	const line = (r) => `| ${r.map((c, i) =>
		i ? c.padStart(wide[i]) : c.padEnd(wide[i])).join(' | ')} |`;
	const rule = `|${wide.map((w, i) => '-'.repeat(w + 1) + (i ? ':' : '-')).join('|')}|`;
	return [line(head), rule, ...rows.map(line)].join('\n');
}

/* Each round is compared with itself only: the machine differs between rounds. */
function compared(rounds, name, field, against, how) {
	return rounds.map((r) => how(r[name][field], r[against][field]));
}

const ratio = (a, b) => a / b;
const less = (a, b) => a - b;

function throughput(connections, rounds) {
	const head = ['peer', 'req/s', 'req/s ÷ nginx', 'CPU s/10k', 'CPU ÷ nginx',
		'with handshakes', 'p50 µs', 'p99 µs', 'added p50', 'added p99'];
	const rows = Object.keys(rounds[0]).map((name) => {
		const direct = name === 'direct';
		const of = (field, digits) => range(rounds.map((r) => r[name][field]), digits);
		const added = (field) => direct ? ''
			: range(compared(rounds, name, field, 'direct', less), 0);
		return [name, of('rate', 0),
			range(compared(rounds, name, 'rate', 'nginx', ratio), 2),
			direct ? '' : of('cpu', 3),
			direct ? '' : range(compared(rounds, name, 'cpu', 'nginx', ratio), 2),
			direct ? '' : of('wholeCpu', 3),
			of('p50', 0), of('p99', 0), added('p50'), added('p99')];
	});
	const plural = connections === 1 ? 'connection' : 'connections';
	return `### 4 kB POST, 2 kB answer, keep-alive, ${connections} ${plural}\n\n` +
		table(head, rows);
}

function memoryTable(m) {
	const MB = (kB) => (kB / 1024).toFixed(1);
	const head = ['tracetape', 'VmRSS MB', 'RssAnon MB', 'RssFile MB'];
	const rows = m.points.map((p) => [p.when, MB(p.rss), MB(p.anon), MB(p.file)]);
	return `### Resident memory\n\n${table(head, rows)}\n\n` +
		`Growth between ${m.growth.from} and ${m.growth.to} exchanges, per 1000: ` +
		`RssAnon ${m.growth.anon.toFixed(1)} kB, VmRSS ${m.growth.rss.toFixed(1)} kB; peak ` +
		`VmRSS ${MB(m.peak)} MB. RssFile holds the program, its libraries and LMDB's map: ` +
		'pages of the store that the kernel keeps and takes back as it likes.\n\n' +
		`Store: ${m.perExchange.toFixed(0)} bytes on disk per exchange, of which ` +
		`${m.bodies} are its two bodies. ${m.records} requests, ${m.records} records.`;
}

function eventsTable(samples) {
	const direct = samples.direct;
	const us = (x) => x.toFixed(0);
	const added = (v, q) => v === direct ? '' : us(quantile(v, q) - quantile(direct, q));
	const rows = Object.entries(samples).map(([name, v]) => [name, us(quantile(v, 0.5)),
		us(quantile(v, 0.99)), added(v, 0.5), added(v, 0.99)]);
	return `### Time to first event, kept connection, ${direct.length} streams each\n\n` +
		table(['peer', 'p50 µs', 'p99 µs', 'added p50', 'added p99'], rows);
}

function conditions(r) {
	const all = Object.values(r.load).flat().flatMap((round) => Object.values(round));
	const share = (k) => `${(100 * median(all.map((x) => x[k]))).toFixed(0)} % ` +
		`(at most ${(100 * Math.max(...all.map((x) => x[k]))).toFixed(0)} %)`;
	const m = r.machine;
	return `${m.cpu}, ${m.cores} cores, Linux ${m.kernel}; ${m.versions}; ` +
		`commit ${m.commit}; ${r.date}.\n\n` +
		`${r.rounds} round${r.rounds === 1 ? '' : 's'} of ${r.seconds} s in turning order; medians (least–most); ratios ` +
		`and added times within a round. Others took ${share('others')} of the ` +
		`machine during the runs, the hypervisor ${share('stolen')}.`;
}

export function markdown(r) {
	return ['## make bench', conditions(r),
		...Object.entries(r.load).map(([c, rounds]) => throughput(Number(c), rounds)),
		`Every request that wrk completed is a record: ${r.counted.completed} requests, ` +
		`${r.counted.complete} complete records and ${r.counted.others} others. What is more ` +
		'are requests that wrk no longer waited for when its time was over.',
		memoryTable(r.memory), eventsTable(r.events)].join('\n\n') + '\n';
}
