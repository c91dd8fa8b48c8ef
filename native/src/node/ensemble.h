/* ensemble.h - the inline models of a node on one front-end: each runs in slices, all have one
 * latency, and one at a time can be replaced while the others and the audio continue.
 *
 * Windows of all models end at the same mel frames, the ticks. The first window of a model that
 * accepts silence before the stream starts before it; all others start within. A new model receives
 * the same mel frames as the one that it replaces until its first window is full, so that no result
 * is missing. */
#pragma once

#include "node/model.h"
#include "support/ticks.h"

typedef struct tagnode_ensemble tagnode_ensemble;

typedef struct {
    tagnode_ticks ticks;
    double frame_samples; /* input samples in the hop of a mel frame */
    double frame_seconds; /* the same in seconds; 0 if results may take any time: offline */
    uint32_t burst;       /* largest number of input samples between two calls of advance */
    uint32_t wanted[TAGNODE_MAX_MODELS]; /* bit i: output i of that model is used */
    uint32_t primed;                     /* bit i: model i accepts silence before the stream */
    const float *silence;                /* the mel frame of silence; must outlive the ensemble */
} tagnode_ensemble_setup;

/* Prepares `count` (1 to TAGNODE_MAX_MODELS) inline models with the same front-end settings;
 * retains them. Returns OK, ERROR_MODEL, ERROR_UNSUPPORTED or ERROR_MEMORY. [main] */
tagnode_status tagnode_ensemble_create(tagnode_model *const *models, uint32_t count,
                                       const tagnode_ensemble_setup *setup, tagnode_ensemble **out,
                                       tagnode_message *why);
void tagnode_ensemble_destroy(tagnode_ensemble *ensemble);
void tagnode_ensemble_reset(tagnode_ensemble *ensemble) TAGNODE_NONBLOCKING;

/* Returns the input samples from a window's last mel frame to its result that suit all models.
 * [main] */
uint32_t tagnode_ensemble_latency(const tagnode_ensemble *ensemble);

/* Allocates the memory to run at that latency, or a longer one. Returns OK, ERROR_MEMORY, or
 * ERROR_UNSUPPORTED if a model is too heavy for its hop. [main] */
tagnode_status tagnode_ensemble_start(tagnode_ensemble *ensemble, uint32_t latency,
                                      tagnode_message *why);

/* Returns the first tick at which a model has a result. [main] */
int64_t tagnode_ensemble_first(const tagnode_ensemble *ensemble, uint32_t index);

/* Replaces the model at `index` by `model` once that has a full window. Patch length, outputs and
 * front-end must be the same, and the latency no longer. A second call before that supersedes the
 * first. Returns OK, ERROR_ARGUMENT, ERROR_MODEL, ERROR_UNSUPPORTED or ERROR_MEMORY. [main] */
tagnode_status tagnode_ensemble_swap(tagnode_ensemble *ensemble, uint32_t index,
                                     tagnode_model *model, tagnode_message *why);

/* Returns the number of models replaced since create. [any] */
uint64_t tagnode_ensemble_swapped(const tagnode_ensemble *ensemble) TAGNODE_NONBLOCKING;

void tagnode_ensemble_push(tagnode_ensemble *ensemble, const float *mel) TAGNODE_NONBLOCKING;
void tagnode_ensemble_advance(tagnode_ensemble *ensemble, uint32_t samples) TAGNODE_NONBLOCKING;

/* Gets the results of the windows that end at a tick: points outputs[i] at the outputs of model i,
 * valid until the next push or advance. Adds to `late` the number of models that were not ready,
 * see tagnode_sliced_take. Returns false, and gets nothing, if some model has no full window by
 * then. */
bool tagnode_ensemble_take(tagnode_ensemble *ensemble, int64_t tick, const float *const **outputs,
                           uint64_t *late) TAGNODE_NONBLOCKING;
