/* units.h - times, durations and sizes as people and programs read them. */
#ifndef TRACETAPE_TOOLS_UNITS_H
#define TRACETAPE_TOOLS_UNITS_H

#include "store/bytes.h"

/* "2026-11-21T10:06:57.123456789Z" */
void units_iso(struct bytes *out, int64_t time_ns);

/* Local time: "2026-11-21 10:06:57.123". */
void units_local(struct bytes *out, int64_t time_ns);

/* Local time as short as it can be told: "10:06:57" when it is of the day of
 * now_ns, else "11-20 10:06". */
void units_local_short(struct bytes *out, int64_t time_ns, int64_t now_ns);

/* At most 6 cells: "850us", "12ms", "1.23s", "45.1s", "2m03s", "3h07m"; "-" when
 * us < 0. */
void units_duration(struct bytes *out, int64_t us);

/* Milliseconds with fractions, no more digits than needed: "12.5", "0.042". */
void units_ms(struct bytes *out, int64_t us);

/* "-" when n < 0. */
void units_count(struct bytes *out, int64_t n);

/* "4 321": thousands apart by a space, which no locale reads as a decimal mark. */
void units_grouped(struct bytes *out, int64_t n);

/* "0 bytes", "1 byte", "4 321 bytes", with KiB, MiB, GiB after it from 64 KiB on. */
void units_size(struct bytes *out, int64_t n);

#endif
