/* wait.mjs - waiting for things to happen, each with a deadline and a name. */
import { setTimeout as pause } from 'node:timers/promises';

/* Sanitizers make everything slower by about 3. */
export const sanitized = Boolean(process.env.TRACETAPE_SANITIZED);
export const deadlineMs = sanitized ? 30_000 : 10_000;

/* Settles as promise does, or rejects saying what did not happen in time. */
export async function within(promise, what, ms = deadlineMs) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/* Asks until ask() gives something truthy, and gives that. */
export async function poll(ask, what, ms = deadlineMs) {
	const end = performance.now() + ms;
	for (;;) {
		const got = await ask();
		if (got)
			return got;
		if (performance.now() > end)
			throw new Error(`not within ${ms} ms: ${typeof what === 'function' ? what() : what}`);
		await pause(15);
	}
}

/* A promise and its two ends. */
export function signal() {
	return Promise.withResolvers();
}
