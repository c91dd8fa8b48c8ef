#include "descriptors/loudness.h"

#include "descriptors/decibel.h"

#include <string.h>

enum { MOMENTARY = 40, BLOCK = 40, BLOCK_STEP = 10 /* steps of 10 ms */ };

static const double PI = 3.14159265358979323846;
static const double CALIBRATION = -0.691; /* BS.1770-4: 997 Hz at 0 dBFS in one channel is -3.01 */
static const double LOWEST = -70;         /* LUFS, the absolute gate */
static const double BINS_PER_LU = 50;

/* The K-weighting of BS.1770-4, a table for 48 kHz, as bilinear transforms of the underlying
 * analogue filters (De Man, "Evaluation of implementations of the EBU R128 loudness measurement",
 * 2018). */
static void build_weighting(tagnode_loudness *l, double sample_rate) {
    const double shelf_q = 0.7071752369554196, gain = pow(10, 3.999843853973347 / 20);
    const double k = tan(PI * 1681.974450955533 / sample_rate),
                 middle = pow(gain, 0.4996667741545416);
    const double a0 = 1 + k / shelf_q + k * k;
    l->shelf[0] = (gain + middle * k / shelf_q + k * k) / a0;
    l->shelf[1] = 2 * (k * k - gain) / a0;
    l->shelf[2] = (gain - middle * k / shelf_q + k * k) / a0;
    l->shelf[3] = 2 * (k * k - 1) / a0;
    l->shelf[4] = (1 - k / shelf_q + k * k) / a0;

    const double q = 0.5003270373238773, h = tan(PI * 38.13547087602444 / sample_rate);
    l->high_pass[0] = 2 * (h * h - 1) / (1 + h / q + h * h);
    l->high_pass[1] = (1 - h / q + h * h) / (1 + h / q + h * h);
}

/* Channel weights: L R Ls Rs; L R C Ls Rs; from six channels on L R C LFE and surrounds. */
static double weight_of(uint32_t channel, uint32_t channels) {
    const uint32_t front = channels == 4 ? 2 : 3;
    if (channel < front) return 1;
    return channels >= 6 && channel == 3 ? 0 : 1.41;
}

void tagnode_loudness_init(tagnode_loudness *l, uint32_t sample_rate, uint32_t channels) {
    memset(l, 0, sizeof *l);
    build_weighting(l, sample_rate);
    l->step_samples = sample_rate / 100.0;
    for (uint32_t c = 0; c < channels; ++c) {
        const double weight = weight_of(c, channels);
        if (weight == 0) continue;
        l->channel[l->counted] = c;
        l->weight[l->counted++] = weight;
    }
    l->integrated = TAGNODE_SILENT_DB;
}

/* |b0 + b1 / z + b2 / z^2|^2 on the unit circle. */
static double squared(double b0, double b1, double b2, double angle) {
    const double re = b0 + b1 * cos(angle) + b2 * cos(2 * angle);
    const double im = b1 * sin(angle) + b2 * sin(2 * angle);
    return re * re + im * im;
}

double tagnode_loudness_gain(const tagnode_loudness *l, double angle) {
    const double *s = l->shelf, *h = l->high_pass;
    return squared(s[0], s[1], s[2], angle) / squared(1, s[3], s[4], angle) *
           squared(1, -2, 1, angle) / squared(1, h[0], h[1], angle);
}

void tagnode_loudness_reset(tagnode_loudness *l) {
    memset(l->state, 0, sizeof l->state);
    memset(l->steps, 0, sizeof l->steps);
    memset(l->bins, 0, sizeof l->bins);
    l->all = (tagnode_pair){0, 0};
    l->at = l->loudest = 0;
    l->count = 0;
    l->integrated = TAGNODE_SILENT_DB;
}

/* Filters both channels and adds up the squares of the output. */
static void weigh(tagnode_loudness *l, uint32_t pair, const float *restrict left,
                  const float *restrict right, size_t length) TAGNODE_NONBLOCKING {
    const double *s = l->shelf, *h = l->high_pass;
    tagnode_pair s0 = l->state[pair].shelf[0], s1 = l->state[pair].shelf[1];
    tagnode_pair h0 = l->state[pair].high_pass[0], h1 = l->state[pair].high_pass[1];
    tagnode_pair energy = l->state[pair].energy;
    for (size_t i = 0; i < length; ++i) {
        const tagnode_pair x = {(double)left[i], (double)right[i]};
        const tagnode_pair y = s[0] * x + s0;
        s0 = (s[1] * x + s1) - s[3] * y;
        s1 = s[2] * x - s[4] * y;
        const tagnode_pair z = y + h0;
        h0 = (h1 - 2 * y) - h[0] * z;
        h1 = y - h[1] * z;
        energy += z * z;
    }
    l->state[pair].shelf[0] = s0;
    l->state[pair].shelf[1] = s1;
    l->state[pair].high_pass[0] = h0;
    l->state[pair].high_pass[1] = h1;
    l->state[pair].energy = energy;
}

