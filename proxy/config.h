/* config.h - what the operator may set, in one table (config.c).
 *
 * Filled once, from defaults, then a file, then --set; const afterwards.
 * Errors: one line with file, key and remedy in err; nothing is half applied
 * that matters, because the program then exits 2 before any socket opens.
 */
#ifndef TRACETAPE_PROXY_CONFIG_H
#define TRACETAPE_PROXY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_LIST_MAX = 64, CONFIG_ERROR_MAX = 512 };

enum config_on_abort { ON_ABORT_CANCEL, ON_ABORT_DRAIN };
enum config_tunnel { TUNNEL_ANY, TUNNEL_LISTED, TUNNEL_NONE };
enum config_traces { TRACES_FORWARD, TRACES_LOCAL };

/* Values of a key that may be set repeatedly, or many at once between commas or
 * spaces.  What is set explicitly takes the place of the default, and a value without
 * items that of all before it. */
struct config_list {
	char *item[CONFIG_LIST_MAX];
	size_t n;
	bool is_set;			/* not the default */
};

struct config {
	char *listen_http;
	char *listen_tls;
	char *tls_cert_file;
	char *tls_key_file;
	char *tls_ca_dir;
	char *upstream_url;
	char *upstream_ca_file;
	struct config_list upstream_resolve;	/* "host=addr[:port]", lower case */
	char *upstream_via;		/* "http://[user:pass@]host:port", "" */
	struct config_list upstream_no_via;	/* as policy's hosts */
	char *upstream_dns;		/* "address[:port]", "": the system's */
	struct config_list forward_intercept;	/* host, *.suffix */
	int64_t forward_tunnel;		/* enum config_tunnel */
	struct config_list forward_tunnel_to;	/* host, *.suffix, address or
						 * network, each with [:port] */
	struct config_list forward_ports;
	struct config_list forward_allow;	/* networks of clients */
	char *forward_auth_file;
	char *store_dir;
	int64_t store_commit_ms;
	int64_t store_durability;	/* enum durability */
	int64_t store_parents_bytes;
	int64_t recorder_max_bytes;
	int64_t recorder_pause_ms;
	int64_t head_ms;
	int64_t handshake_ms;
	int64_t connect_ms;
	int64_t idle_ms;
	int64_t tunnel_ms;
	int64_t keepalive_ms;
	int64_t linger_ms;
	int64_t pool_ms;
	int64_t connections_max;
	int64_t pool_max;
	int64_t workers;		/* 0: auto */
	int64_t drain_s;
	int64_t on_abort;		/* enum config_on_abort */
	int64_t traces;			/* enum config_traces */
	int64_t log_level;		/* enum log_level */
};

/* Defaults.  false: no memory. */
bool config_init(struct config *c);
void config_fini(struct config *c);

/* INI file. */
bool config_read(struct config *c, const char *path, char err[CONFIG_ERROR_MAX]);

/* "section.key=value". */
bool config_set(struct config *c, const char *assignment,
    char err[CONFIG_ERROR_MAX]);

/* What only makes sense together: listeners and who may use them, certificate and
 * key. */
bool config_check(const struct config *c, char err[CONFIG_ERROR_MAX]);

/* The sample file and the README's table, from the key table. */
void config_print_sample(FILE *out);

#endif
