#include "descriptors/programme.h"

#include <math.h>
#include <string.h>

enum {
    SPECTRUM_HALVINGS = 3, /* from the rate of the spectra to that of hum and loops */
    HIGHEST = 16000        /* Hz: the rate of the spectra is below it */
};

static const double PI = 3.14159265358979323846;
static const double BLOCK = 0.1;      /* seconds */
static const float SOME_RIGHT = 0.5F; /* left and right cancel in no sum with unequal weights */

/* ITU-R BS.775: centre and surrounds at -3 dB, no LFE. Layouts as for loudness. */
static void build_downmix(tagnode_programme *p) {
    const float less = (float)sqrt(0.5);
    p->streams = p->channels == 1 ? 1 : TAGNODE_PROGRAMME_STREAMS;
    p->downmix[0][0] = 1;
    if (p->channels > 1) p->downmix[1][1] = 1;
    uint32_t first = 2; /* of the surrounds */
    if (p->channels == 3 || p->channels >= 5) {
        p->downmix[0][2] = p->downmix[1][2] = less;
        first = p->channels >= 6 ? 4 : 3;
    }
    for (uint32_t c = first; c < p->channels; ++c) p->downmix[(c - first) % 2][c] = less;
}

static double weighting(const void *context, double hertz) {
    const tagnode_loudness *loudness = context;
    return tagnode_loudness_gain(loudness, 2 * PI * hertz / (100 * loudness->step_samples));
}

static tagnode_status create_parts(tagnode_programme *p, double sample_rate) {
    const double rate = ldexp(sample_rate, -(int)p->halvings), low = rate / 8;
    const uint32_t chunk = TAGNODE_CHUNK >> p->halvings;
    tagnode_status status =
        tagnode_hum_create(&p->hum, p->streams, low, p->block_chunks * (chunk / 8));
    if (status == TAGNODE_OK)
        status = tagnode_repetition_create(&p->repetition, low, TAGNODE_STEADY_HOP / 8,
                                           TAGNODE_STEADY_HOP / chunk);
    if (status != TAGNODE_OK) return status;
    const tagnode_frontend_settings settings = {.sample_rate = (uint32_t)rate,
                                                .frame = TAGNODE_STEADY_FFT,
                                                .fft = TAGNODE_STEADY_FFT,
                                                .hop = TAGNODE_STEADY_HOP,
                                                .bands = TAGNODE_STEADY_BINS,
                                                .mel_scale = TAGNODE_MEL_NONE};
    p->dsp = tagnode_dsp_select();
    return tagnode_mel_plan_create(&settings, &p->plan, NULL);
}

tagnode_status tagnode_programme_create(tagnode_programme *p, uint32_t sample_rate,
                                        uint32_t channels, const tagnode_loudness *loudness) {
    memset(p, 0, sizeof *p);
    p->channels = channels;
    build_downmix(p);
    while (sample_rate >> p->halvings >= HIGHEST) ++p->halvings;
    p->block_chunks = (uint32_t)(BLOCK * sample_rate / TAGNODE_CHUNK + 0.5);
    tagnode_halfband_build(&p->wide, true);
    tagnode_halfband_build(&p->narrow, false);
    tagnode_balance_init(&p->balance, channels, p->block_chunks);
    tagnode_clipping_init(&p->clipping, channels, p->block_chunks);
    tagnode_steady_init(&p->steady, ldexp(sample_rate, -(int)p->halvings), weighting, loudness);
    const tagnode_status status = create_parts(p, sample_rate);
    if (status == TAGNODE_OK) tagnode_programme_reset(p);
    return status;
}

void tagnode_programme_destroy(tagnode_programme *p) {
    tagnode_hum_destroy(&p->hum);
    tagnode_repetition_destroy(&p->repetition);
    tagnode_mel_plan_destroy(&p->plan);
}

void tagnode_programme_reset(tagnode_programme *p) {
    memset(p->stream, 0, sizeof p->stream);
    memset(p->before, 0, sizeof p->before);
    p->filled = p->chunks = 0;
    p->frame_filled = TAGNODE_STEADY_FFT - TAGNODE_STEADY_HOP; /* with silence */
    p->block_square = p->frame_square = 0;
    tagnode_balance_reset(&p->balance);
    tagnode_clipping_reset(&p->clipping);
    tagnode_hum_reset(&p->hum);
    tagnode_steady_reset(&p->steady);
    tagnode_repetition_reset(&p->repetition);
    /* As of silence: */
    p->reading = (tagnode_programme_reading){{1, -60, -120, -120, -120}, 0, 0, 0, {0, 0, 0}};
}

static float add_stream(const tagnode_programme *p, const float *weight, float *restrict stream)
    TAGNODE_NONBLOCKING {
    memset(stream, 0, TAGNODE_CHUNK * sizeof *stream);
    for (uint32_t c = 0; c < p->channels; ++c) {
        if (weight[c] == 0) continue;
        const float *restrict x = p->chunk[c];
        for (size_t i = 0; i < TAGNODE_CHUNK; ++i) stream[i] += weight[c] * x[i];
    }
    tagnode_vector sum = {0};
    for (size_t i = 0; i < TAGNODE_CHUNK; i += TAGNODE_LANES) {
        const tagnode_vector x = *(const tagnode_vector *)(stream + i);
        sum += x * x;
    }
    return tagnode_sum_lanes(sum);
}

