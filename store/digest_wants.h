/* digest_wants.h - which values of the bodies the digest reads.
 *
 * A response object looks the same alone and inside of an event, so both tables
 * begin with it.  Caps are bytes of raw text: what is longer is no id or name.
 */
#ifndef TRACETAPE_STORE_DIGEST_WANTS_H
#define TRACETAPE_STORE_DIGEST_WANTS_H

#include "store/json.h"

enum asked {
	ASKED_MODEL,
	ASKED_PREVIOUS,
	ASKED_CONVERSATION,
	ASKED_CONVERSATION_ID,
	ASKED_BACKGROUND,
	ASKED_N,
};

enum answer {
	ANSWER_ID,
	ANSWER_MODEL,
	ANSWER_TIER,
	ANSWER_USAGE,
	ANSWER_ERROR,		/* itself a string, as some gateways send */
	ANSWER_ERROR_CODE,
	ANSWER_ERROR_TYPE,
	ANSWER_ERROR_MESSAGE,
	ANSWER_CHUNK_N,		/* a chat chunk has those above */
	ANSWER_STATUS = ANSWER_CHUNK_N,
	ANSWER_PREVIOUS,
	ANSWER_CONVERSATION,
	ANSWER_CONVERSATION_ID,
	ANSWER_REASON,
	ANSWER_BACKGROUND,
	ANSWER_TOOL_USAGE,
	ANSWER_N,
	ANSWER_INPUT_TOKENS = ANSWER_N,	/* of .../input_tokens */
	ANSWER_WANTS_N,
};

enum event {
	EVENT_RESPONSE = 0,	/* ANSWER_N values below "response" */
	EVENT_CHUNK = ANSWER_N,	/* ANSWER_CHUNK_N values of the event itself */
	EVENT_TYPE = EVENT_CHUNK + ANSWER_CHUNK_N,
	EVENT_CHOICES,
	EVENT_CODE,
	EVENT_MESSAGE,
	EVENT_N,
};

extern const struct json_want digest_asked[ASKED_N];
extern const struct json_want digest_answer[ANSWER_WANTS_N];
extern const struct json_want digest_event[EVENT_N];

#endif
