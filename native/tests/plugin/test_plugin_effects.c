/* test_plugin_effects.c - each effect against its closed form, fades and movement. */
#include <complex.h>

#include "../check.h"
#include "core/effects.h"
#include "core/slots.h"

enum { LENGTH = 65536 };

static const double PI = 3.14159265358979323846;
static float audio[2][LENGTH];

static tagplug_effects *made(double rate, uint32_t channels) {
    static tagplug_effects effects;
    CHECK(tagplug_effects_create(&effects, rate, channels));
    tagplug_effects_delay(&effects, 0.1F, 0.5F);
    return &effects;
}

/* Processes [from, until) of `audio`, both multiples of the grid. */
static void play(tagplug_effects *e, int from, int until) {
    for (int at = from; at < until; at += TAGPLUG_GRID) {
        float *const both[2] = {audio[0] + at, audio[1] + at};
        tagplug_effects_step(e);
        if (tagplug_effects_busy(e)) tagplug_effects_process(e, both, 0, TAGPLUG_GRID);
    }
}

static void sine(double hertz, double level, double rate) {
    for (int i = 0; i < LENGTH; ++i)
        audio[0][i] = audio[1][i] = (float)(level * sin(2 * PI * hertz * i / rate));
}

static void constant(float left, float right) {
    for (int i = 0; i < LENGTH; ++i) {
        audio[0][i] = left;
        audio[1][i] = right;
    }
}

/* Processes all of `audio` with one effect at one share of its range. */
static void play_one(tagplug_target target, double share, double rate) {
    tagplug_effects *e = made(rate, 2);
    tagplug_effects_aim(e, target, true, (float)share);
    play(e, 0, LENGTH);
    tagplug_effects_destroy(e);
}

/* Amplitude of a frequency in [from, LENGTH), through a Blackman-Harris window: leakage is at
 * -92 dB. */
static double amplitude(const float *x, int from, int until, double hertz, double rate) {
    double complex sum = 0;
    double weight = 0;
    const int n = until - from;
    for (int i = 0; i < n; ++i) {
        const double t = 2 * PI * i / n;
        const double w = 0.35875 - 0.48829 * cos(t) + 0.14128 * cos(2 * t) - 0.01168 * cos(3 * t);
        sum += w * x[from + i] * cexp(-2 * I * PI * hertz * (from + i) / rate);
        weight += w;
    }
    return 2 * cabs(sum) / weight;
}

static double decibel(double ratio) {
    return 20 * log10(ratio + 1e-30);
}

static void test_gain_is_in_decibels(void) {
    for (int k = 0; k <= 20; ++k) {
        const double share = k / 20.0;
        constant(0.5F, -0.25F);
        play_one(TAGPLUG_TARGET_GAIN, share, 48000);
        const double due = pow(10, (-48 + 60 * share) / 20);
        CHECK_NEAR(audio[0][LENGTH - 1], 0.5 * due, 3e-7 * due + 1e-9);
        CHECK_NEAR(audio[1][LENGTH - 1], -0.25 * due, 3e-7 * due + 1e-9);
    }
}

static void check_response(bool high, double share, double rate) {
    const double hertz[] = {25, 100, 440, 1000, 3000, 3900, 15000};
    const double wanted = 20 * pow(1000, share), most = 0.49 * rate;
    const double cut = wanted < most ? wanted : most;
    for (size_t f = 0; f < 7 && hertz[f] < rate / 2; ++f) {
        if (hertz[f] * LENGTH / 2 / rate < 8) continue; /* too few periods */
        sine(hertz[f], 0.5, rate);
        play_one(high ? TAGPLUG_TARGET_HIGH_PASS : TAGPLUG_TARGET_LOW_PASS, share, rate);
        /* Butterworth's, its frequencies warped by the trapezoidal rule. */
        const double x = pow(tan(PI * hertz[f] / rate) / tan(PI * cut / rate), 2);
        const double due = (high ? x : 1) / sqrt(1 + x * x);
        const double is = amplitude(audio[0], LENGTH / 2, LENGTH, hertz[f], rate) / 0.5;
        CHECK_NEAR(is, due, 2e-4 * due + 2e-5);
    }
}

