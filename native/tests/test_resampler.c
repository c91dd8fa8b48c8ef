/* test_resampler.c - delay, passband and stopband of the filter, at common and odd rates. */
#include "frontend/resampler.h"

#include "check.h"

static const double PI = 3.14159265358979323846;

static const uint32_t PAIRS[][2] = {{44100, 16000}, {48000, 16000}, {22050, 16000}, {32000, 16000},
                                    {96000, 16000}, {8000, 16000},  {11025, 16000}, {16000, 44100},
                                    {44100, 48000}, {48000, 44100}, {192000, 8000}, {8000, 48000},
                                    {44101, 16000}, {12345, 16000}, {47999, 48000}};
enum { PAIR_COUNT = sizeof PAIRS / sizeof PAIRS[0] };

static tagnode_resampler made(const uint32_t *pair) {
    tagnode_resampler r;
    CHECK(tagnode_resampler_create(pair[0], pair[1], tagnode_dsp_select(), &r, NULL) == TAGNODE_OK);
    return r;
}

/* Resamples from the start; the caller frees. */
static float *resampled(tagnode_resampler *r, const float *input, size_t length, size_t *count) {
    float *output = malloc((tagnode_resampler_yield(r, length) + 1) * sizeof *output);
    tagnode_resampler_reset(r);
    *count = 0;
    for (size_t at = 0; at < length; at += TAGNODE_RESAMPLER_CHUNK) {
        const size_t left = length - at;
        const size_t size = left < TAGNODE_RESAMPLER_CHUNK ? left : TAGNODE_RESAMPLER_CHUNK;
        *count += tagnode_resampler_push(r, input + at, size, output + *count);
    }
    CHECK(*count <= tagnode_resampler_yield(r, length));
    return output;
}

/* An output sample is written with exactly the input sample that the arithmetic gives. */
static void test_delay_is_exact(tagnode_resampler *r, const uint32_t *pair) {
    const float silence = 0;
    float output[64];
    int64_t made_so_far = 0;
    bool exact = true;
    tagnode_resampler_reset(r);
    for (int64_t pushed = 1; pushed < (int64_t)pair[0] / 4; ++pushed) {
        made_so_far += (int64_t)tagnode_resampler_push(r, &silence, 1, output);
        /* Output m is at m * from / to and needs `delay` samples past it. */
        const int64_t reach = pushed - 1 - r->delay;
        const int64_t due =
            reach < 0 ? 0 : ((reach + 1) * (int64_t)pair[1] - 1) / (int64_t)pair[0] + 1;
        exact = exact && made_so_far == due;
        exact = exact && tagnode_resampler_needs(r, made_so_far) > pushed;
        if (made_so_far > 0) exact = exact && tagnode_resampler_needs(r, made_so_far - 1) <= pushed;
    }
    CHECK(exact);
}

/* An impulse at an input sample that coincides with an output sample gives a symmetrical output. */
static void test_impulse_is_symmetrical(tagnode_resampler *r) {
    const size_t at = (size_t)r->down * (r->delay / r->down + 1),
                 length = at + 2 * (size_t)r->delay + 2;
    float *impulse = calloc(length, sizeof *impulse);
    impulse[at] = 1;
    size_t count = 0;
    float *output = resampled(r, impulse, length, &count);
    const size_t centre = at / r->down * r->up;
    double worst = 0, sum = output[centre];
    for (size_t k = 1; k <= centre && centre + k < count; ++k) {
        worst = fmax(worst, fabs((double)output[centre + k] - output[centre - k]));
        worst = fmax(worst, fabs((double)output[centre + k]) - output[centre]); /* is the peak */
        sum += (double)output[centre + k] + output[centre - k];
    }
    CHECK_NEAR(worst, 0, 4e-6); /* the outermost tap is on one side only */
    CHECK_NEAR(sum * r->down / r->up, 1, 1e-3);
    free(output);
    free(impulse);
}

typedef struct {
    double amplitude; /* of the output at the input's frequency */
    double residue;   /* RMS of everything else, and of all of it above the output's Nyquist */
} response;

