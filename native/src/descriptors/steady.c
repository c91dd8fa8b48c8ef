#include "descriptors/steady.h"

#include "descriptors/decibel.h"

#include <math.h>
#include <string.h>

enum { FIRST_BIN = 2 /* the window spreads an offset below it */, BESIDE = 2 /* of a line */ };

static const double SECONDS = 2;
static const double TOP = 0.42;     /* of the rate: where the decimation's filter begins to fall */
static const double LEAST = 1e-12;  /* power of a band, -120 dB */
static const double GATE = 1.17e-7; /* mean square of -70 LUFS */
static const double NOISE_SMOOTH = 0.5614594836;     /* exp(-0.5772): of exponential powers */
static const double NEAR_HZ = 3, NEAR_SHARE = 0.003; /* what counts as the same frequency */
static const double MOVING = 2;                      /* dB squared: half of all presence */

/* Scale from a sum over one-sided bins of a Hann window to a mean square. */
static const double SCALE = 2 / (0.375 * TAGNODE_STEADY_FFT * TAGNODE_STEADY_FFT);

/* Critical bands are equally wide on this scale (Schroeder et al., "Optimizing digital speech
 * coders by exploiting masking properties of the human ear", 1979). */
static double hertz_at(double bark) {
    return 600 * sinh(bark / 6);
}

void tagnode_steady_init(tagnode_steady *s, double rate,
                         double (*gain)(const void *context, double hertz), const void *context) {
    memset(s, 0, sizeof *s);
    s->hz_per_bin = rate / TAGNODE_STEADY_FFT;
    s->window = (uint32_t)(SECONDS * rate / TAGNODE_STEADY_HOP + 0.5);
    const double low = FIRST_BIN * s->hz_per_bin, first = 6 * asinh(low / 600);
    const double width = (6 * asinh(TOP * rate / 600) - first) / TAGNODE_STEADY_BANDS;
    for (uint32_t b = 0; b <= TAGNODE_STEADY_BANDS; ++b)
        s->edge[b] = (uint32_t)(hertz_at(first + b * width) / s->hz_per_bin + 0.5);
    for (uint32_t b = 0; b < TAGNODE_STEADY_BANDS; ++b) {
        s->gain[b] = (float)gain(context, hertz_at(first + (b + 0.5) * width));
        /* 1.5 bins of a Hann window are independent; log of a mean of n exponentials. */
        const double independent = (s->edge[b + 1] - s->edge[b]) / 1.5;
        s->noise_variance[b] = (float)(18.86 / (independent - 0.5));
    }
}

void tagnode_steady_reset(tagnode_steady *s) {
    memset(s->peak, 0, sizeof s->peak);
    memset(s->all, 0, sizeof s->all);
    memset(s->weighted, 0, sizeof s->weighted);
    for (uint32_t b = 0; b < TAGNODE_STEADY_BANDS; ++b)
        for (uint32_t i = 0; i < TAGNODE_STEADY_FRAMES; ++i) { /* as of silence */
            s->db[b][i] = TAGNODE_SILENT_DB;
            s->smooth[b][i] = 1;
        }
    s->at = 0;
}

static void find_line(tagnode_steady *s, const float *power) TAGNODE_NONBLOCKING {
    uint32_t top = FIRST_BIN + BESIDE;
    const uint32_t end = s->edge[TAGNODE_STEADY_BANDS];
    for (uint32_t k = top; k < end; ++k) top = power[k] > power[top] ? k : top;
    double sum = 0, weighted = 0;
    for (uint32_t k = top - BESIDE; k <= top + BESIDE; ++k) {
        sum += (double)power[k];
        weighted += (double)power[k] * k;
    }
    s->peak[s->at] = (float)(sum * SCALE);
    s->peak_hz[s->at] = sum > 0 ? (float)(weighted / sum * s->hz_per_bin) : 0;
}

/* Sum of a band's powers, and its geometric mean by products of eight. */
static void measure_band(const float *power, uint32_t begin, uint32_t end, double *sum,
                         double *geometric) TAGNODE_NONBLOCKING {
    double total = 0, logarithms = 0, product = 1;
    for (uint32_t k = begin; k < end; ++k) {
        const double p = (double)power[k] + 1e-20;
        total += p;
        product *= p;
        if ((k - begin) % 8 != 7) continue;
        logarithms += log(product);
        product = 1;
    }
    *sum = total;
    *geometric = exp((logarithms + log(product)) / (end - begin));
}

