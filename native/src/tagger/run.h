/* run.h - runs a plan in one node: mel frames in, some work for every sample, a result for each
 * window. Memory is allocated once; everything else is arithmetic and safe on the audio thread. */
#pragma once

#include "support/ticks.h"
#include "tagger/plan.h"

typedef struct tagger_run tagger_run;

/* Allocates memory for windows that are `ticks` apart (its offset is ignored), the newest `results`
 * results, and up to `burst` mel frames at once. Returns OK or ERROR_MEMORY. The plan must outlive
 * it. [main] */
tagnode_status tagger_run_create(const tagger_plan *plan, const tagnode_ticks *ticks,
                                 uint32_t results, uint32_t burst, tagger_run **out,
                                 tagnode_message *why);
void tagger_run_destroy(tagger_run *run);

/* Pushes the same mel frame `count` times, fewer than a window, does all the work, and keeps that
 * state for tagger_run_rewind. Call it directly after create. Returns OK or ERROR_MEMORY. [main] */
tagnode_status tagger_run_prime(tagger_run *run, const float *mel, uint32_t count,
                                tagnode_message *why);

/* Returns to the state after create, or after prime. The first window starts at mel frame 0, `rest`
 * of a mel frame before its tick: 0 to the divisor less 1. */
void tagger_run_reset(tagger_run *run, int64_t rest) TAGNODE_NONBLOCKING;
void tagger_run_rewind(tagger_run *run, int64_t rest) TAGNODE_NONBLOCKING;

/* Pushes the next mel frame, `bands` floats. */
void tagger_run_push(tagger_run *run, const float *mel) TAGNODE_NONBLOCKING;

/* Works until `budget` multiply-adds are used or nothing is left to do; returns the multiply-adds
 * used, which may exceed the budget by less than one part. */
uint64_t tagger_run_advance(tagger_run *run, uint64_t budget) TAGNODE_NONBLOCKING;

/* Returns the results of a window, output after output, or NULL if they are not available yet or
 * any more. */
const float *const *tagger_run_result(const tagger_run *run, int64_t window) TAGNODE_NONBLOCKING;