/* Fits a sine to the output, away from the ends. */
static response respond(tagnode_resampler *r, const uint32_t *pair, double hz) {
    const size_t length = 4 * r->delay + pair[0] / 10;
    float *input = malloc(length * sizeof *input);
    for (size_t i = 0; i < length; ++i)
        input[i] = (float)sin(2 * PI * fmod(hz * (double)i / pair[0], 1));
    size_t count = 0;
    float *output = resampled(r, input, length, &count);
    const size_t margin = (size_t)((2.0 * r->delay + 2) * pair[1] / pair[0]);
    const bool in_band = hz < pair[1] / 2.0;
    double cc = 0, ss = 0, cs = 0, yc = 0, ys = 0, power = 0;
    for (size_t m = margin; m < count; ++m) {
        const double angle = 2 * PI * fmod(hz * (double)m / pair[1], 1);
        const double c = cos(angle), s = sin(angle), y = output[m];
        cc += c * c, ss += s * s, cs += c * s, yc += y * c, ys += y * s, power += y * y;
    }
    const double determinant = cc * ss - cs * cs;
    const double a = in_band ? (yc * ss - ys * cs) / determinant : 0;
    const double b = in_band ? (ys * cc - yc * cs) / determinant : 0;
    const double rest = power - a * yc - b * ys;
    free(output);
    free(input);
    return (response){sqrt(a * a + b * b), sqrt(fmax(rest, 0) / (double)(count - margin))};
}

static double decibels(double x) {
    return 20 * log10(fmax(x, 1e-12));
}

static void test_passband_is_flat_and_the_stopband_is_rejected(tagnode_resampler *r,
                                                               const uint32_t *pair) {
    const double lower = fmin(pair[0], pair[1]) / 2;
    const double inside[] = {0.013, 0.25, 0.5, 0.77, 0.85, 0.9};
    for (size_t i = 0; i < 6; ++i) {
        const response got = respond(r, pair, inside[i] * lower);
        CHECK_NEAR(decibels(got.amplitude), 0, 0.1);
        CHECK_NEAR(fmax(decibels(got.residue), -90), -90, 0); /* images, aliases, rounding */
    }
    const double outside[] = {1.0, 1.01, 1.07, 1.3, 1.9, 2.1, 2.9};
    for (size_t i = 0; i < 7; ++i)
        if (outside[i] * lower < pair[0] / 2.0)
            CHECK_NEAR(fmax(decibels(respond(r, pair, outside[i] * lower).residue), -90), -90, 0);
}

/* ------------------------------------------------------------------------ through tagnode.h --- */

static void test_resample_removes_the_delay(void) {
    const size_t length = 4410;
    float *input = malloc(length * sizeof *input), output[1601];
    for (size_t i = 0; i < length; ++i) input[i] = (float)sin(2 * PI * 440 * (double)i / 44100);
    output[1600] = 12345;
    CHECK(tagnode_resample(input, length, 44100, 16000, output, NULL) == TAGNODE_OK);
    double worst = 0;
    for (size_t m = 200; m < 1400; ++m)
        worst = fmax(worst, fabs(output[m] - sin(2 * PI * 440 * (double)m / 16000)));
    CHECK_NEAR(worst, 0, 1e-4);
    CHECK(output[1600] == 12345); /* the documented length */
    input[7] = NAN;
    input[1000] = INFINITY;
    CHECK(tagnode_resample(input, length, 44100, 16000, output, NULL) == TAGNODE_OK);
    bool finite = true;
    for (size_t m = 0; m < 1600; ++m) finite = finite && isfinite(output[m]);
    CHECK(finite);
    free(input);
}

static void test_equal_rates_and_empty_input_are_fine(void) {
    float *input = white_noise(1000, 3), output[1000];
    CHECK(tagnode_resample(input, 1000, 44100, 44100, output, NULL) == TAGNODE_OK);
    CHECK(memcmp(input, output, sizeof output) == 0);
    CHECK(tagnode_resample(input, 0, 44100, 16000, output, NULL) == TAGNODE_OK);
    CHECK(memcmp(input, output, sizeof output) == 0);
    free(input);
}

static void test_rates_out_of_range_are_refused_with_a_sentence(void) {
    const uint32_t bad[] = {0, 7999, 192001, UINT32_MAX};
    float sample = 0;
    for (size_t i = 0; i < 4; ++i) {
        tagnode_message why = {""};
        const tagnode_status refused = TAGNODE_ERROR_ARGUMENT;
        CHECK(tagnode_resample(&sample, 1, bad[i], 16000, &sample, &why) == refused);
        CHECK(message_has(&why, "sample rate"));
        CHECK(tagnode_resample(&sample, 1, 16000, bad[i], &sample, &why) == refused);
        CHECK(message_has(&why, "sample rate"));
    }
}

int main(void) {
    for (size_t i = 0; i < PAIR_COUNT; ++i) {
        tagnode_resampler resampler = made(PAIRS[i]);
        test_delay_is_exact(&resampler, PAIRS[i]);
        test_impulse_is_symmetrical(&resampler);
        test_passband_is_flat_and_the_stopband_is_rejected(&resampler, PAIRS[i]);
        tagnode_resampler_destroy(&resampler);
    }
    test_resample_removes_the_delay();
    test_equal_rates_and_empty_input_are_fine();
    test_rates_out_of_range_are_refused_with_a_sentence();
    return closing_line();
}
