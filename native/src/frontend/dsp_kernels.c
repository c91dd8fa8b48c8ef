/* dsp_kernels.c - one mel frame, compiled once for each instruction set (TAGNODE_DSP_NAME names the
 * table).
 *
 * The complex FFT of n = rows * columns points runs in two passes. Each transforms down the rows of
 * a matrix, so that every inner loop is over consecutive floats and vectorises fully (Bailey, "FFTs
 * in external or hierarchical memory", 1990): rows-point FFTs down the columns, a twiddle, a
 * transposition, columns-point FFTs down the columns. */
#include "frontend/dsp.h"

#include <math.h>
#include <string.h>

#if defined(__AVX512F__)
enum { VECTOR = 16 };
#elif defined(__AVX__)
enum { VECTOR = 8 };
#else
enum { VECTOR = 4 };
#endif
typedef float lanes __attribute__((vector_size(VECTOR * sizeof(float)), aligned(4), may_alias));
/* Vector length of the FFT: the shortest run is 8 floats, and Zen 4 is no faster with 16. */
enum { PART = VECTOR < 8 ? VECTOR : 8 };
typedef float parts __attribute__((vector_size(PART * sizeof(float)), aligned(4), may_alias));
typedef float lanes4 __attribute__((vector_size(16), aligned(4), may_alias));

/* Adds the lanes as a tree: a chain of additions would cost more than the products. */
static inline float add_up(lanes all) TAGNODE_NONBLOCKING {
#if defined(__AVX512F__)
    typedef float lanes8 __attribute__((vector_size(32)));
    const lanes8 eight = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7) +
                         __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(__AVX__)
    const lanes eight = all;
#endif
#if defined(__AVX__)
    const lanes4 four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +
                        __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
#else
    const lanes4 four = all;
#endif
    return (four[0] + four[2]) + (four[1] + four[3]);
}

static float dot(const float *a, const float *b, size_t length) TAGNODE_NONBLOCKING {
    lanes sum[4] = {{0}, {0}, {0}, {0}}; /* four chains hide the latency of the multiply-add */
    size_t i = 0;
    for (; i + 4 * VECTOR <= length; i += 4 * VECTOR)
        for (size_t j = 0; j < 4; ++j)
            sum[j] += *(const lanes *)(a + i + j * VECTOR) * *(const lanes *)(b + i + j * VECTOR);
    for (; i < length; i += VECTOR) sum[0] += *(const lanes *)(a + i) * *(const lanes *)(b + i);
    const lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return add_up(all);
}

static inline parts load(const float *x) TAGNODE_NONBLOCKING {
    return *(const parts *)x;
}

static inline void store(float *y, parts x) TAGNODE_NONBLOCKING {
    *(parts *)y = x;
}

/* One radix-4 stage of a Stockham FFT: `length` points left to split, `run` consecutive floats
 * share a twiddle. Vectorised by hand, since gcc 12 does not vectorise loops over so many pointers.
 */
static void radix4(size_t length, size_t run, const float *wr, const float *wi, const float *xr,
                   const float *xi, float *yr, float *yi) TAGNODE_NONBLOCKING {
    const size_t step = run * (length / 4);
    for (size_t p = 0; p < length / 4; ++p, wr += 3, wi += 3)
        for (size_t q = 0; q < run; q += PART) {
            const size_t in = run * p + q, out = run * 4 * p + q;
            const parts ar = load(xr + in), br = load(xr + in + step);
            const parts cr = load(xr + in + 2 * step), dr = load(xr + in + 3 * step);
            const parts ai = load(xi + in), bi = load(xi + in + step);
            const parts ci = load(xi + in + 2 * step), di = load(xi + in + 3 * step);
            const parts sum_ac_r = ar + cr, sum_ac_i = ai + ci, sum_bd_r = br + dr;
            const parts dif_ac_r = ar - cr, dif_ac_i = ai - ci, sum_bd_i = bi + di;
            const parts dif_bd_r = br - dr, dif_bd_i = bi - di;
            const parts f_r = dif_ac_r + dif_bd_i, f_i = dif_ac_i - dif_bd_r; /* a-c - j(b-d) */
            const parts g_r = sum_ac_r - sum_bd_r, g_i = sum_ac_i - sum_bd_i;
            const parts h_r = dif_ac_r - dif_bd_i, h_i = dif_ac_i + dif_bd_r; /* a-c + j(b-d) */
            store(yr + out, sum_ac_r + sum_bd_r);
            store(yi + out, sum_ac_i + sum_bd_i);
            store(yr + out + run, wr[0] * f_r - wi[0] * f_i);
            store(yi + out + run, wr[0] * f_i + wi[0] * f_r);
            store(yr + out + 2 * run, wr[1] * g_r - wi[1] * g_i);
            store(yi + out + 2 * run, wr[1] * g_i + wi[1] * g_r);
            store(yr + out + 3 * run, wr[2] * h_r - wi[2] * h_i);
            store(yi + out + 3 * run, wr[2] * h_i + wi[2] * h_r);
        }
}

