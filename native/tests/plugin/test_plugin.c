/* test_plugin.c - the plugin's core as a host drives it: bit-exact bypass, block sizes,
 * exchange of models, bad input. */
#include "rig.h"

enum { LENGTH = 48000, MOST_EVENTS = 20000 };

/* The output of a run. */
typedef struct {
    float audio[2][LENGTH];
    float values[LENGTH / 64][TAGPLUG_SLOTS]; /* where a block ends at a multiple of 64 samples */
    struct {
        int64_t position;
        uint8_t bytes[3];
    } events[MOST_EVENTS];
    uint32_t event_count;
} take;

static float *sound[2]; /* bursts of noise over a sine: levels and spectra that move */

static void make_sound(void) {
    for (uint32_t c = 0; c < 2; ++c) {
        sound[c] = white_noise(LENGTH, 40 + c);
        for (int i = 0; i < LENGTH; ++i) {
            const double loud = (i / 4800) % 2 ? 0.5 : 0.01;
            sound[c][i] = (float)(loud * sound[c][i] + 0.1 * sin(i * (0.05 + 0.02 * c)));
        }
    }
}

static tagplug *started(double rate, uint32_t channels, bool offline) {
    tagplug *p = tagplug_create(folder);
    if (p == NULL) abort();
    tagplug_set_offline(p, offline);
    tagplug_activate(p, rate, channels);
    return p;
}

static void ended(tagplug *p) {
    tagplug_deactivate(p);
    tagplug_destroy(p);
}

/* All effects, moved by labels and signals, some at once, with every knob in use. */
static void turn_all_knobs(tagplug *p) {
    enum { TURNED = 8 };
    const double sources[TURNED] = {RMS, SPEECH, MALE_VOCAL, 9, DRUMS, 12, RMS, MALE_VOCAL};
    const double targets[TURNED] = {1, 2, 3, 4, 5, 6, 1, 0};
    for (uint32_t i = 0; i < TURNED; ++i) {
        set_field(p, i, TAGPLUG_SOURCE, sources[i]);
        set_field(p, i, TAGPLUG_TARGET, targets[i]);
        set_field(p, i, TAGPLUG_GATE, i % 3);
        set_field(p, i, TAGPLUG_CURVE, i % 3);
        set_field(p, i, TAGPLUG_ATTACK, 0.002 * i);
        set_field(p, i, TAGPLUG_RELEASE, 0.01 * i);
        set_field(p, i, TAGPLUG_HOLD, i == 6 ? 0.05 : 0);
        set_field(p, i, TAGPLUG_DELAY, i == 3 ? 0.02 : 0);
        set_field(p, i, TAGPLUG_INVERT, i == 2);
        set_field(p, i, TAGPLUG_DEPTH, 1 - 0.05 * i);
        set_field(p, i, TAGPLUG_COMBINE, i % 2);
        set_field(p, i, TAGPLUG_MIN, 0.1 + 0.05 * i);
        set_field(p, i, TAGPLUG_MAX, 0.9 - 0.04 * i);
        set_field(p, i, TAGPLUG_MIDI, i % 3);
    }
    set_field(p, 0, TAGPLUG_THRESHOLD, 0.6);
    tagplug_set(p, TAGPLUG_DELAY_TIME, 0.05F);
}

/* Positions at which knobs are turned; blocks end there. */
static const int64_t turns[] = {0, 7000, 12345, 20001, 30000, 40007, LENGTH};

static void turn_some(tagplug *p, size_t which) {
    if (which == 1) set_field(p, 0, TAGPLUG_THRESHOLD, 0.5);
    if (which == 2) tagplug_set(p, TAGPLUG_MODEL, CUSTOM_1);
    if (which == 2) tagplug_set(p, TAGPLUG_DELAY_TIME, 0.02F);
    if (which == 3) set_field(p, 1, TAGPLUG_TARGET, TAGPLUG_TARGET_NONE);
    if (which == 4) tagplug_set(p, TAGPLUG_BYPASS, 1);
    if (which == 5) tagplug_set(p, TAGPLUG_BYPASS, 0);
    if (which == 5) set_field(p, 5, TAGPLUG_SOURCE, 0);
}

