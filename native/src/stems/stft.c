/* stft.c - the short-time Fourier transform of a stream and its inverse, at any sample rate.
 *
 * A real transform of `frame` points is a complex one of n = frame / 2 points over pairs of
 * samples; with E and O the transforms of the even and odd samples, X[k] = E[k] + w^k O[k].
 * Weighted overlap and add with the analysis window (Griffin and Lim, 1984): Hann's squares, `hop`
 * apart, add up to 3 / 8 * frame / hop. */
#include "frontend/frontend.h"
#include "frontend/resampler.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/sample.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = TAGNODE_RESAMPLER_CHUNK };

/* What both directions have. */
typedef struct {
    tagnode_mel_plan plan; /* its window, twiddles and scratch; it has no filters */
    const tagnode_dsp *dsp;
    uint32_t channels;
    tagnode_resampler resamplers[TAGNODE_MAX_CHANNELS];
} shared;

struct tagnode_stft {
    shared base;
    float *pending[TAGNODE_MAX_CHANNELS]; /* from the start of the next frame on */
    size_t fill[TAGNODE_MAX_CHANNELS];    /* the same for all between two chunks */
    uint64_t replaced;
};

struct tagnode_istft {
    shared base;
    float *sum[TAGNODE_MAX_CHANNELS]; /* frame samples: what is added up so far */
    uint32_t skipped;                 /* of the zeros before the stream */
};

static tagnode_status check(const tagnode_stft_settings *s, tagnode_message *why) {
    if (s->hop < 1 || s->frame % s->hop != 0 || s->frame / s->hop < 3)
        return tagnode_refuse(why,
                              "The hop is %u samples; it must divide the frame's %u by 3 or more.",
                              s->hop, s->frame);
    return TAGNODE_OK;
}

static void destroy_shared(shared *base) {
    tagnode_mel_plan_destroy(&base->plan);
    for (uint32_t c = 0; c < base->channels; ++c) tagnode_resampler_destroy(&base->resamplers[c]);
}

static tagnode_status create_shared(const tagnode_stft_settings *s, uint32_t from, uint32_t to,
                                    uint32_t channels, shared *base, tagnode_message *why) {
    const tagnode_frontend_settings settings = {
        .sample_rate = s->sample_rate,
        .frame = s->frame,
        .fft = s->frame,
        .hop = s->hop,
        .bands = 1,
        .mel_scale = TAGNODE_MEL_NONE,
        .framing = TAGNODE_FRAMING_FROM_ZERO,
    };
    base->dsp = tagnode_dsp_select();
    tagnode_status status = check(s, why);
    if (status == TAGNODE_OK) status = tagnode_mel_plan_create(&settings, &base->plan, why);
    for (uint32_t c = 0; c < channels && status == TAGNODE_OK; ++c) {
        status = tagnode_resampler_create(from, to, base->dsp, &base->resamplers[c], why);
        base->channels = c + 1;
    }
    return status;
}

/* --------------------------------------------------------------------------------- forward --- */

tagnode_status tagnode_stft_create(const tagnode_stft_settings *settings, uint32_t sample_rate,
                                   uint32_t channels, tagnode_stft **stft, tagnode_message *why) {
    *stft = NULL;
    tagnode_status status = tagnode_frontend_check_input(sample_rate, channels, why);
    if (status != TAGNODE_OK) return status;
    tagnode_stft *t = calloc(1, sizeof *t);
    if (t == NULL) return tagnode_no_memory(why, "a transform");
    status = create_shared(settings, sample_rate, settings->sample_rate, channels, &t->base, why);
    for (uint32_t c = 0; c < channels && status == TAGNODE_OK; ++c) {
        const size_t room =
            settings->frame + tagnode_resampler_yield(&t->base.resamplers[c], CHUNK);
        t->pending[c] = calloc(room, sizeof *t->pending[c]);
        if (t->pending[c] == NULL) status = tagnode_no_memory(why, "a transform");
    }
    if (status != TAGNODE_OK) {
        tagnode_stft_destroy(t);
        return status;
    }
    tagnode_stft_reset(t);
    *stft = t;
    return TAGNODE_OK;
}

void tagnode_stft_destroy(tagnode_stft *stft) {
    if (stft == NULL) return;
    for (uint32_t c = 0; c < TAGNODE_MAX_CHANNELS; ++c) free(stft->pending[c]);
    destroy_shared(&stft->base);
    free(stft);
}

void tagnode_stft_reset(tagnode_stft *t) {
    const uint32_t frame = t->base.plan.settings.frame;
    for (uint32_t c = 0; c < t->base.channels; ++c) {
        tagnode_resampler_reset(&t->base.resamplers[c]);
        memset(t->pending[c], 0, frame * sizeof *t->pending[c]);
        t->fill[c] = frame;
    }
    t->replaced = 0;
}

uint64_t tagnode_stft_replaced(const tagnode_stft *stft) {
    return stft->replaced;
}