static void radix2(size_t run, const float *restrict xr, const float *restrict xi,
                   float *restrict yr, float *restrict yi) TAGNODE_NONBLOCKING {
    for (size_t q = 0; q < run; ++q) {
        yr[q] = xr[q] + xr[q + run];
        yi[q] = xi[q] + xi[q + run];
        yr[q + run] = xr[q] - xr[q + run];
        yi[q + run] = xi[q] - xi[q + run];
    }
}

/* FFTs down `rows` rows of `width` columns. Data starts in scratch[from]; returns the index of the
 * scratch that holds the result. */
static int fft_down(const tagnode_mel_plan *plan, size_t rows, size_t width, const float *wr,
                    const float *wi, int from) TAGNODE_NONBLOCKING {
    size_t run = width;
    for (; rows >= 4; rows /= 4, run *= 4) {
        radix4(rows, run, wr, wi, plan->scratch_re[from], plan->scratch_im[from],
               plan->scratch_re[!from], plan->scratch_im[!from]);
        wr += 3 * (rows / 4);
        wi += 3 * (rows / 4);
        from = !from;
    }
    if (rows == 2) {
        radix2(run, plan->scratch_re[from], plan->scratch_im[from], plan->scratch_re[!from],
               plan->scratch_im[!from]);
        from = !from;
    }
    return from;
}

static inline void transpose4(const float *x, size_t x_row, float *y, size_t y_row)
    TAGNODE_NONBLOCKING {
    const lanes4 a = *(const lanes4 *)x, b = *(const lanes4 *)(x + x_row);
    const lanes4 c = *(const lanes4 *)(x + 2 * x_row), d = *(const lanes4 *)(x + 3 * x_row);
    const lanes4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
                 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const lanes4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5),
                 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(lanes4 *)y = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(lanes4 *)(y + y_row) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(lanes4 *)(y + 2 * y_row) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(lanes4 *)(y + 3 * y_row) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* Multiplies by the middle twiddles and turns [rows][columns] into [columns][rows]. */
static void twiddle_transpose(const tagnode_mel_plan *plan, int from) TAGNODE_NONBLOCKING {
    const size_t rows = plan->rows, columns = plan->columns;
    float *restrict xr = plan->scratch_re[from], *restrict xi = plan->scratch_im[from];
    float *restrict yr = plan->scratch_re[!from], *restrict yi = plan->scratch_im[!from];
    const float *restrict wr = plan->middle_re, *restrict wi = plan->middle_im;
    for (size_t i = 0; i < plan->n; ++i) {
        const float r = xr[i] * wr[i] - xi[i] * wi[i];
        xi[i] = xr[i] * wi[i] + xi[i] * wr[i];
        xr[i] = r;
    }
    for (size_t r = 0; r < rows; r += 4)
        for (size_t c = 0; c < columns; c += 4) {
            transpose4(xr + r * columns + c, columns, yr + c * rows + r, rows);
            transpose4(xi + r * columns + c, columns, yi + c * rows + r, rows);
        }
}

