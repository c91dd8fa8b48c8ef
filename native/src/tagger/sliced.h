/* sliced.h - the inline runtime: mel frames in, work in proportion to the input samples, the result
 * of each window ready when it is due. */
#pragma once

#include "support/engine.h"
#include "tagger/run.h"

typedef struct tagnode_sliced tagnode_sliced;

/* Plans the graph for windows that are `ticks` apart (its offset is ignored); a mel frame's hop is
 * `frame_samples` input samples. Returns OK, ERROR_MODEL, ERROR_UNSUPPORTED or ERROR_MEMORY. The
 * graph must outlive it. [main] */
tagnode_status tagnode_sliced_create(const tagger_graph *graph, const tagnode_card *card,
                                     const tagnode_ticks *ticks, double frame_samples,
                                     tagnode_sliced **out, tagnode_message *why);

/* Return input samples from a window's last mel frame to its result: the latency that suits the
 * model, at which no callback does more than 1.18 times the mean work plus one part; and the least
 * possible one, at 2.5 times. [any] */
uint32_t tagnode_sliced_latency(const tagnode_sliced *sliced);
uint32_t tagnode_sliced_least_latency(const tagnode_sliced *sliced);

/* Allocates the memory to run. Results are read `latency` input samples after their window, at
 * least tagnode_sliced_least_latency, or up to `burst` samples later, since samples arrive in
 * blocks. Call it before push. Returns OK or ERROR_MEMORY. [main] */
tagnode_status tagnode_sliced_start(tagnode_sliced *sliced, uint32_t latency, uint32_t burst,
                                    tagnode_message *why);

/* Returns OK if a hop's work fits in a hop of `hop_seconds` on this machine, otherwise
 * ERROR_UNSUPPORTED with both times. A model whose work could only be too much is run for a moment,
 * and timed, on `silence`, a mel frame. Call it after start; the state is that after it. [main] */
tagnode_status tagnode_sliced_check_time(tagnode_sliced *sliced, const float *silence,
                                         double hop_seconds, tagnode_message *why);

/* For a model that accepts silence before the stream: pushes `count` silent mel frames, fewer than
 * a window. Call it after start. Returns OK or ERROR_MEMORY. [main] */
tagnode_status tagnode_sliced_prime(tagnode_sliced *sliced, const float *silence, uint32_t count,
                                    tagnode_message *why);

void tagnode_sliced_destroy(tagnode_sliced *sliced);

/* Forgets all input; `primed`: except the silence of prime, which must have been called. `rest` is
 * that of tagger_run_reset. [audio] */
void tagnode_sliced_reset(tagnode_sliced *sliced, bool primed, int64_t rest) TAGNODE_NONBLOCKING;

/* Pushes the next mel frame. [audio] */
void tagnode_sliced_push(tagnode_sliced *sliced, const float *mel) TAGNODE_NONBLOCKING;

/* Does the work of `samples` input samples. [audio] */
void tagnode_sliced_advance(tagnode_sliced *sliced, uint32_t samples) TAGNODE_NONBLOCKING;

/* Returns the multiply-adds done since create or reset, without those of prime. [audio] */
uint64_t tagnode_sliced_spent(const tagnode_sliced *sliced) TAGNODE_NONBLOCKING;

/* Points `outputs` at the model's outputs for a window, which must be due; they are valid until the
 * next advance or push. Returns false if it was not ready in time; the rest of its work is then
 * done immediately. This happens only if the cost of a part was underestimated. [audio] */
bool tagnode_sliced_take(tagnode_sliced *sliced, int64_t window, const float *const **outputs)
    TAGNODE_NONBLOCKING;

/* Opens the graph as an engine that runs a whole patch at a time. [main] */
tagnode_status tagnode_engine_open_inline(const tagger_graph *graph, const tagnode_card *card,
                                          tagnode_engine **engine, tagnode_message *why);
