#include "node/branch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/mel_plan.h"
#include "support/message.h"

static const double WORKER_LATENCY = 0.25; /* seconds, if automatic */

tagnode_status tagnode_branch_open(tagnode_branch *b, const tagnode_setup *setup, uint32_t chunk,
                                   tagnode_message *why) {
    const tagnode_status status = tagnode_frontend_create(&b->settings, setup->sample_rate,
                                                          setup->channels, &b->frontend, why);
    if (status != TAGNODE_OK) return status;
    const size_t mels = tagnode_frontend_capacity(b->frontend, chunk);
    b->mel = calloc(mels * b->settings.bands, sizeof *b->mel);
    b->silence = calloc(b->settings.bands, sizeof *b->silence);
    if (b->mel == NULL || b->silence == NULL) return tagnode_no_memory(why, "a node");
    tagnode_frontend_silence(b->frontend, b->silence);
    b->taken = -1;
    return TAGNODE_OK;
}

void tagnode_branch_close(tagnode_branch *b) {
    tagnode_worker_destroy(b->worker);
    if (b->engine != NULL) b->engine->close(b->engine);
    tagnode_ensemble_destroy(b->ensemble);
    tagnode_frontend_destroy(b->frontend);
    for (uint32_t i = 0; i < b->count; ++i) tagnode_model_release(b->model[i]);
    free(b->silence);
    free(b->mel);
    free(b->worker_values);
}

/* ---- ticks ---- */

/* Returns floor((offset + t * step) / divisor) in smaller numbers. */
static tagnode_ticks reduced(int64_t offset, int64_t step, int64_t divisor) {
    int64_t common = step;
    for (int64_t rest = divisor; rest > 0;) { /* Euclid's algorithm */
        const int64_t next = common % rest;
        common = rest;
        rest = next;
    }
    if (common < 1 || divisor < common) common = 1; /* never: both are above 0 */
    return (tagnode_ticks){tagnode_floor_divide(offset, common), step / common, divisor / common};
}

/* Returns the samples from the position of a mel frame to its last one. */
static int64_t reach_of(const tagnode_frontend_settings *s) {
    return (int64_t)s->frame - tagnode_mel_plan_lead(s) - 1;
}

void tagnode_branch_align(tagnode_branch *b, const tagnode_branch *clock, uint32_t first,
                          uint32_t hop) {
    /* Tick t ends with sample `last` + t * `step` at the clock's rate; mel frame j with sample
     * j * s->hop + reach at this one's. */
    const tagnode_frontend_settings *c = &clock->settings, *s = &b->settings;
    const int64_t last = ((int64_t)first - 1) * c->hop + reach_of(c), step = (int64_t)hop * c->hop;
    const int64_t frame = (int64_t)s->hop * c->sample_rate, apart = step * s->sample_rate;
    const int64_t offset = last * s->sample_rate - reach_of(s) * c->sample_rate + frame;
    const tagnode_ticks node = reduced(offset, apart, frame);
    const int64_t full = tagnode_ticks_from(&node, b->patch);
    b->phase = full > 0 ? full % b->every : 0;
    b->turns = reduced(offset + b->phase * apart, apart * b->every, frame);
    b->own = b->turns;
    b->each_frame = b->turns.step < b->turns.divisor;
    if (!b->each_frame) return;
    const int64_t frames = tagnode_ticks_frames(&b->turns, 0);
    b->own = (tagnode_ticks){frames > 1 ? frames : 1, 1, 1};
}

/* Returns the last turn at or before a tick of the node; below 0 before the first. */
static int64_t turn_at(const tagnode_branch *b, int64_t tick) TAGNODE_NONBLOCKING {
    return tagnode_floor_divide(tick - b->phase, b->every);
}

static int64_t own_tick(const tagnode_branch *b, int64_t tick) TAGNODE_NONBLOCKING {
    const int64_t turn = turn_at(b, tick);
    return b->each_frame ? tagnode_ticks_frames(&b->turns, turn) - b->own.offset : turn;
}

bool tagnode_branch_is_full(const tagnode_branch *b, int64_t tick) {
    return own_tick(b, tick) >= b->first;
}

int64_t tagnode_branch_begin(const tagnode_branch *b, int64_t tick) {
    const int64_t frames = tagnode_ticks_frames(&b->turns, turn_at(b, tick));
    return tagnode_frontend_begin(b->frontend, frames - b->patch);
}

/* ---- models ---- */

static double frame_samples(const tagnode_branch *b, const tagnode_setup *setup) {
    return (double)b->settings.hop * setup->sample_rate / b->settings.sample_rate;
}

static tagnode_status load_ensemble(tagnode_branch *b, const tagnode_setup *setup, uint32_t chunk,
                                    tagnode_message *why) {
    tagnode_ensemble_setup with = {
        .ticks = b->own,
        .frame_samples = frame_samples(b, setup),
        .frame_seconds = setup->offline ? 0 : (double)b->settings.hop / b->settings.sample_rate,
        .burst = chunk,
        .primed = b->primed,
        .silence = b->silence,
    };
    memcpy(with.wanted, b->wanted, sizeof with.wanted);
    return tagnode_ensemble_create(b->model, b->count, &with, &b->ensemble, why);
}

static tagnode_status load_worker(tagnode_branch *b, tagnode_message *why) {
    const tagnode_card *card = &b->model[0]->card;
    uint32_t floats = 0;
    for (uint32_t i = 0; i < card->outputs; ++i)
        if (b->wanted[0] >> i & 1) floats += card->output_size[i];
    b->worker_values = calloc((size_t)floats + 1, sizeof *b->worker_values);
    if (b->worker_values == NULL) return tagnode_no_memory(why, "a node");
    for (uint32_t i = 0, at = 0; i < card->outputs; ++i) {
        b->outputs[i] = b->worker_values + at;
        if (b->wanted[0] >> i & 1) at += card->output_size[i];
    }
    return tagnode_model_open(b->model[0], &b->engine, why);
}