/* Processes [from, until) in blocks of `most` samples, or of random length unless `seed` is 0. */
static void play_part(tagplug *p, int64_t from, int64_t until, uint32_t most, uint32_t *seed,
                      take *to) {
    for (int64_t at = from; at < until;) {
        tagplug_midi midi[TAGPLUG_MIDI_MOST];
        uint32_t count = 0;
        int64_t n = *seed == 0 ? most : next_number(seed) % (most + 1);
        if (n > until - at) n = until - at;
        const float *input[2] = {sound[0] + at, sound[1] + at};
        float *output[2] = {to->audio[0] + at, to->audio[1] + at};
        tagplug_process(p, input, output, (uint32_t)n, midi, &count, 3);
        for (uint32_t i = 0; i < count && to->event_count < MOST_EVENTS; ++i) {
            CHECK(midi[i].offset >= 3 && midi[i].offset < 3 + n);
            to->events[to->event_count].position = at + midi[i].offset - 3;
            memcpy(to->events[to->event_count++].bytes, midi[i].bytes, 3);
        }
        at += n;
        for (uint32_t i = 0; i < TAGPLUG_SLOTS && at % 64 == 0 && at < LENGTH; ++i)
            to->values[at / 64][i] = tagplug_get(p, TAGPLUG_VALUE_1 + i);
    }
}

static take *played(double rate, uint32_t most, uint32_t seed) {
    take *to = calloc(1, sizeof *to);
    if (to == NULL) abort();
    tagplug *p = started(rate, 2, true);
    turn_all_knobs(p);
    for (size_t k = 0; k + 1 < sizeof turns / sizeof turns[0]; ++k) {
        turn_some(p, k);
        play_part(p, turns[k], turns[k + 1], most, &seed, to);
    }
    ended(p);
    return to;
}

static void test_blocks_change_neither_audio_nor_values_nor_midi(void) {
    const uint32_t most[] = {1, 64, 65, 512, 4001};
    for (int rate = 0; rate < 2; ++rate) {
        const double hertz = rate == 0 ? 48000 : 11025;
        take *whole = played(hertz, 3000, 0);
        bool moved = false;
        for (int i = 1000; i < LENGTH; ++i) moved |= whole->audio[0][i] != sound[0][i];
        CHECK(moved);
        CHECK(whole->event_count > 100);
        for (size_t k = 0; k < 5; ++k) {
            take *cut = played(hertz, most[k], k == 0 ? 0 : 17 + (uint32_t)k);
            CHECK(memcmp(cut->audio, whole->audio, sizeof cut->audio) == 0);
            CHECK(cut->event_count == whole->event_count);
            CHECK(memcmp(cut->events, whole->events, sizeof cut->events) == 0);
            bool same = true;
            for (int i = 1; i < LENGTH / 64; ++i)
                for (uint32_t s = 0; s < TAGPLUG_SLOTS && whole->values[i][7] != 0; ++s)
                    same &= cut->values[i][s] == 0 || cut->values[i][s] == whole->values[i][s];
            CHECK(same);
            free(cut);
        }
        free(whole);
    }
}

static void test_renders_are_repeatable_when_models_change_offline(void) {
    take *one = played(44100, 777, 0), *two = played(44100, 777, 0);
    CHECK(memcmp(one, two, sizeof *one) == 0);
    free(one);
    free(two);
}

/* Samples that arithmetic would change: NaN with a payload, denormals, -0, infinities. */
static void odd_samples(float *samples, uint32_t count, uint32_t seed) {
    const uint32_t odd[] = {0x7fc01234, 0xffc00001, 1,         0x80000001,
                            0x80000000, 0x7f800000, 0x7fa00001};
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t drawn = next_number(&seed);
        const uint32_t bits =
            drawn % 4 == 0 ? odd[drawn / 4 % 7] : 0x3c000000 | (drawn & 0x80ffffff);
        memcpy(samples + i, &bits, sizeof bits);
    }
}

static bool passes(tagplug *p, uint32_t channels, bool in_place, uint32_t frames, uint32_t seed) {
    static float in[2][8192], out[2][8192];
    for (uint32_t c = 0; c < channels; ++c) {
        odd_samples(in[c], frames, seed + c);
        memset(out[c], 0x55, sizeof out[c]);
        if (in_place) memcpy(out[c], in[c], sizeof in[c]);
    }
    const float *const input[2] = {in_place ? out[0] : in[0], in_place ? out[1] : in[1]};
    float *const output[2] = {out[0], out[1]};
    tagplug_process(p, input, output, frames, NULL, NULL, 0);
    bool same = true;
    for (uint32_t c = 0; c < channels; ++c)
        same &= memcmp(out[c], in[c], frames * sizeof(float)) == 0;
    return same;
}

static void test_audio_passes_bit_for_bit_while_effects_are_off(void) {
    const double rates[] = {8000, 22050, 44100, 48000, 192000};
    const uint32_t blocks[] = {0, 1, 63, 64, 65, 512, 513, 8192};
    for (size_t r = 0; r < 5; ++r)
        for (uint32_t channels = 1; channels <= 2; ++channels) {
            tagplug *p = started(rates[r], channels, false);
            set_field(p, 0, TAGPLUG_SOURCE, 1);
            set_field(p, 0, TAGPLUG_MIDI, 1);
            for (size_t b = 0; b < 8; ++b)
                for (int place = 0; place < 2; ++place)
                    CHECK(passes(p, channels, place == 1, blocks[b], 7 + (uint32_t)b));
            ended(p);
        }
}

