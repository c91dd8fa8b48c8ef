#include "frontend/mel_plan.h"

#include "support/aligned.h"
#include "support/message.h"

#include <math.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

static tagnode_status check_bands(const tagnode_frontend_settings *s, tagnode_message *why) {
    if (s->mel_scale == TAGNODE_MEL_NONE) {
        if (s->bands >= 1 && s->bands <= s->fft / 2 + 1) return TAGNODE_OK;
        return tagnode_refuse(why, "There are %u bands of a spectrum; it must be from 1 to %u.",
                              s->bands, s->fft / 2 + 1);
    }
    if (s->bands < 1 || s->bands > TAGNODE_MAX_BANDS)
        return tagnode_refuse(why, "There are %u mel bands; it must be from 1 to %d.", s->bands,
                              TAGNODE_MAX_BANDS);
    if (!(s->fmin >= 0 && s->fmin < s->fmax && s->fmax <= s->sample_rate / 2.0))
        return tagnode_refuse(
            why, "The mel bands go from %g to %g Hz; 0 <= fmin < fmax <= %g Hz is expected.",
            s->fmin, s->fmax, s->sample_rate / 2.0);
    return TAGNODE_OK;
}

static bool has_known_choices(const tagnode_frontend_settings *s) {
    return tagnode_window_name((uint32_t)s->window) != NULL &&
           tagnode_mel_scale_name((uint32_t)s->mel_scale) != NULL &&
           tagnode_mel_triangles_name((uint32_t)s->mel_triangles) != NULL &&
           tagnode_mel_norm_name((uint32_t)s->mel_norm) != NULL &&
           tagnode_spectrum_name((uint32_t)s->spectrum) != NULL &&
           tagnode_exponent_name((uint32_t)s->exponent) != NULL &&
           tagnode_log_name((uint32_t)s->log) != NULL &&
           tagnode_framing_name((uint32_t)s->framing) != NULL;
}

static tagnode_status check(const tagnode_frontend_settings *s, tagnode_message *why) {
    if (s->sample_rate < 8000 || s->sample_rate > 48000)
        return tagnode_refuse(why,
                              "The model's sample rate is %u Hz; it must be from 8000 to 48000.",
                              s->sample_rate);
    if (s->fft < 256 || s->fft > 4096 || (s->fft & (s->fft - 1)) != 0)
        return tagnode_refuse(
            why, "The FFT has %u points; it must be a power of two from 256 to 4096.", s->fft);
    if (s->frame < 2 || s->frame > s->fft)
        return tagnode_refuse(why, "The frame has %u samples; it must be from 2 to the FFT's %u.",
                              s->frame, s->fft);
    if (s->hop < 1 || s->hop > s->frame)
        return tagnode_refuse(why, "The hop is %u samples; it must be from 1 to the frame's %u.",
                              s->hop, s->frame);
    const bool none = s->log == TAGNODE_LOG_OFFSET && s->log_parameter == 0;
    if (s->log != TAGNODE_LOG_NONE && !none &&
        !(s->log_parameter >= 1e-30 && s->log_parameter <= 1e30)) /* normal floats */
        return tagnode_refuse(why,
                              "The parameter of the logarithm is %g; it must be 1e-30 to 1e30.",
                              s->log_parameter);
    if (!has_known_choices(s))
        return tagnode_refuse(why, "The window, mel scale, triangles, norm, spectrum, exponent, "
                                   "logarithm or framing is not one of those in tagnode.h.");
    return check_bands(s, why);
}

/* Slaney's scale (Auditory Toolbox, 1998): linear to 1 kHz, 27 steps to each factor of 6.4 above;
 * HTK's: O'Shaughnessy. */
static double hz_to_mel(double hz, tagnode_mel_scale scale) {
    if (scale == TAGNODE_MEL_HTK) return 2595.0 * log10(1.0 + hz / 700.0);
    return hz < 1000.0 ? hz * 3.0 / 200.0 : 15.0 + 27.0 * log(hz / 1000.0) / log(6.4);
}

static double mel_to_hz(double mel, tagnode_mel_scale scale) {
    if (scale == TAGNODE_MEL_HTK) return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
    return mel < 15.0 ? mel * 200.0 / 3.0 : 1000.0 * pow(6.4, (mel - 15.0) / 27.0);
}

