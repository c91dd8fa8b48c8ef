#include "descriptors/descriptors.h"

#include "descriptors/level.h"
#include "descriptors/loudness.h"
#include "descriptors/programme.h"
#include "descriptors/spectral.h"
#include "descriptors/tempo.h"
#include "support/aligned.h"
#include "support/sample.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 512 }; /* samples processed at once */

typedef struct {
    tagnode_level_reading level;
    tagnode_loudness_reading loudness;
    tagnode_programme_reading programme;
} mark;

struct tagnode_descriptors {
    uint32_t sample_rate, channels;
    tagnode_level level;
    tagnode_loudness loudness;
    tagnode_programme programme;
    tagnode_spectral spectral;
    tagnode_tempo tempo;
    /* Each channel with non-finite samples replaced, and the samples before the block. */
    float line[TAGNODE_MAX_CHANNELS][TAGNODE_LEVEL_PAST + MOST];
    int64_t position;
    int64_t step, step_begin, step_end; /* the current step of 10 ms */
    tagnode_spectral_reading spectrum; /* the last one; flux and onset are the largest since take */
    float beat;                        /* s, at the last tempo that was found */
    mark *marks;
    size_t room, first, waiting;
};

/* Position at which step `index` ends; the rate need not be a multiple of 100. */
static int64_t step_end(const tagnode_descriptors *d, int64_t index) TAGNODE_NONBLOCKING {
    return (index + 1) * d->sample_rate / 100;
}

static void begin(tagnode_descriptors *d) TAGNODE_NONBLOCKING {
    memset(d->line, 0, sizeof d->line);
    d->position = d->step = d->step_begin = 0;
    d->step_end = step_end(d, 0);
    d->first = d->waiting = 0;
    d->spectrum = (tagnode_spectral_reading){0};
    d->beat = 0;
}

tagnode_status tagnode_descriptors_create(const tagnode_setup *setup,
                                          const tagnode_frontend_settings *spectra, size_t marks,
                                          tagnode_descriptors **descriptors) {
    tagnode_descriptors *d = tagnode_aligned_calloc(sizeof *d);
    *descriptors = NULL;
    if (d == NULL) return TAGNODE_ERROR_MEMORY;
    d->sample_rate = setup->sample_rate;
    d->channels = setup->channels;
    d->room = marks;
    d->marks = calloc(d->room, sizeof *d->marks);
    tagnode_status status = d->marks == NULL ? TAGNODE_ERROR_MEMORY : TAGNODE_OK;
    tagnode_loudness_init(&d->loudness, setup->sample_rate, setup->channels);
    if (status == TAGNODE_OK)
        status = tagnode_programme_create(&d->programme, setup->sample_rate, setup->channels,
                                          &d->loudness);
    if (status == TAGNODE_OK)
        status = tagnode_level_create(&d->level, setup->sample_rate, setup->channels,
                                      setup->silence_db, setup->silence_hold);
    if (status == TAGNODE_OK)
        status = tagnode_spectral_create(&d->spectral, spectra->sample_rate, spectra->fft,
                                         spectra->frame);
    if (status == TAGNODE_OK) /* a rise is between two frames, the first of which starts early */
        status = tagnode_tempo_create(&d->tempo, (double)spectra->hop / spectra->sample_rate,
                                      spectra->frame / spectra->hop + 1);
    if (status != TAGNODE_OK) {
        tagnode_descriptors_destroy(d);
        return status;
    }
    begin(d);
    *descriptors = d;
    return TAGNODE_OK;
}

void tagnode_descriptors_destroy(tagnode_descriptors *d) {
    if (d == NULL) return;
    tagnode_level_destroy(&d->level);
    tagnode_programme_destroy(&d->programme);
    tagnode_spectral_destroy(&d->spectral);
    tagnode_tempo_destroy(&d->tempo);
    free(d->marks);
    tagnode_aligned_free(d);
}

void tagnode_descriptors_reset(tagnode_descriptors *d) {
    tagnode_level_reset(&d->level);
    tagnode_loudness_reset(&d->loudness);
    tagnode_programme_reset(&d->programme);
    tagnode_spectral_reset(&d->spectral);
    tagnode_tempo_reset(&d->tempo);
    begin(d);
}

static void process_part(tagnode_descriptors *d, const float *const *input, size_t offset,
                         size_t length) TAGNODE_NONBLOCKING {
    const float *samples[TAGNODE_MAX_CHANNELS];
    for (uint32_t c = 0; c < d->channels; ++c) {
        float *restrict line = d->line[c] + TAGNODE_LEVEL_PAST;
        const float *restrict from = input[c] + offset;
        for (size_t i = 0; i < length; ++i) {
            uint32_t broken; /* counted by the front-end */
            line[i] = tagnode_clean_sample(from[i], &broken);
        }
        samples[c] = line;
    }
    tagnode_level_process(&d->level, samples, length);
    tagnode_loudness_process(&d->loudness, samples, length);
    tagnode_programme_process(&d->programme, samples, length);
    for (uint32_t c = 0; c < d->channels; ++c)
        memmove(d->line[c], d->line[c] + length, TAGNODE_LEVEL_PAST * sizeof(float));
}

