/* run.h - a plan at work in one node: mel frames in, a little work for every sample, a result for
 * each window. Memory is taken once; everything else is arithmetic and safe on the audio thread. */
#ifndef TAGNODE_TAGGER_RUN_H
#define TAGNODE_TAGGER_RUN_H

#include "tagger/plan.h"

typedef struct tagger_run tagger_run;

/* Takes memory for windows `hop` frames apart, 1 to the patch, the newest `results` results, and up
 * to `burst` mel frames at once. Returns OK or ERROR_MEMORY. The plan must outlive it. [main] */
tagnode_status tagger_run_create(const tagger_plan *plan, uint32_t hop, uint32_t results,
                                 uint32_t burst, tagger_run **out, tagnode_message *why);
void tagger_run_destroy(tagger_run *run);

/* Hears `count` times the same mel frame, fewer than a window, does all the work that they bring
 * and keeps that state for tagger_run_rewind. Comes right after create. Returns OK or ERROR_MEMORY.
 * [main] */
tagnode_status tagger_run_prime(tagger_run *run, const float *mel, uint32_t count,
                                tagnode_message *why);

/* Back to the state after create; after prime. */
void tagger_run_reset(tagger_run *run) TAGNODE_NONBLOCKING;
void tagger_run_rewind(tagger_run *run) TAGNODE_NONBLOCKING;

/* Bytes taken. [any] */
size_t tagger_run_memory(const tagger_run *run);

/* Hands over the next mel frame, `bands` floats. */
void tagger_run_push(tagger_run *run, const float *mel) TAGNODE_NONBLOCKING;

/* Works until `budget` multiply-adds are spent or nothing is left to do; returns what was spent,
 * which may exceed the budget by less than one part. */
uint64_t tagger_run_advance(tagger_run *run, uint64_t budget) TAGNODE_NONBLOCKING;

/* The results of a window, output after output, or NULL while they are not there or no longer. */
const float *const *tagger_run_result(const tagger_run *run, int64_t window) TAGNODE_NONBLOCKING;

#endif