static void test_bypass_and_untargeted_effects_pass_bit_for_bit_after_their_fade(void) {
    for (int by = 0; by < 2; ++by) {
        tagplug *p = started(48000, 2, false);
        turn_all_knobs(p);
        CHECK(!passes(p, 2, false, 8192, 3));
        if (by == 0) tagplug_set(p, TAGPLUG_BYPASS, 1);
        for (uint32_t i = 0; i < TAGPLUG_SLOTS && by == 1; ++i) set_field(p, i, TAGPLUG_TARGET, 0);
        (void)passes(p, 2, false, 640, 3); /* 10 ms and what is left of the grid */
        CHECK(passes(p, 2, false, 8192, 4));
        ended(p);
    }
}

static void test_input_and_output_buffers_may_be_swapped(void) {
    tagplug *p = started(48000, 2, false);
    float a[2048], b[2048];
    memcpy(a, sound[0], sizeof a);
    memcpy(b, sound[1], sizeof b);
    const float *const input[2] = {a, b};
    float *const output[2] = {b, a};
    tagplug_process(p, input, output, 512, NULL, NULL, 0);
    CHECK(memcmp(b, sound[0], 512 * sizeof(float)) == 0);
    CHECK(memcmp(a, sound[1], 512 * sizeof(float)) == 0);
    ended(p);
}

static void test_unsupported_rates_pass_audio_and_are_reported(void) {
    const double refused[] = {7999, 192001, 0, -1, NAN, INFINITY, 1e300};
    for (size_t i = 0; i < 7; ++i) {
        tagplug *p = started(refused[i], 2, false);
        turn_all_knobs(p);
        tagnode_message why = {""};
        CHECK(tagplug_get(p, TAGPLUG_STATUS) == TAGPLUG_STATUS_RATE);
        tagplug_explain(p, &why);
        CHECK(message_has(&why, "sample rate"));
        CHECK(passes(p, 2, false, 512, 9));
        tagplug_activate(p, 48000, 2);
        CHECK(tagplug_get(p, TAGPLUG_STATUS) == TAGPLUG_STATUS_OK);
        CHECK(!passes(p, 2, false, 8192, 9));
        ended(p);
    }
    const double taken[] = {8000, 44100.4, 192000};
    for (size_t i = 0; i < 3; ++i) {
        tagplug *p = started(taken[i], 1, false);
        CHECK(tagplug_get(p, TAGPLUG_STATUS) == TAGPLUG_STATUS_OK);
        CHECK_NEAR(tagplug_get(p, TAGPLUG_WINDOW), PATCH * HOP / (double)MODEL_RATE, 1e-6);
        ended(p);
    }
}

static void test_missing_and_damaged_models_pass_audio_and_are_explained(void) {
    const struct {
        float model;
        tagplug_status_code status;
        const char *word, *help;
    } cases[] = {{CUSTOM_3, TAGPLUG_STATUS_MODEL_MISSING, "custom-3",
                  "tagnode plugins model NAME --as custom-3"},
                 {MUSICNN_MTT, TAGPLUG_STATUS_MODEL_MISSING, "musicnn-mtt",
                  "tagnode models get musicnn-mtt"},
                 {CUSTOM_2, TAGPLUG_STATUS_MODEL_REFUSED, "checksum", "tagnode models get"}};
    for (size_t i = 0; i < 3; ++i) {
        tagplug *p = tagplug_create(folder);
        tagnode_message why = {""};
        tagplug_set(p, TAGPLUG_MODEL, cases[i].model);
        set_field(p, 0, TAGPLUG_SOURCE, SPEECH);
        set_field(p, 1, TAGPLUG_SOURCE, 1);
        tagplug_activate(p, 48000, 2);
        CHECK(tagplug_get(p, TAGPLUG_STATUS) == (float)cases[i].status);
        tagplug_explain(p, &why);
        CHECK(message_has(&why, cases[i].word));
        CHECK(message_has(&why, cases[i].help));
        take *to = calloc(1, sizeof *to);
        uint32_t seed = 0;
        play_part(p, 0, LENGTH, 512, &seed, to);
        CHECK(memcmp(to->audio[0], sound[0], sizeof to->audio[0]) == 0);
        CHECK(tagplug_get(p, TAGPLUG_VALUE_1) == 0);
        CHECK(tagplug_get(p, TAGPLUG_VALUE_1 + 1) > 0.1F); /* signals are still measured */
        free(to);
        ended(p);
    }
}

