#include "store/digest_wants.h"

enum {
	WORD_MAX = 64,
	NAME_MAX_RAW = 512,
	OBJECT_MAX = 8 * 1024,
	MESSAGE_MAX = 16 * 1024,
};

_Static_assert((int)EVENT_N <= JSON_WANT_MAX, "json_scan takes fewer");

const struct json_want digest_asked[ASKED_N] = {
	[ASKED_MODEL] = { "model", NAME_MAX_RAW },
	[ASKED_PREVIOUS] = { "previous_response_id", NAME_MAX_RAW },
	[ASKED_CONVERSATION] = { "conversation", NAME_MAX_RAW },
	[ASKED_CONVERSATION_ID] = { "conversation.id", NAME_MAX_RAW },
	[ASKED_BACKGROUND] = { "background", WORD_MAX },
};

/* What a chat chunk shares with a response object; then the rest of the latter. */
#define CHUNK(at, below) \
	[at + ANSWER_ID] = { below "id", NAME_MAX_RAW }, \
	[at + ANSWER_MODEL] = { below "model", NAME_MAX_RAW }, \
	[at + ANSWER_TIER] = { below "service_tier", WORD_MAX }, \
	[at + ANSWER_USAGE] = { below "usage", OBJECT_MAX }, \
	[at + ANSWER_ERROR] = { below "error", MESSAGE_MAX }, \
	[at + ANSWER_ERROR_CODE] = { below "error.code", NAME_MAX_RAW }, \
	[at + ANSWER_ERROR_TYPE] = { below "error.type", NAME_MAX_RAW }, \
	[at + ANSWER_ERROR_MESSAGE] = { below "error.message", MESSAGE_MAX }
#define RESPONSE(at, below) \
	CHUNK(at, below), \
	[at + ANSWER_STATUS] = { below "status", WORD_MAX }, \
	[at + ANSWER_PREVIOUS] = { below "previous_response_id", NAME_MAX_RAW }, \
	[at + ANSWER_CONVERSATION] = { below "conversation", NAME_MAX_RAW }, \
	[at + ANSWER_CONVERSATION_ID] = { below "conversation.id", NAME_MAX_RAW }, \
	[at + ANSWER_REASON] = { below "incomplete_details.reason", WORD_MAX }, \
	[at + ANSWER_BACKGROUND] = { below "background", WORD_MAX }, \
	[at + ANSWER_TOOL_USAGE] = { below "tool_usage", OBJECT_MAX }

const struct json_want digest_answer[ANSWER_WANTS_N] = {
	RESPONSE(0, ""),
	[ANSWER_INPUT_TOKENS] = { "input_tokens", WORD_MAX },
};

const struct json_want digest_event[EVENT_N] = {
	RESPONSE(EVENT_RESPONSE, "response."),
	CHUNK(EVENT_CHUNK, ""),
	[EVENT_TYPE] = { "type", NAME_MAX_RAW },
	[EVENT_CHOICES] = { "choices", WORD_MAX },
	[EVENT_CODE] = { "code", NAME_MAX_RAW },
	[EVENT_MESSAGE] = { "message", MESSAGE_MAX },
};
