#include "node/ensemble.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "frontend/frontend.h"
#include "support/aligned.h"
#include "support/message.h"
#include "support/ring.h"
#include "tagger/sliced.h"

/* A model that runs in the node. */
typedef struct {
    tagnode_model *model;
    tagnode_sliced *sliced;
    uint32_t silent; /* mel frames of silence before the stream, 0 for none */
    int64_t begin;   /* mel frame at which its first window starts */
    int64_t tick;    /* at which that ends */
} instance;

typedef struct {
    instance *current;
    instance *incoming;          /* filling its first window, or NULL */
    _Atomic(instance *) offered; /* handed over by the main thread, or NULL */
} slot;

struct tagnode_ensemble {
    tagnode_ensemble_setup setup;
    uint32_t latency, count;
    slot slots[TAGNODE_MAX_MODELS];
    tagnode_card cards[TAGNODE_MAX_MODELS]; /* of the first models; later ones match them */
    int64_t frames;                         /* mel frames received */
    tagnode_queue retired;                  /* instances that the main thread is to free */
    _Atomic uint64_t swapped;
};

enum { RETIRED = 4 * TAGNODE_MAX_MODELS };

/* ---- main thread ---- */

static void instance_destroy(instance *v) {
    if (v == NULL) return;
    tagnode_sliced_destroy(v->sliced);
    tagnode_model_release(v->model);
    free(v);
}

/* Returns the first tick at which a model that accepts silence before the stream has a result: the
 * one with the stream's first mel frame. */
static int64_t primed_tick(const tagnode_ensemble_setup *setup) TAGNODE_NONBLOCKING {
    const int64_t tick = tagnode_ticks_from(&setup->ticks, 1);
    return tick > 0 ? tick : 0;
}

/* The caller destroys the instance, also on error. */
static tagnode_status instance_create(const tagnode_ensemble *ensemble, uint32_t index,
                                      tagnode_model *model, instance **out, tagnode_message *why) {
    const tagnode_ensemble_setup *setup = &ensemble->setup;
    instance *made = *out = calloc(1, sizeof *made);
    if (made == NULL) return tagnode_no_memory(why, "a model");
    tagnode_model_retain(model);
    made->model = model;
    const int64_t frames = tagnode_ticks_frames(&setup->ticks, primed_tick(setup));
    const bool primed = (setup->primed >> index & 1) && model->card.silence_before;
    if (primed && frames < model->card.patch_frames)
        made->silent = model->card.patch_frames - (uint32_t)frames;
    return tagnode_sliced_create(&model->graph, &model->card, &setup->ticks, setup->frame_samples,
                                 &made->sliced, why);
}

static tagnode_status instance_start(const tagnode_ensemble *ensemble, const instance *v,
                                     tagnode_message *why) {
    const tagnode_ensemble_setup *setup = &ensemble->setup;
    const double hop = (double)setup->ticks.step / (double)setup->ticks.divisor;
    tagnode_status status = tagnode_sliced_start(v->sliced, ensemble->latency, setup->burst, why);
    if (status == TAGNODE_OK && setup->frame_seconds > 0)
        status =
            tagnode_sliced_check_time(v->sliced, setup->silence, hop * setup->frame_seconds, why);
    if (status != TAGNODE_OK || v->silent == 0) return status;
    return tagnode_sliced_prime(v->sliced, setup->silence, v->silent, why);
}

tagnode_status tagnode_ensemble_start(tagnode_ensemble *ensemble, uint32_t latency,
                                      tagnode_message *why) {
    ensemble->latency = latency;
    tagnode_status status = TAGNODE_OK;
    for (uint32_t i = 0; i < ensemble->count && status == TAGNODE_OK; ++i)
        status = instance_start(ensemble, ensemble->slots[i].current, why);
    if (status == TAGNODE_OK) tagnode_ensemble_reset(ensemble);
    return status;
}

