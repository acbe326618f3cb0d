/* trust_fixture.h - one CA and who trusts it, for all the tests of a file: `trust`
 * lives from begin to end, in a scratch directory.
 */
#ifndef TRACETAPE_TESTS_TRUST_FIXTURE_H
#define TRACETAPE_TESTS_TRUST_FIXTURE_H

#include "tests/unit/tls_fixture.h"

static struct trust trust;

static int
begin(void **state)
{
	if (scratch_new(state))
		return -1;
	trust_new(&trust, "ca");
	return 0;
}

static int
end(void **state)
{
	trust_free(&trust);
	return scratch_free(state);
}

#endif