void tagnode_loudness_process(tagnode_loudness *l, const float *const *samples, size_t length) {
    for (uint32_t i = 0; i < l->counted; i += 2) {
        const uint32_t partner = i + 1 < l->counted ? i + 1 : i; /* its energy is not used then */
        weigh(l, i / 2, samples[l->channel[i]], samples[l->channel[partner]], length);
    }
}

/* Energy of the current step so far. */
static double weighted_energy(const tagnode_loudness *l) TAGNODE_NONBLOCKING {
    double sum = 0;
    for (uint32_t i = 0; i < l->counted; ++i) sum += l->weight[i] * l->state[i / 2].energy[i % 2];
    return sum;
}

static uint32_t steps_ago(const tagnode_loudness *l, uint32_t count) TAGNODE_NONBLOCKING {
    return l->at >= count ? l->at - count : l->at + TAGNODE_LOUDNESS_STEPS - count;
}

static double add_up(const double *x, uint32_t count) TAGNODE_NONBLOCKING {
    double sum[4] = {0, 0, 0, 0};
    for (uint32_t i = 0; i < count; ++i) sum[i % 4] += x[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double last_steps(const tagnode_loudness *l, uint32_t count) TAGNODE_NONBLOCKING {
    const uint32_t first = steps_ago(l, count);
    if (first < l->at) return add_up(l->steps + first, count);
    return add_up(l->steps + first, TAGNODE_LOUDNESS_STEPS - first) + add_up(l->steps, l->at);
}

static double loudness_of(double mean_square) TAGNODE_NONBLOCKING {
    return CALIBRATION + 10 * log10(mean_square);
}

static uint32_t bin_of(double mean_square) TAGNODE_NONBLOCKING {
    const double bin = (loudness_of(mean_square) - LOWEST) * BINS_PER_LU;
    return bin < 0 ? 0 : bin < TAGNODE_LOUDNESS_BINS ? (uint32_t)bin : TAGNODE_LOUDNESS_BINS - 1;
}

/* The mean of the gating blocks down to 10 LU below the mean of all. Blocks in the bin that
 * contains this gate count all or none. */
static float integrate(const tagnode_loudness *l) TAGNODE_NONBLOCKING {
    const double gate = 0.1 * l->all[0] / l->all[1];
    const uint32_t edge = bin_of(gate);
    const bool whole = l->bins[edge][0] >= gate * l->bins[edge][1];
    tagnode_pair total = {0, 0};
    for (uint32_t i = whole ? edge : edge + 1; i <= l->loudest; ++i) total += l->bins[i];
    return tagnode_power_db(total[0] / total[1], CALIBRATION);
}

void tagnode_loudness_step(tagnode_loudness *l) {
    l->steps[l->at] = weighted_energy(l);
    for (uint32_t i = 0; i < TAGNODE_LOUDNESS_PAIRS; ++i) l->state[i].energy = (tagnode_pair){0, 0};
    l->at = (l->at + 1) % TAGNODE_LOUDNESS_STEPS;
    ++l->count;
    if (l->count < BLOCK || l->count % BLOCK_STEP != 0) return;
    const double mean_square = last_steps(l, BLOCK) / (BLOCK * l->step_samples);
    if (!(mean_square > 0) || !(loudness_of(mean_square) > LOWEST)) return;
    const uint32_t bin = bin_of(mean_square);
    const tagnode_pair block = {mean_square, 1};
    l->bins[bin] += block;
    l->all += block;
    l->loudest = bin > l->loudest ? bin : l->loudest;
    l->integrated = integrate(l);
}

/* The window moves evenly between steps: it loses as much of the oldest step as it has gained of
 * the newest. */
static float window_loudness(const tagnode_loudness *l, uint32_t steps, double progress)
    TAGNODE_NONBLOCKING {
    const double oldest = l->steps[steps_ago(l, steps)];
    const double energy = last_steps(l, steps) - progress * oldest + weighted_energy(l);
    return tagnode_power_db(energy / (steps * l->step_samples), CALIBRATION);
}

tagnode_loudness_reading tagnode_loudness_read(const tagnode_loudness *l, double progress) {
    return (tagnode_loudness_reading){
        .momentary = window_loudness(l, MOMENTARY, progress),
        .short_term = window_loudness(l, TAGNODE_LOUDNESS_STEPS, progress),
        .integrated = l->integrated,
    };
}