static void play_one_block(tagplug *p) {
    static float out[2][512];
    const float *const input[2] = {sound[0], sound[1]};
    float *const output[2] = {out[0], out[1]};
    tagplug_process(p, input, output, 512, NULL, NULL, 0);
    CHECK(memcmp(out[0], sound[0], sizeof out[0]) == 0);
}

static void remove_custom_3(void) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/plugins/custom-3.tagnode", folder);
    CHECK(remove(path) == 0);
}

static void test_a_file_that_appears_later_is_found(void) {
    static file f;
    tagplug *p = tagplug_create(folder);
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_3);
    tagplug_activate(p, 48000, 2);
    CHECK(tagplug_get(p, TAGPLUG_STATUS) == TAGPLUG_STATUS_MODEL_MISSING);
    make_container(&f, "valid", CUSTOM_LABELS, true);
    write_file("plugins/custom-3.tagnode", &f);
    CHECK(reaches(p, TAGPLUG_STATUS_OK, play_one_block));
    ended(p);
    remove_custom_3();
}

static void test_models_and_hops_change_while_audio_passes(void) {
    tagplug *p = started(48000, 2, false);
    const uint32_t models[] = {CUSTOM_1, 0, CUSTOM_2, SCENE, CUSTOM_3, SCENE, CUSTOM_1, SCENE};
    for (size_t i = 0; i < 8; ++i) {
        const uint32_t before = tagplug_revision(p);
        tagplug_set(p, TAGPLUG_MODEL, (float)models[i]);
        for (int wait = 0; wait < 2000 && tagplug_revision(p) == before; ++wait) {
            play_one_block(p);
            pause_ms(5);
        }
        const tagplug_status_code due = models[i] == CUSTOM_2   ? TAGPLUG_STATUS_MODEL_REFUSED
                                        : models[i] == CUSTOM_3 ? TAGPLUG_STATUS_MODEL_MISSING
                                                                : TAGPLUG_STATUS_OK;
        CHECK(reaches(p, due, play_one_block));
        CHECK((tagplug_get(p, TAGPLUG_WINDOW) > 0) ==
              (models[i] == SCENE || models[i] == CUSTOM_1));
    }
    const double hops[] = {2, 0.05, 0.1, 0.7};
    for (size_t i = 0; i < 4; ++i) {
        const double most = PATCH * HOP / (double)MODEL_RATE;
        const double due = hops[i] < most ? hops[i] : most;
        tagplug_set(p, TAGPLUG_HOP, (float)hops[i]);
        for (int wait = 0; wait < 2000 && fabs(tagplug_get(p, TAGPLUG_ACTUAL_HOP) - due) > 0.005;
             ++wait) {
            play_one_block(p);
            pause_ms(5);
        }
        CHECK_NEAR(tagplug_get(p, TAGPLUG_ACTUAL_HOP), due, 0.005);
    }
    ended(p);
}

static void follow_labels(tagplug *p) {
    for (uint32_t i = 0; i < LABELS; ++i) {
        set_field(p, i, TAGPLUG_SOURCE, SCENE_SOURCES[i]);
        set_field(p, i, TAGPLUG_ATTACK, 0);
        set_field(p, i, TAGPLUG_RELEASE, 0);
    }
}

static bool differ(tagplug *p, const float *values) {
    bool other = false;
    for (uint32_t i = 0; i < LABELS; ++i) other |= tagplug_get(p, TAGPLUG_VALUE_1 + i) != values[i];
    return other;
}

/* A stereo sidechain of a mono instance counts as the mean of its channels, as elsewhere. */
static void test_a_sidechain_has_any_channels(void) {
    static float mean[LENGTH], out[2][LENGTH];
    for (int i = 0; i < LENGTH; ++i) mean[i] = 0.5F * (sound[0][i] + sound[1][i]);
    tagplug *one = started(48000, 1, true), *two = started(48000, 1, true);
    tagplug *all[2] = {one, two};
    for (int k = 0; k < 2; ++k) {
        follow_labels(all[k]);
        set_field(all[k], LABELS, TAGPLUG_SOURCE, RMS);
    }
    tagplug_set(two, TAGPLUG_ANALYSIS_INPUT, TAGPLUG_ANALYSE_SIDECHAIN);
    bool same = true;
    for (int at = 0; at + 640 <= LENGTH; at += 640) {
        const float *const left[1] = {mean + at}, *const right[1] = {sound[1] + at};
        const float *const key[2] = {sound[0] + at, sound[1] + at};
        float *const output[2][1] = {{out[0] + at}, {out[1] + at}};
        tagplug_process(one, left, output[0], 640, NULL, NULL, 0);
        tagplug_process_keyed(two, right, key, output[1], 640, NULL, NULL, 0);
        for (uint32_t i = 0; i <= LABELS; ++i)
            same &= tagplug_get(one, TAGPLUG_VALUE_1 + i) == tagplug_get(two, TAGPLUG_VALUE_1 + i);
    }
    CHECK(same);
    CHECK(tagplug_get(two, TAGPLUG_VALUE_1 + LABELS) > 0.1F);
    CHECK(tagplug_get(two, TAGPLUG_VALUE_1) != 0);
    CHECK(memcmp(out[1], sound[1], 640 * (LENGTH / 640) * sizeof(float)) == 0);
    ended(one);
    ended(two);
}

