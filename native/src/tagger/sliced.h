/* sliced.h - the inline runtime as a node sees it: mel frames in, work paid for by the samples that
 * arrive, the result of each window there when it is due. */
#ifndef TAGNODE_TAGGER_SLICED_H
#define TAGNODE_TAGGER_SLICED_H

#include "support/engine.h"
#include "tagger/run.h"

typedef struct tagnode_sliced tagnode_sliced;

/* Checks a graph against its card: input, outputs, types. Returns OK, ERROR_MODEL or
 * ERROR_UNSUPPORTED. */
tagnode_status tagnode_sliced_check(const tagger_graph *graph, const tagnode_card *card,
                                    tagnode_message *why);

/* Plans the graph for windows `hop` mel frames apart, which are `frame_samples` input samples long.
 * Returns OK, ERROR_MODEL, ERROR_UNSUPPORTED or ERROR_MEMORY. The graph must outlive it. [main] */
tagnode_status tagnode_sliced_create(const tagger_graph *graph, const tagnode_card *card,
                                     uint32_t hop, double frame_samples, tagnode_sliced **out,
                                     tagnode_message *why);

/* Input samples from a window's last mel frame to its result: what suits the model, with no
 * callback at more than 1.18 times the mean work and one part, and the least it can be put to,
 * at 2.5 times. [any] */
uint32_t tagnode_sliced_latency(const tagnode_sliced *sliced);
uint32_t tagnode_sliced_least_latency(const tagnode_sliced *sliced);

/* Takes the memory to run, for results that are taken `latency` input samples after their window,
 * at least tagnode_sliced_least_latency, or up to `burst` samples later, since samples come in
 * blocks. Comes before push. Returns OK or ERROR_MEMORY. [main] */
tagnode_status tagnode_sliced_start(tagnode_sliced *sliced, uint32_t latency, uint32_t burst,
                                    tagnode_message *why);

/* Comes after start, for a model that takes what was before for silence: hears `count` silent mel
 * frames, fewer than a window. Returns OK or ERROR_MEMORY. [main] */
tagnode_status tagnode_sliced_prime(tagnode_sliced *sliced, const float *silence, uint32_t count,
                                    tagnode_message *why);

void tagnode_sliced_destroy(tagnode_sliced *sliced);

/* Forgets all that was heard; `primed`: but for the silence of prime, which must have been. */
void tagnode_sliced_reset(tagnode_sliced *sliced, bool primed) TAGNODE_NONBLOCKING;

/* Hands over the next mel frame. [audio] */
void tagnode_sliced_push(tagnode_sliced *sliced, const float *mel) TAGNODE_NONBLOCKING;

/* Does the work that `samples` input samples pay for. [audio] */
void tagnode_sliced_advance(tagnode_sliced *sliced, uint32_t samples) TAGNODE_NONBLOCKING;

/* Multiply-adds done since create or reset, without prime's. [audio] */
uint64_t tagnode_sliced_spent(const tagnode_sliced *sliced) TAGNODE_NONBLOCKING;

/* Points `outputs` at the model's outputs for a window, which must be due; they stay until the next
 * pay or push. False: it was not ready by its time, and the rest of its work was done at once;
 * never seen unless the cost of a part was underestimated. [audio] */
bool tagnode_sliced_take(tagnode_sliced *sliced, int64_t window, const float *const **outputs)
    TAGNODE_NONBLOCKING;

/* The graph as an engine, a whole patch at a time. [main] */
tagnode_status tagnode_engine_open_inline(const tagger_graph *graph, const tagnode_card *card,
                                          tagnode_engine **engine, tagnode_message *why);

#endif
