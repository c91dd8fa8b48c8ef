/* test_face.c - tests of the CLAP and the VST 3, run by a host of each.
 *
 *   host_clap FILE                    every test, with the plugin FILE
 *   host_clap FILE SEED STEPS         STEPS random things that a host may do, the same for a seed
 *
 * host_clap_static has the plugin linked in, so that sanitizers see into it, and takes no FILE. */
#include <pthread.h>
#include <stdatomic.h>

#include "host.h"

enum {
    LENGTH = 48000,
    MOST_MESSAGES = 4096,
    GRID = 64 /* samples between two evaluations of slots */
};

static const uint32_t rms = 1 + TAGNODE_SIGNAL_RMS_DB;

static uint32_t field(uint32_t slot, tagplug_field which) {
    return tagplug_field_of(slot, which);
}

/* A square wave of 100 Hz at 48 kHz, a quarter second loud and one almost silent. Its measured
 * level is constant. */
static float *steps(size_t length) {
    float *wave = malloc(length * sizeof *wave);
    if (wave == NULL) abort();
    for (size_t i = 0; i < length; ++i)
        wave[i] = (i / 12000 % 2 == 0 ? 0.5F : 0.0001F) * (i / 240 % 2 == 0 ? 1.0F : -1.0F);
    return wave;
}

/* ---- a signal processed in blocks of any size ---- */

typedef struct {
    float audio[2][LENGTH];
    tagplug_midi midi[MOST_MESSAGES];
    uint32_t midi_count;
    bool in_order;
} take;

static const float *key[2]; /* the sidechain of play, of its length; NULL: none */

/* Processes all of `left` and `right`; `changes` are at positions of the whole. Blocks have `block`
 * samples, or random lengths for 0. */
static void play(host *self, const float *left, const float *right, uint32_t length,
                 const host_change *changes, uint32_t count, uint32_t block, take *taken) {
    uint32_t random = 77, at = 0, next = 0;
    taken->midi_count = 0;
    taken->in_order = true;
    while (at < length) {
        uint32_t frames = block > 0 ? block : next_number(&random) % 700;
        if (frames > length - at) frames = length - at;
        host_change here[64];
        uint32_t here_count = 0;
        for (; next < count && changes[next].offset < at + frames && here_count < 64; ++next) {
            here[here_count] = changes[next];
            here[here_count++].offset -= at;
        }
        const float *const input[2] = {left + at, right + at};
        float *const output[2] = {taken->audio[0] + at, taken->audio[1] + at};
        for (int c = 0; c < 2; ++c) self->sidechain[c] = key[c] != NULL ? key[c] + at : NULL;
        host_process(self, input, output, frames, here, here_count);
        for (uint32_t i = 0; i < self->midi_count && taken->midi_count < MOST_MESSAGES; ++i) {
            taken->midi[taken->midi_count] = self->midi[i];
            taken->midi[taken->midi_count++].offset += at;
        }
        taken->in_order = taken->in_order && self->in_order;
        at += frames;
    }
}

static void set(host *self, uint32_t parameter, float value) {
    host_flush(self, &(host_change){0, parameter, value}, 1);
}

/* Slot 1 follows the level at once. */
static void follow_level(host *self) {
    set(self, field(0, TAGPLUG_SOURCE), (float)rms);
    set(self, field(0, TAGPLUG_ATTACK), 0);
    set(self, field(0, TAGPLUG_RELEASE), 0.01F);
}

/* ---------------------------------------------------------------------------------- audio --- */

static const double some_rates[] = {7999, 8000, 11025, 44100, 44101, 48000, 96000, 192000, 192001};

static void test_audio_passes_bit_for_bit_at_any_rate_and_block(void) {
    const uint32_t blocks[] = {1, 63, 512, HOST_MOST_FRAMES};
    float *left = white_noise(LENGTH, 1), *right = white_noise(LENGTH, 2);
    take *taken = malloc(sizeof *taken);
    left[7] = NAN;
    left[8] = 1e-41F;
    right[9] = INFINITY;
    for (size_t r = 0; r < sizeof some_rates / sizeof *some_rates; ++r) {
        host *self = host_open();
        for (size_t b = 0; b < 4; ++b) {
            const uint32_t length = blocks[b] == 1 ? 500 : 2 * HOST_MOST_FRAMES + 100;
            host_activate(self, some_rates[r], blocks[b], false);
            play(self, left, right, length, NULL, 0, blocks[b], taken);
            CHECK(memcmp(taken->audio[0], left, length * sizeof *left) == 0);
            CHECK(memcmp(taken->audio[1], right, length * sizeof *right) == 0);
            const float status = host_get(self, TAGPLUG_STATUS);
            const bool fits = some_rates[r] >= 8000 && some_rates[r] <= 192000;
            CHECK((status == TAGPLUG_STATUS_RATE) == !fits);
        }
        host_close(self);
    }
    free(left);
    free(right);
    free(taken);
}

static void test_bypass_passes_bit_for_bit_while_slots_go_on(void) {
    host *self = host_open();
    float *wave = steps(LENGTH);
    take *taken = malloc(sizeof *taken);
    follow_level(self);
    set(self, field(0, TAGPLUG_TARGET), TAGPLUG_TARGET_GAIN);
    set(self, TAGPLUG_BYPASS, 1);
    host_activate(self, 48000, 512, false);
    play(self, wave, wave, 10000, NULL, 0, 512, taken);
    CHECK(memcmp(taken->audio[0], wave, 10000 * sizeof *wave) == 0);
    CHECK(host_get(self, TAGPLUG_VALUE_1) > 0.5);
    free(wave);
    free(taken);
    host_close(self);
}

static void test_buffers_may_be_shared_or_missing(void) {
    host *self = host_open();
    float *noise = white_noise(2000, 4), left[2000], right[2000];
    host_activate(self, 48000, 2000, false);
    memcpy(left, noise, sizeof left);
    memcpy(right, noise, sizeof right);
    const float *same[2] = {left, right};
    float *const in_place[2] = {left, right};
    host_process(self, same, in_place, 2000, NULL, 0);
    CHECK(memcmp(left, noise, sizeof left) == 0 && memcmp(right, noise, sizeof right) == 0);
    host_process(self, NULL, in_place, 2000, NULL, 0);
    bool silent = true;
    for (int i = 0; i < 2000; ++i) silent = silent && left[i] == 0 && right[i] == 0;
    CHECK(silent);
    const float *const input[2] = {noise, noise};
    set(self, field(0, TAGPLUG_SOURCE), (float)rms);
    for (int i = 0; i < 5; ++i) host_process(self, input, NULL, 2000, NULL, 0);
    CHECK(host_get(self, TAGPLUG_VALUE_1) > 0.5);
    const float *const one[2] = {noise, NULL};
    host_process(self, one, in_place, 2000, NULL, 0);
    CHECK(memcmp(left, noise, sizeof left) == 0 && right[1999] == 0);
    free(noise);
    host_close(self);
}

/* ------------------------------------------------------------------------------ sidechain --- */

/* The level moves the gain of slot 1 from 0 to -24 dB. */
static void duck(host *self) {
    follow_level(self);
    set(self, field(0, TAGPLUG_TARGET), TAGPLUG_TARGET_GAIN);
    set(self, field(0, TAGPLUG_MIN), 0.8F);
    set(self, field(0, TAGPLUG_MAX), 0.4F);
    set(self, field(0, TAGPLUG_MIDI), 2);
}