static void slots_hold_until(uint32_t model) {
    tagplug *p = started(48000, 2, true);
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 0;
    follow_labels(p);
    play_part(p, 0, 24000, 480, &seed, to);
    float held[LABELS];
    for (uint32_t i = 0; i < LABELS; ++i) held[i] = tagplug_get(p, TAGPLUG_VALUE_1 + i);
    CHECK(held[0] != 0 || held[1] != 0 || held[2] != 0);
    tagplug_set(p, TAGPLUG_MODEL, (float)model);
    int64_t at = 24000;
    play_part(p, at, at + 480, 480, &seed, to);
    const double first = tagplug_get(p, TAGPLUG_WINDOW) + tagplug_get(p, TAGPLUG_LATENCY);
    for (at += 480; at < 24000 + (int64_t)(first * 48000) - 700; at += 48) {
        CHECK(!differ(p, held));
        play_part(p, at, at + 48, 48, &seed, to);
    }
    play_part(p, at, LENGTH, 480, &seed, to);
    CHECK(differ(p, held));
    free(to);
    ended(p);
}

static void write_after_silence(void) {
    static file f;
    change_card(&f, 0, 1);
    write_file("plugins/custom-3.tagnode", &f);
}

static void test_slots_hold_until_another_model_has_a_result(void) {
    write_after_silence();
    slots_hold_until(CUSTOM_1);
    slots_hold_until(CUSTOM_3); /* there was sound before it, not silence */
    remove_custom_3();
}

/* Seconds until a label moves. */
static double first_move(tagplug *p) {
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 0;
    float rest[LABELS];
    int64_t at = 0;
    for (uint32_t i = 0; i < LABELS; ++i) rest[i] = tagplug_get(p, TAGPLUG_VALUE_1 + i);
    for (; at < LENGTH && !differ(p, rest); at += 48) play_part(p, at, at + 48, 48, &seed, to);
    free(to);
    return (double)at / 48000;
}

static void test_a_model_that_assumes_silence_before_has_results_from_the_first_hop_on(void) {
    write_after_silence();
    const uint32_t models[] = {SCENE, CUSTOM_3};
    for (int i = 0; i < 2; ++i) {
        tagplug *p = tagplug_create(folder);
        if (p == NULL) abort();
        tagplug_set(p, TAGPLUG_MODEL, (float)models[i]);
        tagplug_set(p, TAGPLUG_HOP, 0.05F);
        tagplug_set_offline(p, true);
        tagplug_activate(p, 48000, 2);
        follow_labels(p);
        for (int again = 0; again < 2; ++again) {
            tagplug_reset(p);
            const double latency = tagplug_get(p, TAGPLUG_LATENCY);
            const double whole = tagplug_get(p, TAGPLUG_WINDOW) + latency;
            if (i == 0)
                CHECK_NEAR(first_move(p), whole, 0.012);
            else
                CHECK(first_move(p) < 0.06 + latency);
        }
        ended(p);
    }
    remove_custom_3();
}

static void test_heads_move_slots(void) {
    static const char *const names[LABELS] = {"head.mood.happy", "head.mood.very-sad",
                                              "head.mood.other"};
    tagplug *p = tagplug_create(folder);
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_1);
    for (uint32_t i = 0; i < LABELS; ++i) {
        float source = 0;
        CHECK(tagplug_value(p, tagplug_field_of(i, TAGPLUG_SOURCE), names[i], &source));
        CHECK(source >= TAGNODE_PLUGIN_SOURCE_OTHER);
        set_field(p, i, TAGPLUG_SOURCE, source);
        set_field(p, i, TAGPLUG_ATTACK, 0);
        set_field(p, i, TAGPLUG_RELEASE, 0);
    }
    char text[64];
    const uint32_t second = tagplug_field_of(1, TAGPLUG_SOURCE);
    tagplug_text(p, second, tagplug_get(p, second), text, sizeof text);
    CHECK(strcmp(text, "mood: Very Sad") == 0);
    tagplug_activate(p, 48000, 2);
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 0;
    play_part(p, 0, LENGTH, 512, &seed, to);
    double sum = 0; /* its last stage is a softmax */
    for (uint32_t i = 0; i < LABELS; ++i) sum += tagplug_get(p, TAGPLUG_VALUE_1 + i);
    CHECK_NEAR(sum, 1, 1e-5);
    free(to);
    ended(p);
}

