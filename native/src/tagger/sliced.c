#include "tagger/sliced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/floatenv.h"
#include "support/message.h"
#include "support/processor_time.h"

/* Work is done faster than it arrives, so that a result is ready sooner; then the node is idle
 * until the next frame. EASE is the factor that a node chooses by itself, HASTE the largest factor
 * for a model that must keep to the latency of another, and SLACK the margin for rounding. */
static const double SLACK = 1.02, EASE = 1.18, HASTE = 2.5;

/* Seconds of a multiply-add on a slow machine, portable kernels; of a measurement; multiply-adds
 * between two looks at the clock; measurements of which the fastest counts. */
static const double SLOWEST = 5e-10, TRIAL = 0.03;
enum { STRIDE = 2000000, TRIALS = 3 };

struct tagnode_sliced {
    tagger_plan plan;
    tagger_run *run;
    tagnode_ticks ticks;
    uint32_t hop; /* the fewest mel frames between two windows */
    double frame_samples;
    double pace;     /* multiply-adds that arrive with a sample, on average */
    uint64_t *work;  /* work of each of the first `frames` mel frames; until start */
    uint32_t frames; /* enough of them to reach the periodic state */
    double margin;   /* multiply-adds lost to rounding to frames and parts */
    double rate;     /* multiply-adds done for each sample */
    double credit; /* multiply-adds allowed and not yet done; below 0 after a part that cost more */
    uint64_t spent;
};

/* Checks a graph against its card and plans it. */
static tagnode_status plan_graph(const tagger_graph *graph, const tagnode_card *card, bool alone,
                                 tagger_plan *plan, tagnode_message *why) {
    if (graph->outputs < card->outputs)
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model has %u outputs; its card has %u.", graph->outputs,
                              card->outputs);
    for (uint32_t i = 0; i < card->outputs; ++i) {
        const tagger_tensor *output = &graph->tensor[graph->output[i]];
        if (output->type != TAGGER_FLOAT32)
            return tagnode_report(why, TAGNODE_ERROR_UNSUPPORTED,
                                  "Output %u of the model is not float32, which the inline runtime "
                                  "needs; the worker runtime runs any model.",
                                  i);
        if (output->elements != card->output_size[i])
            return tagnode_report(why, TAGNODE_ERROR_MODEL,
                                  "Output %u of the model has %zu floats; its card has %u.", i,
                                  output->elements, card->output_size[i]);
    }
    return tagger_plan_create(graph, card, kernels_select(), alone, plan, why);
}

/* Lists the work by mel frame: the first window and three hops, after which it is periodic; hops
 * that are a mel frame longer at times only give it more time. A model
 * that starts within the list, primed, never waits longer at any frame than one that starts at its
 * beginning. */
static tagnode_status weigh(tagnode_sliced *sliced, tagnode_message *why) {
    const tagger_cost cost = tagger_plan_cost(&sliced->plan);
    uint64_t shared = 0, most = 0;
    sliced->frames = sliced->plan.patch + 3 * sliced->hop;
    sliced->work = calloc(sliced->frames, sizeof *sliced->work);
    if (sliced->work == NULL) return tagnode_no_memory(why, "a model");
    for (uint32_t i = 0; i < sliced->frames; ++i) {
        sliced->work[i] = tagger_frame_cost(&sliced->plan, sliced->hop, i);
        if (sliced->work[i] > most) most = sliced->work[i];
        if (i >= sliced->plan.patch + 2 * sliced->hop) shared += sliced->work[i];
    }
    sliced->pace = (double)(shared + cost.edges) / (sliced->hop * sliced->frame_samples);
    sliced->margin = (double)most + 2.0 * cost.part;
    return TAGNODE_OK;
}

/* Returns the input samples from a window's last mel frame to its result at `rate` multiply-adds
 * for each sample: the longest wait of any window of the list. Work is done in order of arrival. */
static double longest_wait(const tagnode_sliced *sliced, double rate) {
    const double edges = (double)tagger_plan_cost(&sliced->plan).edges;
    const double paid = rate * sliced->frame_samples;
    double waiting = 0, most = 0;
    for (uint32_t i = 0; i < sliced->frames; ++i) {
        waiting += (double)sliced->work[i];
        if (i + 1 >= sliced->plan.patch && (i + 1 - sliced->plan.patch) % sliced->hop == 0) {
            waiting += edges;
            if (waiting > most) most = waiting;
        }
        waiting = waiting > paid ? waiting - paid : 0;
    }
    return (most + sliced->margin) / rate;
}

