/* proc.mjs - what the kernel says about processes: time, memory, children. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));

const read = (path) => readFileSync(path, 'latin1');

/* The fields of a stat line after the command, which may contain spaces. */
function fields(path) {
	const line = read(path);
	return line.slice(line.lastIndexOf(')') + 2).split(' ');
}

/* CPU seconds, user and system, of all threads of these processes so far. */
export function cpuSeconds(pids) {
	let ticks = 0;
	for (const pid of pids) {
		const f = fields(`/proc/${pid}/stat`);
		ticks += Number(f[11]) + Number(f[12]);
	}
	return ticks / ticksPerSecond;
}

/* CPU seconds that the whole machine has worked, whoever asked for it; what the
 * hypervisor gave to others is in `stolen`. */
export function machineSeconds() {
	const f = read('/proc/stat').split('\n')[0].split(/ +/).slice(1).map(Number);
	const [user, nice, system, , , irq, softirq, steal] = f;
	return { busy: (user + nice + system + irq + softirq) / ticksPerSecond,
		stolen: steal / ticksPerSecond };
}

export function children(pid) {
	return read(`/proc/${pid}/task/${pid}/children`).trim().split(' ')
		.filter(Boolean).map(Number);
}

/* Resident memory in kB: all of it, what is the process's own, and pages of
 * files, to which LMDB's map belongs. */
export function memory(pid) {
	const text = read(`/proc/${pid}/status`);
	const kB = (name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]);
	return { rss: kB('VmRSS'), anon: kB('RssAnon'), file: kB('RssFile'), peak: kB('VmHWM') };
}

/* Bytes that the files of a directory occupy. */
export function occupied(dir) {
	let bytes = 0;
	for (const name of readdirSync(dir)) {
		const s = statSync(join(dir, name));
		if (s.isFile())
			bytes += s.blocks * 512;
	}
	return bytes;
}
