#include "descriptors/hum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;
static const double MAINS[2] = {50, 60};
static const double MOST_OFF = 0.2; /* Hz of the fundamental; European mains keep within it */
static const double UNSURE = 0.05;  /* Hz, of a measured frequency */
static const double SILENT = 1e-9;  /* mean square, -90 dBFS */
static const double STEADY = 0.8;   /* coherence of a line; a share of it is programme or noise */

static double hertz_of(uint32_t line) TAGNODE_NONBLOCKING {
    return MAINS[line / TAGNODE_HUM_HARMONICS] * (line % TAGNODE_HUM_HARMONICS + 1);
}

tagnode_status tagnode_hum_create(tagnode_hum *h, uint32_t streams, double rate, uint32_t length) {
    memset(h, 0, sizeof *h);
    h->streams = streams;
    h->length = length;
    h->seconds = length / rate;
    const size_t size = (size_t)length * TAGNODE_HUM_LINES;
    h->memory = calloc(2 * size, sizeof *h->memory);
    if (h->memory == NULL) return TAGNODE_ERROR_MEMORY;
    h->cosine = h->memory;
    h->sine = h->memory + size;
    for (uint32_t i = 0; i < length; ++i)
        for (uint32_t line = 0; line < TAGNODE_HUM_LINES; ++line) {
            const double angle = 2 * PI * hertz_of(line) * i / rate;
            h->cosine[i * TAGNODE_HUM_LINES + line] = (float)cos(angle);
            h->sine[i * TAGNODE_HUM_LINES + line] = (float)-sin(angle);
        }
    return TAGNODE_OK;
}

void tagnode_hum_destroy(tagnode_hum *hum) {
    free(hum->memory);
}

void tagnode_hum_reset(tagnode_hum *h) {
    memset(h->re, 0, sizeof h->re);
    memset(h->im, 0, sizeof h->im);
    memset(h->before, 0, sizeof h->before);
    memset(h->block, 0, sizeof h->block);
    h->filled = h->at = 0;
}

void tagnode_hum_process(tagnode_hum *h, const float *const *samples, uint32_t count) {
    for (uint32_t s = 0; s < h->streams; ++s)
        for (uint32_t i = 0; i < count; ++i) {
            const float x = samples[s][i];
            const size_t row = (size_t)(h->filled + i) * TAGNODE_HUM_LINES;
            for (size_t v = 0; v < TAGNODE_HUM_VECTORS; ++v) {
                const size_t at = row + v * TAGNODE_LANES;
                h->re[s][v] += x * *(const tagnode_vector *)(h->cosine + at);
                h->im[s][v] += x * *(const tagnode_vector *)(h->sine + at);
            }
        }
    h->filled += count;
}

static void end_block(tagnode_hum *h, tagnode_hum_sums *sums) TAGNODE_NONBLOCKING {
    memset(sums, 0, sizeof *sums);
    for (uint32_t s = 0; s < h->streams; ++s)
        for (uint32_t line = 0; line < TAGNODE_HUM_LINES; ++line) {
            tagnode_hum_bin *before = &h->before[s][line];
            const double re = (double)h->re[s][line / TAGNODE_LANES][line % TAGNODE_LANES];
            const double im = (double)h->im[s][line / TAGNODE_LANES][line % TAGNODE_LANES];
            const double past_re = (double)before->re, past_im = (double)before->im;
            sums->power[line] += re * re + im * im;
            sums->re[line] += re * past_re + im * past_im;
            sums->im[line] += im * past_re - re * past_im;
            *before = (tagnode_hum_bin){(float)re, (float)im};
        }
    memset(h->re, 0, sizeof h->re);
    memset(h->im, 0, sizeof h->im);
    h->filled = 0;
}

/* The power of one line, 0 unless it is steady and at its frequency: one within some Hz turns by
 * the same angle from block to block. */
static double line_power(const tagnode_hum *h, const tagnode_hum_sums *all, uint32_t line)
    TAGNODE_NONBLOCKING {
    const double size = sqrt(all->re[line] * all->re[line] + all->im[line] * all->im[line]);
    const double coherence = all->power[line] > 0 ? size / all->power[line] : 0;
    if (coherence < STEADY) return 0;
    const double turns = atan2(all->im[line], all->re[line]) / (2 * PI);
    double off = turns - hertz_of(line) * h->seconds;
    off = (off - floor(off + 0.5)) / h->seconds;
    const double harmonic = line % TAGNODE_HUM_HARMONICS + 1;
    if (fabs(off) > MOST_OFF * harmonic + UNSURE) return 0;
    const double full = (double)h->length * h->length / 2; /* of a sine with a mean square of 1 */
    return all->power[line] / (full * TAGNODE_HUM_BLOCKS);
}

float tagnode_hum_block(tagnode_hum *h, double mean_square) {
    tagnode_hum_sums *newest = &h->block[h->at];
    end_block(h, newest);
    newest->all = mean_square;
    h->at = (h->at + 1) % TAGNODE_HUM_BLOCKS;
    tagnode_hum_sums all = {{0}, {0}, {0}, 0};
    for (uint32_t i = 0; i < TAGNODE_HUM_BLOCKS; ++i) {
        for (uint32_t line = 0; line < TAGNODE_HUM_LINES; ++line) {
            all.power[line] += h->block[i].power[line];
            all.re[line] += h->block[i].re[line];
            all.im[line] += h->block[i].im[line];
        }
        all.all += h->block[i].all;
    }
    const double total = all.all / TAGNODE_HUM_BLOCKS;
    if (total < SILENT) return 0;
    double most = 0;
    for (uint32_t family = 0; family < 2; ++family) {
        double power = 0;
        for (uint32_t k = 0; k < TAGNODE_HUM_HARMONICS; ++k)
            power += line_power(h, &all, family * TAGNODE_HUM_HARMONICS + k);
        most = power > most ? power : most;
    }
    const double share = most / total;
    return share < 1 ? (float)share : 1;
}