static void analyse_the_sidechain(host *self, uint32_t channels) {
    set(self, TAGPLUG_ANALYSIS_INPUT, TAGPLUG_ANALYSE_SIDECHAIN);
    host_connect_sidechain(self, true);
    self->sidechain_channels = channels;
}

/* The gain that a sound has as a sidechain is the one that it has on the main input, and so are
 * the controllers; mono and stereo. */
static void test_a_sidechain_moves_the_effects_of_the_main_input(void) {
    float *wave = steps(LENGTH), *noise = white_noise(LENGTH, 9);
    take *own = malloc(sizeof *own), *ducked = malloc(sizeof *ducked);
    host *alone = host_open();
    duck(alone);
    host_activate(alone, 48000, 700, false);
    play(alone, wave, wave, LENGTH, NULL, 0, 0, own);
    for (uint32_t channels = 1; channels <= 2; ++channels) {
        host *self = host_open();
        duck(self);
        analyse_the_sidechain(self, channels);
        host_activate(self, 48000, 700, false);
        key[0] = wave;
        key[1] = channels > 1 ? wave : NULL;
        play(self, noise, noise, LENGTH, NULL, 0, 0, ducked);
        key[0] = key[1] = NULL;
        bool same = true;
        for (int i = 0; i < LENGTH; ++i)
            same = same && fabs((double)ducked->audio[1][i] * wave[i] -
                                (double)own->audio[0][i] * noise[i]) < 1e-6;
        CHECK(same);
        CHECK(ducked->midi_count == own->midi_count && own->midi_count > 100);
        CHECK(memcmp(ducked->midi, own->midi, own->midi_count * sizeof *own->midi) == 0);
        CHECK(host_get(self, TAGPLUG_VALUE_1) == host_get(alone, TAGPLUG_VALUE_1));
        host_close(self);
    }
    CHECK(fabsf(ducked->audio[0][9000]) < 0.2F * fabsf(noise[9000]));
    host_close(alone);
    free(wave);
    free(noise);
    free(own);
    free(ducked);
}

/* Hosts pass no port, none of its buffers, or silence. */
static void test_a_sidechain_that_is_not_connected_is_silence(void) {
    static const float silence[HOST_MOST_FRAMES];
    float *noise = white_noise(HOST_MOST_FRAMES, 9), out[2][HOST_MOST_FRAMES];
    const float *const input[2] = {noise, noise};
    float *const output[2] = {out[0], out[1]};
    for (int way = 0; way < 3; ++way) {
        host *self = host_open();
        follow_level(self);
        analyse_the_sidechain(self, way == 0 ? 0 : 2);
        if (way == 2) self->sidechain[0] = self->sidechain[1] = silence;
        host_activate(self, 48000, HOST_MOST_FRAMES, false);
        for (int i = 0; i < 3; ++i) host_process(self, input, output, HOST_MOST_FRAMES, NULL, 0);
        CHECK(host_get(self, TAGPLUG_VALUE_1) == 0);
        CHECK(memcmp(out[1], noise, sizeof out[1]) == 0);
        set(self, TAGPLUG_ANALYSIS_INPUT, TAGPLUG_ANALYSE_MAIN);
        host_process(self, input, output, HOST_MOST_FRAMES, NULL, 0);
        CHECK(host_get(self, TAGPLUG_VALUE_1) > 0.5F);
        host_close(self);
    }
    free(noise);
}

/* -------------------------------------------------------------------------------- outputs --- */

static void test_values_follow_the_signal_and_the_host_receives_them(void) {
    host *self = host_open();
    float *wave = steps(LENGTH);
    take *taken = malloc(sizeof *taken);
    follow_level(self);
    host_activate(self, 48000, 500, false);
    float received = host_get(self, TAGPLUG_VALUE_1);
    float former[2] = {received, received}; /* blocks: an output is 1/60 s old at most */
    bool loud = true, quiet = true, agree = true;
    for (uint32_t at = 0; at + 500 <= LENGTH; at += 500) {
        const float *const input[2] = {wave + at, wave + at};
        float *const output[2] = {taken->audio[0], taken->audio[1]};
        host_process(self, input, output, 500, NULL, 0);
        for (uint32_t i = 0; i < self->moved_count; ++i)
            if (self->moved[i].parameter == TAGPLUG_VALUE_1) received = self->moved[i].value;
        const float value = host_get(self, TAGPLUG_VALUE_1);
        agree = agree && self->in_order &&
                (fabsf(received - value) < 2e-5F || fabsf(received - former[0]) < 2e-5F ||
                 fabsf(received - former[1]) < 2e-5F);
        former[1] = former[0];
        former[0] = value;
        const uint32_t into = (at + 500) % 12000; /* the last quarter of each step */
        if (into > 9000)
            *(at / 12000 % 2 == 0 ? &loud : &quiet) &= (value > 0.7) == (at / 12000 % 2 == 0);
    }
    CHECK(loud);
    CHECK(quiet);
    CHECK(agree);
    free(wave);
    free(taken);
    host_close(self);
}

/* When a value of each slot was received last, and which one. */
typedef struct {
    int64_t at[TAGPLUG_SLOTS];
    float value[TAGPLUG_SLOTS];
    uint32_t count;
    bool spaced, changed;
} receipts;

static void receive(const host *self, int64_t block, double rate, receipts *all) {
    for (uint32_t i = 0; i < self->moved_count; ++i) {
        const uint32_t slot = self->moved[i].parameter - TAGPLUG_VALUE_1;
        const int64_t at = block + self->moved[i].offset;
        if (slot >= TAGPLUG_SLOTS) continue;
        all->spaced = all->spaced && (double)(at - all->at[slot]) >= rate / 60;
        all->changed = all->changed && self->moved[i].value != all->value[slot];
        all->at[slot] = at;
        all->value[slot] = self->moved[i].value;
        ++all->count;
    }
}

/* Plays a sound whose level sinks, then silence, in blocks of up to `most`; the slots are slow and
 * always move before that. Receives nothing in the last half of the silence. */
static void check_outputs(double rate, uint32_t most) {
    host *self = host_open();
    const uint32_t second = (uint32_t)rate;
    float *noise = white_noise(3 * (size_t)second, 4), out[2][700];
    float *const output[2] = {out[0], out[1]};
    receipts all = {.spaced = true, .changed = true};
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        all.at[i] = -(int64_t)second;
        all.value[i] = -1;
        set(self, field(i, TAGPLUG_SOURCE), (float)rms);
        set(self, field(i, TAGPLUG_RELEASE), 0.02F + 0.001F * (float)i);
        set(self, field(i, TAGPLUG_MIN), 0.25F); /* where the envelope comes to rest */
    }
    for (uint32_t i = 0; i < 3 * second; ++i)
        noise[i] *= i < second ? 1 - 0.9F * (float)i / (float)second : 0;
    host_activate(self, rate, 700, false);
    uint32_t random = 5, at = 0, loud = 0, before_silence = 0;
    while (at + most <= 3 * second) {
        const uint32_t frames = most < 100 ? most : 1 + next_number(&random) % most;
        const float *const input[2] = {noise + at, noise + at};
        host_process(self, input, output, frames, NULL, 0);
        receive(self, at, rate, &all);
        at += frames;
        if (at < second) loud = all.count;
        if (at < 5 * second / 2) before_silence = all.count;
    }
    CHECK(all.spaced && all.changed);
    CHECK(loud > 35 * TAGPLUG_SLOTS && loud <= 60 * TAGPLUG_SLOTS);
    CHECK(all.count == before_silence);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i)
        CHECK(fabsf(all.value[i] - host_get(self, TAGPLUG_VALUE_1 + i)) < 1e-6F);
    free(noise);
    host_close(self);
}