static void test_filters_have_the_response_of_their_transfer_function(void) {
    const double rates[] = {8000, 44100, 192000};
    for (size_t r = 0; r < 3; ++r)
        for (int k = 0; k <= 4; ++k)
            for (int high = 0; high < 2; ++high) check_response(high == 1, k / 4.0, rates[r]);
}

static void test_filters_stay_bounded_while_they_are_swept(void) {
    uint32_t random = 5;
    float *noise = white_noise(LENGTH, 9);
    for (int high = 0; high < 2; ++high) {
        const tagplug_target target = high ? TAGPLUG_TARGET_HIGH_PASS : TAGPLUG_TARGET_LOW_PASS;
        tagplug_effects *e = made(48000, 2);
        memcpy(audio[0], noise, sizeof audio[0]);
        memcpy(audio[1], noise, sizeof audio[1]);
        for (int at = 0; at < LENGTH; at += TAGPLUG_GRID) {
            tagplug_effects_aim(e, target, true, (float)(next_number(&random) % 1001) / 1000);
            play(e, at, at + TAGPLUG_GRID);
        }
        float most = 0;
        for (int i = 0; i < LENGTH; ++i) most = fmaxf(most, fabsf(audio[0][i]));
        CHECK(most < 4 && isfinite(most));
        tagplug_effects_destroy(e);
    }
    free(noise);
}

static void test_width_scales_the_side_only(void) {
    const double shares[] = {0, 0.25, 0.5, 1};
    for (size_t k = 0; k < 4; ++k) {
        constant(0.5F, -0.1F);
        play_one(TAGPLUG_TARGET_WIDTH, shares[k], 48000);
        const double mid = 0.2, side = 0.3 * 2 * shares[k];
        CHECK_NEAR(audio[0][LENGTH - 1], mid + side, 1e-6);
        CHECK_NEAR(audio[1][LENGTH - 1], mid - side, 1e-6);
    }
    tagplug_effects *e = made(48000, 1); /* one channel has no side */
    constant(0.3F, 0);
    tagplug_effects_aim(e, TAGPLUG_TARGET_WIDTH, true, 1);
    play(e, 0, LENGTH);
    CHECK(audio[0][100] == 0.3F && audio[0][LENGTH - 1] == 0.3F);
    tagplug_effects_destroy(e);
}

static void test_drive_is_clean_at_0_dB(void) {
    const double hertz[] = {100, 1000, 10000};
    for (size_t k = 0; k < 3; ++k) {
        sine(hertz[k], 0.9, 48000);
        play_one(TAGPLUG_TARGET_DRIVE, 0, 48000);
        for (int harmonic = 2; harmonic <= 9; ++harmonic)
            CHECK(amplitude(audio[0], LENGTH / 2, LENGTH, fmod(harmonic * hertz[k], 24000), 48000) <
                  3e-5);
        CHECK_NEAR(decibel(amplitude(audio[0], LENGTH / 2, LENGTH, hertz[k], 48000) / 0.9), 0, 0.2);
    }
}

static void test_drive_keeps_the_level_amplifies_faint_samples_and_is_monotone(void) {
    for (int k = 1; k <= 6; ++k) {
        const double share = k / 6.0, g = pow(10, 36 * share / 20);
        constant(0.25F, 1e-5F);
        play_one(TAGPLUG_TARGET_DRIVE, share, 48000);
        CHECK_NEAR(audio[0][LENGTH - 1], 0.25, 1e-5);
        CHECK_NEAR(audio[1][LENGTH - 1], 1e-5 * g, 1e-7 * g);
        for (int i = 0; i < LENGTH; ++i) audio[0][i] = audio[1][i] = (float)(2.0 * i / LENGTH - 1);
        play_one(TAGPLUG_TARGET_DRIVE, share, 48000);
        bool rises = true;
        for (int i = 2001; i < LENGTH; ++i) rises &= audio[0][i] >= audio[0][i - 1] - 1e-7F;
        CHECK(rises);
        CHECK_NEAR(audio[0][LENGTH - 1], g / sqrt(1 + (g * g - 1) * 16), 1e-3);
    }
}

