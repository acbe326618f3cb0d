/* slow_disk.mjs - makes the recorder's writer wait as long as a test likes. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lmdbPath } from './keys.mjs';
import { poll, within } from './wait.mjs';

const source = fileURLToPath(new URL('../hold_writer.c', import.meta.url));

/* Resolves when nothing can be committed any more; the result lets go again. */
export async function holdWriter(scene) {
	const binary = join(scene.dir, 'hold_writer');
	execFileSync(process.env.CC ?? 'cc', ['-std=c11', '-D_GNU_SOURCE', '-o', binary, source,
		'-llmdb']);
	const p = spawn(binary, [lmdbPath(scene.tape.store)], { stdio: ['pipe', 'pipe', 'inherit'] });
	const gone = once(p, 'exit');
	let out = '';
	p.stdout.on('data', (d) => { out += d; });
	const release = async () => {
		p.stdin.end();
		await within(gone, 'the writer lock to be let go');
	};
	scene.atEnd(release);
	await poll(() => out.includes('held'), 'the writer lock');
	return release;
}