static void test_an_output_is_sent_60_times_a_second_at_most_and_at_last(void) {
    check_outputs(48000, 64);
    check_outputs(44100, 700);
    check_outputs(8000, 32);
}

/* What was kept back reaches a host that stops. */
static void test_a_block_without_samples_sends_the_latest_outputs(void) {
    host *self = host_open();
    float *noise = white_noise(24000, 4), out[2][100];
    float *const output[2] = {out[0], out[1]};
    float received = 0;
    uint32_t kept_back = 0;
    follow_level(self);
    set(self, field(0, TAGPLUG_ATTACK), 1);
    host_activate(self, 48000, 100, false);
    for (uint32_t at = 0; at < 24000; at += 100) {
        const float *const input[2] = {noise + at, noise + at};
        for (uint32_t frames = 100;; frames = 0) {
            host_process(self, input, output, frames, NULL, 0);
            for (uint32_t i = 0; i < self->moved_count; ++i)
                if (self->moved[i].parameter == TAGPLUG_VALUE_1) received = self->moved[i].value;
            const bool latest = fabsf(received - host_get(self, TAGPLUG_VALUE_1)) < 1e-6F;
            kept_back += !latest;
            if (frames == 0) CHECK(latest);
            if (frames == 0 || at % 1700 != 0) break;
        }
    }
    CHECK(kept_back > 100);
    free(noise);
    host_close(self);
}

/* Automation as on a timeline: at any sample, many at once. */
static const host_change timeline[] = {
    {0, TAGPLUG_GLOBALS + TAGPLUG_SOURCE, 1 + TAGNODE_SIGNAL_RMS_DB},
    {0, TAGPLUG_GLOBALS + TAGPLUG_MIDI, 1},
    {100, TAGPLUG_GLOBALS + TAGPLUG_TARGET, TAGPLUG_TARGET_GAIN},
    {6001, TAGPLUG_GLOBALS + TAGPLUG_RELEASE, 0.05F},
    {12345, TAGPLUG_GLOBALS + TAGPLUG_FIELDS + TAGPLUG_SOURCE, 1 + TAGNODE_SIGNAL_FLUX},
    {12345, TAGPLUG_GLOBALS + TAGPLUG_FIELDS + TAGPLUG_TARGET, TAGPLUG_TARGET_LOW_PASS},
    {12345, TAGPLUG_GLOBALS + TAGPLUG_FIELDS + TAGPLUG_MIDI, 2},
    {15001, TAGPLUG_ANALYSIS_INPUT, TAGPLUG_ANALYSE_SIDECHAIN},
    {20000, TAGPLUG_BYPASS, 1},
    {24777, TAGPLUG_BYPASS, 0},
    {26003, TAGPLUG_ANALYSIS_INPUT, TAGPLUG_ANALYSE_MAIN},
    {30000, TAGPLUG_GLOBALS + TAGPLUG_TARGET, TAGPLUG_TARGET_DELAY},
    {40001, TAGPLUG_DELAY_FEEDBACK, 0.9F},
};
enum { TIMELINE = sizeof timeline / sizeof *timeline };

static void test_blocks_of_any_size_give_the_same_audio_and_midi(void) {
    const uint32_t blocks[] = {LENGTH, 1024, 441, 64, 0};
    float *wave = steps(LENGTH), *noise = white_noise(2 * LENGTH, 9);
    for (int i = 0; i < LENGTH; ++i) noise[i] = 0.3F * noise[i] + wave[i];
    take *first = malloc(sizeof *first), *other = malloc(sizeof *other);
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; ++b) {
        host *self = host_open();
        set(self, TAGPLUG_MODEL, 0); /* a model that is loaded later has later results */
        host_connect_sidechain(self, true);
        self->sidechain_channels = 2;
        key[0] = noise + LENGTH / 2;
        key[1] = wave;
        host_activate(self, 48000, blocks[b] > 0 ? blocks[b] : 700, false);
        play(self, noise, wave, LENGTH, timeline, TIMELINE, blocks[b], b == 0 ? first : other);
        host_close(self);
        key[0] = key[1] = NULL;
        if (b == 0) continue;
        CHECK(memcmp(first->audio, other->audio, sizeof first->audio) == 0);
        CHECK(first->midi_count == other->midi_count);
        CHECK(memcmp(first->midi, other->midi, first->midi_count * sizeof *first->midi) == 0);
        CHECK(other->in_order);
    }
    CHECK(memcmp(first->audio[0], noise, sizeof first->audio[0]) != 0);
    CHECK(first->midi_count > 20);
    free(wave);
    free(noise);
    free(first);
    free(other);
}

static void test_changes_take_effect_at_their_sample(void) {
    const uint32_t at[] = {0, 1, 100, 333, 511};
    float *noise = white_noise(2048, 6);
    take *taken = malloc(sizeof *taken);
    for (size_t i = 0; i < sizeof at / sizeof *at; ++i) {
        host *self = host_open();
        set(self, field(0, TAGPLUG_TARGET), TAGPLUG_TARGET_GAIN); /* at rest: -48 dB */
        set(self, TAGPLUG_BYPASS, 1);
        host_activate(self, 48000, 512, false);
        const host_change off = {at[i] + 512, TAGPLUG_BYPASS, 0};
        play(self, noise, noise, 2048, &off, 1, 512, taken);
        CHECK(memcmp(taken->audio[0], noise, off.offset * sizeof *noise) == 0);
        uint32_t differs = off.offset;
        while (differs < 2048 && taken->audio[0][differs] == noise[differs]) ++differs;
        CHECK(differs < off.offset + GRID);
        CHECK(fabsf(taken->audio[0][2047]) < 0.1F * fabsf(noise[2047]));
        host_close(self);
    }
    free(noise);
    free(taken);
}

static void test_midi_controllers_have_the_value(void) {
    float *wave = steps(LENGTH);
    take *taken = malloc(sizeof *taken);
    for (uint32_t mode = 1; mode <= 2; ++mode) {
        host *self = host_open();
        follow_level(self);
        set(self, field(0, TAGPLUG_MIDI), (float)mode);
        set(self, field(0, TAGPLUG_CC), 11);
        set(self, field(0, TAGPLUG_CHANNEL), 16);
        host_activate(self, 48000, 512, false);
        play(self, wave, wave, 12000, NULL, 0, 512, taken);
        uint32_t coarse = 0, fine = 0;
        bool right = taken->midi_count > 0 && taken->in_order;
        for (uint32_t i = 0; i < taken->midi_count; ++i) {
            const uint8_t *bytes = taken->midi[i].bytes;
            right = right && bytes[0] == 0xBF && bytes[2] < 128 &&
                    (bytes[1] == 11 || (mode == 2 && bytes[1] == 11 + 32));
            *(bytes[1] == 11 ? &coarse : &fine) = bytes[2];
        }
        CHECK(right);
        const double value = host_get(self, TAGPLUG_VALUE_1);
        CHECK(value > 0.7);
        if (mode == 1) CHECK_NEAR(coarse, 127 * value, 0.51);
        if (mode == 2) CHECK_NEAR(coarse * 128 + fine, 16383 * value, 0.51);
        host_close(self);
    }
    free(wave);
    free(taken);
}