uint32_t tagnode_stft_delay(const tagnode_stft *stft) {
    return stft->base.resamplers[0].delay;
}

size_t tagnode_stft_capacity(const tagnode_stft *t, size_t frames) {
    const size_t most = tagnode_resampler_yield(&t->base.resamplers[0], frames);
    return most / t->base.plan.settings.hop + 2;
}

/* From the complex transform of the pairs to bins 0 .. n of the real one, `stride` floats apart. */
static void split(const tagnode_mel_plan *plan, int from, float *restrict bins, size_t stride)
    TAGNODE_NONBLOCKING {
    const size_t n = plan->n;
    const float *restrict zr = plan->scratch_re[from], *restrict zi = plan->scratch_im[from];
    for (size_t k = 1; k <= n / 2; ++k) {
        const float even_r = 0.5F * (zr[k] + zr[n - k]), even_i = 0.5F * (zi[k] - zi[n - k]);
        const float odd_r = 0.5F * (zi[k] + zi[n - k]), odd_i = 0.5F * (zr[n - k] - zr[k]);
        const float wr = plan->split_re[k], wi = plan->split_im[k];
        const float turned_r = wr * odd_r - wi * odd_i, turned_i = wr * odd_i + wi * odd_r;
        float *low = bins + k * stride, *high = bins + (n - k) * stride;
        high[0] = even_r - turned_r;
        high[1] = turned_i - even_i;
        low[0] = even_r + turned_r;
        low[1] = even_i + turned_i;
    }
    bins[0] = zr[0] + zi[0];
    bins[n * stride] = zr[0] - zi[0];
    bins[1] = bins[n * stride + 1] = 0;
}

static void transform_frame(const shared *base, const float *samples, float *bins)
    TAGNODE_NONBLOCKING {
    const tagnode_mel_plan *plan = &base->plan;
    float *restrict re = plan->scratch_re[0], *restrict im = plan->scratch_im[0];
    for (size_t i = 0; i < plan->n; ++i) {
        re[i] = samples[2 * i] * plan->window_even[i];
        im[i] = samples[2 * i + 1] * plan->window_odd[i];
    }
    split(plan, base->dsp->transform(plan), bins, 2 * (size_t)base->channels);
}

/* Cleans and resamples one chunk of one channel. */
static void take_chunk(tagnode_stft *t, uint32_t c, const float *input, size_t length)
    TAGNODE_NONBLOCKING {
    float clean[CHUNK];
    for (size_t i = 0; i < length; ++i) {
        uint32_t broken;
        clean[i] = tagnode_clean_sample(input[i], &broken);
        t->replaced += broken;
    }
    t->fill[c] +=
        tagnode_resampler_push(&t->base.resamplers[c], clean, length, t->pending[c] + t->fill[c]);
}

static size_t take_frames(tagnode_stft *t, float *spectra) TAGNODE_NONBLOCKING {
    const uint32_t frame = t->base.plan.settings.frame, hop = t->base.plan.settings.hop;
    const size_t bins = (size_t)t->base.plan.n + 1, channels = t->base.channels;
    size_t count = 0, at = 0;
    for (; t->fill[0] - at >= frame; at += hop, ++count)
        for (size_t c = 0; c < channels; ++c)
            transform_frame(&t->base, t->pending[c] + at,
                            spectra + 2 * (count * bins * channels + c));
    for (size_t c = 0; c < channels && at > 0; ++c) {
        t->fill[c] -= at;
        memmove(t->pending[c], t->pending[c] + at, t->fill[c] * sizeof *t->pending[c]);
    }
    return count;
}

size_t tagnode_stft_process(tagnode_stft *t, const float *const *input, size_t frames,
                            float *spectra) {
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    const size_t each = 2 * ((size_t)t->base.plan.n + 1) * t->base.channels;
    size_t count = 0;
    for (size_t at = 0; at < frames; at += CHUNK) {
        const size_t length = frames - at < CHUNK ? frames - at : CHUNK;
        for (uint32_t c = 0; c < t->base.channels; ++c) take_chunk(t, c, input[c] + at, length);
        count += take_frames(t, spectra + count * each);
    }
    tagnode_floatenv_leave(saved);
    return count;
}

/* --------------------------------------------------------------------------------- inverse --- */

tagnode_status tagnode_istft_create(const tagnode_stft_settings *settings, uint32_t sample_rate,
                                    uint32_t channels, tagnode_istft **istft,
                                    tagnode_message *why) {
    *istft = NULL;
    tagnode_status status = tagnode_frontend_check_input(sample_rate, channels, why);
    if (status != TAGNODE_OK) return status;
    tagnode_istft *t = calloc(1, sizeof *t);
    if (t == NULL) return tagnode_no_memory(why, "a transform");
    status = create_shared(settings, settings->sample_rate, sample_rate, channels, &t->base, why);
    for (uint32_t c = 0; c < channels && status == TAGNODE_OK; ++c) {
        t->sum[c] = calloc(settings->frame, sizeof *t->sum[c]);
        if (t->sum[c] == NULL) status = tagnode_no_memory(why, "a transform");
    }
    if (status != TAGNODE_OK) {
        tagnode_istft_destroy(t);
        return status;
    }
    tagnode_istft_reset(t);
    *istft = t;
    return TAGNODE_OK;
}

