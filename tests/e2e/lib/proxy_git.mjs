/* proxy_git.mjs - git's own smart HTTP server (git http-backend) behind TLS. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';

const CRLF2 = /\r?\n\r?\n/;

function environment(root, req) {
	const { pathname, search } = new URL(req.url, 'https://x');
	return { PATH: process.env.PATH, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1',
		PATH_INFO: pathname, QUERY_STRING: search.slice(1), REQUEST_METHOD: req.method,
		REMOTE_USER: 'somebody', REMOTE_ADDR: '127.0.0.1',
		CONTENT_TYPE: req.headers['content-type'] ?? '',
		CONTENT_LENGTH: req.headers['content-length'] ?? '',
		HTTP_CONTENT_ENCODING: req.headers['content-encoding'] ?? '',
		GIT_PROTOCOL: req.headers['git-protocol'] ?? '', HOME: root };
}

/* The answer of a CGI program (RFC 3875 6): head lines, an empty one, the body. */
function answer(res, out) {
	const all = Buffer.concat(out);
	const text = all.toString('latin1');
	const { index, 0: gap } = text.match(CRLF2);
	for (const line of text.slice(0, index).split(/\r?\n/)) {
		const [, name, value] = line.match(/^([^:]+): *(.*)$/);
		if (name.toLowerCase() === 'status')
			res.statusCode = parseInt(value, 10);
		else
			res.setHeader(name, value);
	}
	res.end(all.subarray(index + gap.length));
}

/* Serves the repositories below root; the port.  requests: what was asked for. */
export async function gitServer(s, server, root) {
	const requests = [];
	const h = https.createServer(server, (req, res) => {
		requests.push(`${req.method} ${req.url}`);
		const p = spawn('git', ['http-backend'], { env: environment(root, req),
			stdio: ['pipe', 'pipe', 'inherit'] });
		const out = [];
		p.stdin.on('error', () => {});
		req.pipe(p.stdin);
		p.stdout.on('data', (b) => out.push(b));
		p.on('close', () => answer(res, out));
	});
	h.on('tlsClientError', () => {});
	h.listen(0, '127.0.0.1');
	await once(h, 'listening');
	s.atEnd(() => { h.closeAllConnections(); h.close(); });
	return { port: h.address().port, requests };
}