static void test_non_finite_samples_are_analysed_as_silence(void) {
    take *clean = calloc(1, sizeof *clean), *dirty = calloc(1, sizeof *dirty);
    float *const kept[2] = {sound[0], sound[1]};
    float *broken[2];
    uint32_t seed = 0;
    for (int round = 0; round < 2; ++round) {
        for (uint32_t c = 0; c < 2; ++c) {
            broken[c] = malloc(LENGTH * sizeof(float));
            memcpy(broken[c], kept[c], LENGTH * sizeof(float));
            const float bad[] = {NAN, INFINITY, -INFINITY};
            for (int i = 9000; i < 9600; ++i) broken[c][i] = round == 0 ? 0 : bad[i % 3];
            sound[c] = broken[c];
        }
        tagplug *p = started(48000, 2, false);
        turn_all_knobs(p);
        play_part(p, 0, LENGTH, 512, &seed, round == 0 ? clean : dirty);
        ended(p);
        for (uint32_t c = 0; c < 2; ++c) {
            sound[c] = kept[c];
            free(broken[c]);
        }
    }
    CHECK(memcmp(clean->audio, dirty->audio, sizeof clean->audio) == 0);
    bool finite = true;
    for (int i = 0; i < LENGTH; ++i) finite &= isfinite(dirty->audio[0][i]) != 0;
    CHECK(finite);
    free(clean);
    free(dirty);
}

static void test_reset_restores_the_initial_state(void) {
    take *one = calloc(1, sizeof *one), *two = calloc(1, sizeof *two);
    uint32_t seed = 0;
    tagplug *p = started(48000, 2, false);
    turn_all_knobs(p);
    play_part(p, 0, LENGTH, 512, &seed, one);
    tagplug_reset(p);
    play_part(p, 0, LENGTH, 300, &seed, two);
    CHECK(memcmp(one->audio, two->audio, sizeof one->audio) == 0);
    CHECK(memcmp(one->events, two->events, sizeof one->events) == 0);
    tagplug_activate(p, 48000, 2); /* and so is activate */
    memset(two, 0, sizeof *two);
    play_part(p, 0, LENGTH, 300, &seed, two);
    CHECK(memcmp(one->audio, two->audio, sizeof one->audio) == 0);
    ended(p);
    free(one);
    free(two);
}

static void test_many_instances_come_and_go(void) {
    enum { MANY = 32 };
    tagplug *all[MANY];
    for (int i = 0; i < MANY; ++i) {
        all[i] = started(i % 2 ? 48000 : 44100, 1 + i % 2, false);
        tagplug_set(all[i], TAGPLUG_MODEL, i % 3 ? SCENE : CUSTOM_1);
    }
    for (int i = 0; i < MANY; i += 2) play_one_block(all[i + 1]);
    for (int i = 0; i < MANY; i += 3) {
        tagplug_destroy(all[i]);
        all[i] = NULL;
    }
    for (int i = 1; i < MANY; i += 2)
        if (all[i] != NULL) CHECK(reaches(all[i], TAGPLUG_STATUS_OK, play_one_block));
    for (int i = MANY - 1; i >= 0; --i) tagplug_destroy(all[i]);
    tagplug_destroy(NULL);
}

static void test_huge_and_empty_blocks(void) {
    tagplug *p = started(48000, 2, false);
    turn_all_knobs(p);
    take *whole = calloc(1, sizeof *whole);
    const float *const input[2] = {sound[0], sound[1]};
    float *const output[2] = {whole->audio[0], whole->audio[1]};
    tagplug_midi midi[TAGPLUG_MIDI_MOST];
    uint32_t count = 0;
    tagplug_process(p, input, output, 0, midi, &count, 0);
    CHECK(count == 0);
    tagplug_process(p, input, output, LENGTH, midi, &count, 0);
    CHECK(count > 0 && count <= TAGPLUG_MIDI_MOST);
    for (uint32_t i = 1; i < count; ++i) CHECK(midi[i].offset >= midi[i - 1].offset);
    ended(p);
    p = started(48000, 2, false);
    turn_all_knobs(p);
    take *cut = calloc(1, sizeof *cut);
    uint32_t seed = 0;
    play_part(p, 0, LENGTH, 64, &seed, cut);
    CHECK(memcmp(cut->audio, whole->audio, sizeof cut->audio) == 0);
    ended(p);
    free(cut);
    free(whole);
}