/* From the complex FFT of the paired samples to the powers of bins 0 .. n of the real one. */
static void split_power(const tagnode_mel_plan *plan, const float *restrict zr,
                        const float *restrict zi) TAGNODE_NONBLOCKING {
    const size_t n = plan->n, half = n / 2;
    const float *restrict wr = plan->split_re, *restrict wi = plan->split_im;
    float *restrict lower = plan->spectrum, *restrict upper = plan->upper;
    const float *restrict mr = zr + n, *restrict mi = zi + n; /* read backwards: mirrored bins */
    for (size_t k = 1; k <= half; ++k) {
        const float even_r = 0.5f * (zr[k] + *(mr - k)), even_i = 0.5f * (zi[k] - *(mi - k));
        const float odd_r = 0.5f * (zi[k] + *(mi - k)), odd_i = 0.5f * (*(mr - k) - zr[k]);
        const float turned_r = wr[k] * odd_r - wi[k] * odd_i,
                    turned_i = wr[k] * odd_i + wi[k] * odd_r;
        const float low_r = even_r + turned_r, low_i = even_i + turned_i;
        const float high_r = even_r - turned_r, high_i = even_i - turned_i;
        lower[k] = low_r * low_r + low_i * low_i;
        upper[k] = high_r * high_r + high_i * high_i;
    }
    for (size_t k = half; k < n; ++k) lower[k] = upper[n - k];
    const float first = zr[0] + zi[0], last = zr[0] - zi[0];
    lower[0] = first * first;
    lower[n] = last * last;
}

static void apply_filters(const tagnode_mel_plan *plan, float *restrict mel) TAGNODE_NONBLOCKING {
    const float *weights = plan->weights;
    for (uint32_t band = 0; band < plan->settings.bands; ++band) {
        const float *bins = plan->spectrum + plan->start[band];
        lanes4 sum = {0};
        for (uint32_t i = 0; i < plan->width[band]; i += 4)
            sum += *(const lanes4 *)(bins + i) * *(const lanes4 *)(weights + i);
        weights += plan->width[band];
        mel[band] = (sum[0] + sum[2]) + (sum[1] + sum[3]);
    }
}

/* Natural logarithm of normal positive floats within 1 unit in the last place or so; polynomial
 * after Cephes' logf. */
static inline float natural_log(float x) TAGNODE_NONBLOCKING {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t exponent = (bits - 0x3f3504f3) >> 23; /* mantissa from sqrt(1/2) to sqrt(2) */
    bits -= (int32_t)((uint32_t)exponent << 23);
    float m;
    memcpy(&m, &bits, sizeof m);
    m -= 1.0f;
    const float e = (float)exponent, square = m * m;
    float y = 7.0376836292e-2f;
    y = y * m - 1.1514610310e-1f;
    y = y * m + 1.1676998740e-1f;
    y = y * m - 1.2420140846e-1f;
    y = y * m + 1.4249322787e-1f;
    y = y * m - 1.6668057665e-1f;
    y = y * m + 2.0000714765e-1f;
    y = y * m - 2.4999993993e-1f;
    y = y * m + 3.3333331174e-1f;
    y = y * m * square;
    y += e * -2.12194440e-4f; /* ln 2 in two parts */
    y -= 0.5f * square;
    return m + y + e * 0.693359375f;
}

/* The largest float whose square is finite. */
static const float MOST_ROOT = 1.8446743e19f;

static void raise_bands(const tagnode_frontend_settings *settings, float *restrict mel)
    TAGNODE_NONBLOCKING {
    const uint32_t bands = settings->bands;
    switch (settings->exponent) {
    case TAGNODE_EXPONENT_ONE: break;
    case TAGNODE_EXPONENT_TWO:
        for (uint32_t b = 0; b < bands; ++b) {
            const float x = mel[b] < MOST_ROOT ? mel[b] : MOST_ROOT;
            mel[b] = x * x;
        }
        break;
    case TAGNODE_EXPONENT_HALF:
        for (uint32_t b = 0; b < bands; ++b) mel[b] = sqrtf(mel[b]);
        break;
    }
}