/* The largest component that is not a harmonic, in dB relative to the tone. */
static double aliases(double tone, double rate) {
    const double own = amplitude(audio[0], LENGTH / 2, LENGTH, tone, rate);
    double most = 0;
    for (int harmonic = 3; harmonic < 120; harmonic += 2) {
        double folded = fmod(harmonic * tone, rate);
        if (folded > rate / 2) folded = rate - folded;
        if (harmonic * tone < rate / 2 || fabs(remainder(folded, 2 * tone) - tone) < 40 ||
            fabs(remainder(folded, 2 * tone) + tone) < 40)
            continue;
        const double is = amplitude(audio[0], LENGTH / 2, LENGTH, folded, rate);
        most = is > most ? is : most;
    }
    return decibel(most / own);
}

static void test_drive_has_few_aliases(void) {
    const double tones[] = {443.3, 1245.7, 2637.1};
    for (size_t k = 0; k < 3; ++k) {
        const double share = 24 / 36.0, g = pow(10, 24 / 20.0);
        sine(tones[k], 0.5, 48000);
        for (int i = 0; i < LENGTH; ++i) { /* the curve alone */
            const double x = audio[0][i];
            audio[0][i] = (float)(g * x / sqrt(1 + (g * g - 1) * 16 * x * x));
        }
        const double naive = aliases(tones[k], 48000);
        sine(tones[k], 0.5, 48000);
        play_one(TAGPLUG_TARGET_DRIVE, share, 48000);
        const double ours = aliases(tones[k], 48000);
        printf("drive of 24 dB, %.0f Hz: aliases at %.1f dB, %.1f dB for the curve alone\n",
               tones[k], ours, naive);
        CHECK(ours < naive - 15);
        CHECK(ours < -42);
    }
}

static void test_drive_does_not_dull(void) {
    const double hertz[] = {1000, 5000, 10000, 15000};
    for (size_t k = 0; k < 4; ++k) {
        sine(hertz[k], 1e-4, 48000);
        play_one(TAGPLUG_TARGET_DRIVE, 0.5, 48000);
        CHECK_NEAR(decibel(amplitude(audio[0], LENGTH / 2, LENGTH, hertz[k], 48000) / 1e-4), 18,
                   0.6);
    }
}

static void test_delay_repeats_and_keeps_the_dry_signal(void) {
    const struct {
        double rate, seconds;
    } cases[] = {{48000, 0.01}, {48000, 0.1}, {44100, 0.25}, {8000, 0.5}};
    for (size_t k = 0; k < 4; ++k) {
        const double rate = cases[k].rate;
        const int whole = (int)lround(cases[k].seconds * rate), first = 4096;
        tagplug_effects *e = made(rate, 2);
        constant(0, 0);
        audio[0][first] = 1;
        tagplug_effects_delay(e, (float)(whole / rate), 0.5F);
        tagplug_effects_aim(e, TAGPLUG_TARGET_DELAY, true, 0.8F);
        play(e, 0, LENGTH);
        CHECK_NEAR(audio[0][first], 1, 1e-7);
        double rest = 0;
        for (int i = 0; i < LENGTH; ++i) {
            const int echo = i > first && (i - first) % whole == 0 ? (i - first) / whole : 0;
            const double due = i == first ? 1 : echo > 0 ? 0.8 * pow(0.5, echo - 1) : 0;
            /* 0.25 s as a float is not exactly a whole number of samples. */
            rest = fmax(rest, fabs(audio[0][i] - due) - 5e-4);
            if (audio[1][i] != 0) rest = 1;
        }
        CHECK(rest <= 0);
        tagplug_effects_destroy(e);
    }
}

