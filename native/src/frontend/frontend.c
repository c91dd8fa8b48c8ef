#include "frontend/frontend.h"

#include "frontend/resampler.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/sample.h"

#include <stdlib.h>
#include <string.h>

struct tagnode_frontend {
    tagnode_mel_plan plan;
    tagnode_resampler resampler;
    const tagnode_dsp *dsp;
    uint32_t channels, lead;
    float mono[TAGNODE_RESAMPLER_CHUNK];
    float *pending; /* samples at the model's rate from the start of the next mel frame on */
    size_t capacity, fill;
    uint64_t replaced;
};

tagnode_status tagnode_frontend_check_input(uint32_t sample_rate, uint32_t channels,
                                            tagnode_message *why) {
    if (sample_rate < TAGNODE_MIN_RATE || sample_rate > TAGNODE_MAX_RATE)
        return tagnode_refuse(
            why, "The sample rate is %u Hz; it must be from %d to %d Hz: resample the audio first.",
            sample_rate, TAGNODE_MIN_RATE, TAGNODE_MAX_RATE);
    if (channels < 1 || channels > TAGNODE_MAX_CHANNELS)
        return tagnode_refuse(why, "There are %u channels; 1 to %d are supported: downmix first.",
                              channels, TAGNODE_MAX_CHANNELS);
    return TAGNODE_OK;
}

bool tagnode_frontend_equal(const tagnode_frontend_settings *a,
                            const tagnode_frontend_settings *b) {
    return a->sample_rate == b->sample_rate && a->frame == b->frame && a->fft == b->fft &&
           a->hop == b->hop && a->bands == b->bands && a->window == b->window &&
           a->mel_scale == b->mel_scale && a->mel_triangles == b->mel_triangles &&
           a->mel_norm == b->mel_norm && a->spectrum == b->spectrum && a->exponent == b->exponent &&
           a->log == b->log && a->framing == b->framing && a->log_parameter == b->log_parameter &&
           a->fmin == b->fmin && a->fmax == b->fmax;
}

tagnode_status tagnode_frontend_create(const tagnode_frontend_settings *settings,
                                       uint32_t sample_rate, uint32_t channels,
                                       tagnode_frontend **frontend, tagnode_message *why) {
    *frontend = NULL;
    tagnode_status status = tagnode_frontend_check_input(sample_rate, channels, why);
    if (status != TAGNODE_OK) return status;
    tagnode_frontend *f = calloc(1, sizeof *f);
    if (f == NULL) return tagnode_no_memory(why, "a front-end");
    f->dsp = tagnode_dsp_select();
    f->channels = channels;
    status = tagnode_mel_plan_create(settings, &f->plan, why);
    if (status == TAGNODE_OK)
        status = tagnode_resampler_create(sample_rate, settings->sample_rate, f->dsp, &f->resampler,
                                          why);
    if (status == TAGNODE_OK) {
        f->lead = tagnode_mel_plan_lead(settings);
        f->capacity =
            settings->frame + tagnode_resampler_yield(&f->resampler, TAGNODE_RESAMPLER_CHUNK);
        f->pending = calloc(f->capacity, sizeof *f->pending);
        if (f->pending == NULL) status = tagnode_no_memory(why, "a front-end");
    }
    if (status != TAGNODE_OK) {
        tagnode_frontend_destroy(f);
        return status;
    }
    tagnode_frontend_reset(f);
    *frontend = f;
    return TAGNODE_OK;
}

void tagnode_frontend_destroy(tagnode_frontend *frontend) {
    if (frontend == NULL) return;
    tagnode_mel_plan_destroy(&frontend->plan);
    tagnode_resampler_destroy(&frontend->resampler);
    free(frontend->pending);
    free(frontend);
}

void tagnode_frontend_reset(tagnode_frontend *f) {
    tagnode_resampler_reset(&f->resampler);
    memset(f->pending, 0, f->lead * sizeof *f->pending);
    f->fill = f->lead;
    f->replaced = 0;
}

uint64_t tagnode_frontend_replaced(const tagnode_frontend *frontend) {
    return frontend->replaced;
}

uint32_t tagnode_frontend_delay(const tagnode_frontend *frontend) {
    return frontend->resampler.delay;
}

size_t tagnode_frontend_capacity(const tagnode_frontend *f, size_t frames) {
    return (tagnode_resampler_yield(&f->resampler, frames) + f->plan.settings.frame) /
               f->plan.settings.hop +
           1;
}

void tagnode_frontend_silence(const tagnode_frontend *f, float *mel) {
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    f->dsp->mel_frame(&f->plan, f->pending, mel); /* the input is all zeros so far */
    tagnode_floatenv_leave(saved);
}

size_t tagnode_frontend_bins(const tagnode_frontend *f) {
    return (size_t)f->plan.n + 1;
}

int64_t tagnode_frontend_ready(const tagnode_frontend *f, int64_t index) {
    const tagnode_frontend_settings *s = &f->plan.settings;
    return tagnode_resampler_needs(&f->resampler, index * s->hop + s->frame - f->lead - 1);
}