/* A burst and then silence, which the host flags: echoes are no silence, and what is flagged is. */
static void test_silence_is_flagged_where_it_is_true(void) {
    host *self = host_open();
    float *noise = white_noise(LENGTH, 4), out[2][700];
    float *const output[2] = {out[0], out[1]};
    memset(noise + 3000, 0, (LENGTH - 3000) * sizeof *noise);
    set(self, field(0, TAGPLUG_TARGET), TAGPLUG_TARGET_DELAY);
    set(self, field(0, TAGPLUG_MIN), 0.5F);
    set(self, TAGPLUG_DELAY_TIME, 0.1F); /* 4800 samples: the echo is from there to 7800 */
    set(self, TAGPLUG_DELAY_FEEDBACK, 0);
    host_activate(self, 48000, 700, false);
    uint32_t random = 3, silent = 0;
    for (uint32_t at = 0; at + 700 <= LENGTH;) {
        const uint32_t frames = 2 + next_number(&random) % 699;
        const float *const input[2] = {noise + at, noise + at};
        self->silent = at >= 3000 ? 3 : 0;
        host_process(self, input, output, frames, NULL, 0);
        uint64_t due = 3;
        for (uint32_t i = 0; i < frames; ++i)
            for (uint32_t c = 0; c < 2; ++c)
                if (out[c][i] != 0) due &= ~((uint64_t)1 << c);
        CHECK(self->constant == due);
        if (at >= 4900 && at + frames <= 7700) CHECK(due == 0);
        if ((at >= 3000 && at + frames <= 4700) || at > 7900) silent += due == 3;
        at += frames;
    }
    CHECK(silent > 50);
    free(noise);
    host_close(self);
}

static void test_tail_lasts_as_long_as_echoes_do(void) {
    host *self = host_open();
    CHECK(host_tail(self) == 0);
    set(self, field(0, TAGPLUG_SOURCE), (float)rms);
    set(self, field(0, TAGPLUG_RELEASE), 1);
    set(self, field(0, TAGPLUG_HOLD), 2);
    host_activate(self, 44100, 512, false);
    const uint32_t envelope = host_tail(self);
    CHECK(envelope > (2 + 6) * 44100 && envelope < 15 * 44100);
    set(self, field(0, TAGPLUG_TARGET), TAGPLUG_TARGET_DELAY);
    set(self, TAGPLUG_DELAY_TIME, 1);
    set(self, TAGPLUG_DELAY_FEEDBACK, 0.5F);
    /* 0.5^10 is below 0.1 %, and the first echo comes after a second */
    CHECK_NEAR(host_tail(self) - envelope, (1 + 10) * 44100, 4410);
    host_close(self);
}

/* ------------------------------------------------------------------------ texts and states --- */

/* The number and the unit that a value is shown with, by the tables of signals and targets. */
typedef struct {
    double number;
    const char *unit;
} reading;

static reading due_reading(host *self, uint32_t parameter, double value) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    const uint32_t slot = about->slot - 1;
    const bool moved = about->slot > 0 && (about->output || about->field == TAGPLUG_MIN + 1 ||
                                           about->field == TAGPLUG_MAX + 1);
    const bool compared = about->field >= TAGPLUG_THRESHOLD + 1 && about->field <= TAGPLUG_HIGH + 1;
    if (moved) {
        const uint32_t id = (uint32_t)host_get(self, field(slot, TAGPLUG_TARGET));
        const tagnode_plugin_target *target = tagnode_plugin_target_info(id);
        const double low = target->low, high = target->high;
        return (reading){target->ratios ? exp(log(low) + value * (log(high) - log(low)))
                                        : low + value * (high - low),
                         target->unit};
    }
    const uint32_t source = compared ? (uint32_t)host_get(self, field(slot, TAGPLUG_SOURCE)) : 0;
    if (source == 0) return (reading){value, about->unit};
    const tagnode_signal *signal = tagnode_signal_info(source - 1);
    const double width = (double)signal->high - signal->low;
    const bool distance = about->field == TAGPLUG_HYSTERESIS + 1;
    const bool level = strncmp(signal->unit, "dB", 2) == 0 || strcmp(signal->unit, "LUFS") == 0;
    return (reading){(distance ? 0 : signal->low) + value * width,
                     distance && level ? "dB" : signal->unit};
}

/* Reads what is shown as the user would: a number, its decimals, and the unit after it. */
static void check_reading(host *self, uint32_t parameter, float value, const char *text) {
    char *rest = NULL;
    const reading due = due_reading(self, parameter, value);
    const double number = strtod(text, &rest);
    const char *point = strchr(text, '.');
    const double places = point == NULL ? 0 : (double)strspn(point + 1, "0123456789");
    const double near = 0.5 * pow(10, -places) + 1e-6 * fabs(due.number);
    const char *beside = host_unit(self, parameter);
    const char *inside = *rest == ' ' ? rest + 1 : rest;
    if (parameter == TAGPLUG_OSC_PORT && value == 0) {
        CHECK(strcmp(text, "off") == 0);
        return;
    }
    if (!CHECK(rest != text && fabs(number - due.number) <= near) ||
        !CHECK(strcmp(*beside == '\0' ? inside : beside, due.unit) == 0) ||
        !CHECK(*beside == '\0' || *inside == '\0'))
        fprintf(stderr, "%s at %.9g: \"%s\" and \"%s\"; due is %.9g %s\n",
                tagnode_plugin_parameter_info(parameter)->symbol, (double)value, text, beside,
                due.number, due.unit);
}

/* value -> text -> value -> text -> value. Of a parameter with steps the first value is back,
 * unless it is the number of no source. */
static void check_round_trip(host *self, uint32_t parameter, float value) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    char text[256], again[256];
    float first = NAN, second = NAN;
    CHECK(host_text(self, parameter, value, text, sizeof text) && text[0] != '\0');
    const bool reads = host_value(self, parameter, text, &first) &&
                       host_text(self, parameter, first, again, sizeof again) &&
                       host_value(self, parameter, again, &second);
    const bool stays =
        reads && strcmp(text, again) == 0 && first == second &&
        (about->scale < TAGNODE_SCALE_INTEGER || first == value || strcmp(text, "-") == 0);
    if (!CHECK(stays))
        fprintf(stderr, "%s: %.9g, \"%s\", %.9g, \"%s\", %.9g\n", about->symbol, (double)value,
                text, (double)first, reads ? again : "", (double)second);
    uint32_t slot = 0;
    if (about->choices == NULL && !tagplug_is_source(parameter, &slot))
        check_reading(self, parameter, value, text);
}

static void check_round_trips(host *self, uint32_t parameter, uint32_t parts) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    if (about->choices != NULL)
        for (uint32_t i = 0; i < about->choice_count; ++i)
            check_round_trip(self, parameter, (float)about->choices[i].id);
    else if (about->scale == TAGNODE_SCALE_INTEGER)
        for (uint32_t i = 0; i <= (uint32_t)(about->high - about->low); ++i)
            check_round_trip(self, parameter, about->low + (float)i);
    else
        for (uint32_t i = 0; i <= parts; ++i)
            check_round_trip(self, parameter,
                             tagplug_denormalise(parameter, (float)i / (float)parts));
}