/* Brings a chunk to both lower rates; its samples join the frame. */
static void decimate(tagnode_programme *p, tagnode_programme_stream *s) TAGNODE_NONBLOCKING {
    const uint32_t last = p->halvings + SPECTRUM_HALVINGS;
    size_t length = TAGNODE_CHUNK;
    for (uint32_t i = 0; i < last; ++i, length /= 2) {
        if (i == p->halvings)
            memcpy(s->frame + p->frame_filled, s->chunk, length * sizeof *s->frame);
        const bool sharp = i + 1 == p->halvings || i + 1 == last;
        tagnode_halfband_process(sharp ? &p->narrow : &p->wide, &s->halfband[i], s->chunk, length,
                                 s->chunk);
    }
    memcpy(s->low, s->chunk, length * sizeof *s->low);
}

/* The sum of both streams' spectra. */
static void add_spectra(tagnode_programme *p) TAGNODE_NONBLOCKING {
    for (uint32_t s = 0; s < p->streams; ++s)
        p->dsp->mel_frame(&p->plan, p->stream[s].frame, p->power[s]);
    if (p->streams == 1) return;
    for (size_t k = 0; k < TAGNODE_STEADY_BINS; ++k) p->power[0][k] += p->power[1][k];
}

static void end_frame(tagnode_programme *p) TAGNODE_NONBLOCKING {
    const double samples = ldexp(TAGNODE_STEADY_HOP, (int)p->halvings);
    add_spectra(p);
    tagnode_steady_push(&p->steady, p->power[0], p->frame_square / samples);
    float db[TAGNODE_STEADY_BANDS];
    const bool audible = tagnode_steady_levels(&p->steady, db);
    tagnode_repetition_push(&p->repetition, db, p->before, audible);
    memcpy(p->before, db, sizeof p->before);
    p->reading.steady = tagnode_steady_read(&p->steady);
    p->frame_square = 0;
    for (uint32_t s = 0; s < p->streams; ++s) {
        float *frame = p->stream[s].frame;
        memcpy(frame, frame + TAGNODE_STEADY_HOP, TAGNODE_STEADY_HOP * sizeof *frame);
    }
    p->frame_filled = TAGNODE_STEADY_FFT - TAGNODE_STEADY_HOP;
}

static void end_block(tagnode_programme *p) TAGNODE_NONBLOCKING {
    p->chunks = 0;
    p->reading.balance = tagnode_balance_block(&p->balance);
    p->reading.clipping = tagnode_clipping_block(&p->clipping);
    p->reading.hum =
        tagnode_hum_block(&p->hum, p->block_square / ((double)p->block_chunks * TAGNODE_CHUNK));
    p->block_square = 0;
}

static void process_chunk(tagnode_programme *p) TAGNODE_NONBLOCKING {
    const float *channels[TAGNODE_MAX_CHANNELS], *low[TAGNODE_PROGRAMME_STREAMS];
    for (uint32_t c = 0; c < p->channels; ++c) channels[c] = p->chunk[c];
    tagnode_balance_process(&p->balance, channels);
    tagnode_clipping_process(&p->clipping, channels);
    double square = 0;
    for (uint32_t s = 0; s < p->streams; ++s) {
        square += (double)add_stream(p, p->downmix[s], p->stream[s].chunk);
        decimate(p, &p->stream[s]);
        low[s] = p->stream[s].low;
    }
    p->block_square += square;
    p->frame_square += square;
    p->frame_filled += TAGNODE_CHUNK >> p->halvings;
    const uint32_t count = (uint32_t)(TAGNODE_CHUNK >> p->halvings) / 8;
    tagnode_hum_process(&p->hum, low, count);
    float both[TAGNODE_PROGRAMME_LOW];
    for (uint32_t i = 0; i < count; ++i)
        both[i] = p->streams == 1 ? low[0][i] : low[0][i] + SOME_RIGHT * low[1][i];
    tagnode_repetition_process(&p->repetition, both, count);
    p->reading.repetition = tagnode_repetition_read(&p->repetition);
    if (p->frame_filled == TAGNODE_STEADY_FFT) end_frame(p);
    if (++p->chunks == p->block_chunks) end_block(p);
}

void tagnode_programme_process(tagnode_programme *p, const float *const *samples, size_t length) {
    for (size_t done = 0; done < length;) {
        const size_t left = length - done, most = TAGNODE_CHUNK - p->filled;
        const size_t part = left < most ? left : most;
        for (uint32_t c = 0; c < p->channels; ++c)
            memcpy(p->chunk[c] + p->filled, samples[c] + done, part * sizeof(float));
        done += part;
        p->filled += (uint32_t)part;
        if (p->filled < TAGNODE_CHUNK) continue;
        p->filled = 0;
        process_chunk(p);
    }
}