static void test_values_are_at_rest_before_the_first_block(void) {
    tagplug *p = tagplug_create(folder);
    set_field(p, 3, TAGPLUG_MIN, 0.75);
    set_field(p, 4, TAGPLUG_SOURCE, 1);
    set_field(p, 4, TAGPLUG_INVERT, 1);
    tagplug_activate(p, 48000, 2);
    CHECK(tagplug_get(p, TAGPLUG_VALUE_1 + 3) == 0.75F);
    CHECK(tagplug_get(p, TAGPLUG_VALUE_1 + 4) == 1);
    ended(p);
}

static void test_midi_has_the_value_in_7_and_14_bits(void) {
    tagplug *p = started(48000, 2, false);
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 5;
    set_field(p, 0, TAGPLUG_SOURCE, 1);
    set_field(p, 0, TAGPLUG_MIDI, 2);
    set_field(p, 0, TAGPLUG_CC, 7);
    set_field(p, 0, TAGPLUG_CHANNEL, 16);
    set_field(p, 1, TAGPLUG_SOURCE, 1);
    set_field(p, 1, TAGPLUG_MIDI, 1);
    set_field(p, 1, TAGPLUG_CC, 127);
    play_part(p, 0, LENGTH, 400, &seed, to);
    int32_t coarse = -1, fine = -1, last = -1;
    int64_t before = -1;
    for (uint32_t i = 0; i < to->event_count; ++i) {
        const uint8_t *b = to->events[i].bytes;
        CHECK(to->events[i].position % 64 == 0 && to->events[i].position >= before);
        before = to->events[i].position;
        if (b[0] == 0xb0 && b[1] == 127) {
            CHECK(b[2] != coarse);
            coarse = b[2];
        } else if (CHECK(b[0] == 0xbf && b[1] == 7)) { /* the upper half is first */
            ++i;
            if (!CHECK(i < to->event_count)) break;
            const uint8_t *low = to->events[i].bytes;
            CHECK(low[0] == 0xbf && low[1] == 39 && to->events[i].position == before);
            fine = b[2] << 7 | low[2];
            CHECK(fine != last);
            last = fine;
        }
    }
    CHECK(to->event_count > 50);
    CHECK_NEAR(fine / 16383.0, tagplug_get(p, TAGPLUG_VALUE_1), 0.03);
    CHECK_NEAR(coarse / 127.0, tagplug_get(p, TAGPLUG_VALUE_1 + 1), 0.03);
    free(to);
    ended(p);
}

static void test_midi_is_sent_again_for_another_controller(void) {
    tagplug *p = started(48000, 2, false);
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 0;
    set_field(p, 2, TAGPLUG_MIDI, 1); /* without a source it stands at its min */
    set_field(p, 2, TAGPLUG_MIN, 1);
    play_part(p, 0, 4800, 480, &seed, to);
    CHECK(to->event_count == 1 && to->events[0].position == 0);
    CHECK(to->events[0].bytes[1] == 22 && to->events[0].bytes[2] == 127);
    set_field(p, 2, TAGPLUG_CC, 90);
    play_part(p, 4800, 9600, 480, &seed, to);
    CHECK(to->event_count == 2 && to->events[1].bytes[1] == 90);
    set_field(p, 2, TAGPLUG_CHANNEL, 3);
    play_part(p, 9600, 14400, 480, &seed, to);
    CHECK(to->event_count == 3 && to->events[2].bytes[0] == 0xb2);
    free(to);
    ended(p);
}

/* Level of a section in dB. */
static double level(const float *x, int from, int until) {
    double sum = 1e-20;
    for (int i = from; i < until; ++i) sum += (double)x[i] * x[i];
    return 10 * log10(sum / (until - from));
}

static void test_a_voice_ducks_what_is_under_it(void) {
    tagplug *p = started(48000, 2, false);
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 0;
    set_field(p, 0, TAGPLUG_SOURCE, 1 + TAGNODE_SIGNAL_RMS_DB);
    set_field(p, 0, TAGPLUG_GATE, 1);
    set_field(p, 0, TAGPLUG_THRESHOLD, 0.75); /* -15 dB: bursts have -11, pauses -23 */
    set_field(p, 0, TAGPLUG_TARGET, TAGPLUG_TARGET_GAIN);
    set_field(p, 0, TAGPLUG_MIN, 0.8);
    set_field(p, 0, TAGPLUG_MAX, 0.6); /* -12 dB */
    set_field(p, 0, TAGPLUG_ATTACK, 0.005);
    set_field(p, 0, TAGPLUG_RELEASE, 0.005);
    play_part(p, 0, LENGTH, 64, &seed, to);
    /* The level is of the last 50 ms, so the end of each 100 ms is settled. */
    for (int burst = 1; burst < 9; ++burst) {
        const int from = burst * 4800 + 4000, until = burst * 4800 + 4800;
        const double moved = level(to->audio[0], from, until) - level(sound[0], from, until);
        CHECK_NEAR(moved, burst % 2 ? -12 : 0, 0.2);
    }
    free(to);
    ended(p);
}