/* Returns corner `index` of the bands in mel. */
static double band_edge(const tagnode_frontend_settings *s, uint32_t index) {
    const double low = hz_to_mel(s->fmin, s->mel_scale), high = hz_to_mel(s->fmax, s->mel_scale);
    return low + (high - low) * index / (s->bands + 1.0);
}

/* Range of bins on which a band's triangle is above 0, and its corners, in Hz or mel. */
typedef struct {
    double low, centre, high, scale;
    double from_hz, to_hz;
    uint32_t first, used;
} mel_filter;

static double triangle(const tagnode_frontend_settings *s, const mel_filter *f, uint32_t bin) {
    const double hz = (double)bin * s->sample_rate / s->fft;
    if (hz < f->from_hz || hz > f->to_hz) return 0;
    const bool mel = s->mel_triangles == TAGNODE_TRIANGLES_MEL;
    const double x = mel ? hz_to_mel(hz, s->mel_scale) : hz;
    const double rise = (x - f->low) / (f->centre - f->low);
    const double fall = (f->high - x) / (f->high - f->centre);
    const double least = rise < fall ? rise : fall;
    return least > 0 ? least : 0;
}

static mel_filter filter_of(const tagnode_frontend_settings *s, uint32_t band) {
    const double low = band_edge(s, band), centre = band_edge(s, band + 1);
    const double high = band_edge(s, band + 2);
    const bool mel = s->mel_triangles == TAGNODE_TRIANGLES_MEL;
    mel_filter f = {.from_hz = mel_to_hz(low, s->mel_scale),
                    .to_hz = mel_to_hz(high, s->mel_scale),
                    .scale = 1.0};
    f.low = mel ? low : f.from_hz;
    f.centre = mel ? centre : mel_to_hz(centre, s->mel_scale);
    f.high = mel ? high : f.to_hz;
    if (s->mel_norm == TAGNODE_NORM_SLANEY) f.scale = 2.0 / (f.to_hz - f.from_hz);
    for (uint32_t bin = 0; bin <= s->fft / 2; ++bin)
        if (triangle(s, &f, bin) > 0) {
            if (f.used == 0) f.first = bin;
            f.used = bin + 1 - f.first;
        }
    return f;
}

/* Writes the filters if `weights` is not NULL; returns the total number of weights. */
static size_t build_filters(const tagnode_frontend_settings *s, uint32_t *start, uint32_t *width,
                            float *weights) {
    size_t total = 0;
    const uint32_t filters = s->mel_scale == TAGNODE_MEL_NONE ? 0 : s->bands;
    for (uint32_t band = 0; band < filters; ++band) {
        const mel_filter f = filter_of(s, band);
        const uint32_t padded =
            (f.used + TAGNODE_MEL_LANES - 1) / TAGNODE_MEL_LANES * TAGNODE_MEL_LANES;
        if (weights != NULL) {
            start[band] = f.first;
            width[band] = padded;
            for (uint32_t i = 0; i < f.used; ++i) /* the padding is 0 already */
                weights[total + i] = (float)(f.scale * triangle(s, &f, f.first + i));
        }
        total += padded;
    }
    return total;
}

static void build_window(tagnode_mel_plan *plan) {
    const tagnode_frontend_settings *s = &plan->settings;
    const double period = s->window == TAGNODE_WINDOW_HANN_PERIODIC ? s->frame : s->frame - 1.0;
    for (uint32_t i = 0; i < s->frame; ++i) {
        const float value = (float)(0.5 - 0.5 * cos(2 * PI * i / period));
        *(i % 2 == 0 ? &plan->window_even[i / 2] : &plan->window_odd[i / 2]) = value;
    }
}

static void twiddle(double turns, float *re, float *im) {
    *re = (float)cos(2 * PI * turns);
    *im = (float)-sin(2 * PI * turns);
}

/* Twiddles of the radix-4 stages of a `rows`-point FFT; returns their number. */
static size_t build_stages(uint32_t rows, float *re, float *im) {
    size_t count = 0;
    for (; rows >= 4; rows /= 4)
        for (uint32_t p = 0; p < rows / 4; ++p)
            for (uint32_t power = 1; power <= 3; ++power, ++count)
                if (re != NULL) twiddle((double)(p * power) / rows, &re[count], &im[count]);
    return count;
}