static void compress(const tagnode_frontend_settings *settings, float *restrict mel)
    TAGNODE_NONBLOCKING {
    const float parameter = (float)settings->log_parameter;
    const float per_decade = 0.4342944819f; /* 1 / ln 10 */
    const float db = per_decade * (settings->spectrum == TAGNODE_SPECTRUM_POWER ? 10.0f : 20.0f);
    const uint32_t bands = settings->bands;
    const float tiny = 1.17549435e-38f;
    switch (settings->log) {
    case TAGNODE_LOG_NONE: break;
    case TAGNODE_LOG_LOG10_1P:
        for (uint32_t b = 0; b < bands; ++b)
            mel[b] = per_decade * natural_log(1.0f + parameter * mel[b]);
        break;
    case TAGNODE_LOG_OFFSET:
        for (uint32_t b = 0; b < bands; ++b) {
            const float x = mel[b] + parameter;
            mel[b] = natural_log(x > tiny ? x : tiny);
        }
        break;
    case TAGNODE_LOG_DB:
        for (uint32_t b = 0; b < bands; ++b)
            mel[b] = db * natural_log(mel[b] > parameter ? mel[b] : parameter);
        break;
    case TAGNODE_LOG_FLOOR:
        for (uint32_t b = 0; b < bands; ++b)
            mel[b] = natural_log(mel[b] > parameter ? mel[b] : parameter);
        break;
    case TAGNODE_LOG_ZERO:
        for (uint32_t b = 0; b < bands; ++b)
            mel[b] = natural_log(mel[b] >= tiny ? mel[b] : parameter);
        break;
    }
}

static int transform(const tagnode_mel_plan *plan) TAGNODE_NONBLOCKING {
    const int at =
        fft_down(plan, plan->rows, plan->columns, plan->row_twiddle_re, plan->row_twiddle_im, 0);
    twiddle_transpose(plan, at);
    return fft_down(plan, plan->columns, plan->rows, plan->column_twiddle_re,
                    plan->column_twiddle_im, !at);
}

static void mel_frame(const tagnode_mel_plan *plan, const float *samples, float *mel)
    TAGNODE_NONBLOCKING {
    const size_t n = plan->n, pairs = plan->settings.frame / 2;
    float *restrict re = plan->scratch_re[0], *restrict im = plan->scratch_im[0];
    const float *restrict even = plan->window_even, *restrict odd = plan->window_odd;
    for (size_t i = 0; i < pairs; ++i) {
        re[i] = samples[2 * i] * even[i];
        im[i] = samples[2 * i + 1] * odd[i];
    }
    if (pairs < n) {
        memset(re + pairs, 0, (n - pairs) * sizeof *re);
        memset(im + pairs, 0, (n - pairs) * sizeof *im);
        if (plan->settings.frame % 2 != 0) re[pairs] = samples[2 * pairs] * even[pairs];
    }

    const int at = transform(plan);
    split_power(plan, plan->scratch_re[at], plan->scratch_im[at]);
    if (plan->settings.spectrum == TAGNODE_SPECTRUM_MAGNITUDE)
        for (size_t k = 0; k <= n; ++k) plan->spectrum[k] = sqrtf(plan->spectrum[k]);
    if (plan->settings.mel_scale == TAGNODE_MEL_NONE)
        memcpy(mel, plan->spectrum, plan->settings.bands * sizeof *mel);
    else
        apply_filters(plan, mel);
    raise_bands(&plan->settings, mel);
    compress(&plan->settings, mel);
}

#define STRING(x) #x
#define NAME_OF(x) STRING(x)
#define PASTE(a, b) a##b
#define TABLE_OF(x) PASTE(tagnode_dsp_, x)

extern const tagnode_dsp TABLE_OF(TAGNODE_DSP_NAME);
const tagnode_dsp TABLE_OF(TAGNODE_DSP_NAME) = {NAME_OF(TAGNODE_DSP_NAME), mel_frame, transform,
                                                dot};
