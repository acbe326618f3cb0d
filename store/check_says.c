#include "store/check.h"

#include <assert.h>

#define REMAKE "dump check --repair, which would make it anew, is not there yet"
#define GONE "what is gone cannot be made again: record the call once more if it matters"
#define BACKUP "take it from a backup of the store, if there is one"

static const struct words {
	const char *name;
	const char *says;
	const char *remedy;
} words[CHECK_WHAT_N] = {
	[CHECK_FILE_MODE] = { "file_mode", "others than its owner have rights to it",
	    "chmod go= it; think of who may have read it" },
	[CHECK_META_MISSING] = { "meta_missing", "this value is missing", BACKUP },
	[CHECK_KEY] = { "key", "not a key of this table",
	    "readers pass over the row; nothing needs to be done" },
	[CHECK_ORDER] = { "order", "the keys do not rise: a page is damaged",
	    "the rows behind it were not looked at; " BACKUP },
	[CHECK_VALUE] = { "value", "the value does not decode", BACKUP },
	[CHECK_OPEN_MISSING] = { "open_missing",
	    "is in flight, and table open does not know it",
	    "it stays in flight for ever; " REMAKE },
	[CHECK_OPEN_ENDED] = { "open_ended",
	    "is in table open, and no exchange in flight",
	    "the next start of the recorder empties the table" },
	[CHECK_COUNTS] = { "counts", "its numbers of bytes contradict each other",
	    "trust the bytes, not the numbers" },
	[CHECK_NO_HASH] = { "no_hash", "there is no SHA-256 of a body that came whole",
	    "it may be right, and cannot be verified" },
	[CHECK_KEPT] = { "kept", "not as many bytes are stored as the row says", GONE },
	[CHECK_HEAD_MISSING] = { "head_missing", "the head is not stored",
	    "the disk failed while it was recorded, or it was deleted; " GONE },
	[CHECK_ORPHAN] = { "orphan", "bytes of an exchange whose row is gone", BACKUP },
	[CHECK_PART_MISSING] = { "part_missing", "a part is missing", GONE },
	[CHECK_PART_LENGTH] = { "part_length", "a part has a wrong length",
	    "what is behind it is not at its place; " GONE },
	[CHECK_TWICE] = { "twice", "is stored in two ways",
	    "readers take the parts; " REMAKE },
	[CHECK_PACK] = { "pack", "the pack does not decode", GONE },
	[CHECK_PACK_EARLY] = { "pack_early", "has a pack, and is in flight",
	    "the next start of the recorder ends it" },
	[CHECK_BLOCK] = { "block", "a squeezed block does not decode", GONE },
	[CHECK_PREFIX] = { "prefix", "the body that it is squeezed with is not as it was",
	    "it cannot be read without that one; " BACKUP },
	[CHECK_UNREADABLE] = { "unreadable",
	    "does not come out of being squeezed as it went in", GONE },
	[CHECK_HASH] = { "hash", "not the bytes that were received: SHA-256 differs",
	    "do not trust it; " GONE },
	[CHECK_TIMES] = { "times", "the arrival times do not decode",
	    "the body is not concerned, its pace is lost" },
	[CHECK_TIMES_SUM] = { "times_sum", "the arrival times are of another number of bytes",
	    "the body is not concerned, its pace is lost" },
	[CHECK_ITEM] = { "item", "the text is not such an item", REMAKE },
	[CHECK_ITEM_ID] = { "item_id", "the text has another id than the key", REMAKE },
	[CHECK_ITEM_START] = { "item_start", "the text has another start than the key", REMAKE },
	[CHECK_ITEM_SEQ] = { "item_seq", "came in an exchange that is not there", REMAKE },
	[CHECK_NO_SPANID] = { "no_spanid", "table spanid does not lead to it", REMAKE },
	[CHECK_NO_SPAN] = { "no_span", "leads to no span", REMAKE },
	[CHECK_NO_TRACE] = { "no_trace", "its trace has no row", REMAKE },
	[CHECK_TRACE_SEQS] = { "trace_seqs", "its trace does not count its exchanges", REMAKE },
	[CHECK_NO_CLAIM] = { "no_claim", "by_response does not know its response", REMAKE },
	[CHECK_CLAIM_OTHER] = { "claim_other",
	    "by_response gives its response to a trace without such a span", REMAKE },
	[CHECK_NO_NAME] = { "no_name", "table response does not know an id that it names",
	    REMAKE },
	[CHECK_NAME_EXTRA] = { "name_extra", "its exchange does not name this id", REMAKE },
	[CHECK_NAME_OTHER] = { "name_other", "its exchange says something else of this id",
	    REMAKE },
	[CHECK_LOST] = { "lost", "nothing is stored of it",
	    "no fault if the recorder was killed: what began in its last moment has no row" },
	[CHECK_LEFT] = { "left", "bytes of an exchange that never got its row",
	    "no fault: the recorder was killed as it came" },
};

const char *
check_name(enum check_what w)
{
	assert((unsigned)w < CHECK_WHAT_N);
	return words[w].name;
}

const char *
check_says(enum check_what w)
{
	assert((unsigned)w < CHECK_WHAT_N);
	return words[w].says;
}

const char *
check_remedy(enum check_what w)
{
	assert((unsigned)w < CHECK_WHAT_N);
	return words[w].remedy;
}

bool
check_is_note(enum check_what w)
{
	return w >= CHECK_LOST;
}
