/* worker.h - a model on a thread of its own, fed with mel frames and read for results, through
 * queues.
 *
 * Ticks are the answers of the model, numbered from 0. Tick t is due after first + t * hop mel
 * frames; the ticks before the window is full (fewer than `patch` frames, with those of silence
 * before the stream) have no result. The audio thread never makes a system call for the worker's
 * sake: the worker looks for work by itself, except offline, where both sides may wait for each
 * other. */
#ifndef TAGNODE_WORKER_WORKER_H
#define TAGNODE_WORKER_WORKER_H

#include "support/engine.h"
#include "tagnode.h"

typedef struct tagnode_worker tagnode_worker;

typedef struct {
    uint32_t bands, patch, hop, first;         /* mel frames, all but `bands` */
    uint32_t output_size[TAGNODE_MAX_OUTPUTS]; /* floats of each output; 0: it is not wanted */
    uint32_t results;                          /* results that may wait to be taken */
    uint32_t burst;                            /* mel frames that may be handed over at once */
    uint32_t silent;      /* mel frames of silence before the stream, less than `patch` */
    const float *silence; /* one of them, which outlives the worker; not looked at without any */
    double frame_seconds; /* duration of a mel frame's hop */
    bool offline;
} tagnode_worker_setup;

typedef enum {
    TAGNODE_RESULT_READY,
    TAGNODE_RESULT_LATE,  /* nothing there in time */
    TAGNODE_RESULT_FAILED /* the model itself failed */
} tagnode_result;

/* Starts the thread; takes the engine over, also on error. Runs the model once on zeros, so that
 * its first run is no slower than the others. Returns OK, ERROR_MEMORY, ERROR_RUNTIME. [main] */
tagnode_status tagnode_worker_create(tagnode_engine *engine, const tagnode_worker_setup *setup,
                                     tagnode_worker **out, tagnode_message *why);
void tagnode_worker_destroy(tagnode_worker *worker);

/* Hands over mel frame `index`. False: the worker is so far behind that there is no room. Offline
 * it waits for room. [audio] */
bool tagnode_worker_push(tagnode_worker *worker, int64_t index, const float *mel)
    TAGNODE_NONBLOCKING;

/* Takes the result of `tick`: copies each output that is wanted to its place in `outputs`. Adds to
 * `late` the results of earlier ticks that it meets, and to `failures` those, of any tick, for
 * which the model failed. Offline it waits. [audio] */
tagnode_result tagnode_worker_take(tagnode_worker *worker, int64_t tick, float *const *outputs,
                                   uint64_t *late, uint64_t *failures) TAGNODE_NONBLOCKING;

/* Everything handed over so far is void, frames start at 0 again. [audio] */
void tagnode_worker_reset(tagnode_worker *worker) TAGNODE_NONBLOCKING;

#endif
