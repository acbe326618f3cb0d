/* wire.mjs - one end of a connection, read by hand so that every byte counts.
 *
 * Keeps all that arrived (received) and all that was sent (sent); head(), body(),
 * bytes() and rest() take from what is not yet taken.  Every wait has a deadline.
 */
import { framing, parseChunked, parseHead } from './http.mjs';
import { deadlineMs, within } from './wait.mjs';

export class Wire {
	#in = [];
	#out = [];
	#left = Buffer.alloc(0);
	#sink = null;
	#wake = Promise.withResolvers();

	/* tcp is the plain socket below a TLS one. */
	constructor(socket, tcp = socket) {
		this.socket = socket;
		this.tcp = tcp;
		this.ended = false;		/* the peer said it is done */
		this.closed = false;
		this.error = null;
		socket.on('data', (b) => this.#took(b));
		socket.on('end', () => { this.ended = true; this.#stir(); });
		socket.on('drain', () => this.#stir());
		socket.on('error', (e) => { this.error ??= e; this.#stir(); });
		socket.on('close', () => { this.closed = true; this.#stir(); });
		if (tcp !== socket)
			tcp.on('error', (e) => { this.error ??= e; });
	}

	get received() { return Buffer.concat(this.#in); }
	get sent() { return Buffer.concat(this.#out); }
	get over() { return this.ended || this.closed; }

	#took(b) {
		if (this.#sink) {
			this.#sink(b);
			this.#stir();
			return;
		}
		this.#in.push(b);
		this.#left = this.#left.length ? Buffer.concat([this.#left, b]) : b;
		this.#stir();
	}

	#stir() {
		this.#wake.resolve();
		this.#wake = Promise.withResolvers();
	}

	/* Until test() is true. */
	async until(test, what, ms = deadlineMs) {
		const end = performance.now() + ms;
		while (!test())
			await within(this.#wake.promise, `${what}; came: ${this.#glance()}`,
			    Math.max(1, end - performance.now()));
	}

	#glance() {
		return JSON.stringify(this.received.subarray(-300).toString('latin1'));
	}

	#take(n) {
		const b = this.#left.subarray(0, n);
		this.#left = this.#left.subarray(n);
		return b;
	}

	/* Until parse(left) gives something or the peer is done; null then. */
	async #parse(parse, what) {
		let got;
		await this.until(() => (got = parse(this.#left)) || this.over, what);
		return got || null;
	}

	/* The next message head, or null when the peer ended instead. */
	async head() {
		const h = await this.#parse(parseHead, 'a message head');
		return h && (this.#take(h.raw.length), h);
	}

	/* As head, and an idle peer is no fault: it may stay so for the whole test. */
	async nextHead() {
		await this.until(() => this.#left.length > 0 || this.over, 'use', 600_000);
		return this.head();
	}

	/* The body behind head: payload, wire (with framing), trailer, whole. */
	async body(head, requestMethod) {
		const f = framing(head, requestMethod);
		if (f.kind === 'none')
			return { payload: Buffer.alloc(0), wire: Buffer.alloc(0), whole: true };
		if (f.kind === 'close')
			return this.#toEnd();
		const got = f.kind === 'chunked'
			? await this.#parse(parseChunked, 'the last chunk')
			: await this.#parse((b) => b.length >= f.length && { len: f.length },
			    `${f.length} bytes of body`);
		if (!got)
			return { ...await this.#toEnd(), whole: false };
		const wire = this.#take(got.len);
		return { payload: got.payload ?? wire, wire, trailer: got.trailer, whole: true };
	}

	async #toEnd() {
		const wire = await this.rest();
		return { payload: wire, wire, whole: !this.error };
	}

	/* A whole message; null when the peer ended instead. */
	async message(requestMethod) {
		const head = await this.head();
		return head && { head, ...await this.body(head, requestMethod) };
	}

	/* At least n bytes that were not taken; exactly n are. */
	async bytes(n) {
		await this.until(() => this.#left.length >= n || this.over, `${n} bytes`);
		return this.#take(n);
	}

	/* All up to and with text. */
	async through(text) {
		const b = await this.#parse((l) => {
			const at = l.indexOf(text);
			return at >= 0 && { len: at + Buffer.byteLength(text) };
		}, `"${text}"`);
		return b && this.#take(b.len);
	}

	/* All that comes until the peer is done or gone. */
	async rest() {
		await this.until(() => this.over, 'the end of the connection');
		return this.#take(this.#left.length);
	}

	/* Resolves to true when the bytes are with the kernel. */
	send(data) {
		const b = Buffer.from(data, 'latin1');
		this.#out.push(b);
		return new Promise((done) => {
			if (this.socket.destroyed)
				done(false);
			else
				this.socket.write(b, (e) => done(!e));
		});
	}

	/* From here on what comes goes to sink(bytes) and is not kept: bulk. */
	pour(sink) {
		const left = this.#take(this.#left.length);
		this.#sink = sink;
		if (left.length)
			sink(left);
	}

	/* Sends what each(n) gives for n = 0, 1, ... until it gives null; waits for
	 * the peer to take it, keeps nothing.  False: the peer is gone. */
	async pump(each) {
		for (let n = 0, b; (b = each(n)); n++) {
			if (this.over || this.socket.destroyed)
				return false;
			if (!this.socket.write(b))
				await this.until(() => !this.socket.writableNeedDrain || this.closed,
				    'the peer to take bytes', 600_000);
		}
		return true;
	}

	/* Done sending (TLS: close_notify, then FIN). */
	end() { this.socket.end(); }

	/* Gone: FIN and no close_notify. */
	cut() { this.tcp.destroy(); }

	/* Gone: RST. */
	reset() { this.tcp.resetAndDestroy(); }

	/* The test is over: whoever waits shall wait no more. */
	drop() {
		this.socket.destroy();
		this.tcp.destroy();
		this.closed = true;
		this.#stir();
	}
}