static void test_delay_interpolates_between_samples(void) {
    const double rate = 48000, ago = 1234.37;
    tagplug_effects *e = made(rate, 1);
    tagplug_effects_delay(e, (float)(ago / rate), 0);
    tagplug_effects_aim(e, TAGPLUG_TARGET_DELAY, true, 1);
    sine(1000, 0.5, rate);
    play(e, 0, LENGTH);
    for (int i = LENGTH / 2; i < LENGTH; ++i)
        CHECK_NEAR(audio[0][i],
                   0.5 * sin(2 * PI * 1000 * i / rate) +
                       0.5 * sin(2 * PI * 1000 * (i - (double)((float)(ago / rate)) * rate) / rate),
                   2e-5);
    tagplug_effects_destroy(e);
}

static void test_the_delay_returns_without_old_echoes(void) {
    tagplug_effects *e = made(48000, 2);
    constant(0, 0);
    for (int i = 0; i < 8192; ++i) audio[0][i] = 0.5F;
    tagplug_effects_aim(e, TAGPLUG_TARGET_DELAY, true, 1);
    play(e, 0, 8192);
    tagplug_effects_aim(e, TAGPLUG_TARGET_DELAY, false, 1);
    play(e, 8192, 8192 + 1024);
    CHECK(!tagplug_effects_busy(e));
    tagplug_effects_aim(e, TAGPLUG_TARGET_DELAY, true, 1);
    play(e, 9216, LENGTH);
    bool silent = true;
    for (int i = 9216; i < LENGTH; ++i) silent &= audio[0][i] == 0;
    CHECK(silent);
    tagplug_effects_destroy(e);
}

static void test_another_delay_time_is_reached_in_10_ms(void) {
    const double rate = 48000, times[] = {0.05, 0.5, 0.0123};
    tagplug_effects *e = made(rate, 1);
    tagplug_effects_delay(e, (float)times[0], 0);
    tagplug_effects_aim(e, TAGPLUG_TARGET_DELAY, true, 1);
    sine(1000, 0.5, rate);
    play(e, 0, 32000);
    for (int k = 1; k < 3; ++k) {
        const int from = 28800 + 3200 * k;
        tagplug_effects_delay(e, (float)times[k], 0);
        play(e, from, from + 3200);
        for (int i = from + 480; i < from + 3200; ++i)
            CHECK_NEAR(audio[0][i],
                       0.5 * sin(2 * PI * 1000 * i / rate) +
                           0.5 * sin(2 * PI * 1000 * (i / rate - (double)(float)times[k])),
                       2e-5);
    }
    tagplug_effects_destroy(e);
}

/* As the first beat of a song: it need not fade in. */
static void test_a_sound_that_begins_with_the_first_sample_is_repeated_whole(void) {
    tagplug_effects *e = made(48000, 2);
    tagplug_effects_delay(e, 0.125F, 0); /* 6000 samples */
    constant(0, 0);
    for (int i = 0; i < 1000; ++i) audio[0][i] = audio[1][i] = (float)(0.5 * sin(0.3 * i));
    tagplug_effects_aim(e, TAGPLUG_TARGET_DELAY, true, 1);
    play(e, 0, 7040);
    for (int i = 0; i < 1000; ++i) CHECK_NEAR(audio[0][6000 + i], 0.5 * sin(0.3 * i), 1e-6);
    tagplug_effects_destroy(e);
}