static void test_every_value_comes_back_from_its_text(void) {
    host *self = host_open();
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) check_round_trips(self, i, 1000);
    for (uint32_t k = 0; k < TAGNODE_SIGNAL_END; ++k) { /* in every unit */
        set(self, field(0, TAGPLUG_SOURCE), (float)(k + 1));
        set(self, field(0, TAGPLUG_TARGET), (float)(k % TAGPLUG_TARGETS));
        for (uint32_t i = field(0, TAGPLUG_THRESHOLD); i <= field(0, TAGPLUG_HIGH); ++i)
            check_round_trips(self, i, 1000);
        check_round_trips(self, field(0, TAGPLUG_MIN), 4000);
        check_round_trips(self, TAGPLUG_VALUE_1, 1000);
    }
    char text[256];
    CHECK(!host_text(self, TAGPLUG_PARAMETERS, 0, text, sizeof text));
    host_close(self);
}

/* A text as typed, and the value that it stands for; NAN: it is refused. */
typedef struct {
    uint32_t slot, parameter; /* of the whole plugin, or a field of the slot */
    const char *text;
    double due;
} typed;

enum { WHOLE = UINT32_MAX >> 1 };

static void check_typed(host *self, const typed *cases, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const uint32_t parameter =
            cases[i].slot == WHOLE ? cases[i].parameter : field(cases[i].slot, cases[i].parameter);
        float value = NAN;
        const bool found = host_value(self, parameter, cases[i].text, &value);
        const bool right = found && fabs(value - cases[i].due) < 1e-4;
        if (!CHECK(isnan(cases[i].due) ? !found : right))
            fprintf(stderr, "\"%s\" is read as %g\n", cases[i].text, (double)value);
    }
}

static void test_texts_are_read_as_users_type_them(void) {
    static const typed cases[] = {
        {WHOLE, TAGPLUG_HOP, "0.15", 0.15},
        {WHOLE, TAGPLUG_HOP, "0,15 s", 0.15},
        {WHOLE, TAGPLUG_HOP, "150 ms", 0.15},
        {WHOLE, TAGPLUG_HOP, " 150MS ", 0.15},
        {WHOLE, TAGPLUG_HOP, "9", 2},
        {WHOLE, TAGPLUG_HOP, "1 Hz", NAN},
        {WHOLE, TAGPLUG_HOP, "1 s s", NAN},
        {WHOLE, TAGPLUG_HOP, "1s1", NAN},
        {WHOLE, TAGPLUG_HOP, "1.2.3", NAN},
        {WHOLE, TAGPLUG_HOP, "--1", NAN},
        {WHOLE, TAGPLUG_HOP, "nan", NAN},
        {WHOLE, TAGPLUG_HOP, "inf", NAN},
        {WHOLE, TAGPLUG_HOP, "0x1", NAN},
        {WHOLE, TAGPLUG_HOP, ".", NAN},
        {WHOLE, TAGPLUG_HOP, "", NAN},
        {WHOLE, TAGPLUG_HOP, " ", NAN},
        {WHOLE, TAGPLUG_HOP, "s", NAN},
        {WHOLE, TAGPLUG_DELAY_FEEDBACK, ".5", 0.5},
        {WHOLE, TAGPLUG_DELAY_FEEDBACK, "50 %", 0.5},
        {WHOLE, TAGPLUG_DELAY_FEEDBACK, "50%", 0.5},
        {WHOLE, TAGPLUG_DELAY_FEEDBACK, "0.5 dB", NAN},
        {WHOLE, TAGPLUG_OSC_PORT, "OFF", 0},
        {WHOLE, TAGPLUG_OSC_PORT, "9000", 9000},
        {WHOLE, TAGPLUG_OSC_PORT, "9000 %", NAN},
        {WHOLE, TAGPLUG_BYPASS, "On", 1},
        {WHOLE, TAGPLUG_BYPASS, "1", 1},
        {WHOLE, TAGPLUG_BYPASS, "2", NAN},
        {WHOLE, TAGPLUG_BYPASS, "bypass", NAN},
        {WHOLE, TAGPLUG_MODEL, "Musicnn-MTT", 2},
        {WHOLE, TAGPLUG_MODEL, "2", 2},
        {WHOLE, TAGPLUG_MODEL, "no such model", NAN},
        {WHOLE, TAGPLUG_MODEL, "", NAN},
        {WHOLE, TAGPLUG_STATUS, "model missing", TAGPLUG_STATUS_MODEL_MISSING},
    };
    host *self = host_open();
    check_typed(self, cases, sizeof cases / sizeof *cases);
    host_close(self);
}

static void test_texts_of_slots_are_read_in_their_units(void) {
    static const typed cases[] = {
        {0, TAGPLUG_CURVE, "LOG", TAGNODE_CURVE_LOG},
        {0, TAGPLUG_CURVE, "logarithmic", NAN},
        {0, TAGPLUG_MIDI, "14-bit", 2},
        {0, TAGPLUG_MIDI, "14", NAN},
        {0, TAGPLUG_CHANNEL, "16", 16},
        {0, TAGPLUG_CHANNEL, "17", 16},
        {0, TAGPLUG_CHANNEL, "ten", NAN},
        {0, TAGPLUG_THRESHOLD, "-15 dBFS", 0.75},
        {0, TAGPLUG_THRESHOLD, "-15 db", 0.75},
        {0, TAGPLUG_THRESHOLD, "-15", 0.75},
        {0, TAGPLUG_THRESHOLD, "-15 Hz", NAN},
        {0, TAGPLUG_HYSTERESIS, "3 dB", 0.05},
        {1, TAGPLUG_THRESHOLD, "120 bpm", 0.5},
        {2, TAGPLUG_THRESHOLD, "0.25", 0.25},
        {2, TAGPLUG_THRESHOLD, "25%", 0.25},
        {0, TAGPLUG_MIN, "0", 0.8},
        {0, TAGPLUG_MIN, "+6 DB", 0.9},
        {0, TAGPLUG_MIN, "6 kHz", NAN},
        {1, TAGPLUG_MIN, "2 kHz", 0.6666667},
        {1, TAGPLUG_MIN, "2k", 0.6666667},
        {1, TAGPLUG_MIN, "2000Hz", 0.6666667},
        {1, TAGPLUG_MIN, "-3", 0},
    };
    host *self = host_open();
    set(self, field(0, TAGPLUG_SOURCE), 1 + TAGNODE_SIGNAL_RMS_DB);    /* -60 to 0 dBFS */
    set(self, field(0, TAGPLUG_TARGET), TAGPLUG_TARGET_GAIN);          /* -48 to 12 dB */
    set(self, field(1, TAGPLUG_TARGET), TAGPLUG_TARGET_LOW_PASS);      /* 20 to 20000 Hz */
    set(self, field(1, TAGPLUG_SOURCE), 1 + TAGNODE_SIGNAL_TEMPO_BPM); /* 60 to 180 BPM */
    check_typed(self, cases, sizeof cases / sizeof *cases);
    host_close(self);
}

