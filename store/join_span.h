/* join_span.h - one span of a trace as far as a listing of the trace tells it.
 *
 * Memory:  what is lent lives until the next call on the same reader.
 */
#ifndef TRACETAPE_STORE_JOIN_SPAN_H
#define TRACETAPE_STORE_JOIN_SPAN_H

#include "store/ingest_item.h"

enum span_kind {
	SPAN_OTHER = 0,		/* a type that is not known here */
	SPAN_AGENT,
	SPAN_RESPONSE,
	SPAN_GENERATION,
	SPAN_FUNCTION,
	SPAN_HANDOFF,
	SPAN_GUARDRAIL,
	SPAN_CUSTOM,
	SPAN_TASK,		/* custom, with data.sdk_span_type "task" */
	SPAN_TURN,		/* ... "turn" */
	SPAN_MCP_TOOLS,
	SPAN_TRANSCRIPTION,
	SPAN_SPEECH,
	SPAN_SPEECH_GROUP,
	SPAN_CALL,		/* no span: an exchange of an inferred trace */
	SPAN_N
};

const char *span_kind_name(enum span_kind k);	/* "agent", ...; "span" for other */

/* Texts are unescaped; those that are long are cut to SPAN_TEXT_MAX bytes. */
enum { SPAN_TEXT_MAX = 200 };

struct span_facts {
	enum span_kind kind;
	struct ingest_item item;	/* ids and times */
	struct slice name;		/* whose agent, which tool, server, ... */
	struct slice to;		/* of a hand-off: the agent after it */
	struct slice model;
	struct slice error;		/* its message; missing: there is none */
	int64_t turn;			/* -1 */
	int64_t triggered;		/* of a guardrail: 0, 1; -1 */
};

struct span_reader;

struct span_reader *span_reader_new(void);	/* NULL: no memory */
void span_reader_free(struct span_reader *r);	/* safe on NULL */

/* false: raw is no span. */
bool span_read(struct span_reader *r, struct slice raw, struct span_facts *f);

/* Of the text of a trace; missing where it does not tell. */
void span_read_trace(struct span_reader *r, struct slice raw,
    struct slice *workflow, struct slice *group);

#endif