void tagnode_descriptors_process(tagnode_descriptors *d, const float *const *input, size_t offset,
                                 size_t frames) {
    const size_t end = offset + frames;
    while (offset < end) {
        size_t part = (size_t)(d->step_end - d->position);
        if (part > MOST) part = MOST;
        if (part > end - offset) part = end - offset;
        process_part(d, input, offset, part);
        offset += part;
        d->position += (int64_t)part;
        if (d->position < d->step_end) continue;
        tagnode_level_check_silence(&d->level);
        tagnode_loudness_step(&d->loudness);
        d->step_begin = d->step_end;
        d->step_end = step_end(d, ++d->step);
    }
}

void tagnode_descriptors_mark(tagnode_descriptors *d) {
    const double progress =
        (double)(d->position - d->step_begin) / (double)(d->step_end - d->step_begin);
    d->marks[(d->first + d->waiting++) % d->room] =
        (mark){tagnode_level_read(&d->level), tagnode_loudness_read(&d->loudness, progress),
               d->programme.reading};
}

void tagnode_descriptors_push(tagnode_descriptors *d, const float *power) {
    const tagnode_spectral_reading before = d->spectrum;
    d->spectrum = tagnode_spectral_push(&d->spectral, power);
    tagnode_tempo_push(&d->tempo, d->spectrum.onset);
    if (before.flux > d->spectrum.flux) d->spectrum.flux = before.flux;
    if (before.onset > d->spectrum.onset) d->spectrum.onset = before.onset;
}

void tagnode_descriptors_take(tagnode_descriptors *d, float *values) {
    const mark *m = &d->marks[d->first];
    const tagnode_tempo_reading tempo = tagnode_tempo_read(&d->tempo);
    if (tempo.bpm > 0) d->beat = 60 / tempo.bpm;
    const float all[TAGNODE_SIGNALS] = {
        [TAGNODE_SIGNAL_RMS_DB] = m->level.rms_db,
        [TAGNODE_SIGNAL_PEAK_DB] = m->level.peak_db,
        [TAGNODE_SIGNAL_TRUE_PEAK_DB] = m->level.true_peak_db,
        [TAGNODE_SIGNAL_LOUDNESS_MOMENTARY] = m->loudness.momentary,
        [TAGNODE_SIGNAL_LOUDNESS_SHORT] = m->loudness.short_term,
        [TAGNODE_SIGNAL_LOUDNESS_INTEGRATED] = m->loudness.integrated,
        [TAGNODE_SIGNAL_CREST_DB] = m->level.crest_db,
        [TAGNODE_SIGNAL_BRIGHTNESS_HZ] = d->spectrum.brightness,
        [TAGNODE_SIGNAL_FLATNESS] = d->spectrum.flatness,
        [TAGNODE_SIGNAL_FLUX] = d->spectrum.flux,
        [TAGNODE_SIGNAL_ONSET] = d->spectrum.onset,
        [TAGNODE_SIGNAL_PERCUSSIVE] = d->spectrum.percussive,
        [TAGNODE_SIGNAL_TEMPO_BPM] = tempo.bpm,
        [TAGNODE_SIGNAL_TEMPO_CONFIDENCE] = tempo.confidence,
        [TAGNODE_SIGNAL_SILENCE] = m->level.silent ? 1 : 0,
        [TAGNODE_SIGNAL_BEAT_S] = d->beat,
        [TAGNODE_SIGNAL_CORRELATION] = m->programme.balance.correlation,
        [TAGNODE_SIGNAL_SIDE_DB] = m->programme.balance.side_db,
        [TAGNODE_SIGNAL_CHANNEL_LOW_DB] = m->programme.balance.low_db,
        [TAGNODE_SIGNAL_CHANNEL_HIGH_DB] = m->programme.balance.high_db,
        [TAGNODE_SIGNAL_CHANNEL_GAP_DB] =
            m->programme.balance.high_db - m->programme.balance.low_db,
        [TAGNODE_SIGNAL_DC_DB] = m->programme.balance.offset_db,
        [TAGNODE_SIGNAL_CLIPPING] = m->programme.clipping,
        [TAGNODE_SIGNAL_HUM] = m->programme.hum,
        [TAGNODE_SIGNAL_TONE] = m->programme.steady.tone,
        [TAGNODE_SIGNAL_HISS] = m->programme.steady.noise,
        [TAGNODE_SIGNAL_PRESENCE] = m->programme.steady.presence,
        [TAGNODE_SIGNAL_REPETITION] = m->programme.repetition,
    };
    memcpy(values, all, sizeof all);
    d->first = (d->first + 1) % d->room;
    --d->waiting;
    d->spectrum.flux = d->spectrum.onset = 0;
}
