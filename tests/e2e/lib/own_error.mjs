/* own_error.mjs - what an answer of tracetape's own looks like. */
import { strict as assert } from 'node:assert';

/* Checks it and gives its error object. */
export function ownError(answer, status) {
	assert.ok(answer, 'an answer');
	assert.equal(answer.head.status, status, answer.payload.toString());
	assert.equal(answer.head.get('content-type'), 'application/json');
	const { error } = JSON.parse(answer.payload);
	assert.equal(error.type, 'proxy_error');
	assert.equal(typeof error.message, 'string');
	assert.ok('param' in error && 'code' in error);
	return error;
}