static uint32_t latency_at(const tagnode_sliced *sliced, double speed) {
    return (uint32_t)ceil(longest_wait(sliced, speed * sliced->pace)) + 1;
}

/* The lowest rate that meets a latency which HASTE meets: waits get shorter as the rate grows. */
static double speed_for(const tagnode_sliced *sliced, uint32_t latency) {
    double low = SLACK, high = HASTE;
    if (latency_at(sliced, low) <= latency) return low;
    for (int i = 0; i < 20; ++i) {
        const double middle = (low + high) / 2;
        *(latency_at(sliced, middle) <= latency ? &high : &low) = middle;
    }
    return high;
}

tagnode_status tagnode_sliced_create(const tagger_graph *graph, const tagnode_card *card,
                                     const tagnode_ticks *ticks, double frame_samples,
                                     tagnode_sliced **out, tagnode_message *why) {
    *out = NULL;
    tagnode_sliced *sliced = calloc(1, sizeof *sliced);
    if (sliced == NULL) return tagnode_no_memory(why, "a model");
    sliced->ticks = *ticks;
    sliced->hop = tagnode_ticks_fewest(ticks);
    sliced->frame_samples = frame_samples;
    tagnode_status status = plan_graph(graph, card, false, &sliced->plan, why);
    if (status == TAGNODE_OK) status = weigh(sliced, why);
    if (status != TAGNODE_OK) {
        tagnode_sliced_destroy(sliced);
        return status;
    }
    *out = sliced;
    return TAGNODE_OK;
}

tagnode_status tagnode_sliced_start(tagnode_sliced *sliced, uint32_t latency, uint32_t burst,
                                    tagnode_message *why) {
    sliced->rate = speed_for(sliced, latency) * sliced->pace;
    free(sliced->work); /* not needed on the audio thread */
    sliced->work = NULL;
    /* Windows that may be finished and not yet read, the current one, and one for rounding. */
    const double windows = ((double)latency + burst) / (sliced->hop * sliced->frame_samples);
    const uint32_t at_once = (uint32_t)(burst / sliced->frame_samples) + 2;
    return tagger_run_create(&sliced->plan, &sliced->ticks, (uint32_t)windows + 3, at_once,
                             &sliced->run, why);
}

/* Returns the seconds of a multiply-add, from the first window or a part of it. */
static double time_work(tagnode_sliced *sliced, const float *silence) {
    const double begin = tagnode_processor_seconds();
    uint64_t spent = 0;
    double taken = 0;
    tagger_run_reset(sliced->run, 0);
    for (uint32_t i = 0; i < sliced->plan.patch && taken < TRIAL; ++i) {
        tagger_run_push(sliced->run, silence);
        for (uint64_t done = STRIDE; done >= STRIDE && taken < TRIAL; spent += done) {
            done = tagger_run_advance(sliced->run, STRIDE);
            taken = tagnode_processor_seconds() - begin;
        }
    }
    tagger_run_reset(sliced->run, 0);
    return spent > 0 ? taken / (double)spent : 0;
}

tagnode_status tagnode_sliced_check_time(tagnode_sliced *sliced, const float *silence,
                                         double hop_seconds, tagnode_message *why) {
    const double work = sliced->pace * sliced->hop * sliced->frame_samples;
    if (work * SLOWEST <= hop_seconds) return TAGNODE_OK;
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    double least = INFINITY;
    for (int i = 0; i < TRIALS && least > hop_seconds; ++i) {
        const double taken = work * time_work(sliced, silence);
        if (taken < least) least = taken;
    }
    tagnode_floatenv_leave(saved);
    if (least <= hop_seconds) return TAGNODE_OK;
    return tagnode_report(
        why, TAGNODE_ERROR_UNSUPPORTED,
        "The model is too heavy for the inline runtime at this hop: the work of a "
        "hop takes about %.3g s here, and the hop gives %.3g s; choose a longer "
        "hop, or the worker runtime.",
        least, hop_seconds);
}

