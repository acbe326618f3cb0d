#include "proxy/config.h"

#include "proxy/address.h"

/* On loopback only this machine reaches it. */
static bool
is_open_to_others(const char *listener)
{
	struct sockaddr_storage sa;
	socklen_t len;

	return listener[0] && address_parse(listener, &sa, &len) &&
	    !address_is_loopback((struct sockaddr *)&sa);
}

bool
config_check(const struct config *c, char err[CONFIG_ERROR_MAX])
{
	bool http = is_open_to_others(c->listen_http);
	bool tls = is_open_to_others(c->listen_tls);

	if (!c->listen_http[0] && !c->listen_tls[0])
		snprintf(err, CONFIG_ERROR_MAX,
		    "no listener: set listen.http or listen.tls");
	else if (!c->tls_cert_file[0] != !c->tls_key_file[0])
		snprintf(err, CONFIG_ERROR_MAX,
		    "tls.cert_file and tls.key_file go together: set both");
	else if ((http || tls) && !c->forward_auth_file[0] &&
	    c->forward_allow.n == 0)
		snprintf(err, CONFIG_ERROR_MAX, "listen.%s = %s: others reach it "
		    "too: set forward.auth_file to who may use it, or "
		    "forward.allow to their networks", http ? "http" : "tls",
		    http ? c->listen_http : c->listen_tls);
	else
		return true;
	return false;
}