tagnode_status tagnode_ensemble_create(tagnode_model *const *models, uint32_t count,
                                       const tagnode_ensemble_setup *setup, tagnode_ensemble **out,
                                       tagnode_message *why) {
    *out = NULL;
    tagnode_ensemble *ensemble = tagnode_aligned_calloc(sizeof *ensemble);
    if (ensemble == NULL) return tagnode_no_memory(why, "models");
    ensemble->setup = *setup;
    tagnode_status status = tagnode_queue_create(&ensemble->retired, sizeof(instance *), RETIRED);
    if (status != TAGNODE_OK) (void)tagnode_report(why, status, "No memory for models.");
    for (uint32_t i = 0; i < count && status == TAGNODE_OK; ++i) {
        ensemble->cards[i] = models[i]->card;
        status = instance_create(ensemble, i, models[i], &ensemble->slots[i].current, why);
        ensemble->count += status == TAGNODE_OK;
    }
    if (status != TAGNODE_OK) {
        tagnode_ensemble_destroy(ensemble);
        return status;
    }
    *out = ensemble;
    return TAGNODE_OK;
}

static void free_retired(tagnode_ensemble *ensemble) {
    for (;;) {
        instance *const *retired = (instance *const *)tagnode_queue_peek(&ensemble->retired);
        if (retired == NULL) return;
        instance_destroy(*retired);
        tagnode_queue_drop(&ensemble->retired);
    }
}

void tagnode_ensemble_destroy(tagnode_ensemble *ensemble) {
    if (ensemble == NULL) return;
    if (ensemble->retired.items != NULL) free_retired(ensemble);
    for (uint32_t i = 0; i < TAGNODE_MAX_MODELS; ++i) {
        instance_destroy(ensemble->slots[i].current);
        instance_destroy(ensemble->slots[i].incoming);
        instance_destroy(atomic_load(&ensemble->slots[i].offered));
    }
    tagnode_queue_destroy(&ensemble->retired);
    tagnode_aligned_free(ensemble);
}

static tagnode_status check_swap(const tagnode_ensemble *ensemble, uint32_t index,
                                 const tagnode_model *model, tagnode_message *why) {
    if (index >= ensemble->count)
        return tagnode_refuse(why, "There is no model %u to replace; the node has %u.", index,
                              ensemble->count);
    const tagnode_card *old = &ensemble->cards[index], *new = &model->card;
    if (!model->sliced)
        return tagnode_refuse(why, "Only a model for the inline runtime can replace another one.");
    if (!tagnode_frontend_equal(&old->frontend, &new->frontend))
        return tagnode_refuse(why, "The new model needs another mel spectrogram than the old one; "
                                   "prepare the node with it instead.");
    bool fits = new->patch_frames == old->patch_frames;
    for (uint32_t i = 0; i < old->outputs; ++i)
        if (ensemble->setup.wanted[index] >> i & 1)
            fits = fits && i < new->outputs && new->output_size[i] == old->output_size[i];
    if (!fits)
        return tagnode_refuse(
            why, "The new model's window or outputs differ from the old one's; prepare "
                 "the node with it instead.");
    return TAGNODE_OK;
}

tagnode_status tagnode_ensemble_swap(tagnode_ensemble *ensemble, uint32_t index,
                                     tagnode_model *model, tagnode_message *why) {
    free_retired(ensemble);
    tagnode_status status = check_swap(ensemble, index, model, why);
    if (status != TAGNODE_OK) return status;
    instance *made = NULL;
    status = instance_create(ensemble, index, model, &made, why);
    const uint32_t needed = status == TAGNODE_OK ? tagnode_sliced_least_latency(made->sliced) : 0;
    if (needed > ensemble->latency)
        status = tagnode_refuse(why,
                                "The new model needs %u samples for a result, the node allows %u; "
                                "prepare it with a longer compute_latency.",
                                needed, ensemble->latency);
    else if (status == TAGNODE_OK)
        status = instance_start(ensemble, made, why);
    if (status != TAGNODE_OK) {
        instance_destroy(made);
        return status;
    }
    instance_destroy(atomic_exchange(&ensemble->slots[index].offered, made));
    return TAGNODE_OK;
}

uint32_t tagnode_ensemble_latency(const tagnode_ensemble *ensemble) {
    uint32_t latency = 0;
    for (uint32_t i = 0; i < ensemble->count; ++i) {
        const uint32_t needed = tagnode_sliced_latency(ensemble->slots[i].current->sliced);
        if (needed > latency) latency = needed;
    }
    return latency;
}