static void test_sources_are_read_by_text_name_and_number(void) {
    static const typed cases[] = {
        {0, TAGPLUG_SOURCE, "None", 0},
        {0, TAGPLUG_SOURCE, "-", 99},
        {0, TAGPLUG_SOURCE, "RMS_dB", 1 + TAGNODE_SIGNAL_RMS_DB},
        {0, TAGPLUG_SOURCE, "signal.onset", 1 + TAGNODE_SIGNAL_ONSET},
        {0, TAGPLUG_SOURCE, "Tag.Male-Vocal", 136},
        {0, TAGPLUG_SOURCE, "tag.guitar (not in this model)", 111},
        {0, TAGPLUG_SOURCE, "#700", 700},
        {0, TAGPLUG_SOURCE, "700", 700},
        {0, TAGPLUG_SOURCE, "1001", NAN},
        {0, TAGPLUG_SOURCE, "-1", NAN},
        {0, TAGPLUG_SOURCE, "1.5", NAN},
        {0, TAGPLUG_SOURCE, "tag.of-no-model", NAN},
        {0, TAGPLUG_SOURCE, "#", NAN},
        {0, TAGPLUG_SOURCE, "(not in this model)", NAN},
        {0, TAGPLUG_SOURCE, "", NAN},
    };
    host *self = host_open();
    check_typed(self, cases, sizeof cases / sizeof *cases);
    host_close(self);
}

static float random_value(uint32_t parameter, uint32_t *seed) {
    if (parameter == TAGPLUG_OSC_PORT) return next_number(seed) % 2 == 0 ? 0 : 9; /* discard */
    return tagplug_denormalise(parameter, (float)(next_number(seed) % 1001) / 1000);
}

static void test_a_new_instance_has_the_defaults_that_hosts_show(void) {
    host *self = host_open();
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) CHECK(host_default(self, i) == host_get(self, i));
    host_activate(self, 48000, 512, false);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) CHECK(host_default(self, i) == host_get(self, i));
    host_close(self);
}

void check_duck_under_voice(host *self) {
    static const struct {
        uint32_t parameter;
        double due;
    } slot[] = {{TAGPLUG_SOURCE, 145}, /* tag.voice */
                {TAGPLUG_GATE, TAGNODE_GATE_ABOVE},
                {TAGPLUG_THRESHOLD, 0.75},
                {TAGPLUG_HYSTERESIS, 0.15},
                {TAGPLUG_TARGET, TAGPLUG_TARGET_GAIN},
                {TAGPLUG_MIN, 0.8},
                {TAGPLUG_MAX, 0.6},
                {TAGPLUG_ATTACK, 0.15},
                {TAGPLUG_HOLD, 0.6},
                {TAGPLUG_RELEASE, 0.8}};
    for (size_t i = 0; i < sizeof slot / sizeof *slot; ++i)
        CHECK_NEAR(host_get(self, field(0, slot[i].parameter)), slot[i].due, 1e-6);
    CHECK_NEAR(host_get(self, TAGPLUG_HOP), 0.128, 1e-6);
    CHECK(host_get(self, TAGPLUG_MODEL) == TAGPLUG_MODEL_SCENE);
    for (uint32_t i = 1; i < TAGPLUG_SLOTS; ++i)
        CHECK(host_get(self, field(i, TAGPLUG_SOURCE)) == 0);
}

static void test_state_makes_the_same_instance(void) {
    static unsigned char bytes[TAGPLUG_STATE_MOST], again[TAGPLUG_STATE_MOST];
    uint32_t seed = 12;
    host *self = host_open(), *other = host_open();
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) set(self, i, random_value(i, &seed));
    set(self, TAGPLUG_OSC_PORT, 0);
    for (uint32_t slot = 0; slot < TAGPLUG_SLOTS; ++slot)
        set(self, field(slot, TAGPLUG_SOURCE), (float)(slot + 1));
    const size_t size = host_save(self, bytes, sizeof bytes);
    CHECK(size > 16 && memcmp(bytes, "TAGSTATE", 8) == 0);
    CHECK(host_restore(other, bytes, size));
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) CHECK(host_get(other, i) == host_get(self, i));
    CHECK(host_save(other, again, sizeof again) == size && memcmp(bytes, again, size) == 0);
    host_close(self);
    host_close(other);
}

static void test_foreign_states_are_refused_and_change_nothing(void) {
    static unsigned char bytes[2 * TAGPLUG_STATE_MOST], before[TAGPLUG_STATE_MOST],
        after[TAGPLUG_STATE_MOST];
    host *self = host_open();
    follow_level(self);
    const size_t size = host_save(self, before, sizeof before);
    memcpy(bytes, before, size);
    CHECK(!host_restore(self, bytes, 0));
    CHECK(!host_restore(self, bytes, 7));
    CHECK(!host_restore(self, bytes, size - 1));
    CHECK(!host_restore(self, bytes, sizeof bytes));
    bytes[0] ^= 1;
    CHECK(!host_restore(self, bytes, size));
    CHECK(host_save(self, after, sizeof after) == size && memcmp(before, after, size) == 0);
    CHECK(host_restore(self, before, size));
    host_close(self);
}

/* --------------------------------------------------------------------- models, lives, threads ---
 */

static void test_the_host_is_notified_when_units_change(void) {
    host *self = host_open();
    char text[256];
    const uint32_t least = field(4, TAGPLUG_MIN);
    const host_change gain = {0, field(4, TAGPLUG_TARGET), TAGPLUG_TARGET_GAIN};
    host_activate(self, 48000, 512, false);
    host_process(self, NULL, NULL, 0, NULL, 0);
    host_idle(self);
    const uint32_t before = self->text_changes;
    host_process(self, NULL, NULL, 0, NULL, 0);
    host_idle(self);
    CHECK(self->text_changes == before);
    host_process(self, NULL, NULL, 0, &gain, 1);
    host_idle(self);
    CHECK(self->text_changes == before + 1);
    CHECK(host_text(self, least, 0.8F, text, sizeof text) && strcmp(text, "0.0 dB") == 0);
    host_close(self);
}

/* Hosts read values again only when they are notified, after each state. */
static void test_the_host_is_notified_of_each_state(void) {
    static unsigned char bytes[TAGPLUG_TARGETS][TAGPLUG_STATE_MOST];
    size_t sizes[TAGPLUG_TARGETS];
    host *self = host_open();
    for (uint32_t i = 0; i < TAGPLUG_TARGETS; ++i) {
        set(self, field(0, TAGPLUG_TARGET), (float)i);
        sizes[i] = host_save(self, bytes[i], sizeof bytes[i]);
    }
    for (uint32_t i = 0; i < 200; ++i) {
        const uint32_t before = self->text_changes, which = i * i % TAGPLUG_TARGETS;
        CHECK(host_restore(self, bytes[which], sizes[which]));
        host_idle(self);
        CHECK(self->text_changes > before);
        CHECK(host_get(self, field(0, TAGPLUG_TARGET)) == (float)which);
    }
    host_close(self);
}

static bool has_scene(host *self) {
    return host_get(self, TAGPLUG_STATUS) == TAGPLUG_STATUS_OK &&
           host_get(self, TAGPLUG_WINDOW) > 0;
}

enum { SCENE_SOURCES = 8 }; /* seven tags and a group */

static bool shows(host *self, uint32_t parameter, float value, const char *due) {
    char text[256];
    return host_text(self, parameter, value, text, sizeof text) && strcmp(text, due) == 0;
}