static void test_width_leaves_mono_unchanged(void) {
    tagplug_effects *e = made(48000, 1);
    tagplug_effects_aim(e, TAGPLUG_TARGET_WIDTH, true, 0.9F);
    constant(INFINITY, 0);
    play(e, 0, 640);
    CHECK(!tagplug_effects_busy(e) && audio[0][639] == INFINITY);
    tagplug_effects_destroy(e);
}

/* Level around 12 kHz, where a click has energy and a low tone has none. */
static double click(int at) {
    double most = 0;
    for (int k = 20; k < 32; ++k) {
        const double is = amplitude(audio[0], at - 1024, at + 1024, 500.0 * k, 48000);
        most = is > most ? is : most;
    }
    return decibel(most);
}

static void test_effects_fade_and_step_without_a_click(void) {
    const int step = 32768;
    sine(110, 0.5, 48000);
    memset(audio[0] + step + 20, 0, (LENGTH - step - 20) * sizeof(float));
    const double cut = click(step + 20); /* a tone that is cut off, for comparison */
    CHECK(cut > -75);
    for (uint32_t target = TAGPLUG_TARGET_GAIN; target < TAGPLUG_TARGETS; ++target)
        for (int way = 0; way < 4; ++way) {
            if (target == TAGPLUG_TARGET_DRIVE && way < 2)
                continue; /* its harmonics are not clicks */
            tagplug_effects *e = made(48000, 2);
            sine(110, 0.5, 48000);
            const float low = target == TAGPLUG_TARGET_DRIVE ? 0 : 0.1F;
            const float high = target == TAGPLUG_TARGET_DRIVE ? 0.05F : 0.8F;
            tagplug_effects_aim(e, (tagplug_target)target, way != 2, way == 0 ? high : low);
            play(e, 0, step);
            const bool stays = way != 3;
            tagplug_effects_aim(e, (tagplug_target)target, stays, way == 0 ? low : high);
            play(e, step, LENGTH);
            const double is = click(step + 512);
            if (!CHECK(is < cut - 25 && click(step + 64) < cut - 25))
                fprintf(stderr, "effect %u, way %d: %.1f dB, cut off %.1f dB\n", target, way, is,
                        cut);
            tagplug_effects_destroy(e);
        }
}

static void test_effects_recover_from_non_finite_samples(void) {
    for (uint32_t target = TAGPLUG_TARGET_GAIN; target < TAGPLUG_TARGETS; ++target) {
        static float due[LENGTH];
        for (int round = 0; round < 2; ++round) {
            tagplug_effects *e = made(48000, 2);
            sine(220, 0.5, 48000);
            const float bad[] = {NAN, INFINITY, -INFINITY, 3e38F};
            for (int i = 1000; i < 1500; ++i) audio[0][i] = audio[1][i] = round ? bad[i % 4] : 0;
            tagplug_effects_aim(e, (tagplug_target)target, true, 0.7F);
            play(e, 0, LENGTH);
            if (round == 0) memcpy(due, audio[0], sizeof due);
            tagplug_effects_destroy(e);
        }
        CHECK(memcmp(due, audio[0], sizeof due) == 0);
    }
}

int main(void) {
    test_gain_is_in_decibels();
    test_filters_have_the_response_of_their_transfer_function();
    test_filters_stay_bounded_while_they_are_swept();
    test_width_scales_the_side_only();
    test_drive_is_clean_at_0_dB();
    test_drive_keeps_the_level_amplifies_faint_samples_and_is_monotone();
    test_drive_has_few_aliases();
    test_drive_does_not_dull();
    test_delay_repeats_and_keeps_the_dry_signal();
    test_delay_interpolates_between_samples();
    test_the_delay_returns_without_old_echoes();
    test_another_delay_time_is_reached_in_10_ms();
    test_a_sound_that_begins_with_the_first_sample_is_repeated_whole();
    test_width_leaves_mono_unchanged();
    test_effects_fade_and_step_without_a_click();
    test_effects_recover_from_non_finite_samples();
    return closing_line();
}
