/* Names of tunnels that no server answers for, and the upstream's. */
import { test, assert } from './lib/scene.mjs';
import { connectHead, get, plainOrigin } from './lib/proxy_forward.mjs';
import { Dns } from './lib/proxy_dns.mjs';
import { poll } from './lib/wait.mjs';

const n = 100;

test('names that nobody answers for do not hold up the name of the upstream', async (s) => {
	const origin = await plainOrigin(s);
	const dns = await Dns.start(s, { 'upstream.example': { a: ['127.0.0.1'] } });
	const silent = new Set();
	dns.udp.removeAllListeners('message').on('message', (m, from) => {
		const [name] = m.toString('latin1', 12).match(/silent\d+/i) ?? [];
		if (name)
			silent.add(name.toLowerCase());
		else
			dns.udp.send(dns.answer(m), from.port, from.address);
	});
	s.tape = await s.record({ upstream: `http://upstream.example:${origin.port}`,
		set: { 'upstream.dns': dns.address, 'timeouts.connect_ms': 60_000 } });
	for (let k = 0; k < n; k++)
		(await s.client()).send(connectHead(`silent${k}.example:443`));
	await poll(() => silent.size === n, 'all names to be asked for at once', 2500);
	assert.equal((await s.ask(get('a'))).payload.toString(), 'ok');
});
