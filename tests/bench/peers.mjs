/* peers.mjs - the processes between which wrk measures: nginx as upstream and as
 * proxy.  Each has url, pids, and stop(); tracetape is the Tape of the e2e tests.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { poll, within } from '../e2e/lib/wait.mjs';
import { children } from './proc.mjs';

/* A port that nobody had a moment ago: nginx cannot choose one itself. */
async function freePort() {
	const s = createServer().listen(0, '127.0.0.1');
	await once(s, 'listening');
	const { port } = s.address();
	s.close();
	await once(s, 'close');
	return port;
}

/* One worker; connections that are never closed for having served enough; no
 * log that the other peers would not write either. */
const conf = (dir, http) => `daemon off;
user root;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log error;
events { worker_connections 1024; }
http {
	access_log off;
	default_type application/json;
	keepalive_requests 1000000000;
	keepalive_timeout 300s;
	client_body_temp_path ${dir}/body;
	proxy_temp_path ${dir}/proxy;
	fastcgi_temp_path ${dir}/fastcgi;
	uwsgi_temp_path ${dir}/uwsgi;
	scgi_temp_path ${dir}/scgi;
	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_session_cache shared:s:1m;
${http}
}
`;

const listen = (port, certs) => `listen 127.0.0.1:${port} ssl;
		server_name localhost;
		ssl_certificate ${certs.file('good.pem')};
		ssl_certificate_key ${certs.file('good.key')};`;

class Nginx {
	constructor(dir, port) {
		this.dir = dir;
		this.port = port;
		this.url = `https://localhost:${port}`;
		mkdirSync(dir, { recursive: true });
	}

	async start(http) {
		const file = join(this.dir, 'nginx.conf');
		writeFileSync(file, conf(this.dir, http));
		this.log = '';
		this.process = spawn('nginx', ['-e', join(this.dir, 'error.log'), '-c', file],
		    { stdio: ['ignore', 'ignore', 'pipe'] });
		this.process.stderr.on('data', (s) => { this.log += s; });
		this.gone = once(this.process, 'close');
		await poll(() => {
			if (this.process.exitCode !== null)
				throw new Error(`nginx ended at once: ${this.log}`);
			return children(this.process.pid).length === 1;
		}, 'the worker of nginx');
		this.pids = [this.process.pid, ...children(this.process.pid)];
		return this;
	}

	async stop() {
		this.process.kill('SIGTERM');
		await within(this.gone, 'nginx to end');
	}
}

/* Answers every request from memory, and counts them at `status`. */
export async function startUpstream(dir, certs, answer) {
	const n = new Nginx(dir, await freePort());
	const status = await freePort();
	n.statusUrl = `http://127.0.0.1:${status}/`;
	return n.start(`
	server {
		${listen(n.port, certs)}
		location / { return 200 '${answer}'; }
	}
	server {
		listen 127.0.0.1:${status};
		location / { stub_status; }
	}`);
}

/* The yardstick: TLS in, TLS out, nothing recorded, as Debian ships it.  A stream
 * of events goes to another port, unbuffered. */
export async function startProxy(dir, certs, port, eventsPort) {
	const n = new Nginx(dir, await freePort());
	return n.start(`
	upstream answers { server 127.0.0.1:${port}; keepalive 64;
		keepalive_requests 1000000000; keepalive_timeout 300s; }
	upstream events { server 127.0.0.1:${eventsPort}; keepalive 64;
		keepalive_requests 1000000000; keepalive_timeout 300s; }
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_ssl_protocols TLSv1.2 TLSv1.3;
	proxy_ssl_server_name on;
	proxy_ssl_name localhost;
	proxy_ssl_trusted_certificate ${certs.file('root.pem')};
	proxy_ssl_verify on;
	server {
		${listen(n.port, certs)}
		location / { proxy_pass https://answers; }
		location /events { proxy_buffering off; proxy_pass https://events; }
	}`);
}

/* How many requests the upstream has read so far. */
export async function served(upstream) {
	const text = await (await fetch(upstream.statusUrl)).text();
	return Number(text.match(/^ *\d+ \d+ (\d+) *$/m)[1]);
}
