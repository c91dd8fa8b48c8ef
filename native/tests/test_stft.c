/* test_stft.c - the short-time Fourier transform against the definition, and that its inverse
 * returns the samples, whatever the blocks and the rate. */
#include "check.h"

static const double PI = 3.14159265358979323846;

static const tagnode_stft_settings SPLEETER = {44100, 4096, 1024};

/* A stream of any number of channels through both directions. */
typedef struct {
    float *samples[2];
    size_t length;
    float *spectra;
    size_t count;
} passed;

static void release(passed *p) {
    free(p->samples[0]);
    free(p->samples[1]);
    free(p->spectra);
}

/* Passes `length` samples in blocks, then zeros until as many came back. */
static passed pass(const tagnode_stft_settings *s, uint32_t rate, float *const *input,
                   size_t length, size_t block) {
    tagnode_stft *forward = NULL;
    tagnode_istft *inverse = NULL;
    CHECK(tagnode_stft_create(s, rate, 2, &forward, NULL) == TAGNODE_OK);
    CHECK(tagnode_istft_create(s, rate, 2, &inverse, NULL) == TAGNODE_OK);
    const size_t each = 2 * 2 * ((size_t)s->frame / 2 + 1), total = length + 4 * (size_t)s->frame;
    passed p = {.spectra = malloc(tagnode_stft_capacity(forward, total + 8192) * each * 4)};
    for (int c = 0; c < 2; ++c) p.samples[c] = calloc(total + 65536, sizeof(float));
    float *zeros = calloc(block, sizeof *zeros);
    for (size_t at = 0; p.length < length; at += block) {
        const size_t left = at < length ? length - at : block;
        const size_t size = left < block ? left : block;
        const float *const whole[] = {at < length ? input[0] + at : zeros,
                                      at < length ? input[1] + at : zeros};
        float *spectra = p.spectra + p.count * each;
        const size_t made = tagnode_stft_process(forward, whole, size, spectra);
        CHECK(made <= tagnode_stft_capacity(forward, size));
        float *const output[] = {p.samples[0] + p.length, p.samples[1] + p.length};
        const size_t done = tagnode_istft_process(inverse, spectra, made, output);
        CHECK(done <= tagnode_istft_capacity(inverse, made));
        p.length += done;
        p.count += made;
    }
    free(zeros);
    tagnode_stft_destroy(forward);
    tagnode_istft_destroy(inverse);
    return p;
}

static double difference(const float *a, const float *b, size_t length) {
    double worst = 0;
    for (size_t i = 0; i < length; ++i) worst = fmax(worst, fabs((double)a[i] - b[i]));
    return worst;
}

static void test_spectra_are_those_of_the_definition(void) {
    const size_t length = 3000, frame = 1024, hop = 256;
    const tagnode_stft_settings s = {44100, 1024, 256};
    float *input[] = {white_noise(length, 1), white_noise(length, 2)};
    passed p = pass(&s, 44100, input, length, 777);
    const size_t chosen[] = {1, 3, 4, 9}, bins[] = {0, 1, 2, 255, 256, 257, 300, 511, 512};
    for (size_t i = 0; i < 4; ++i)
        for (size_t b = 0; b < 9; ++b)
            for (size_t c = 0; c < 2; ++c) {
                double re = 0, im = 0;
                for (size_t n = 0; n < frame; ++n) {
                    const size_t at = chosen[i] * hop + n;
                    const double x = at >= frame ? input[c][at - frame] : 0;
                    const double w = x * (0.5 - 0.5 * cos(2 * PI * (double)n / (double)frame));
                    re += w * cos(2 * PI * (double)(n * bins[b]) / (double)frame);
                    im -= w * sin(2 * PI * (double)(n * bins[b]) / (double)frame);
                }
                const float *got = p.spectra + 2 * ((chosen[i] * 513 + bins[b]) * 2 + c);
                CHECK_NEAR(got[0], re, 2e-5);
                CHECK_NEAR(got[1], im, 2e-5);
            }
    release(&p);
    free(input[0]);
    free(input[1]);
}

static void test_the_inverse_returns_the_samples(void) {
    const tagnode_stft_settings all[] = {
        SPLEETER, {44100, 4096, 512}, {16000, 256, 64}, {44100, 2048, 512}, {8000, 512, 128}};
    const size_t length = 20011;
    float *input[] = {white_noise(length, 3), white_noise(length, 4)};
    for (size_t i = 0; i < 5; ++i) {
        passed p = pass(&all[i], all[i].sample_rate, input, length, 1000);
        for (int c = 0; c < 2; ++c) CHECK_NEAR(difference(p.samples[c], input[c], length), 0, 1e-6);
        release(&p);
    }
    free(input[0]);
    free(input[1]);
}

static void test_blocks_do_not_matter(void) {
    const size_t length = 9000, blocks[] = {1, 255, 256, 257, 4096, 9000};
    float *input[] = {white_noise(length, 5), white_noise(length, 6)};
    for (uint32_t rate = 32000; rate <= 48000; rate += 16000 - 3900) {
        passed first = pass(&SPLEETER, rate, input, length, 1024);
        for (size_t b = 0; b < 6; ++b) {
            passed other = pass(&SPLEETER, rate, input, length, blocks[b]);
            const size_t count = first.count < other.count ? first.count : other.count;
            CHECK(count > 8);
            CHECK(memcmp(first.spectra, other.spectra, count * 2049 * 4 * sizeof(float)) == 0);
            for (int c = 0; c < 2; ++c)
                CHECK(memcmp(first.samples[c], other.samples[c], length * sizeof(float)) == 0);
            release(&other);
        }
        release(&first);
    }
    free(input[0]);
    free(input[1]);
}