int64_t tagnode_frontend_begin(const tagnode_frontend *f, int64_t index) {
    const int64_t sample = index * f->plan.settings.hop - f->lead;
    const int64_t scaled = sample * f->resampler.down;
    return scaled >= 0 ? scaled / f->resampler.up
                       : -((-scaled + f->resampler.up - 1) / f->resampler.up);
}

/* Averages the channels; returns how many samples were non-finite. */
static uint64_t mix_down(const float *const *input, uint32_t channels, size_t offset, size_t length,
                         float *restrict mono) TAGNODE_NONBLOCKING {
    const float share = 1.0f / (float)channels;
    uint64_t replaced = 0;
    for (uint32_t c = 0; c < channels; ++c) {
        const float *restrict samples = input[c] + offset;
        uint32_t bad = 0;
        for (size_t i = 0; i < length; ++i) {
            uint32_t broken;
            const float x = tagnode_clean_sample(samples[i], &broken);
            bad += broken;
            mono[i] = c == 0 ? x : mono[i] + x;
        }
        replaced += bad;
    }
    if (channels > 1)
        for (size_t i = 0; i < length; ++i) mono[i] *= share;
    return replaced;
}

static void copy_power(const tagnode_mel_plan *plan, float *restrict power) TAGNODE_NONBLOCKING {
    const float *restrict spectrum = plan->spectrum;
    const bool squared = plan->settings.spectrum == TAGNODE_SPECTRUM_POWER;
    for (size_t k = 0; k <= plan->n; ++k)
        power[k] = squared ? spectrum[k] : spectrum[k] * spectrum[k];
}

static size_t take_frames(tagnode_frontend *f, float *mel, float *power) TAGNODE_NONBLOCKING {
    const tagnode_frontend_settings *s = &f->plan.settings;
    size_t count = 0, at = 0;
    for (; f->fill - at >= s->frame; at += s->hop, ++count) {
        f->dsp->mel_frame(&f->plan, f->pending + at, mel + count * s->bands);
        if (power != NULL) copy_power(&f->plan, power + count * tagnode_frontend_bins(f));
    }
    if (at > 0) {
        f->fill -= at;
        memmove(f->pending, f->pending + at, f->fill * sizeof *f->pending);
    }
    return count;
}

size_t tagnode_frontend_process_spectra(tagnode_frontend *f, const float *const *input,
                                        size_t frames, float *mel, float *power) {
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    size_t count = 0;
    for (size_t at = 0; at < frames;) {
        const size_t length =
            frames - at < TAGNODE_RESAMPLER_CHUNK ? frames - at : TAGNODE_RESAMPLER_CHUNK;
        f->replaced += mix_down(input, f->channels, at, length, f->mono);
        f->fill += tagnode_resampler_push(&f->resampler, f->mono, length, f->pending + f->fill);
        count += take_frames(f, mel + count * f->plan.settings.bands,
                             power == NULL ? NULL : power + count * tagnode_frontend_bins(f));
        at += length;
    }
    tagnode_floatenv_leave(saved);
    return count;
}

size_t tagnode_frontend_process(tagnode_frontend *f, const float *const *input, size_t frames,
                                float *mel) {
    return tagnode_frontend_process_spectra(f, input, frames, mel, NULL);
}

/* Pushes the input, then zeros, until `wanted` samples are written. */
static void resample_whole(tagnode_resampler *resampler, const float *input, size_t length,
                           float *chunk, float *output, size_t wanted) {
    float mono[TAGNODE_RESAMPLER_CHUNK];
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    size_t done = 0;
    for (size_t at = 0; done < wanted; at += TAGNODE_RESAMPLER_CHUNK) {
        const size_t left = at < length ? length - at : 0;
        const size_t take = left < TAGNODE_RESAMPLER_CHUNK ? left : TAGNODE_RESAMPLER_CHUNK;
        mix_down(&input, 1, at, take, mono);
        memset(mono + take, 0, (TAGNODE_RESAMPLER_CHUNK - take) * sizeof *mono);
        size_t made = tagnode_resampler_push(resampler, mono, TAGNODE_RESAMPLER_CHUNK, chunk);
        if (made > wanted - done) made = wanted - done;
        memcpy(output + done, chunk, made * sizeof *output);
        done += made;
    }
    tagnode_floatenv_leave(saved);
}

tagnode_status tagnode_resample(const float *input, size_t length, uint32_t from, uint32_t to,
                                float *output, tagnode_message *why) {
    tagnode_status status = tagnode_frontend_check_input(from, 1, why);
    if (status == TAGNODE_OK) status = tagnode_frontend_check_input(to, 1, why);
    tagnode_resampler resampler;
    if (status == TAGNODE_OK)
        status = tagnode_resampler_create(from, to, tagnode_dsp_select(), &resampler, why);
    if (status != TAGNODE_OK) return status;
    const size_t room = tagnode_resampler_yield(&resampler, TAGNODE_RESAMPLER_CHUNK);
    float *chunk = calloc(room, sizeof *chunk);
    if (chunk == NULL) {
        status = tagnode_no_memory(why, "resampling");
    } else {
        const uint64_t scaled = (uint64_t)length * resampler.up + resampler.down - 1;
        resample_whole(&resampler, input, length, chunk, output, (size_t)(scaled / resampler.down));
    }
    free(chunk);
    tagnode_resampler_destroy(&resampler);
    return status;
}