static void test_two_slots_on_one_target_add_up(void) {
    tagplug *p = started(48000, 2, false);
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 0;
    for (uint32_t i = 0; i < 3; ++i) {
        set_field(p, 2 * i, TAGPLUG_TARGET, TAGPLUG_TARGET_GAIN);
        set_field(p, 2 * i, TAGPLUG_GATE, 1);
        set_field(p, 2 * i, TAGPLUG_THRESHOLD, 0); /* open, but for the last one */
        set_field(p, 2 * i, TAGPLUG_SOURCE, i < 2 ? 1 : 0);
    }
    set_field(p, 0, TAGPLUG_MIN, 0.9); /* +6 dB, and 0.2 less */
    set_field(p, 0, TAGPLUG_MAX, 0.7);
    set_field(p, 2, TAGPLUG_MIN, 0.5); /* 0.1 less */
    set_field(p, 2, TAGPLUG_MAX, 0.4);
    set_field(p, 4, TAGPLUG_MIN, 0.3); /* at rest: no difference */
    play_part(p, 0, LENGTH, 512, &seed, to);
    CHECK_NEAR(level(to->audio[0], 40000, LENGTH) - level(sound[0], 40000, LENGTH), -12, 0.01);
    free(to);
    ended(p);
}

static void test_effects_act_from_the_first_sample(void) {
    tagplug *p = started(48000, 2, false);
    take *to = calloc(1, sizeof *to);
    uint32_t seed = 0;
    set_field(p, 0, TAGPLUG_TARGET, TAGPLUG_TARGET_GAIN);
    set_field(p, 0, TAGPLUG_MIN, 0.4); /* -24 dB */
    play_part(p, 0, 4800, 480, &seed, to);
    for (int i = 0; i < 4800; ++i)
        CHECK_NEAR(to->audio[0][i], sound[0][i] * pow(10, -24 / 20.0), 1e-6);
    free(to);
    ended(p);
}

static void test_models_change_at_once_offline(void) {
    tagplug *p = started(48000, 2, true);
    const float models[] = {0, CUSTOM_1, CUSTOM_3, SCENE};
    for (size_t i = 0; i < 4; ++i) {
        tagplug_set(p, TAGPLUG_MODEL, models[i]);
        play_one_block(p);
        CHECK((tagplug_get(p, TAGPLUG_WINDOW) > 0) == (i % 2 == 1));
        CHECK(tagplug_get(p, TAGPLUG_STATUS) ==
              (i == 2 ? TAGPLUG_STATUS_MODEL_MISSING : TAGPLUG_STATUS_OK));
    }
    ended(p);
}

int main(void) {
    make_folder();
    make_sound();
    test_audio_passes_bit_for_bit_while_effects_are_off();
    test_bypass_and_untargeted_effects_pass_bit_for_bit_after_their_fade();
    test_blocks_change_neither_audio_nor_values_nor_midi();
    test_renders_are_repeatable_when_models_change_offline();
    test_input_and_output_buffers_may_be_swapped();
    test_a_sidechain_has_any_channels();
    test_unsupported_rates_pass_audio_and_are_reported();
    test_missing_and_damaged_models_pass_audio_and_are_explained();
    test_a_file_that_appears_later_is_found();
    test_models_and_hops_change_while_audio_passes();
    test_slots_hold_until_another_model_has_a_result();
    test_a_model_that_assumes_silence_before_has_results_from_the_first_hop_on();
    test_heads_move_slots();
    test_non_finite_samples_are_analysed_as_silence();
    test_reset_restores_the_initial_state();
    test_many_instances_come_and_go();
    test_huge_and_empty_blocks();
    test_values_are_at_rest_before_the_first_block();
    test_midi_has_the_value_in_7_and_14_bits();
    test_midi_is_sent_again_for_another_controller();
    test_a_voice_ducks_what_is_under_it();
    test_two_slots_on_one_target_add_up();
    test_models_change_at_once_offline();
    test_effects_act_from_the_first_sample();
    for (uint32_t c = 0; c < 2; ++c) free(sound[c]);
    remove_folder();
    return closing_line();
}
