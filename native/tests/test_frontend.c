/* test_frontend.c - mel frames compared with a naive transform and filters, both written here in
 * double precision.
 *
 * Given facts: mel frame j is centred on sample j * hop of the signal, zeros before it, or begins
 * there; the window is in the middle of the transform; mel scales are librosa's, and filters
 * librosa's or TensorFlow's. */
#include "check.h"
#include "frontend/frontend.h"
#include "system.h"

static const double PI = 3.14159265358979323846;

enum { LENGTH = 6000, FRAMES = 3, MAX_FFT = 4096, MAX_BINS = MAX_FFT / 2 + 1 };

/* ------------------------------------------------------------------------------- the oracle --- */

/* Squared magnitudes of the bins of mel frame `index`. */
static void naive_powers(const tagnode_frontend_settings *s, const float *signal, uint32_t index,
                         double *powers) {
    static double windowed[MAX_FFT], cosine[MAX_FFT], sine[MAX_FFT];
    const double period = s->frame - (s->window == TAGNODE_WINDOW_HANN_SYMMETRIC ? 1.0 : 0.0);
    const uint32_t margin = (s->fft - s->frame) / 2;
    const int64_t before = s->framing == TAGNODE_FRAMING_FROM_ZERO ? margin : s->fft / 2;
    const int64_t first = (int64_t)index * s->hop - before;
    for (uint32_t i = 0; i < s->fft; ++i) {
        const bool inside = i >= margin && i < margin + s->frame && first + i >= 0;
        const double window = 0.5 * (1 - cos(2 * PI * ((double)i - margin) / period));
        windowed[i] = inside ? window * signal[first + i] : 0;
        cosine[i] = cos(2 * PI * i / s->fft);
        sine[i] = sin(2 * PI * i / s->fft);
    }
    for (uint32_t bin = 0; bin <= s->fft / 2; ++bin) {
        double re = 0, im = 0;
        for (uint32_t i = 0; i < s->fft; ++i) {
            const uint32_t turn = bin * i % s->fft;
            re += windowed[i] * cosine[turn];
            im -= windowed[i] * sine[turn];
        }
        powers[bin] = re * re + im * im;
    }
}

static double to_mel(double hz, bool htk) {
    if (htk) return 2595 * log10(1 + hz / 700);
    return hz < 1000 ? hz / (200.0 / 3) : 15 + log(hz / 1000) / (log(6.4) / 27);
}

static double to_hz(double mel, bool htk) {
    if (htk) return 700 * (pow(10, mel / 2595) - 1);
    return mel < 15 ? mel * (200.0 / 3) : 1000 * exp((mel - 15) * (log(6.4) / 27));
}

static double naive_bin(const tagnode_frontend_settings *s, double power) {
    return s->spectrum == TAGNODE_SPECTRUM_POWER ? power : sqrt(power);
}

static double naive_band(const tagnode_frontend_settings *s, const double *powers, uint32_t band) {
    if (s->mel_scale == TAGNODE_MEL_NONE) return naive_bin(s, powers[band]);
    const bool htk = s->mel_scale == TAGNODE_MEL_HTK;
    const double from = to_mel(s->fmin, htk), step = (to_mel(s->fmax, htk) - from) / (s->bands + 1);
    const double low = to_hz(from + step * band, htk);
    const double centre = to_hz(from + step * (band + 1), htk);
    const double high = to_hz(from + step * (band + 2), htk);
    double sum = 0;
    const double bin_hz = (double)s->sample_rate / s->fft;
    for (uint32_t bin = (uint32_t)(low / bin_hz); bin <= s->fft / 2 && bin * bin_hz < high; ++bin) {
        const double hz = bin * bin_hz, mel = (to_mel(hz, htk) - from) / step - band;
        const double weight =
            s->mel_triangles == TAGNODE_TRIANGLES_MEL
                ? fmin(mel, 2 - mel)
                : fmin((hz - low) / (centre - low), (high - hz) / (high - centre));
        if (weight > 0) sum += weight * naive_bin(s, powers[bin]);
    }
    return s->mel_norm == TAGNODE_NORM_SLANEY ? sum * 2 / (high - low) : sum;
}