static void build_twiddles(tagnode_mel_plan *plan) {
    build_stages(plan->rows, plan->row_twiddle_re, plan->row_twiddle_im);
    build_stages(plan->columns, plan->column_twiddle_re, plan->column_twiddle_im);
    for (uint32_t r = 0; r < plan->rows; ++r)
        for (uint32_t c = 0; c < plan->columns; ++c) {
            const uint32_t i = r * plan->columns + c;
            twiddle((double)(r * c) / plan->n, &plan->middle_re[i], &plan->middle_im[i]);
        }
    for (uint32_t k = 0; k <= plan->n / 2; ++k)
        twiddle((double)k / (2.0 * plan->n), &plan->split_re[k], &plan->split_im[k]);
}

static size_t lay_out(tagnode_mel_plan *plan, char *memory, size_t weights) {
    const size_t n = plan->n, bands = plan->settings.bands, f = sizeof(float);
    const size_t row_stages = build_stages(plan->rows, NULL, NULL),
                 column_stages = build_stages(plan->columns, NULL, NULL);
    size_t used = 0;
    plan->window_even = tagnode_take_part(memory, &used, n * f);
    plan->window_odd = tagnode_take_part(memory, &used, n * f);
    plan->row_twiddle_re = tagnode_take_part(memory, &used, row_stages * f);
    plan->row_twiddle_im = tagnode_take_part(memory, &used, row_stages * f);
    plan->column_twiddle_re = tagnode_take_part(memory, &used, column_stages * f);
    plan->column_twiddle_im = tagnode_take_part(memory, &used, column_stages * f);
    plan->middle_re = tagnode_take_part(memory, &used, n * f);
    plan->middle_im = tagnode_take_part(memory, &used, n * f);
    plan->split_re = tagnode_take_part(memory, &used, (n / 2 + 1) * f);
    plan->split_im = tagnode_take_part(memory, &used, (n / 2 + 1) * f);
    plan->start = tagnode_take_part(memory, &used, bands * sizeof *plan->start);
    plan->width = tagnode_take_part(memory, &used, bands * sizeof *plan->width);
    plan->weights = tagnode_take_part(memory, &used, weights * f);
    for (int i = 0; i < 2; ++i) {
        plan->scratch_re[i] = tagnode_take_part(memory, &used, n * f);
        plan->scratch_im[i] = tagnode_take_part(memory, &used, n * f);
    }
    plan->spectrum = tagnode_take_part(memory, &used, (n + 1 + TAGNODE_MEL_LANES) * f);
    plan->upper = tagnode_take_part(memory, &used, (n / 2 + 1) * f);
    return used;
}

tagnode_status tagnode_mel_plan_create(const tagnode_frontend_settings *settings,
                                       tagnode_mel_plan *plan, tagnode_message *why) {
    memset(plan, 0, sizeof *plan);
    const tagnode_status status = check(settings, why);
    if (status != TAGNODE_OK) return status;
    plan->settings = *settings;
    plan->n = settings->fft / 2;
    for (plan->rows = 8; plan->rows * plan->rows * 4 <= plan->n; plan->rows *= 2) {}
    plan->columns = plan->n / plan->rows;

    const size_t weights = build_filters(settings, NULL, NULL, NULL);
    const size_t bytes = lay_out(plan, NULL, weights);
    plan->memory = tagnode_aligned_calloc(bytes);
    if (plan->memory == NULL)
        return tagnode_report(why, TAGNODE_ERROR_MEMORY, "No memory for the mel plan (%zu bytes).",
                              bytes);
    lay_out(plan, plan->memory, weights);
    build_window(plan);
    build_twiddles(plan);
    build_filters(settings, plan->start, plan->width, plan->weights);
    return TAGNODE_OK;
}

void tagnode_mel_plan_destroy(tagnode_mel_plan *plan) {
    tagnode_aligned_free(plan->memory);
    memset(plan, 0, sizeof *plan);
}

uint32_t tagnode_mel_plan_lead(const tagnode_frontend_settings *settings) {
    if (settings->framing == TAGNODE_FRAMING_FROM_ZERO) return 0;
    return settings->fft / 2 - (settings->fft - settings->frame) / 2;
}
