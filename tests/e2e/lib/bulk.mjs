/* bulk.mjs - bodies of gigabytes: made, counted and summed, never kept. */
import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { binary } from './tape.mjs';

export const MiB = 1 << 20;
export const GiB = 1 << 30;
const block = randomBytes(MiB);

/* Blocks of 1 MiB, each begun with its number; null after n of them. */
export const blocks = (n) => (k) => {
	if (k >= n)
		return null;
	const b = Buffer.from(block);
	b.writeUInt32BE(k);
	return b;
};

/* What those bytes sum to. */
export function sumOf(n) {
	const h = createHash('sha256');
	const each = blocks(n);
	for (let k = 0; k < n; k++)
		h.update(each(k));
	return h.digest('hex');
}

/* Counts and sums what is poured into it. */
export class Sum {
	bytes = 0;
	#hash = createHash('sha256');
	take = (b) => { this.bytes += b.length; this.#hash.update(b); };
	hex() { return this.#hash.digest('hex'); }
}

/* The sum of what dump raw writes, without keeping it. */
export async function rawSum(tape, seq, side) {
	const p = spawn(binary, ['dump', 'raw', String(seq), side, '-s', tape.store],
	    { stdio: ['ignore', 'pipe', 'inherit'] });
	const sum = new Sum();
	p.stdout.on('data', sum.take);
	const [code] = await once(p, 'close');
	return { code, bytes: sum.bytes, hex: sum.hex() };
}
