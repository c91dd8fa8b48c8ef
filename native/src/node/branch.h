/* branch.h - a front-end of a node with its models: the inline models that take its mel frames at
 * one hop, or one model on a thread of its own.
 *
 * The first branch is the node's clock: results are due at every hop-th of its mel frames, the
 * node's ticks. In each other branch the window of a tick ends with the last mel frame that ends by
 * then, less than a mel frame earlier. If ticks are closer together than the mel frames of a
 * branch, its windows end with each of those, and ticks share their results. They also do if the
 * branch takes every so many-th tick only: then its turns are those ticks. */
#pragma once

#include "frontend/frontend.h"
#include "node/ensemble.h"
#include "worker/worker.h"

typedef struct {
    tagnode_frontend_settings settings;
    tagnode_frontend *frontend;
    uint32_t count;
    tagnode_model *model[TAGNODE_MAX_MODELS];
    uint32_t index[TAGNODE_MAX_MODELS]; /* of each model in the node */
    uint32_t patch;                     /* mel frames of the longest window, 0 without a model */
    uint32_t least_latency;             /* input samples, of a result */
    uint32_t every;                     /* the node's ticks from one turn to the next */
    int64_t phase;                      /* the tick of turn 0 */
    tagnode_ticks turns;                /* its mel frames at its turns */
    tagnode_ticks own;                  /* and at its own ticks, the ends of its windows */
    bool each_frame;                    /* own ticks are all mel frames, otherwise the turns */
    int64_t first;                      /* the first own tick with results of all models */
    tagnode_ensemble *ensemble;
    tagnode_worker *worker;
    tagnode_engine *engine; /* of the worker, until it starts */
    uint32_t wanted[TAGNODE_MAX_MODELS];
    uint32_t primed;
    float *silence; /* the mel frame of silence */
    float *mel;     /* mel frames of a chunk */
    float *worker_values;
    float *outputs[TAGNODE_MAX_OUTPUTS];
    int64_t mel_frames, taken; /* taken: the last own tick whose result the worker gave */
    tagnode_result result;     /* that one's */
} tagnode_branch;

/* Creates the front-end and room for the mel frames of `chunk` samples. `settings` are set already.
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main] */
tagnode_status tagnode_branch_open(tagnode_branch *branch, const tagnode_setup *setup,
                                   uint32_t chunk, tagnode_message *why);
void tagnode_branch_close(tagnode_branch *branch);

/* Sets the ticks: those of the node are `first` + tick * `hop` mel frames of `clock`. One of the
 * turns is at the first tick with a full window. [main] */
void tagnode_branch_align(tagnode_branch *branch, const tagnode_branch *clock, uint32_t first,
                          uint32_t hop);

/* Compiles the models; `wanted` and `primed` (see ensemble.h) are those of the node. Then
 * tagnode_branch_latency() returns the input samples from the end of a tick to its results. Returns
 * OK, ERROR_MODEL, ERROR_UNSUPPORTED, ERROR_MEMORY or ERROR_RUNTIME. [main] */
tagnode_status tagnode_branch_load(tagnode_branch *branch, const tagnode_setup *setup,
                                   const uint32_t *wanted, uint32_t primed, uint32_t chunk,
                                   tagnode_message *why);
uint32_t tagnode_branch_latency(const tagnode_branch *branch);

/* Starts with that latency, or a longer one. Returns OK, ERROR_MEMORY or ERROR_RUNTIME. [main] */
tagnode_status tagnode_branch_start(tagnode_branch *branch, const tagnode_setup *setup,
                                    uint32_t latency, uint32_t chunk, tagnode_message *why);

/* Returns whether all models have a window at a tick of the node after prepare. [main] */
bool tagnode_branch_is_full(const tagnode_branch *branch, int64_t tick);

/* Returns the input position at which the longest window of a tick starts; may be negative. */
int64_t tagnode_branch_begin(const tagnode_branch *branch, int64_t tick) TAGNODE_NONBLOCKING;

/* Processes up to `chunk` samples of each channel: computes mel frames and their power spectra
 * (`power` may be NULL), and gives them to the models. Returns their number; they are in `mel`
 * until the next call. Adds to `overruns`. */
size_t tagnode_branch_process(tagnode_branch *branch, const float *const *input, uint32_t frames,
                              float *power, uint64_t *overruns) TAGNODE_NONBLOCKING;

/* Gets the results of a tick: points outputs[i] at the outputs of the node's model i. Adds to the
 * counts as tagnode_ensemble_take and tagnode_worker_take do. Returns TAGNODE_WARMING if a window
 * is not full, TAGNODE_HELD if the worker has no result. */
tagnode_state tagnode_branch_take(tagnode_branch *branch, int64_t tick,
                                  const float *const **outputs, uint64_t *late, uint64_t *failures)
    TAGNODE_NONBLOCKING;

void tagnode_branch_reset(tagnode_branch *branch) TAGNODE_NONBLOCKING;