void tagnode_istft_destroy(tagnode_istft *istft) {
    if (istft == NULL) return;
    for (uint32_t c = 0; c < TAGNODE_MAX_CHANNELS; ++c) free(istft->sum[c]);
    destroy_shared(&istft->base);
    free(istft);
}

void tagnode_istft_reset(tagnode_istft *t) {
    const uint32_t frame = t->base.plan.settings.frame;
    for (uint32_t c = 0; c < t->base.channels; ++c) {
        tagnode_resampler_reset(&t->base.resamplers[c]);
        memset(t->sum[c], 0, frame * sizeof *t->sum[c]);
    }
    t->skipped = 0;
}

uint32_t tagnode_istft_delay(const tagnode_istft *istft) {
    return istft->base.resamplers[0].delay;
}

size_t tagnode_istft_capacity(const tagnode_istft *t, size_t count) {
    return tagnode_resampler_yield(&t->base.resamplers[0], count * t->base.plan.settings.hop) +
           TAGNODE_RESAMPLER_CHUNK;
}

/* From bins 0 .. n to the pairs' complex spectrum, real and imaginary parts exchanged: a forward
 * transform of that is the inverse one, exchanged too, times n. */
static void join(const tagnode_mel_plan *plan, const float *restrict bins, size_t stride)
    TAGNODE_NONBLOCKING {
    const size_t n = plan->n;
    float *restrict re = plan->scratch_re[0], *restrict im = plan->scratch_im[0];
    for (size_t k = 1; k <= n / 2; ++k) {
        const float *low = bins + k * stride, *high = bins + (n - k) * stride;
        const float even_r = 0.5F * (low[0] + high[0]), even_i = 0.5F * (low[1] - high[1]);
        const float turned_r = 0.5F * (low[0] - high[0]), turned_i = 0.5F * (low[1] + high[1]);
        const float wr = plan->split_re[k], wi = plan->split_im[k];
        const float odd_r = wr * turned_r + wi * turned_i, odd_i = wr * turned_i - wi * turned_r;
        re[n - k] = odd_r - even_i;
        im[n - k] = even_r + odd_i;
        re[k] = even_i + odd_r;
        im[k] = even_r - odd_i;
    }
    const float first = bins[0], last = bins[n * stride];
    re[0] = 0.5F * (first - last);
    im[0] = 0.5F * (first + last);
}

static void add_frame(const shared *base, const float *bins, float *restrict sum)
    TAGNODE_NONBLOCKING {
    const tagnode_mel_plan *plan = &base->plan;
    const tagnode_frontend_settings *s = &plan->settings;
    join(plan, bins, 2 * (size_t)base->channels);
    const int at = base->dsp->transform(plan);
    const float *restrict even = plan->scratch_im[at], *restrict odd = plan->scratch_re[at];
    const float gain = 8.0F * (float)s->hop / (3.0F * (float)s->frame * (float)plan->n);
    for (size_t i = 0; i < plan->n; ++i) {
        sum[2 * i] += gain * even[i] * plan->window_even[i];
        sum[2 * i + 1] += gain * odd[i] * plan->window_odd[i];
    }
}

/* Passes on the first `hop` samples of a channel, which are complete. */
static size_t write_hop(tagnode_istft *t, uint32_t c, float *output) TAGNODE_NONBLOCKING {
    const tagnode_frontend_settings *s = &t->base.plan.settings;
    size_t made = 0;
    for (size_t at = 0; at < s->hop && t->skipped >= s->frame; at += CHUNK) {
        const size_t length = s->hop - at < CHUNK ? s->hop - at : CHUNK;
        made +=
            tagnode_resampler_push(&t->base.resamplers[c], t->sum[c] + at, length, output + made);
    }
    const size_t rest = s->frame - s->hop;
    memmove(t->sum[c], t->sum[c] + s->hop, rest * sizeof *t->sum[c]);
    memset(t->sum[c] + rest, 0, s->hop * sizeof *t->sum[c]);
    return made;
}

size_t tagnode_istft_process(tagnode_istft *t, const float *spectra, size_t count,
                             float *const *output) {
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    const tagnode_frontend_settings *s = &t->base.plan.settings;
    const size_t each = 2 * ((size_t)t->base.plan.n + 1) * t->base.channels;
    size_t done = 0;
    for (size_t i = 0; i < count; ++i) {
        size_t made = 0;
        for (uint32_t c = 0; c < t->base.channels; ++c) {
            add_frame(&t->base, spectra + i * each + 2 * (size_t)c, t->sum[c]);
            made = write_hop(t, c, output[c] + done);
        }
        if (t->skipped < s->frame) t->skipped += s->hop;
        done += made;
    }
    tagnode_floatenv_leave(saved);
    return done;
}
