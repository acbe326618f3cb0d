#include "tools/doctor.h"

#include <string.h>

/* One line for each code that proxy/ answers a canary with. */
static const struct {
	const char *code;
	const char *remedy;
} remedies[] = {
	{ "upstream_certificate", "if a company's proxy re-signs TLS on the way, start the "
	    "proxy with --upstream-ca COMPANY-ROOT.pem; else look at this machine's clock "
	    "and its ca-certificates: never trust it otherwise" },
	{ "upstream_dns", "this machine (or upstream.dns) does not resolve the upstream's "
	    "name: check with `getent hosts api.openai.com`; start the proxy with --set "
	    "upstream.dns=ADDRESS of a server that answers, or --set "
	    "upstream.resolve=HOST=ADDRESS" },
	{ "upstream_connect", "the upstream's address does not take connections: check the "
	    "firewall (outbound TCP 443); behind a company's proxy start ours with --set "
	    "upstream.via=http://HOST:PORT" },
	{ "upstream_timeout", "something on the way drops the connection: check the "
	    "firewall (outbound TCP 443); behind a company's proxy start ours with --set "
	    "upstream.via=http://HOST:PORT" },
	{ "upstream_tls", "what answers there speaks no TLS 1.2 or 1.3: check "
	    "upstream.url, upstream.resolve, and what stands between" },
	{ "upstream_loop", "the upstream's name leads back to tracetape (a hosts file?): "
	    "start the proxy with --set upstream.dns=ADDRESS of a server that tells the "
	    "truth, or --set upstream.resolve=HOST=ADDRESS" },
	{ "upstream_via", "the other proxy does not let us through: check user, password "
	    "and address in upstream.via, or list the host in upstream.no_via" },
	{ "upstream_failed", "the upstream did not give a whole HTTP answer: check "
	    "upstream.url, and the proxy's log for the reason" },
	{ "forbidden_address", "the name leads to a private address: list it with --set "
	    "forward.tunnel_to=HOST, or correct the name server" },
	{ "proxy_authentication", "export HTTPS_PROXY=http://NAME:PASSWORD@ADDRESS:PORT "
	    "with a name and password of forward.auth_file" },
	{ "no_memory", "the machine, or the service's limit, is out of memory: raise it" },
};

enum { N_REMEDIES = sizeof(remedies) / sizeof(remedies[0]) };

void
doctor_remedy(struct finding *f, const char *code)
{
	for (size_t i = 0; i < N_REMEDIES; i++) {
		if (strcmp(remedies[i].code, code) == 0) {
			finding_remedy(f, "%s", remedies[i].remedy);
			return;
		}
	}
	finding_remedy(f, "the proxy's log tells more of it");
}