int64_t tagnode_ensemble_first(const tagnode_ensemble *ensemble, uint32_t index) {
    return ensemble->slots[index].current->tick;
}

uint64_t tagnode_ensemble_swapped(const tagnode_ensemble *ensemble) {
    return atomic_load_explicit(&ensemble->swapped, memory_order_relaxed);
}

/* ---- audio thread ---- */

static void begin(const tagnode_ensemble *ensemble, instance *v) TAGNODE_NONBLOCKING {
    if (v == NULL) return;
    const tagnode_ticks *ticks = &ensemble->setup.ticks;
    const uint32_t patch = v->model->card.patch_frames;
    const bool primed =
        v->silent > 0 && ensemble->frames == 0; /* otherwise there was input before */
    const int64_t full = tagnode_ticks_from(ticks, ensemble->frames + patch);
    v->tick = primed ? primed_tick(&ensemble->setup) : full > 0 ? full : 0;
    v->begin = tagnode_ticks_frames(ticks, v->tick) - patch;
    tagnode_sliced_reset(v->sliced, primed, tagnode_ticks_rest(ticks, v->tick));
}

void tagnode_ensemble_reset(tagnode_ensemble *ensemble) {
    ensemble->frames = 0;
    for (uint32_t i = 0; i < ensemble->count; ++i) {
        begin(ensemble, ensemble->slots[i].current);
        begin(ensemble, ensemble->slots[i].incoming);
    }
}

static void push(const tagnode_ensemble *ensemble, instance *v, const float *mel)
    TAGNODE_NONBLOCKING {
    if (v != NULL && ensemble->frames >= v->begin) tagnode_sliced_push(v->sliced, mel);
}

void tagnode_ensemble_push(tagnode_ensemble *ensemble, const float *mel) {
    for (uint32_t i = 0; i < ensemble->count; ++i) {
        slot *s = &ensemble->slots[i];
        if (s->incoming == NULL &&
            atomic_load_explicit(&s->offered, memory_order_relaxed) != NULL) {
            s->incoming = atomic_exchange_explicit(&s->offered, NULL, memory_order_acquire);
            begin(ensemble, s->incoming);
        }
        push(ensemble, s->current, mel);
        push(ensemble, s->incoming, mel);
    }
    ++ensemble->frames;
}

void tagnode_ensemble_advance(tagnode_ensemble *ensemble, uint32_t samples) {
    for (uint32_t i = 0; i < ensemble->count; ++i) {
        tagnode_sliced_advance(ensemble->slots[i].current->sliced, samples);
        if (ensemble->slots[i].incoming != NULL)
            tagnode_sliced_advance(ensemble->slots[i].incoming->sliced, samples);
    }
}

/* Replaces the current instance by the incoming one if that has a full window by now, and if there
 * is room for the old one, which only the main thread may free. */
static void take_over(tagnode_ensemble *ensemble, slot *s, int64_t tick) TAGNODE_NONBLOCKING {
    if (s->incoming == NULL || tick < s->incoming->tick) return;
    instance **retired = (instance **)tagnode_queue_reserve(&ensemble->retired);
    if (retired == NULL) return;
    *retired = s->current;
    s->current = s->incoming;
    s->incoming = NULL;
    tagnode_queue_commit(&ensemble->retired);
    atomic_fetch_add_explicit(&ensemble->swapped, 1, memory_order_relaxed);
}

bool tagnode_ensemble_take(tagnode_ensemble *ensemble, int64_t tick, const float *const **outputs,
                           uint64_t *late) {
    bool full = true;
    for (uint32_t i = 0; i < ensemble->count; ++i) {
        take_over(ensemble, &ensemble->slots[i], tick);
        full = full && tick >= ensemble->slots[i].current->tick;
    }
    for (uint32_t i = 0; full && i < ensemble->count; ++i) {
        const instance *v = ensemble->slots[i].current;
        *late += !tagnode_sliced_take(v->sliced, tick - v->tick, &outputs[i]);
    }
    return full;
}
