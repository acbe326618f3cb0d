/* proxy_direct.mjs - for node --import: api.openai.com is at $DIRECT_PORT of this machine, as
 * curl's --connect-to would have it.  Nothing else changes. */
import tls from 'node:tls';

const connect = tls.connect;
tls.connect = function direct(options, ...rest) {
	const at = options?.host === 'api.openai.com' && !options.socket ?
		{ host: '127.0.0.1', port: Number(process.env.DIRECT_PORT) } : {};
	return connect.call(this, { ...options, ...at }, ...rest);
};