tagnode_status tagnode_branch_load(tagnode_branch *b, const tagnode_setup *setup,
                                   const uint32_t *wanted, uint32_t primed, uint32_t chunk,
                                   tagnode_message *why) {
    for (uint32_t i = 0; i < b->count; ++i) {
        b->wanted[i] = wanted[b->index[i]];
        b->primed |= (primed >> b->index[i] & 1) << i;
    }
    const bool sliced = b->model[0]->sliced;
    const double automatic = sliced ? 0 : WORKER_LATENCY;
    const double least = setup->compute_latency < 0 ? automatic : setup->compute_latency;
    b->least_latency = (uint32_t)ceil(least * setup->sample_rate);
    return sliced ? load_ensemble(b, setup, chunk, why) : load_worker(b, why);
}

uint32_t tagnode_branch_latency(const tagnode_branch *b) {
    const uint32_t needed = b->ensemble != NULL ? tagnode_ensemble_latency(b->ensemble) : 0;
    return tagnode_frontend_delay(b->frontend) +
           (needed > b->least_latency ? needed : b->least_latency);
}

static tagnode_status start_worker(tagnode_branch *b, const tagnode_setup *setup, uint32_t latency,
                                   uint32_t chunk, tagnode_message *why) {
    const tagnode_card *card = &b->model[0]->card;
    const double samples = frame_samples(b, setup);
    const bool primed = (b->primed & 1) && card->silence_before;
    int64_t tick = tagnode_ticks_from(&b->own, primed ? 1 : card->patch_frames);
    if (tick < 0) tick = 0;
    const int64_t frames = tagnode_ticks_frames(&b->own, tick);
    b->first = tick;
    tagnode_worker_setup with = {
        .bands = b->settings.bands,
        .patch = card->patch_frames,
        .ticks = b->own,
        .results = (uint32_t)(latency / (tagnode_ticks_fewest(&b->own) * samples)) + 8,
        .burst = (uint32_t)tagnode_frontend_capacity(b->frontend, chunk),
        .silent = primed && frames < card->patch_frames ? card->patch_frames - (uint32_t)frames : 0,
        .silence = b->silence,
        .frame_seconds = samples / setup->sample_rate,
        .offline = setup->offline,
    };
    for (uint32_t i = 0; i < card->outputs; ++i)
        if (b->wanted[0] >> i & 1) with.output_size[i] = card->output_size[i];
    tagnode_engine *engine = b->engine;
    b->engine = NULL; /* the worker takes it, also on error */
    return tagnode_worker_create(engine, &with, &b->worker, why);
}

tagnode_status tagnode_branch_start(tagnode_branch *b, const tagnode_setup *setup, uint32_t latency,
                                    uint32_t chunk, tagnode_message *why) {
    const uint32_t compute = latency - tagnode_frontend_delay(b->frontend);
    if (b->ensemble == NULL) return start_worker(b, setup, compute, chunk, why);
    const tagnode_status status = tagnode_ensemble_start(b->ensemble, compute, why);
    for (uint32_t i = 0; i < b->count && status == TAGNODE_OK; ++i) {
        const int64_t tick = tagnode_ensemble_first(b->ensemble, i);
        if (tick > b->first) b->first = tick;
    }
    return status;
}

/* ---- audio thread ---- */

size_t tagnode_branch_process(tagnode_branch *b, const float *const *input, uint32_t frames,
                              float *power, uint64_t *overruns) {
    const size_t mels = tagnode_frontend_process_spectra(b->frontend, input, frames, b->mel, power);
    for (size_t i = 0; i < mels; ++i) {
        const float *mel = b->mel + i * b->settings.bands;
        if (b->ensemble != NULL)
            tagnode_ensemble_push(b->ensemble, mel);
        else if (b->worker != NULL)
            *overruns += !tagnode_worker_push(b->worker, b->mel_frames + (int64_t)i, mel);
    }
    b->mel_frames += (int64_t)mels;
    if (b->ensemble != NULL) tagnode_ensemble_advance(b->ensemble, frames);
    return mels;
}

tagnode_state tagnode_branch_take(tagnode_branch *b, int64_t tick, const float *const **outputs,
                                  uint64_t *late, uint64_t *failures) {
    const int64_t own = own_tick(b, tick);
    if (b->ensemble != NULL) {
        const float *const *results[TAGNODE_MAX_MODELS];
        if (!tagnode_ensemble_take(b->ensemble, own, results, late)) return TAGNODE_WARMING;
        for (uint32_t i = 0; i < b->count; ++i) outputs[b->index[i]] = results[i];
        return TAGNODE_FRESH;
    }
    if (own < b->first) return TAGNODE_WARMING;
    const bool again = own == b->taken; /* ticks that share a result may still get a late one */
    if (!again || b->result == TAGNODE_RESULT_LATE) {
        b->result = tagnode_worker_take(b->worker, own, b->outputs, late, failures);
        *late += again && b->result == TAGNODE_RESULT_READY;
    }
    b->taken = own;
    outputs[b->index[0]] = (const float *const *)b->outputs;
    return b->result == TAGNODE_RESULT_READY ? TAGNODE_FRESH : TAGNODE_HELD;
}

void tagnode_branch_reset(tagnode_branch *b) {
    tagnode_frontend_reset(b->frontend);
    if (b->ensemble != NULL) tagnode_ensemble_reset(b->ensemble);
    if (b->worker != NULL) tagnode_worker_reset(b->worker);
    b->mel_frames = 0;
    b->taken = -1;
}