/* Sources in a menu that a host makes of the texts of all numbers, besides "none". */
static uint32_t menu_of(host *self, uint32_t parameter) {
    uint32_t named = 0;
    CHECK(shows(self, parameter, 0, "none"));
    for (uint32_t id = 1; id <= TAGNODE_PLUGIN_SOURCE_MAX; ++id) {
        CHECK(!shows(self, parameter, (float)id, "none"));
        named += !shows(self, parameter, (float)id, "-");
    }
    return named;
}

static void test_offline_a_model_and_its_menu_are_loaded_by_the_next_block(void) {
    host *self = host_open();
    float *noise = white_noise(1024, 8);
    const float *const input[2] = {noise, noise};
    float out[2][1024];
    float *const output[2] = {out[0], out[1]};
    host_activate(self, 48000, 1024, true);
    if (!has_scene(self)) {
        puts("skipped: models; give cmake -DTAGNODE_SCENE=FILE to compile one in");
        host_close(self);
        free(noise);
        return;
    }
    const host_change speech = {0, field(1, TAGPLUG_SOURCE), 100};
    CHECK(menu_of(self, field(0, TAGPLUG_SOURCE)) == tagnode_signal_count() + SCENE_SOURCES);
    host_process(self, input, output, 1024, &speech, 1);
    host_process(self, input, output, 1024, &(host_change){0, TAGPLUG_MODEL, 0}, 1);
    host_process(self, input, output, 1024, NULL, 0);
    CHECK(host_get(self, TAGPLUG_WINDOW) == 0);
    host_idle(self);
    CHECK(menu_of(self, field(0, TAGPLUG_SOURCE)) == tagnode_signal_count());
    CHECK(shows(self, field(0, TAGPLUG_SOURCE), 100, "-"));
    CHECK(host_get(self, speech.parameter) == 100); /* what is chosen stays */
    CHECK(shows(self, speech.parameter, 100, "tag.speech (not in this model)"));
    const uint32_t before = self->text_changes;
    host_process(self, input, output, 1024, &(host_change){0, TAGPLUG_MODEL, 1}, 1);
    host_process(self, input, output, 1024, NULL, 0);
    CHECK(has_scene(self));
    host_idle(self);
    CHECK(self->text_changes > before);
    CHECK(menu_of(self, field(0, TAGPLUG_SOURCE)) == tagnode_signal_count() + SCENE_SOURCES);
    CHECK(shows(self, field(0, TAGPLUG_SOURCE), 100, "speech"));
    CHECK(shows(self, field(0, TAGPLUG_SOURCE), 106, "any: voice"));
    CHECK(host_get(self, speech.parameter) == 100 && shows(self, speech.parameter, 100, "speech"));
    float source = 0;
    CHECK(host_value(self, field(0, TAGPLUG_SOURCE), "speech", &source) && source == 100);
    free(noise);
    host_close(self);
}

static void test_blocks_without_samples_set_parameters(void) {
    host *self = host_open();
    host_activate(self, 48000, HOST_MOST_FRAMES, false);
    const host_change changes[] = {{0, TAGPLUG_DELAY_FEEDBACK, 0.5F},
                                   {0, field(3, TAGPLUG_HOLD), 4}};
    host_process(self, NULL, NULL, 0, changes, 2);
    CHECK_NEAR(host_get(self, TAGPLUG_DELAY_FEEDBACK), 0.5, 1e-6);
    CHECK_NEAR(host_get(self, field(3, TAGPLUG_HOLD)), 4, 1e-6);
    CHECK(self->in_order);
    const host_change output = {0, TAGPLUG_VALUE_1, 0.7F}; /* may not be set */
    host_process(self, NULL, NULL, 0, &output, 1);
    CHECK(host_get(self, TAGPLUG_VALUE_1) == 0);
    host_close(self);
}

static void test_32_instances_run_side_by_side(void) {
    enum { INSTANCES = 32, FRAMES = 3000 };
    host *all[INSTANCES];
    float *wave = steps(FRAMES);
    take *first = malloc(sizeof *first), *other = malloc(sizeof *other);
    for (int i = 0; i < INSTANCES; ++i) {
        all[i] = host_open();
        set(all[i], field(0, TAGPLUG_SOURCE), (float)rms);
        set(all[i], field(0, TAGPLUG_TARGET), (float)(1 + i % 2));
        host_activate(all[i], 48000, 512, false);
    }
    for (int i = 0; i < INSTANCES; ++i) {
        take *taken = i < 2 ? first : other;
        play(all[i], wave, wave, FRAMES, NULL, 0, 512, taken);
        if (i == 0) memcpy(other, first, sizeof *first);
        if (i == 1) CHECK(memcmp(first->audio, other->audio, FRAMES * sizeof *wave) != 0);
        if (i > 1 && i % 2 == 1)
            CHECK(memcmp(first->audio[0], other->audio[0], FRAMES * sizeof *wave) == 0);
    }
    for (int i = 0; i < INSTANCES; ++i) host_close(all[i * 5 % INSTANCES]);
    free(wave);
    free(first);
    free(other);
}

typedef struct {
    host *host;
    float *wave;
    _Atomic bool over;
} shared;

static void *play_beside(void *context) {
    shared *both = context;
    take *taken = malloc(sizeof *taken);
    play(both->host, both->wave, both->wave, LENGTH, timeline, TIMELINE, 256, taken);
    atomic_store(&both->over, true);
    free(taken);
    return NULL;
}

/* The main thread reads, shows, saves, restores and automates while the other one processes. */
static void test_the_main_thread_works_during_process(void) {
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    shared both = {host_open(), steps(LENGTH), false};
    pthread_t audio;
    char text[256];
    uint32_t seed = 3, saved = 0;
    host_activate(both.host, 48000, 256, false);
    if (!CHECK(pthread_create(&audio, NULL, play_beside, &both) == 0)) return;
    while (!atomic_load(&both.over) || saved == 0) {
        const uint32_t parameter = next_number(&seed) % TAGPLUG_PARAMETERS;
        CHECK(host_text(both.host, parameter, host_get(both.host, parameter), text, sizeof text));
        (void)host_tail(both.host);
        const size_t size = host_save(both.host, bytes, sizeof bytes);
        saved += size > 0 && host_restore(both.host, bytes, size);
    }
    CHECK(pthread_join(audio, NULL) == 0);
    host_idle(both.host);
    host_close(both.host);
    free(both.wave);
}

/* ----------------------------------------------------------------------------------- fuzzing ---
 */

typedef struct {
    host *host;
    uint32_t seed, most;
    bool active;
    float noise[HOST_MOST_FRAMES], out[2][HOST_MOST_FRAMES];
    unsigned char state[TAGPLUG_STATE_MOST];
    size_t state_size;
} fuzzer;

static void fuzz_activate(fuzzer *self) {
    const uint32_t pick = next_number(&self->seed) % 12;
    const double rate =
        pick < 9 ? some_rates[pick] : 1 + (double)(next_number(&self->seed) % 400000);
    self->most = 1 + next_number(&self->seed) % HOST_MOST_FRAMES;
    host_deactivate(self->host);
    host_connect_sidechain(self->host, next_number(&self->seed) % 3 > 0);
    host_activate(self->host, rate, self->most, next_number(&self->seed) % 4 == 0);
    self->active = true;
}

