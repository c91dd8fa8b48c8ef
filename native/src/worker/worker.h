/* worker.h - a model on a thread of its own, which gets mel frames and returns results through
 * queues.
 *
 * Ticks are the results of the model, numbered from 0 (support/ticks.h); the ticks before the
 * window is full (fewer than `patch` frames, including those of silence before the stream) have no
 * result. The audio thread never makes a system call for the worker: the worker polls for work,
 * except offline, where both sides may wait for each other. */
#pragma once

#include "support/engine.h"
#include "support/ticks.h"
#include "tagnode.h"

typedef struct tagnode_worker tagnode_worker;

typedef struct {
    uint32_t bands, patch; /* patch: mel frames */
    tagnode_ticks ticks;
    uint32_t output_size[TAGNODE_MAX_OUTPUTS]; /* floats of each output; 0: not used */
    uint32_t results;                          /* results in the queue */
    uint32_t burst;                            /* mel frames that may be pushed at once */
    uint32_t silent;      /* mel frames of silence before the stream, less than `patch` */
    const float *silence; /* one of them; must outlive the worker; ignored if `silent` is 0 */
    double frame_seconds; /* duration of a mel frame's hop */
    bool offline;
} tagnode_worker_setup;

typedef enum {
    TAGNODE_RESULT_READY,
    TAGNODE_RESULT_LATE,  /* no result in time */
    TAGNODE_RESULT_FAILED /* the model itself failed */
} tagnode_result;

/* Starts the thread and takes ownership of the engine, also on error. Runs the model once on zeros,
 * so that its first run is no slower than the others. Returns OK, ERROR_MEMORY or ERROR_RUNTIME.
 * [main] */
tagnode_status tagnode_worker_create(tagnode_engine *engine, const tagnode_worker_setup *setup,
                                     tagnode_worker **out, tagnode_message *why);
void tagnode_worker_destroy(tagnode_worker *worker);

/* Pushes mel frame `index`. Returns false if the worker is so far behind that there is no room;
 * offline it waits for room. [audio] */
bool tagnode_worker_push(tagnode_worker *worker, int64_t index, const float *mel)
    TAGNODE_NONBLOCKING;

/* Gets the result of `tick`: copies each output in use to `outputs`. Adds to `late` the results of
 * earlier ticks that it finds, and to `failures` those, of any tick, for which the model failed.
 * Offline it waits. [audio] */
tagnode_result tagnode_worker_take(tagnode_worker *worker, int64_t tick, float *const *outputs,
                                   uint64_t *late, uint64_t *failures) TAGNODE_NONBLOCKING;

/* Discards everything pushed so far; frames start at 0 again. [audio] */
void tagnode_worker_reset(tagnode_worker *worker) TAGNODE_NONBLOCKING;