void tagnode_steady_push(tagnode_steady *s, const float *power, double mean_square) {
    find_line(s, power);
    s->all[s->at] = (float)mean_square;
    for (uint32_t b = 0; b < TAGNODE_STEADY_BANDS; ++b) {
        const uint32_t begin = s->edge[b], end = s->edge[b + 1];
        double sum, geometric;
        measure_band(power, begin, end, &sum, &geometric);
        s->smooth[b][s->at] = (float)(geometric * (end - begin) / sum);
        sum *= SCALE;
        s->db[b][s->at] = (float)(10 * log10(sum + LEAST));
        s->weighted[b][s->at] = (float)sum * s->gain[b];
    }
    s->at = (s->at + 1) % s->window;
}

/* The share of the power in one line: at one frequency, and as much as it is steady. The geometric
 * mean is below the arithmetic one where the level changes. */
static float tone_of(const tagnode_steady *s) TAGNODE_NONBLOCKING {
    double sum = 0, weighted = 0, all = 0;
    for (uint32_t i = 0; i < s->window; ++i) {
        const double peak = (double)s->peak[i], total = (double)s->all[i];
        sum += peak;
        weighted += peak * (double)s->peak_hz[i];
        all += total > peak ? total : peak;
    }
    if (all < GATE * s->window) return 0;
    const double hertz = sum > 0 ? weighted / sum : 0, near = NEAR_HZ + NEAR_SHARE * hertz;
    double line = 0, logarithms = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->window; ++i) {
        const double peak = (double)s->peak[i];
        if (fabs((double)s->peak_hz[i] - hertz) > near || peak <= 0) continue;
        line += peak;
        logarithms += log(peak);
        ++count;
    }
    if (count == 0) return 0;
    const double steady = exp(logarithms / count) / (line / count), share = line / all * steady;
    return share < 1 ? (float)share : 1;
}

typedef struct {
    double weight, variance, smooth;
} band_reading;

static band_reading read_band(const tagnode_steady *s, uint32_t band) TAGNODE_NONBLOCKING {
    const float *db = s->db[band], *weighted = s->weighted[band], *smooth = s->smooth[band];
    double mean = 0, square = 0;
    band_reading r = {0, 0, 0};
    for (uint32_t i = 0; i < s->window; ++i) {
        mean += (double)db[i];
        square += (double)db[i] * (double)db[i];
        r.weight += (double)weighted[i];
        r.smooth += (double)smooth[i];
    }
    mean /= s->window;
    r.smooth /= s->window;
    r.variance = square / s->window - mean * mean;
    return r;
}

static double limited(double x) TAGNODE_NONBLOCKING {
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

tagnode_steady_reading tagnode_steady_read(const tagnode_steady *s) {
    double weight = 0, moving = 0, noise = 0;
    for (uint32_t b = 0; b < TAGNODE_STEADY_BANDS; ++b) {
        const band_reading r = read_band(s, b);
        const double expected = (double)s->noise_variance[b];
        const double excess = r.variance > expected ? r.variance - expected : 0;
        weight += r.weight;
        moving += r.weight * (excess < 100 ? excess : 100);
        noise += r.weight * limited((r.smooth / NOISE_SMOOTH - 0.5) / 0.4) *
                 limited(2 - excess / (1 + expected));
    }
    tagnode_steady_reading r = {tone_of(s), 0, 0};
    if (weight < GATE * s->window) return r;
    r.noise = (float)(noise / weight);
    moving /= weight;
    r.presence = (float)(moving / (moving + MOVING));
    return r;
}

bool tagnode_steady_levels(const tagnode_steady *s, float *db) {
    const uint32_t last = (s->at == 0 ? s->window : s->at) - 1;
    double sum = 0;
    for (uint32_t b = 0; b < TAGNODE_STEADY_BANDS; ++b) {
        db[b] = s->db[b][last];
        sum += (double)s->weighted[b][last];
    }
    return sum > GATE;
}