static double naive_log(const tagnode_frontend_settings *s, double x) {
    if (s->exponent == TAGNODE_EXPONENT_TWO) x *= x;
    if (s->exponent == TAGNODE_EXPONENT_HALF) x = sqrt(x);
    switch (s->log) {
    case TAGNODE_LOG_NONE: return x;
    case TAGNODE_LOG_LOG10_1P: return log10(1 + s->log_parameter * x);
    case TAGNODE_LOG_OFFSET: return log(x + s->log_parameter);
    case TAGNODE_LOG_DB:
        return (s->spectrum == TAGNODE_SPECTRUM_POWER ? 10 : 20) * log10(fmax(x, s->log_parameter));
    case TAGNODE_LOG_FLOOR: return log(fmax(x, s->log_parameter));
    case TAGNODE_LOG_ZERO: return log(x == 0 ? s->log_parameter : x);
    }
    return NAN;
}

/* --------------------------------------------------------------------------------- settings --- */

static tagnode_frontend_settings musicnn(void) {
    return (tagnode_frontend_settings){.sample_rate = 16000,
                                       .frame = 512,
                                       .fft = 512,
                                       .hop = 256,
                                       .bands = 96,
                                       .window = TAGNODE_WINDOW_HANN_PERIODIC,
                                       .mel_scale = TAGNODE_MEL_SLANEY,
                                       .mel_norm = TAGNODE_NORM_SLANEY,
                                       .spectrum = TAGNODE_SPECTRUM_POWER,
                                       .log = TAGNODE_LOG_LOG10_1P,
                                       .log_parameter = 10000,
                                       .fmin = 0,
                                       .fmax = 8000};
}