static void test_other_rates_keep_their_place(void) {
    const uint32_t rates[] = {8000, 22050, 44100, 48000, 96000, 192000, 44101};
    for (size_t i = 0; i < 7; ++i) {
        const size_t length = rates[i] / 2;
        float *input[] = {malloc(length * sizeof(float)), malloc(length * sizeof(float))};
        for (size_t n = 0; n < length; ++n) {
            const double t = (double)n / rates[i];
            input[0][n] = (float)(0.5 * sin(2 * PI * 440 * t));
            input[1][n] = (float)(0.5 * sin(2 * PI * 3000 * t));
        }
        passed p = pass(&SPLEETER, rates[i], input, length, 4096);
        const size_t edge =
            length / 5; /* a sine that begins or ends suddenly has all frequencies */
        for (int c = 0; c < 2; ++c)
            CHECK_NEAR(difference(p.samples[c] + edge, input[c] + edge, length - 2 * edge), 0,
                       2e-4);
        release(&p);
        free(input[0]);
        free(input[1]);
    }
}

static void test_reset_is_a_new_start(void) {
    const size_t length = 12000;
    float *noise = white_noise(length, 7);
    const float *const input[] = {noise};
    tagnode_stft *t = NULL;
    tagnode_istft *inverse = NULL;
    CHECK(tagnode_stft_create(&SPLEETER, 48000, 1, &t, NULL) == TAGNODE_OK);
    CHECK(tagnode_istft_create(&SPLEETER, 48000, 1, &inverse, NULL) == TAGNODE_OK);
    CHECK(tagnode_stft_delay(t) > 0 && tagnode_istft_delay(inverse) > 0);
    const size_t each = (size_t)2 * 2049, room = tagnode_stft_capacity(t, length);
    float *spectra[] = {malloc(room * each * 4), malloc(room * each * 4)};
    float *output[] = {calloc(length * 2, 4), calloc(length * 2, 4)};
    size_t counts[2], lengths[2];
    for (int i = 0; i < 2; ++i) {
        counts[i] = tagnode_stft_process(t, input, length, spectra[i]);
        lengths[i] = tagnode_istft_process(inverse, spectra[i], counts[i], &output[i]);
        tagnode_stft_reset(t);
        tagnode_istft_reset(inverse);
    }
    CHECK(counts[0] == counts[1] && counts[0] > 5 && lengths[0] == lengths[1] && lengths[0] > 0);
    CHECK(memcmp(spectra[0], spectra[1], counts[0] * each * 4) == 0);
    CHECK(memcmp(output[0], output[1], lengths[0] * 4) == 0);
    for (int i = 0; i < 2; ++i) {
        free(spectra[i]);
        free(output[i]);
    }
    free(noise);
    tagnode_stft_destroy(t);
    tagnode_istft_destroy(inverse);
}

static void test_what_is_not_finite_counts_as_zero(void) {
    float broken[4096] = {0};
    broken[10] = NAN;
    broken[11] = INFINITY;
    broken[4000] = -INFINITY;
    const float *const input[] = {broken};
    tagnode_stft *t = NULL;
    CHECK(tagnode_stft_create(&SPLEETER, 44100, 1, &t, NULL) == TAGNODE_OK);
    float *spectra = malloc(tagnode_stft_capacity(t, 4096) * 2 * 2049 * sizeof *spectra);
    const size_t count = tagnode_stft_process(t, input, 4096, spectra);
    bool silent = true;
    for (size_t i = 0; i < count * 2 * 2049; ++i) silent = silent && spectra[i] == 0;
    CHECK(count == 5 && silent);
    CHECK(tagnode_stft_delay(t) == 0);
    CHECK(tagnode_stft_replaced(t) == 3);
    tagnode_stft_reset(t);
    CHECK(tagnode_stft_replaced(t) == 0);
    free(spectra);
    tagnode_stft_destroy(t);
}

static void test_wrong_settings_are_refused_with_a_sentence(void) {
    tagnode_stft *t = NULL;
    tagnode_istft *inverse = NULL;
    tagnode_message why;
    const tagnode_stft_settings wrong[] = {
        {44100, 4096, 0},    {44100, 4096, 2048}, {44100, 4096, 1000}, {44100, 1000, 250},
        {44100, 8192, 1024}, {44100, 128, 32},    {7999, 4096, 1024},  {96000, 4096, 1024}};
    const char *const parts[] = {"hop", "hop", "hop", "FFT", "FFT", "FFT", "rate", "rate"};
    for (size_t i = 0; i < 8; ++i) {
        CHECK(tagnode_stft_create(&wrong[i], 44100, 2, &t, &why) == TAGNODE_ERROR_ARGUMENT);
        CHECK(t == NULL && message_has(&why, parts[i]));
        CHECK(tagnode_istft_create(&wrong[i], 44100, 2, &inverse, &why) == TAGNODE_ERROR_ARGUMENT);
        CHECK(inverse == NULL && message_has(&why, parts[i]));
    }
    CHECK(tagnode_stft_create(&SPLEETER, 7999, 2, &t, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "rate"));
    CHECK(tagnode_stft_create(&SPLEETER, 44100, 9, &t, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "channels"));
    CHECK(tagnode_istft_create(&SPLEETER, 44100, 0, &inverse, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "channels"));
    tagnode_stft_destroy(NULL);
    tagnode_istft_destroy(NULL);
}

int main(void) {
    test_spectra_are_those_of_the_definition();
    test_the_inverse_returns_the_samples();
    test_blocks_do_not_matter();
    test_other_rates_keep_their_place();
    test_reset_is_a_new_start();
    test_what_is_not_finite_counts_as_zero();
    test_wrong_settings_are_refused_with_a_sentence();
    return closing_line();
}
