#include "proxy/sessions.h"

#include <stdio.h>
#include <string.h>

static void
forget(struct session *e)
{
	if (e->key[0])
		mbedtls_ssl_session_free(&e->session);
	e->key[0] = '\0';
}

static struct session *
find(struct sessions *s, const char *key)
{
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (s->s[i].key[0] && strcmp(s->s[i].key, key) == 0)
			return &s->s[i];
	return NULL;
}

static struct session *
oldest(struct sessions *s)
{
	struct session *e = &s->s[0];

	for (int i = 0; i < SESSIONS_MAX; i++) {
		if (!s->s[i].key[0])
			return &s->s[i];
		if (s->s[i].kept < e->kept)
			e = &s->s[i];
	}
	return e;
}

void
sessions_fini(struct sessions *s)
{
	for (int i = 0; i < SESSIONS_MAX; i++)
		forget(&s->s[i]);
}

void
sessions_use(struct sessions *s, const char *key, mbedtls_ssl_context *ssl)
{
	struct session *e = find(s, key);

	if (e)
		mbedtls_ssl_set_session(ssl, &e->session);
}

void
sessions_keep(struct sessions *s, const char *key,
    const mbedtls_ssl_context *ssl)
{
	struct session *e = find(s, key);

	if (!e)
		e = oldest(s);
	forget(e);
	mbedtls_ssl_session_init(&e->session);
	if (mbedtls_ssl_get_session(ssl, &e->session) != 0) {
		mbedtls_ssl_session_free(&e->session);
		return;
	}
	snprintf(e->key, sizeof(e->key), "%s", key);
	e->kept = ++s->n_kept;
}
