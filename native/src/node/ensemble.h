/* ensemble.h - the inline models of a node on one front-end: each in slices, all with one latency,
 * and one at a time exchanged while the others and the audio go on.
 *
 * Windows of all models end at the same mel frames: those whose count is `first` plus a multiple of
 * the hop. The first window of a model that takes what was before the stream for silence begins
 * before it; all others begin within. A model that is exchanged hears along with the one that it
 * replaces until its own first window is complete, so that no answer is missing. */
#ifndef TAGNODE_ENSEMBLE_H
#define TAGNODE_ENSEMBLE_H

#include "node/model.h"

typedef struct tagnode_ensemble tagnode_ensemble;

typedef struct {
    uint32_t hop, first;                 /* mel frames */
    double frame_samples;                /* input samples in a mel frame's hop */
    uint32_t least_latency;              /* input samples; the models may need more */
    uint32_t burst;                      /* most input samples between two calls of pay */
    uint32_t wanted[TAGNODE_MAX_MODELS]; /* bit i: output i of that model is looked at */
    uint32_t primed;                     /* bit i: model i may take what was before for silence */
    const float *silence;                /* a silent mel frame, which outlives the ensemble */
} tagnode_ensemble_setup;

/* Prepares `count` (1 to TAGNODE_MAX_MODELS) inline models with the same front-end settings;
 * retains them. Returns OK, ERROR_ARGUMENT, ERROR_MODEL, ERROR_UNSUPPORTED or ERROR_MEMORY. [main]
 */
tagnode_status tagnode_ensemble_create(tagnode_model *const *models, uint32_t count,
                                       const tagnode_ensemble_setup *setup, tagnode_ensemble **out,
                                       tagnode_message *why);
void tagnode_ensemble_destroy(tagnode_ensemble *ensemble);
void tagnode_ensemble_reset(tagnode_ensemble *ensemble) TAGNODE_NONBLOCKING;
uint32_t tagnode_ensemble_latency(const tagnode_ensemble *ensemble);

/* Has `model` take the place of the model at `index`, as soon as it has heard a window; the same
 * patch length, outputs and front-end are wanted, and no more latency. A second call before that
 * takes the first one's place. Returns OK, ERROR_ARGUMENT, ERROR_MODEL, ERROR_UNSUPPORTED or
 * ERROR_MEMORY. [main] */
tagnode_status tagnode_ensemble_swap(tagnode_ensemble *ensemble, uint32_t index,
                                     tagnode_model *model, tagnode_message *why);

/* Models that have taken another's place since create. [any] */
uint64_t tagnode_ensemble_swapped(const tagnode_ensemble *ensemble) TAGNODE_NONBLOCKING;

void tagnode_ensemble_push(tagnode_ensemble *ensemble, const float *mel) TAGNODE_NONBLOCKING;
void tagnode_ensemble_advance(tagnode_ensemble *ensemble, uint32_t samples) TAGNODE_NONBLOCKING;

/* Takes the answers of the windows that end after `frames` mel frames: points outputs[i] at the
 * outputs of model i, which stay until the next push or pay. Adds to `late` how many models were
 * not ready, see tagnode_sliced_take. False: some model has not heard a whole window by then, and
 * nothing was taken. */
bool tagnode_ensemble_take(tagnode_ensemble *ensemble, int64_t frames, const float *const **outputs,
                           uint64_t *late) TAGNODE_NONBLOCKING;

#endif
