#include "tools/trust.h"

#include <string.h>

/* In the commands %c is the certificate, %b the bundle, %d the CA's directory, %p this
 * program, %% a percent sign.
 *
 * Programs whose variable adds to their roots get the certificate, those
 * whose variable replaces them the bundle. */
static const struct store {
	const char *name;
	const char *title;
	const char *add;
	const char *remove;
} stores[] = {
	{ "debian", "Debian, Ubuntu: all that uses the system's roots",
	    "sudo %p ca install --system --ca-dir %d\n",
	    "sudo %p ca uninstall --system\n" },
	{ "fedora", "Fedora, RHEL, CentOS, Amazon Linux",
	    "sudo install -m 644 %c /etc/pki/ca-trust/source/anchors/tracetape.pem\n"
	    "sudo update-ca-trust extract\n",
	    "sudo rm -f /etc/pki/ca-trust/source/anchors/tracetape.pem\n"
	    "sudo update-ca-trust extract\n" },
	{ "arch", "Arch Linux",
	    "sudo install -m 644 %c /etc/ca-certificates/trust-source/anchors/"
	    "tracetape.pem\n"
	    "sudo update-ca-trust\n",
	    "sudo rm -f /etc/ca-certificates/trust-source/anchors/tracetape.pem\n"
	    "sudo update-ca-trust\n" },
	{ "alpine", "Alpine, as root",
	    "install -m 644 %c /usr/local/share/ca-certificates/tracetape.crt\n"
	    "update-ca-certificates\n",
	    "rm -f /usr/local/share/ca-certificates/tracetape.crt\n"
	    "update-ca-certificates\n" },
	{ "suse", "openSUSE, SLES",
	    "sudo install -m 644 %c /etc/pki/trust/anchors/tracetape.pem\n"
	    "sudo update-ca-certificates\n",
	    "sudo rm -f /etc/pki/trust/anchors/tracetape.pem\n"
	    "sudo update-ca-certificates\n" },
	{ "macos", "macOS: the system's keychain",
	    "sudo security add-trusted-cert -d -r trustRoot "
	    "-k /Library/Keychains/System.keychain %c\n",
	    "sudo security remove-trusted-cert -d %c\n" },
	{ "firefox", "Firefox: each profile (certutil: Debian's libnss3-tools, "
	    "Fedora's nss-tools)",
	    "for db in ~/.mozilla/firefox/*/cert9.db; do\n"
	    "\tcertutil -A -d sql:\"${db%%/*}\" -n tracetape -t C,, -i %c\n"
	    "done\n",
	    "for db in ~/.mozilla/firefox/*/cert9.db; do\n"
	    "\tcertutil -D -d sql:\"${db%%/*}\" -n tracetape\n"
	    "done\n" },
	{ "chrome", "Chrome, Chromium on Linux (certutil as above)",
	    "mkdir -p ~/.pki/nssdb\n"
	    "[ -e ~/.pki/nssdb/cert9.db ] || "
	    "certutil -N -d sql:\"$HOME/.pki/nssdb\" --empty-password\n"
	    "certutil -A -d sql:\"$HOME/.pki/nssdb\" -n tracetape -t C,, -i %c\n",
	    "certutil -D -d sql:\"$HOME/.pki/nssdb\" -n tracetape\n" },
	{ "java", "Java 9 and later (sudo, when the JDK is root's)",
	    "keytool -importcert -noprompt -cacerts -storepass changeit "
	    "-alias tracetape -file %c\n",
	    "keytool -delete -cacerts -storepass changeit -alias tracetape\n" },
	{ "node", "Node.js: adds to its own roots; read once, at start",
	    "export NODE_EXTRA_CA_CERTS=%c\n",
	    "unset NODE_EXTRA_CA_CERTS\n" },
	{ "python", "Python: ssl, httpx, openai, aiohttp; also Ruby, Go on Linux and "
	    "what uses OpenSSL",
	    "export SSL_CERT_FILE=%b\n",
	    "unset SSL_CERT_FILE\n" },
	{ "requests", "Python: requests, which does not look at SSL_CERT_FILE",
	    "export REQUESTS_CA_BUNDLE=%b\n",
	    "unset REQUESTS_CA_BUNDLE\n" },
	{ "curl", "curl (also `curl --cacert`)",
	    "export CURL_CA_BUNDLE=%b\n",
	    "unset CURL_CA_BUNDLE\n" },
	{ "git", "git over https",
	    "git config --global http.sslCAInfo %b\n",
	    "git config --global --unset http.sslCAInfo\n" },
};

enum { N_STORES = sizeof(stores) / sizeof(stores[0]) };

void
trust_quote(struct bytes *out, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@,=";

	if (*s && s[strspn(s, plain)] == '\0') {
		bytes_puts(out, s);
		return;
	}
	bytes_putc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			bytes_puts(out, "'\\''");
		else
			bytes_putc(out, *s);
	}
	bytes_putc(out, '\'');
}

/* What a letter behind % stands for; NULL: for itself. */
static const char *
file_of(int letter, const struct trust_files *f)
{
	switch (letter) {
	case 'c': return f->cert;
	case 'b': return f->bundle;
	case 'd': return f->dir;
	case 'p': return f->self;
	}
	return NULL;
}

static void
put_commands(struct bytes *out, const char *text, const struct trust_files *f)
{
	for (; *text; text++) {
		const char *file = NULL;

		if (*text == '%')
			file = file_of(*++text, f);
		if (file)
			trust_quote(out, file);
		else
			bytes_putc(out, *text);
	}
}

bool
trust_put(struct bytes *out, const char *store, enum trust_what what,
    const struct trust_files *f)
{
	bool found = false;

	for (size_t i = 0; i < N_STORES; i++) {
		const struct store *s = &stores[i];

		if (store && strcmp(store, s->name) != 0)
			continue;
		bytes_printf(out, "%s# %s: %s\n", out->len > 0 ? "\n" : "",
		    s->name, s->title);
		put_commands(out, what == TRUST_ADD ? s->add : s->remove, f);
		found = true;
	}
	return found;
}

void
trust_put_names(struct bytes *out)
{
	for (size_t i = 0; i < N_STORES; i++)
		bytes_printf(out, "%s%s", i ? " " : "", stores[i].name);
}