static uint32_t fuzz_changes(fuzzer *self, host_change *changes, uint32_t most, uint32_t frames) {
    const uint32_t count = next_number(&self->seed) % most;
    uint32_t offset = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t parameter = next_number(&self->seed) % (TAGPLUG_PARAMETERS + 1);
        if (frames > 0 && next_number(&self->seed) % 3 == 0)
            offset += next_number(&self->seed) % (frames - offset);
        changes[i] = (host_change){offset, parameter, random_value(parameter, &self->seed)};
    }
    return count;
}

static void fuzz_process(fuzzer *self) {
    const bool small = next_number(&self->seed) % 4 != 0;
    const uint32_t most = small && self->most > 64 ? 64 : self->most;
    const uint32_t frames = next_number(&self->seed) % (most + 1);
    const uint32_t from = next_number(&self->seed) % (HOST_MOST_FRAMES - frames + 1);
    const uint32_t shape = next_number(&self->seed) % 8;
    host_change changes[24];
    const uint32_t count = fuzz_changes(self, changes, 24, frames);
    const uint32_t sidechain = next_number(&self->seed) % 6;
    self->host->silent = next_number(&self->seed) % 8 == 0 ? 2 : 0;
    self->host->sidechain_channels = sidechain % 3;
    self->host->sidechain[0] = sidechain < 4 ? self->noise : NULL;
    self->host->sidechain[1] = sidechain > 2 ? self->noise + from : NULL;
    const float *input[2] = {self->noise + from, self->noise};
    float *const output[2] = {self->out[0], shape == 1 ? NULL : self->out[1]};
    if (shape == 2) input[1] = NULL;
    if (shape == 3) input[0] = input[1] = self->out[0];
    host_process(self->host, shape == 4 ? NULL : input, shape == 5 ? NULL : output, frames, changes,
                 count);
    CHECK(self->host->in_order);
    bool finite = true; /* but for what passes */
    for (uint32_t i = 0; i < frames && shape != 3 && shape < 5; ++i)
        finite = finite && (isfinite(self->out[0][i]) || !isfinite(self->noise[from + i]));
    CHECK(finite);
    for (uint32_t i = 0; i < self->host->moved_count; ++i) {
        const host_change *moved = self->host->moved + i;
        CHECK(moved->parameter >= TAGPLUG_INPUTS && moved->parameter < TAGPLUG_PARAMETERS);
        CHECK(tagplug_clamp(moved->parameter, moved->value) == moved->value);
    }
}

static void fuzz_state(fuzzer *self) {
    if (self->state_size == 0 || next_number(&self->seed) % 2 == 0) {
        self->state_size = host_save(self->host, self->state, sizeof self->state);
        CHECK(self->state_size > 0);
        return;
    }
    CHECK(host_restore(self->host, self->state, self->state_size));
    unsigned char damaged[TAGPLUG_STATE_MOST];
    memcpy(damaged, self->state, self->state_size);
    for (uint32_t n = next_number(&self->seed) % 8 + 1; n > 0; --n)
        damaged[next_number(&self->seed) % self->state_size] ^=
            (unsigned char)(1U << next_number(&self->seed) % 8);
    (void)host_restore(self->host, damaged, self->state_size); /* may be valid by chance */
    set(self->host, TAGPLUG_OSC_PORT, 0);
}

static void fuzz_read(fuzzer *self) {
    const uint32_t parameter = next_number(&self->seed) % TAGPLUG_PARAMETERS;
    const float value = host_get(self->host, parameter);
    char text[256];
    float back = 0;
    CHECK(tagplug_clamp(parameter, value) == value);
    CHECK(host_text(self->host, parameter, value, text, 1 + next_number(&self->seed) % 255));
    (void)host_value(self->host, parameter, text, &back);
    (void)host_tail(self->host);
    host_idle(self->host);
}

static void fuzz_step(fuzzer *self) {
    const uint32_t what = next_number(&self->seed) % 200;
    host_change changes[8];
    if (what < 2 || (what >= 60 && !self->active)) {
        fuzz_activate(self);
    } else if (what == 2) {
        host_deactivate(self->host);
        self->active = false;
    } else if (what == 3) {
        host_close(self->host);
        self->host = host_open();
        self->active = false;
    } else if (what < 15) {
        fuzz_state(self);
    } else if (what < 25) {
        host_flush(self->host, changes, fuzz_changes(self, changes, 8, 0));
    } else if (what < 60) {
        fuzz_read(self);
    } else {
        fuzz_process(self);
    }
}

static void fuzz(uint32_t seed, uint32_t steps_to_do) {
    fuzzer *self = calloc(1, sizeof *self);
    float *noise = white_noise(HOST_MOST_FRAMES, seed);
    memcpy(self->noise, noise, sizeof self->noise);
    free(noise);
    for (uint32_t i = 0; i < HOST_MOST_FRAMES; i += 997)
        self->noise[i] = i % 2 == 0 ? NAN : INFINITY;
    self->host = host_open();
    self->seed = seed * 2654435761U | 1;
    for (uint32_t i = 0; i < steps_to_do && tally.failed + host_failures() == 0; ++i) {
        fuzz_step(self);
        if (tally.failed + host_failures() > 0) fprintf(stderr, "in step %u of seed %u\n", i, seed);
    }
    host_close(self->host);
    free(self);
    CHECK(host_failures() == 0);
}

int main(int count, char **arguments) {
#if defined(TAGPLUG_STATIC)
    const int first = 1;
#else
    const int first = 2;
#endif
    if (count != first && count != first + 2) {
        fprintf(stderr, "usage: %s%s [SEED STEPS]\n", arguments[0], first > 1 ? " FILE" : "");
        return EXIT_FAILURE;
    }
    host_load(first > 1 ? arguments[1] : NULL);
    if (count > first) {
        fuzz((uint32_t)strtoul(arguments[first], NULL, 10),
             (uint32_t)strtoul(arguments[first + 1], NULL, 10));
        return closing_line();
    }
    host_test_format();
    test_audio_passes_bit_for_bit_at_any_rate_and_block();
    test_bypass_passes_bit_for_bit_while_slots_go_on();
    test_buffers_may_be_shared_or_missing();
    test_a_sidechain_moves_the_effects_of_the_main_input();
    test_a_sidechain_that_is_not_connected_is_silence();
    test_values_follow_the_signal_and_the_host_receives_them();
    test_an_output_is_sent_60_times_a_second_at_most_and_at_last();
    test_a_block_without_samples_sends_the_latest_outputs();
    test_blocks_of_any_size_give_the_same_audio_and_midi();
    test_changes_take_effect_at_their_sample();
    test_midi_controllers_have_the_value();
    test_silence_is_flagged_where_it_is_true();
    test_tail_lasts_as_long_as_echoes_do();
    test_every_value_comes_back_from_its_text();
    test_texts_are_read_as_users_type_them();
    test_texts_of_slots_are_read_in_their_units();
    test_sources_are_read_by_text_name_and_number();
    test_a_new_instance_has_the_defaults_that_hosts_show();
    test_state_makes_the_same_instance();
    test_foreign_states_are_refused_and_change_nothing();
    test_offline_a_model_and_its_menu_are_loaded_by_the_next_block();
    test_blocks_without_samples_set_parameters();
    test_the_host_is_notified_when_units_change();
    test_the_host_is_notified_of_each_state();
    test_32_instances_run_side_by_side();
    test_the_main_thread_works_during_process();
    CHECK(host_failures() == 0);
    return closing_line();
}
