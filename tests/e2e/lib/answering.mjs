/* answering.mjs - upstream scripts that need no more than a list of answers. */
import { framing, parseChunked, parseHead } from './http.mjs';

/* Answers the n-th request with the n-th of answers; `answered` tells what was
 * sent, parsed.  The keys fit Scene.start. */
export function answering(answers) {
	const left = [...answers];
	const answered = [];
	return {
		answered,
		answer: async (request, conn) => {
			const bytes = left.shift();
			if (!bytes)
				throw new Error(`nothing left to answer ${request.head.start} with`);
			answered.push(parse(bytes, request.head.method));
			await conn.send(bytes);
		},
	};
}

/* A whole message given as bytes: { head, wire, payload, trailer }. */
export function parse(bytes, method) {
	const head = parseHead(bytes);
	const wire = bytes.subarray(head.raw.length);
	if (framing(head, method).kind !== 'chunked')
		return { head, wire, payload: wire };
	return { head, wire, ...parseChunked(wire) };
}