static tagnode_frontend *made(const tagnode_frontend_settings *settings, uint32_t rate,
                              uint32_t channels) {
    tagnode_frontend *frontend = NULL;
    tagnode_message why = {""};
    if (!CHECK(tagnode_frontend_create(settings, rate, channels, &frontend, &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return frontend;
}

/* The mel frames of the whole signal in one call. */
static float *mel_of(const tagnode_frontend_settings *settings, uint32_t rate, const float *signal,
                     size_t length, size_t *count) {
    tagnode_frontend *frontend = made(settings, rate, 1);
    const size_t room = tagnode_frontend_capacity(frontend, length);
    float *mel = malloc(room * settings->bands * sizeof *mel);
    *count = tagnode_frontend_process(frontend, &signal, length, mel);
    CHECK(*count <= room);
    tagnode_frontend_destroy(frontend);
    return mel;
}

/* ----------------------------------------------------------------------------- against both --- */

static double largest(const double *powers, uint32_t bins) {
    double most = 0;
    for (uint32_t bin = 0; bin < bins; ++bin) most = fmax(most, powers[bin]);
    return most;
}

/* The error of x in float arithmetic: 2e-6 of the largest bin is lost to rounding, spread over the
 * bins of a band. */
static double error_of(const tagnode_frontend_settings *s, const double *powers, double x) {
    if (s->mel_scale != TAGNODE_MEL_NONE) return 1e-5 * x + 1e-9;
    const double lost = 2e-6 * sqrt(largest(powers, s->fft / 2 + 1));
    return s->spectrum == TAGNODE_SPECTRUM_MAGNITUDE ? lost : 2 * sqrt(x) * lost + lost * lost;
}

static void compare(const tagnode_frontend_settings *s, const float *mel,
                    double (*powers)[MAX_BINS], uint32_t frames) {
    double worst = 0;
    for (uint32_t frame = 0; frame < frames; ++frame)
        for (uint32_t band = 0; band < s->bands; ++band) {
            const double x = naive_band(s, powers[frame], band), is = naive_log(s, x);
            const double error = error_of(s, powers[frame], x);
            const double above = naive_log(s, x + error), below = naive_log(s, fmax(x - error, 0));
            const double slack = fmax(above - is, is - below) + 2e-6 * (1 + fabs(is));
            worst = fmax(worst, fabs(mel[frame * s->bands + band] - is) / slack);
        }
    CHECK_NEAR(worst, 0, 1);
}

/* Every 19th combination of the other settings, from `first` on. */
static void compare_laws(tagnode_frontend_settings s, unsigned first, const float *signal,
                         double (*powers)[MAX_BINS]) {
    const double parameters[] = {0, 10000, 0.01, 1e-10, 1e-3, 1e-6};
    const uint32_t mel_bands = s.bands;
    for (unsigned choice = first; choice < 432; choice += 19) {
        s.log = (tagnode_log)(choice % 6);
        s.log_parameter = parameters[choice % 6];
        s.mel_scale = (tagnode_mel_scale)(choice / 6 % 3);
        s.exponent = (tagnode_exponent)(choice / 18 % 3);
        s.spectrum = (tagnode_spectrum)(choice / 54 % 2);
        s.mel_norm = (tagnode_mel_norm)(choice / 108 % 2);
        s.mel_triangles = (tagnode_mel_triangles)(choice / 216);
        const bool linear = s.mel_scale == TAGNODE_MEL_NONE;
        s.bands = linear ? s.fft / 2 + 1 - 3 * (choice % 2) : mel_bands;
        size_t count = 0;
        float *mel = mel_of(&s, s.sample_rate, signal, LENGTH, &count);
        if (CHECK(count >= FRAMES)) compare(&s, mel, powers, FRAMES);
        free(mel);
    }
}

/* A full, a shorter and an odd frame, each with different bands. */
static tagnode_frontend_settings variant_of(uint32_t fft, unsigned variant) {
    const uint32_t frames[] = {fft, fft * 25 / 32, fft / 2 + 1}, bands[] = {96, 13, 256};
    tagnode_frontend_settings s = musicnn();
    s.fft = fft;
    s.frame = frames[variant];
    s.hop = s.frame / 3;
    s.bands = bands[variant];
    s.fmin = variant == 1 ? 125 : 0;
    s.fmax = variant == 1 ? 7500 : 8000;
    s.window = variant == 2 ? TAGNODE_WINDOW_HANN_SYMMETRIC : TAGNODE_WINDOW_HANN_PERIODIC;
    s.framing = fft % 3 == variant ? TAGNODE_FRAMING_FROM_ZERO : TAGNODE_FRAMING_CENTRED;
    return s;
}

static void test_mel_frames_match_a_naive_transform(void) {
    static double powers[FRAMES][MAX_BINS];
    float *signal = white_noise(LENGTH, 1);
    for (uint32_t fft = 256; fft <= MAX_FFT; fft *= 2)
        for (unsigned variant = 0; variant < 3; ++variant) {
            const tagnode_frontend_settings s = variant_of(fft, variant);
            for (uint32_t frame = 0; frame < FRAMES; ++frame)
                naive_powers(&s, signal, frame, powers[frame]);
            compare_laws(s, (fft / 256 * 3 + variant) % 19, signal, powers);
        }
    free(signal);
}

static void test_a_sine_is_in_its_band_only(void) {
    float signal[LENGTH];
    for (size_t i = 0; i < LENGTH; ++i) signal[i] = (float)sin(2 * PI * 1000 * (double)i / 16000);
    tagnode_frontend_settings s = musicnn();
    s.mel_norm = TAGNODE_NORM_NONE;
    s.log = TAGNODE_LOG_NONE;
    s.bands = 40;
    size_t count = 0;
    float *mel = mel_of(&s, 16000, signal, LENGTH, &count);
    const double step = to_mel(8000, false) / 41; /* 1000 Hz is mel 15 */
    for (uint32_t band = 0; band < 40; ++band)
        if (fabs(step * (band + 1) - 15) > 2 * step)
            CHECK(mel[10 * 40 + band] < 1e-4F * mel[10 * 40 + (uint32_t)(15 / step)]);
    free(mel);
}

static void test_results_are_always_finite(void) {
    float signal[LENGTH];
    const float levels[] = {0, 1e-45F, 1e-30F, 1, 1e12F, 3e38F};
    for (size_t level = 0; level < 6; ++level)
        for (unsigned choice = 0; choice < 36; ++choice) {
            for (size_t i = 0; i < LENGTH; ++i) signal[i] = i % 3 ? levels[level] : -levels[level];
            tagnode_frontend_settings s = musicnn();
            s.spectrum = choice & 1 ? TAGNODE_SPECTRUM_MAGNITUDE : TAGNODE_SPECTRUM_POWER;
            s.log = (tagnode_log)(choice / 6);
            s.exponent = (tagnode_exponent)(choice / 2 % 3);
            s.log_parameter = s.log == TAGNODE_LOG_OFFSET ? 0 : 1e-10;
            size_t count = 0;
            float *mel = mel_of(&s, 16000, signal, LENGTH, &count);
            bool finite = true;
            for (size_t i = 0; i < count * s.bands; ++i) finite = finite && isfinite(mel[i]);
            CHECK(finite);
            free(mel);
        }
}

/* Digital silence: what each law makes of a band of 0. */
static void test_zeros_have_the_value_of_their_law(void) {
    const float zeros[1024] = {0};
    const double values[] = {0, 0, log(1e-3), -30, log(1e-3), log(1e-3)};
    for (unsigned law = 0; law < 6; ++law) {
        tagnode_frontend_settings s = musicnn();
        s.log = (tagnode_log)law;
        s.log_parameter = 1e-3;
        size_t count = 0;
        float *mel = mel_of(&s, 16000, zeros, 1024, &count);
        for (size_t i = 0; i < count * s.bands; ++i) CHECK_NEAR(mel[i], values[law], 2e-6);
        free(mel);
    }
}

/* A frame that begins at 0 is the frame of a signal half a frame later, centred. */
static void test_frames_begin_at_their_sample(void) {
    tagnode_frontend_settings centred = musicnn();
    centred.frame = 400;
    centred.hop = 160;
    tagnode_frontend_settings from_zero = centred;
    from_zero.framing = TAGNODE_FRAMING_FROM_ZERO;
    float *signal = white_noise(LENGTH, 4), *later = calloc(LENGTH, sizeof *later);
    memcpy(later, signal + 200, (LENGTH - 200) * sizeof *later);
    size_t count = 0, shifted = 0;
    float *mel = mel_of(&from_zero, 16000, signal, LENGTH, &count);
    float *expected = mel_of(&centred, 16000, later, LENGTH, &shifted);
    CHECK(count == 1 + (LENGTH - 400) / 160);       /* only whole frames */
    const size_t first = (size_t)2 * centred.bands; /* those before it see the zeros of `later` */
    CHECK(memcmp(mel + first, expected + first, (count - 4) * centred.bands * sizeof *mel) == 0);
    tagnode_frontend *frontend = made(&from_zero, 48000, 1);
    CHECK(tagnode_frontend_begin(frontend, 0) == 0);
    CHECK(tagnode_frontend_begin(frontend, 7) == (int64_t)7 * 480);
    const int64_t delay = tagnode_frontend_delay(frontend);
    CHECK(tagnode_frontend_ready(frontend, 7) == 7 * 480 + 399 * 3 + delay + 1);
    tagnode_frontend_destroy(frontend);
    free(mel);
    free(expected);
    free(later);
    free(signal);
}

/* ------------------------------------------------------------------------------ as a stream --- */

/* MusiCNN's, YAMNet's, TempoCNN's and a long linear spectrum. */
static tagnode_frontend_settings streamed(unsigned which) {
    tagnode_frontend_settings s = musicnn();
    if (which == 1) {
        s.frame = 400;
        s.hop = 160;
        s.bands = 64;
        s.mel_scale = TAGNODE_MEL_HTK;
        s.mel_triangles = TAGNODE_TRIANGLES_MEL;
        s.framing = TAGNODE_FRAMING_FROM_ZERO;
    } else if (which == 2) {
        s.sample_rate = 11025;
        s.frame = s.fft = 1024;
        s.hop = 512;
        s.bands = 40;
        s.fmax = 5000;
        s.spectrum = TAGNODE_SPECTRUM_MAGNITUDE;
        s.log = TAGNODE_LOG_NONE;
    } else if (which == 3) {
        s.sample_rate = 44100;
        s.frame = s.fft = 4096;
        s.hop = 1024;
        s.bands = 1024;
        s.mel_scale = TAGNODE_MEL_NONE;
        s.exponent = TAGNODE_EXPONENT_HALF;
        s.log = TAGNODE_LOG_ZERO;
        s.framing = TAGNODE_FRAMING_FROM_ZERO;
    }
    return s;
}

static const uint32_t RATES[] = {8000, 12345, 16000, 22050, 44100, 44101, 48000, 96000, 192000};
enum { RATE_COUNT = sizeof RATES / sizeof RATES[0] };

static size_t process_in_blocks(tagnode_frontend *frontend, uint32_t bands, const float *signal,
                                size_t length, uint32_t block, float *mel) {
    uint32_t random = block + 1;
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        size_t size = block != 0 ? block : next_number(&random) % 1500; /* 0: at random */
        if (size > length - at) size = length - at;
        const float *input = signal + at;
        const size_t room = tagnode_frontend_capacity(frontend, size);
        const size_t got = tagnode_frontend_process(frontend, &input, size, mel + count * bands);
        CHECK(got <= room);
        count += got;
        at += size;
    }
    return count;
}

static void test_any_partition_into_blocks_gives_the_same_bits(void) {
    const uint32_t blocks[] = {1, 17, 64, 255, 256, 257, 441, 8192, 0};
    for (size_t r = 0; r < 4 * RATE_COUNT; ++r) {
        const tagnode_frontend_settings s = streamed((unsigned)(r / RATE_COUNT));
        const uint32_t rate = RATES[r % RATE_COUNT];
        if (r >= RATE_COUNT && r % 3 != 0) continue; /* a third of the others */
        const size_t length = rate / 4;
        float *signal = white_noise(length, 3);
        size_t whole = 0;
        float *expected = mel_of(&s, rate, signal, length, &whole);
        CHECK(whole > 2);
        tagnode_frontend *frontend = made(&s, rate, 1);
        float *mel = malloc((whole + 1) * s.bands * sizeof *mel);
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; ++b) {
            tagnode_frontend_reset(frontend); /* as after create */
            CHECK(process_in_blocks(frontend, s.bands, signal, length, blocks[b], mel) == whole);
            CHECK(memcmp(mel, expected, whole * s.bands * sizeof *mel) == 0);
        }
        tagnode_frontend_destroy(frontend);
        free(mel);
        free(expected);
        free(signal);
    }
}

static void test_other_rates_match_resampled_input(void) {
    const uint32_t model_rates[] = {16000, 8000, 11025, 12000, 22050, 32000, 44100, 48000};
    for (size_t r = 0; r < 8 * RATE_COUNT; ++r) {
        const uint32_t rate = RATES[r % RATE_COUNT];
        if (r >= RATE_COUNT && r % 4 != 0) continue; /* a quarter of the others */
        tagnode_frontend_settings s = musicnn();
        s.sample_rate = model_rates[r / RATE_COUNT];
        s.fmax = s.sample_rate / 2.0;
        const size_t length = rate / 2;
        const size_t resampled = (length * s.sample_rate + rate - 1) / rate;
        float *signal = white_noise(length, 5), *model = calloc(resampled + 1, sizeof *model);
        CHECK(tagnode_resample(signal, length, rate, s.sample_rate, model, NULL) == TAGNODE_OK);
        size_t direct = 0, after = 0;
        float *mel = mel_of(&s, rate, signal, length, &direct);
        float *expected = mel_of(&s, s.sample_rate, model, resampled, &after);
        CHECK(direct > 10 && direct <= after); /* the tail is still in the filter */
        CHECK(memcmp(mel, expected, direct * s.bands * sizeof *mel) == 0);
        free(mel);
        free(expected);
        free(model);
        free(signal);
    }
}

static void test_channels_are_averaged(void) {
    const tagnode_frontend_settings s = musicnn();
    float *channels[TAGNODE_MAX_CHANNELS], *mean = calloc(LENGTH, sizeof *mean);
    for (uint32_t c = 0; c < 8; ++c) {
        channels[c] = white_noise(LENGTH, c + 1);
        for (size_t i = 0; i < LENGTH; ++i) mean[i] += channels[c][i] / 8;
    }
    size_t count = 0;
    float *expected = mel_of(&s, 16000, mean, LENGTH, &count);
    tagnode_frontend *frontend = made(&s, 16000, 8);
    float *mel = malloc(count * s.bands * sizeof *mel);
    CHECK(tagnode_frontend_process(frontend, (const float *const *)channels, LENGTH, mel) == count);
    double worst = 0;
    for (size_t i = 0; i < count * s.bands; ++i)
        worst = fmax(worst, fabs((double)mel[i] - expected[i]));
    CHECK_NEAR(worst, 0, 2e-5);
    tagnode_frontend_destroy(frontend);
    for (uint32_t c = 0; c < 8; ++c) free(channels[c]);
    free(mean);
    free(mel);
    free(expected);
}

static void test_non_finite_samples_count_as_0(void) {
    const tagnode_frontend_settings s = musicnn();
    float *broken = white_noise(LENGTH, 9), *mended = white_noise(LENGTH, 9);
    const float bad[] = {NAN, INFINITY, -INFINITY, -NAN};
    uint64_t replaced = 0;
    for (size_t i = 100; i < LENGTH; i += 333) {
        broken[i] = bad[replaced++ % 4];
        mended[i] = 0;
    }
    size_t count = 0;
    float *expected = mel_of(&s, 44100, mended, LENGTH, &count);
    float *mel = malloc(count * s.bands * sizeof *mel);
    tagnode_frontend *frontend = made(&s, 44100, 1);
    const float *input = broken;
    CHECK(tagnode_frontend_process(frontend, &input, LENGTH, mel) == count);
    CHECK(memcmp(mel, expected, count * s.bands * sizeof *mel) == 0);
    CHECK(tagnode_frontend_replaced(frontend) == replaced);
    tagnode_frontend_reset(frontend);
    CHECK(tagnode_frontend_replaced(frontend) == 0);
    tagnode_frontend_destroy(frontend);
    free(mel);
    free(expected);
    free(broken);
    free(mended);
}

/* --------------------------------------------------------------------------------- refusals --- */

static void refuse(const tagnode_frontend_settings *settings, uint32_t rate, uint32_t channels,
                   const char *named) {
    tagnode_frontend *frontend = (tagnode_frontend *)&rate;
    tagnode_message why = {""};
    const tagnode_status bad = TAGNODE_ERROR_ARGUMENT;
    CHECK(tagnode_frontend_create(settings, rate, channels, &frontend, &why) == bad);
    CHECK(frontend == NULL);
    CHECK(message_has(&why, named));
    CHECK(tagnode_frontend_create(settings, rate, channels, &frontend, NULL) == bad);
}

static void refuse_number(size_t offset, const uint32_t *values, size_t count, const char *named) {
    for (size_t i = 0; i < count; ++i) {
        tagnode_frontend_settings s = musicnn();
        memcpy((char *)&s + offset, &values[i], sizeof values[i]);
        refuse(&s, 44100, 1, named);
    }
}

static void refuse_real(size_t offset, const double *values, size_t count, const char *named) {
    for (size_t i = 0; i < count; ++i) {
        tagnode_frontend_settings s = musicnn();
        memcpy((char *)&s + offset, &values[i], sizeof values[i]);
        refuse(&s, 44100, 1, named);
    }
}

#define MEMBER(name) offsetof(tagnode_frontend_settings, name)
#define LIST(type, ...) (const type[]){__VA_ARGS__}, sizeof((type[]){__VA_ARGS__}) / sizeof(type)

static void test_settings_out_of_range_are_refused_with_a_sentence(void) {
    refuse_number(MEMBER(sample_rate), LIST(uint32_t, 0, 7999, 48001, UINT32_MAX), "sample rate");
    refuse_number(MEMBER(frame), LIST(uint32_t, 0, 1, 513, UINT32_MAX), "frame");
    refuse_number(MEMBER(fft), LIST(uint32_t, 0, 128, 513, 768, 8192, UINT32_MAX), "FFT");
    refuse_number(MEMBER(hop), LIST(uint32_t, 0, 513, UINT32_MAX), "hop");
    refuse_number(MEMBER(bands), LIST(uint32_t, 0, 257, UINT32_MAX), "bands");
    refuse_number(MEMBER(window), LIST(uint32_t, 2, UINT32_MAX), "window");
    refuse_number(MEMBER(mel_scale), LIST(uint32_t, 3, UINT32_MAX), "scale");
    refuse_number(MEMBER(mel_triangles), LIST(uint32_t, 2, UINT32_MAX), "triangles");
    refuse_number(MEMBER(exponent), LIST(uint32_t, 3, UINT32_MAX), "exponent");
    refuse_number(MEMBER(framing), LIST(uint32_t, 2, UINT32_MAX), "framing");
    refuse_number(MEMBER(mel_norm), LIST(uint32_t, 2, UINT32_MAX), "norm");
    refuse_number(MEMBER(spectrum), LIST(uint32_t, 2, UINT32_MAX), "spectrum");
    refuse_number(MEMBER(log), LIST(uint32_t, 6, UINT32_MAX), "logarithm");
    refuse_real(MEMBER(log_parameter), LIST(double, 0, -1, 1e-31, 1e31, NAN, INFINITY),
                "logarithm");
    refuse_real(MEMBER(fmin), LIST(double, -1, 8000, 9000, NAN), "bands go from");
    refuse_real(MEMBER(fmax), LIST(double, 0, -1, 8000.5, NAN, INFINITY), "bands go from");
    tagnode_frontend_settings s = musicnn();
    s.mel_scale = TAGNODE_MEL_NONE;
    s.bands = 258;
    refuse(&s, 44100, 1, "1 to 257");
    s = musicnn();
    refuse(&s, 7999, 1, "sample rate");
    refuse(&s, 192001, 1, "sample rate");
    refuse(&s, 44100, 0, "channels");
    refuse(&s, 44100, 9, "channels");
    tagnode_frontend_destroy(NULL);
}

/* As tagnode.h has them. */
static void test_settings_at_their_limits_are_accepted(void) {
    tagnode_frontend_settings limits[14];
    for (size_t i = 0; i < 14; ++i) limits[i] = musicnn();
    limits[0].sample_rate = 8000;
    limits[0].fmax = 4000;
    limits[1].sample_rate = 48000;
    limits[1].fmax = 24000;
    limits[2].frame = 2;
    limits[2].hop = 1;
    limits[3].frame = limits[3].fft;
    limits[4].fft = limits[4].frame = limits[4].hop = 256;
    limits[5].fft = 4096;
    limits[6].hop = limits[6].frame;
    limits[7].bands = 1;
    limits[8].bands = TAGNODE_MAX_BANDS;
    limits[9].log_parameter = 1e-30;
    limits[10].log_parameter = 1e30;
    limits[11].log = TAGNODE_LOG_OFFSET;
    limits[11].log_parameter = 0;
    limits[12].log = TAGNODE_LOG_NONE; /* without a parameter */
    limits[12].log_parameter = NAN;
    limits[13].fmin = nextafter(limits[13].fmax, 0);
    const uint32_t rates[] = {8000, 192000}, channels[] = {1, TAGNODE_MAX_CHANNELS};
    for (size_t i = 0; i < 28; ++i) {
        tagnode_frontend *frontend = NULL;
        CHECK(tagnode_frontend_create(&limits[i / 2], rates[i % 2], channels[i % 2], &frontend,
                                      NULL) == TAGNODE_OK);
        tagnode_frontend_destroy(frontend);
    }
}

int main(void) {
    const char *const sets[] = {"portable", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; ++i) {
        setenv("TAGNODE_ISA", sets[i], 1);
        if (strcmp(tagnode_frontend_instruction_set(), sets[i]) != 0) {
            printf("skipped: %s, which this machine lacks\n", sets[i]);
            continue;
        }
        test_mel_frames_match_a_naive_transform();
        test_zeros_have_the_value_of_their_law();
        test_frames_begin_at_their_sample();
        test_a_sine_is_in_its_band_only();
        test_results_are_always_finite();
        test_any_partition_into_blocks_gives_the_same_bits();
        test_other_rates_match_resampled_input();
        test_channels_are_averaged();
        test_non_finite_samples_count_as_0();
    }
    unsetenv("TAGNODE_ISA");
    test_settings_out_of_range_are_refused_with_a_sentence();
    test_settings_at_their_limits_are_accepted();
    return closing_line();
}
