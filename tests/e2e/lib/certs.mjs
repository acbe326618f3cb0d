/* certs.mjs - certificates of an upstream, good and bad, by the openssl CLI. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const caConf = (dir) => `[ca]
default_ca = x
[x]
database = ${dir}/index.txt
new_certs_dir = ${dir}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;
const caExt = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n';
const leafExt = (san) =>
	`basicConstraints=critical,CA:FALSE\nsubjectAltName=${san}\nextendedKeyUsage=serverAuth\n`;

function stamp(days) {
	return new Date(Date.now() + days * 86_400_000).toISOString()
		.replace(/[-:T]/g, '').replace(/\..*/, 'Z');
}

/* An issuer of certificates whose files lie in dir. */
export class Issuer {
	constructor(dir) {
		this.dir = dir;
		mkdirSync(dir, { recursive: true });
		writeFileSync(join(dir, 'index.txt'), '');
		writeFileSync(join(dir, 'ca.cnf'), caConf(dir));
	}

	file(name) { return join(this.dir, name); }

	#openssl(...args) {
		execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
	}

	/* A certificate for name.key, made with it; issuer null signs itself. */
	make(name, issuer, { cn = name, ext, from = -1, to = 30 }) {
		writeFileSync(this.file(`${name}.ext`), ext);
		this.#openssl('req', '-new', '-newkey', 'ec', '-pkeyopt',
		    'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${cn}`,
		    '-keyout', this.file(`${name}.key`), '-out', this.file(`${name}.csr`));
		const signer = issuer
			? ['-cert', this.file(`${issuer}.pem`), '-keyfile', this.file(`${issuer}.key`)]
			: ['-selfsign', '-keyfile', this.file(`${name}.key`)];
		this.#openssl('ca', '-batch', '-notext', '-config', this.file('ca.cnf'),
		    ...signer, '-in', this.file(`${name}.csr`), '-out', this.file(`${name}.pem`),
		    '-startdate', stamp(from), '-enddate', stamp(to),
		    '-extfile', this.file(`${name}.ext`));
		return this;
	}

	root(name) { return this.make(name, null, { ext: caExt }); }
	leaf(name, issuer, { san = 'DNS:localhost', ...o } = {}) {
		return this.make(name, issuer, { ext: leafExt(san), ...o });
	}

	/* What node:tls wants for a server: the leaf, then what is above it. */
	server(name, ...above) {
		return {
			key: readFileSync(this.file(`${name}.key`)),
			cert: [name, ...above].map((n) => readFileSync(this.file(`${n}.pem`), 'utf8'))
				.join(''),
		};
	}
}

/* The usual: a root to trust, and localhost under it. */
export function goodChain(dir) {
	const ca = new Issuer(dir).root('root').leaf('good', 'root');
	return { ca: ca.file('root.pem'), server: ca.server('good'), issuer: ca };
}