void tagnode_sliced_destroy(tagnode_sliced *sliced) {
    if (sliced == NULL) return;
    tagger_run_destroy(sliced->run);
    tagger_plan_destroy(&sliced->plan);
    free(sliced->work);
    free(sliced);
}

tagnode_status tagnode_sliced_prime(tagnode_sliced *sliced, const float *silence, uint32_t count,
                                    tagnode_message *why) {
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    const tagnode_status status = tagger_run_prime(sliced->run, silence, count, why);
    tagnode_floatenv_leave(saved);
    return status;
}

void tagnode_sliced_reset(tagnode_sliced *sliced, bool primed, int64_t rest) {
    if (primed)
        tagger_run_rewind(sliced->run, rest);
    else
        tagger_run_reset(sliced->run, rest);
    sliced->credit = 0;
    sliced->spent = 0;
}

uint32_t tagnode_sliced_latency(const tagnode_sliced *sliced) {
    return latency_at(sliced, EASE);
}

uint32_t tagnode_sliced_least_latency(const tagnode_sliced *sliced) {
    return latency_at(sliced, HASTE);
}

void tagnode_sliced_push(tagnode_sliced *sliced, const float *mel) {
    tagger_run_push(sliced->run, mel);
}

void tagnode_sliced_advance(tagnode_sliced *sliced, uint32_t samples) {
    sliced->credit += sliced->rate * samples;
    if (sliced->credit <= 0) return;
    const uint64_t budget = (uint64_t)sliced->credit + 1;
    const uint64_t spent = tagger_run_advance(sliced->run, budget);
    sliced->spent += spent;
    /* Unused credit is not saved: it would return as a burst. */
    sliced->credit = spent < budget ? 0 : sliced->credit - (double)spent;
}

uint64_t tagnode_sliced_spent(const tagnode_sliced *sliced) {
    return sliced->spent;
}

bool tagnode_sliced_take(tagnode_sliced *sliced, int64_t window, const float *const **outputs) {
    *outputs = tagger_run_result(sliced->run, window);
    if (*outputs != NULL) return true;
    sliced->spent += tagger_run_advance(sliced->run, UINT64_MAX);
    *outputs = tagger_run_result(sliced->run, window);
    return false;
}

/* ---- as an engine ---- */

typedef struct {
    tagnode_engine engine;
    tagnode_card card;
    tagger_plan plan;
    tagger_run *run;
} inline_engine;

static tagnode_status run_whole(tagnode_engine *engine, const float *patch, float *const *outputs) {
    inline_engine *self = (inline_engine *)engine;
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    tagger_run_reset(self->run, 0);
    for (uint32_t i = 0; i < self->card.patch_frames; ++i)
        tagger_run_push(self->run, patch + (size_t)i * self->card.frontend.bands);
    tagger_run_advance(self->run, UINT64_MAX);
    const float *const *result = tagger_run_result(self->run, 0);
    for (uint32_t i = 0; i < self->card.outputs; ++i)
        if (outputs[i] != NULL)
            memcpy(outputs[i], result[i], self->card.output_size[i] * sizeof(float));
    tagnode_floatenv_leave(saved);
    return TAGNODE_OK;
}

static void close_engine(tagnode_engine *engine) {
    inline_engine *self = (inline_engine *)engine;
    tagger_run_destroy(self->run);
    tagger_plan_destroy(&self->plan);
    free(self);
}

tagnode_status tagnode_engine_open_inline(const tagger_graph *graph, const tagnode_card *card,
                                          tagnode_engine **engine, tagnode_message *why) {
    *engine = NULL;
    inline_engine *self = calloc(1, sizeof *self);
    if (self == NULL) return tagnode_no_memory(why, "a model");
    self->engine = (tagnode_engine){.run = run_whole, .close = close_engine};
    self->card = *card;
    tagnode_status status = plan_graph(graph, card, true, &self->plan, why);
    const tagnode_ticks ticks = {0, card->patch_frames, 1};
    if (status == TAGNODE_OK)
        status = tagger_run_create(&self->plan, &ticks, 1, 1, &self->run, why);
    if (status != TAGNODE_OK) {
        close_engine(&self->engine);
        return status;
    }
    *engine = &self->engine;
    return TAGNODE_OK;
}
